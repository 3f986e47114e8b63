"""Two who changed the same thing: what is stored now beside what was typed."""

from collections.abc import Iterable
from datetime import datetime

from bakery.access.audit import LastChange
from bakery.model.actor import Actor
from bakery.web.moments import moment
from bakery.web.views.forms import Clash, Difference


def clash(compared: Iterable[tuple[str, str, str]], change: LastChange | None, *, actor: Actor, now: datetime) -> Clash:
    """`compared` holds of each field its label, what is stored, and what was typed."""
    is_own = change is not None and change.person_id is not None and change.person_id == actor.person_id
    return Clash(
        title="You saved this elsewhere while you were editing."
        if is_own
        else "Someone else saved while you were editing.",
        differences=[
            Difference(label, theirs or "not set", mine or "not set")
            for label, theirs, mine in compared
            if theirs != mine
        ],
        who=change.who if change else "",
        at=moment(change.at, now) if change else None,
    )
