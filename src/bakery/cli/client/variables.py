"""`bakery env`: an app's variables. `bakery apply`: what changed in them, live without a build."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bakery.cli.client.api import Body, connect, path
from bakery.cli.client.deploy import wait_for
from bakery.cli.client.places import App, Env
from bakery.cli.output import Json, print_done, print_json, print_rows, warn, write_log
from bakery.model.dotenv import write_dotenv
from bakery.model.errors import BadInput
from bakery.model.secret import Secret
from bakery.model.variables import parse_variable_name

group = typer.Typer(help="Variables of apps.", no_args_is_help=True)

_Names = Annotated[list[str], typer.Argument(metavar="NAME…", help="Names of variables.")]
_Scope = Annotated[str | None, typer.Option(help="run, build or both. Default: as it is; of a new one, run.")]
_Plain = Annotated[
    bool | None, typer.Option("--plain/--secret", help="Show the value to who may change it. Default: as it is.")
]
_LARGEST_FILE = 1024 * 1024


@group.command(name="list")
def list_(app: App, *, env: Env = None, json: Json = False) -> None:
    """List the variables of an app, without secret values."""
    with connect() as api:
        found = api.get(path("apps", app, "env", env=env))
    if json:
        print_json(found)
        return
    rows = [{**row, "value": "••••" if row["value"] is None else row["value"]} for row in found["items"]]
    columns = {"name": "NAME", "value": "VALUE", "scope": "USED IN", "changed_by": "BY", "changed_at": "CHANGED"}
    print_rows(rows, columns, as_json=False, empty=f"{app} has no variables. Set one with: bakery env set {app} KEY -")
    if found["not_live"]:
        warn(_not_live(app, found["not_live"]))


@group.command(name="set")
def set_(
    app: App,
    pairs: Annotated[
        list[str], typer.Argument(metavar="KEY=VALUE…", help="Or KEY -, which reads the value from stdin.")
    ],
    *,
    scope: _Scope = None,
    plain: _Plain = None,
    env: Env = None,
    json: Json = False,
) -> None:
    """Set variables. A secret is better read from stdin (KEY -) than written in a command that others can list."""
    text = write_dotenv(_pairs(pairs))
    wanted = {"text": text.reveal(), "scope": scope, "is_secret": None if plain is None else not plain}
    _save(app, wanted, env, json=json)


@group.command()
def unset(app: App, names: _Names, *, env: Env = None, json: Json = False) -> None:
    """Remove variables."""
    _save(app, {"unset": names}, env, json=json)


@group.command(name="import")
def import_(
    app: App,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A .env file; - reads stdin.")],
    *,
    replace: Annotated[bool, typer.Option("--replace", help="Remove what is not in the file.")] = False,
    scope: _Scope = None,
    plain: _Plain = None,
    env: Env = None,
    json: Json = False,
) -> None:
    """Set what a .env file says."""
    text = _read(file)
    wanted = {
        "text": text.reveal(),
        "replace": replace,
        "scope": scope,
        "is_secret": None if plain is None else not plain,
    }
    _save(app, wanted, env, json=json)


@group.command()
def export(app: App, *, env: Env = None, json: Json = False) -> None:
    """Print all variables with their values as a .env file. It is written down who did."""
    with connect() as api:
        found = api.post(path("apps", app, "env", "export", env=env))
    print_json(found) if json else typer.echo(found["text"], nl=False)


@group.command()
def reveal(app: App, names: _Names, *, env: Env = None, json: Json = False) -> None:
    """Print the values of variables; of one alone, just the value. It is written down who did."""
    with connect() as api:
        found: dict[str, str] = api.post(path("apps", app, "env", "reveal", env=env), {"names": names})["values"]
    if json:
        print_json({"values": found})
    elif len(found) == 1:
        write_log("".join(f"{value}\n" for value in found.values()))
    else:
        typer.echo(write_dotenv((name, Secret(value)) for name, value in found.items()).reveal(), nl=False)


@group.command()
def history(app: App, *, env: Env = None, json: Json = False) -> None:
    """List what was changed, the newest first."""
    with connect() as api:
        found = list(api.every(path("apps", app, "env", "history"), env=env))
    rows = found if json else [{**row, "what": _what(row)} for row in found]
    columns = {"number": "#", "what": "WHAT", "changed_by": "BY", "changed_at": "WHEN"}
    print_rows(rows, columns, as_json=json, empty=f"The variables of {app} were never changed.")


@group.command()
def restore(
    app: App,
    version: Annotated[int, typer.Argument(metavar="VERSION", help="As `bakery env history` lists it.")],
    *,
    env: Env = None,
    json: Json = False,
) -> None:
    """Bring back all variables as they were at a version."""
    with connect() as api:
        saved = api.post(path("apps", app, "env", "restore", env=env), {"version": version})
    print_done(saved, _said(app, saved), as_json=json)


def apply(
    app: App,
    *,
    wait: Annotated[
        bool, typer.Option("--wait", help="Follow the log to the end; the exit code is the outcome.")
    ] = False,
    env: Env = None,
    json: Json = False,
) -> None:
    """Make changed variables live: a deployment of the same build. Nothing is built."""
    with connect() as api:
        made = api.post(path("apps", app, "apply", env=env))
        if wait:
            wait_for(api, app, made["number"], json=json)
            return
    sentence = (
        f"Deployment #{made['number']} of {app} is queued. Follow it with: "
        f"bakery logs {app} --deployment {made['number']} --follow"
    )
    print_done(made, sentence, as_json=json)


def _save(app: str, wanted: Body, env: str | None, *, json: bool) -> None:
    with connect() as api:
        saved = api.patch(path("apps", app, "env", env=env), wanted)
    print_done(saved, _said(app, saved), as_json=json)


def _pairs(words: Sequence[str]) -> list[tuple[str, Secret]]:
    """`KEY=VALUE`, or `KEY -`: what stdin holds. The name is checked before anything is read."""
    pairs: list[tuple[str, Secret]] = []
    rest = list(words)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if equals:
            pairs.append((parse_variable_name(name), Secret(value)))
        elif rest[:1] == ["-"]:
            rest.pop(0)
            pairs.append((parse_variable_name(name), _one_value(_read("-"))))
        else:
            raise BadInput("Write KEY=VALUE, or KEY - to read the value from stdin.", field="KEY=VALUE")
    return pairs


def _one_value(text: Secret) -> Secret:
    """A line end after a single line is `echo`'s, and not meant; a key of several lines keeps its own."""
    line, end, rest = text.reveal().partition("\n")
    return Secret(line) if end and not rest else text


def _read(file: str) -> Secret:
    try:
        data = sys.stdin.buffer.read(_LARGEST_FILE + 1) if file == "-" else _beginning(Path(file))
        text = data.decode()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path, or bytes that are no UTF-8
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BadInput(f"It cannot be read: {reason}.", field="FILE") from None
    if len(data) > _LARGEST_FILE:
        raise BadInput("It has more than 1 MiB.", field="FILE")
    return Secret(text)


def _beginning(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(_LARGEST_FILE + 1)


def _said(app: str, saved: Body) -> str:
    if not (saved["added"] or saved["changed"] or saved["removed"]):
        return "Nothing changed."
    return f"Saved as version {saved['version']}: {_what(saved)}. Make it live with: bakery apply {app}"


def _what(change: Body) -> str:
    marks = (("+", change["added"]), ("~", change["changed"]), ("-", change["removed"]))
    what = " ".join(f"{mark}{name}" for mark, names in marks for name in names)
    return f"{what} (version {change['restores']} again)" if change.get("restores") else what


def _not_live(app: str, found: Body) -> str:
    how = f"Apply it with: bakery apply {app}" if found["can_apply"] else "The app has to be deployed from its source."
    return f"Not live yet: {_what(found)}. {how}"
