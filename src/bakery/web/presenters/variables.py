"""Variables as rows, and what of them is not live yet, in words."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from bakery.delivery.pending import Pending
from bakery.delivery.variables import SavedVersion, VariableRow
from bakery.model.secret import Secret
from bakery.model.variables import VariableName, VariableScope
from bakery.web.moments import moment
from bakery.web.views.forms import Clash, Difference, Option, Options
from bakery.web.views.variables import Change, NotLive, VersionRow
from bakery.web.views.variables import VariableRow as Row

USED_IN: Mapping[VariableScope, str] = {
    VariableScope.RUN: "run",
    VariableScope.BUILD: "build",
    VariableScope.BOTH: "build, run",
}
SCOPES: Options = (
    Option("run", "While it runs", "The app finds it in its environment."),
    Option("build", "While it is built", "Only its build does."),
    Option("both", "Both times"),
)


def variable_rows(
    rows: Iterable[VariableRow], revealed: Mapping[VariableName, Secret], pending: Pending | None, now: datetime
) -> list[Row]:
    waiting = pending.difference.names if pending else frozenset()
    return [_row(row, revealed.get(row.name), is_live=row.name not in waiting, now=now) for row in rows]


def not_live(pending: Pending) -> NotLive:
    made = pending.difference
    count = len(made.names)
    return NotLive(
        title="1 variable is not live yet." if count == 1 else f"{count} variables are not live yet.",
        note=_note(pending),
        changes=changes(made.added, made.changed, made.removed),
        can_apply=bool(pending.to_apply),
    )


def changes(added: Iterable[str], changed: Iterable[str], removed: Iterable[str]) -> Sequence[Change]:
    """By name, whatever became of each."""
    found = [
        *(Change("add", name) for name in added),
        *(Change("chg", name) for name in changed),
        *(Change("del", name) for name in removed),
    ]
    return sorted(found, key=lambda change: change.name)


def version_row(version: SavedVersion, newest: int, now: datetime) -> VersionRow:
    return VersionRow(
        number=version.number,
        changes=changes(version.added, version.changed, version.removed),
        by=version.changed_by,
        at=moment(version.changed_at, now),
        is_newest=version.number == newest,
        restores=version.restores,
    )


def clash_of(since: Sequence[SavedVersion], mine: Collection[str] | None, *, by: str, now: datetime) -> Clash:
    """`since` is what was saved while the form was open, the newest first; `mine` are the names in it, None: all.
    What became of each is told, and no value."""
    became: dict[str, str] = {}
    for version in since:
        for change in changes(version.added, version.changed, version.removed):
            became.setdefault(change.name, f"{change.word} by {version.changed_by}")
    newest = since[0] if since else None
    is_own = newest is not None and newest.changed_by == by
    return Clash(
        title="You saved this elsewhere while you were editing."
        if is_own
        else "Someone else saved while you were editing.",
        differences=[
            Difference(name, what, "as you typed it" if mine is None or name in mine else "not touched")
            for name, what in sorted(became.items())
        ],
        who=newest.changed_by if newest else "",
        at=moment(newest.changed_at, now) if newest else None,
    )


def _row(row: VariableRow, revealed: Secret | None, *, is_live: bool, now: datetime) -> Row:
    value = row.value if revealed is None else revealed
    return Row(
        name=row.name,
        value=None if value is None else value.reveal(),
        used_in=USED_IN[row.scope],
        by=row.changed_by,
        changed=moment(row.changed_at, now),
        is_live=is_live,
        is_revealed=revealed is not None and row.is_secret,
    )


def _note(pending: Pending) -> str:
    live = f"#{pending.live_number}"
    if not pending.to_build:
        return f"No build is needed: {live} starts again with what changed, then traffic moves."
    names = ", ".join(pending.to_build[:3]) + (" and others" if len(pending.to_build) > 3 else "")
    used = "is" if len(pending.to_build) == 1 else "are"
    return f"{names} {used} used while the app is built, so deploy it from its source."
