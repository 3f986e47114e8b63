"""`bakery deploy`: a commit of the app's repository, an image, or a folder becomes a deployment."""

import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Annotated

import typer

from bakery.cli.client.api import Api, Body, connect, path
from bakery.cli.client.archive import files_to_send, pack
from bakery.cli.client.follow import follow_log
from bakery.cli.client.places import Env
from bakery.cli.exits import SUPERSEDED
from bakery.cli.output import Json, print_done, warn, write_log
from bakery.model.errors import BadInput

_PIECE = 256 * 1024


def deploy(
    app: Annotated[str, typer.Argument(metavar="APP", help="The app's name.")],
    *,
    ref: Annotated[
        str | None, typer.Option(help="A branch, or a commit's hash. Default: what the app follows.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--dir", metavar="PATH", help="A folder to deploy instead; ignore files count.")
    ] = None,
    image: Annotated[
        str | None, typer.Option("--image", metavar="REF", help="An image of a registry to deploy instead, this once.")
    ] = None,
    tag: Annotated[
        str | None, typer.Option("--tag", help="Another tag or digest of the app's image, this once.")
    ] = None,
    at: Annotated[str | None, typer.Option(metavar="TIME", help="When to begin, like 2030-01-31T03:00.")] = None,
    skip_tests: Annotated[
        bool, typer.Option("--skip-tests", help="Without the project's tests, this once. It is kept in the audit log.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the log; the exit code is the outcome.")] = False,
    env: Env = None,
    json: Json = False,
) -> None:
    """Deploy the newest commit of an app's repository, its image, or a folder."""
    begin = None if at is None else _parse_time(at)
    if folder is not None and ref is not None:
        raise BadInput("A folder has no branches. Say --dir or --ref.", field="--ref")
    if folder is not None and (image is not None or tag is not None):
        raise BadInput("A folder is no image. Say --dir, --image or --tag.", field="--dir")
    names = None if folder is None else files_to_send(folder)
    with connect() as api, tempfile.TemporaryFile() as archive:
        source = None
        if folder is not None and names is not None:
            api.get(path("apps", app, env=env))  # before anything is packed: is there such an app?
            pack(folder, names, archive)
            source = _upload(api, path("apps", app, "sources", env=env), archive)["id"]
        wanted: Body = {"source": source, "ref": ref, "at": begin.isoformat() if begin else None}
        wanted |= {"image": image, "tag": tag, "skip_tests": skip_tests}
        # One key a command: a request that is repeated on the way makes no second deployment.
        key = {"idempotency-key": secrets.token_hex(16)}
        asked = api.post(path("apps", app, "deployments", env=env), wanted, headers=key)
        if wait and begin is None:
            wait_for(api, app, asked["number"], json=json)
            return
    print_done(
        asked,
        f"Deployment #{asked['number']} is {asked['state']}. "
        f"Follow it with: bakery logs {app} --deployment {asked['number']} --follow",
        as_json=json,
    )


def wait_for(api: Api, app: str, number: int, *, json: bool) -> None:
    """The log on stdout, or on stderr beside JSON; ends as the deployment did."""
    write = (lambda text: typer.echo(text, nl=False, err=True)) if json else write_log
    ended = follow_log(api, path("apps", app, "deployments", number), write)
    is_superseded = ended["state"] == "superseded"
    state = "superseded: a newer one took its place before it began" if is_superseded else ended["state"]
    print_done(ended, ended["failure"] or f"Deployment #{number} of {app}: {state}.", as_json=json)
    hint = f"See what came after it: bakery deployments {app}" if is_superseded else ended["hint"]
    if hint:
        warn(f"Hint: {hint}")
    if ended["state"] != "succeeded":
        raise typer.Exit(SUPERSEDED if is_superseded else 1)


def _parse_time(text: str) -> datetime:
    """Without a zone it is this machine's."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise BadInput(f"“{text}” is not a time like 2030-01-31T03:00.", field="--at") from None


def _upload(api: Api, where: str, archive: IO[bytes]) -> Body:
    size = archive.tell()
    archive.seek(0)
    with _progress(size) as advance:
        return api.upload(where, _pieces(archive, advance), size=size)


def _pieces(archive: IO[bytes], advance: Callable[[int], None]) -> Iterator[bytes]:
    while piece := archive.read(_PIECE):
        yield piece
        advance(len(piece))


@contextmanager
def _progress(size: int) -> Iterator[Callable[[int], None]]:
    """On a terminal, a bar on stderr."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    columns = (TextColumn("Uploading"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=size)
        yield lambda count: progress.advance(task, count)
