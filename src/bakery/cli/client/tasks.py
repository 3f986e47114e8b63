"""`bakery tasks`: what runs, waits, is planned, or failed lately, of all apps."""

from bakery.cli.client.api import Body, connect
from bakery.cli.output import Json, print_json, print_rows
from bakery.model.changes import change_in_words


def tasks(*, json: Json = False) -> None:
    """List the deployments of all apps that run, wait, are planned, or failed within a day."""
    with connect() as api:
        found = api.get("/tasks")
    if json:
        print_json(found)
        return
    rows = [_told(row) for group in ("running", "waiting", "scheduled", "failed") for row in found[group]]
    columns = {"app": "APP", "number": "#", "environment": "ENV", "node": "NODE", "state": "STATE", "what": "WHAT"}
    print_rows(rows, columns | {"why": "WHY"}, as_json=False, empty="Nothing runs, waits or failed since yesterday.")


def _told(row: Body) -> Body:
    why = row["failure"] or (f"behind #{row['behind']}" if row["behind"] else "")
    what = change_in_words(row["title"], back_to=row["back_to"], applies=row["applies"])
    return {**row, "what": what, "why": why or (f"{row['position']} in line" if row["position"] else None)}
