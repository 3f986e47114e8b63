"""`bakery nodes`: the machines that apps run on."""

from typing import Annotated

import typer

from bakery.cli.client.api import connect, path
from bakery.cli.output import Json, print_facts, print_rows

group = typer.Typer(help="The machines that apps run on.", no_args_is_help=True)


@group.command("list")
def list_nodes(*, json: Json = False) -> None:
    """List the nodes."""
    with connect() as api:
        nodes = list(api.every("/nodes"))
    columns = {"slug": "NODE", "name": "NAME", "is_watched": "WATCHED", "apps": "APPS"}
    print_rows(nodes, columns, as_json=json, empty="There is no node yet.")


@group.command()
def show(node: Annotated[str, typer.Argument(metavar="NODE", help="Its name.")], *, json: Json = False) -> None:
    """Show what a node can do."""
    with connect() as api:
        found = api.get(path("nodes", node))
    titles = {"slug": "Node", "name": "Name", "is_watched": "Watched", "apps": "Apps"}
    machine = {
        "public_address": "Address",
        "apps_domain": "Domain",
        "cpus": "CPUs",
        "nginx": "nginx",
        "limits": "Limits",
    }
    flat = found if json else {**found, **found.get("facts", {})}
    print_facts(flat, titles | (machine if "facts" in found else {}), as_json=json)
