"""`bakery plan`: what a deployment will do."""

from typing import Annotated

import typer

from bakery.cli.client.api import Body, connect, path
from bakery.cli.client.places import Env
from bakery.cli.output import Json, print_json, say

_MARKS = {"same": "  ", "added": "+ ", "removed": "- "}


def plan(
    app: Annotated[str, typer.Argument(metavar="APP", help="The app's name.")],
    *,
    ref: Annotated[
        str | None, typer.Option(help="A branch, or a commit's hash. Default: what the app follows.")
    ] = None,
    image: Annotated[str | None, typer.Option("--image", metavar="REF", help="An image of a registry instead.")] = None,
    tag: Annotated[str | None, typer.Option("--tag", help="Another tag or digest of the app's image.")] = None,
    skip_tests: Annotated[bool, typer.Option("--skip-tests", help="As for a deployment without its tests.")] = False,
    env: Env = None,
    json: Json = False,
) -> None:
    """Show what a deployment would do, and what is other than with the live release. Nothing is deployed."""
    with connect() as api:
        wanted = {"ref": ref, "image": image, "tag": tag, "skip_tests": skip_tests}
        found = api.post(path("apps", app, "plan", env=env), wanted)
    if json:
        print_json(found)
        return
    for line in _shown(app, found):
        say(line)


def _shown(app: str, found: Body) -> list[str]:
    is_image = found["commit"].startswith("sha256:")
    shown = [f"{found['commit'][:7]} {found['title']}, by {found['author']}."]
    if is_image:
        shown = [f"{found['title']} is {found['commit']}."]
    if found["compared_with"] is None:
        shown.append("Nothing is live yet to compare it with.")
    elif found["differs"]:
        shown.append(f"Compared with release #{found['compared_with']}: + is new, - goes.")
    else:
        shown.append(f"Made as release #{found['compared_with']} was.")
    for part in found["parts"]:
        shown.append(f"{_MARKS[part['change']]}{part['title']}")
        shown += [f"{_MARKS[line['change']]}  {line['text']}" for line in part["lines"]]
    named = f"--image {found['title'].partition('@')[0]}@{found['commit']}" if is_image else f"--ref {found['commit']}"
    return [*shown, f"Deploy it with: bakery deploy {app} {named}"]
