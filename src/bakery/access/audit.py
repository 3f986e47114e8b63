"""Who did what to which thing: the pages of the activity, each one query."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from bakery.model.activity import did
from bakery.model.actor import Actor
from bakery.model.errors import BadInput
from bakery.model.names import parse_app_name
from bakery.model.permissions import Permission
from bakery.store.store import Store

LONGEST_PAGE = 200
_LONGEST_ACTION = 60


@dataclass(frozen=True, slots=True)
class Activity:
    """One row. `who` is the person's name as it is now, else what was recorded. `node` is the one that it
    is about, while that is there. `ran_on` names nodes on which its request had commands run, for those who may read
    them there."""

    id: int
    at: datetime
    who: str
    actor: str
    person_id: int | None
    source: str
    address: str
    action: str
    target_kind: str
    target_id: str
    target_label: str
    app: str | None
    before: Mapping[str, object] | None
    after: Mapping[str, object] | None
    request_id: str = ""
    node: str | None = None
    ran_on: Sequence[str] = ()

    @property
    def did(self) -> str:
        return did(self.action)

    @property
    def sentence(self) -> str:
        return f"{self.who} {self.did} {self.target_label}"


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """The newest first. `next` is the cursor of the page after it; None at the end."""

    rows: Sequence[Activity]
    next: int | None


async def list_activity(
    store: Store,
    *,
    app: str | None = None,
    person_id: int | None = None,
    action: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: int | None = None,
    limit: int = 50,
    actor: Actor,
) -> ActivityPage:
    """Of the apps that the actor sees, and of the own account; all for Admins. `action` is how it begins."""
    actor.require(Permission.READ)
    if not 1 <= limit <= LONGEST_PAGE:
        raise BadInput(f"Ask for 1 to {LONGEST_PAGE} rows.", field="limit")
    for field, moment in (("since", since), ("until", until)):
        if moment is not None and moment.tzinfo is None:
            raise BadInput("Say in which time zone this is.", field=field, hint="Like 2030-01-31T08:00:00Z.")
    filters = {
        "app": parse_app_name(app, field="app") if app else None,
        "person": person_id,
        "action": _prefix(action),
        "since": since,
        "until": until,
        "cursor": cursor,
        "sees_all": actor.may(Permission.SEE_AUDIT) and actor.apps is None,
        "all_apps": actor.apps is None,
        "apps": sorted(actor.apps or ()),
        "sees_commands": actor.may(Permission.MANAGE_NODES),
        "own": None if actor.is_system else actor.person_id,
        "limit": limit + 1,
    }
    async with store.connection() as connection, connection.cursor(row_factory=class_row(Activity)) as rows:
        # Not prepared: which index serves depends on which filters are set.
        await rows.execute(_ACTIVITY, filters, prepare=False)
        found = await rows.fetchall()
    page = found[:limit]
    return ActivityPage(page, page[-1].id if len(found) > limit else None)


@dataclass(frozen=True, slots=True)
class LastChange:
    """Who did it, by the name that they have now, and when."""

    who: str
    person_id: int | None
    at: datetime


async def last_change(
    store: Store, target_kind: str, target_id: str, actions: Sequence[str], *, actor: Actor
) -> LastChange | None:
    """The newest of some actions on one thing."""
    actor.require(Permission.SEE_AUDIT)
    async with store.connection() as connection, connection.cursor(row_factory=class_row(LastChange)) as rows:
        await rows.execute(
            """
            SELECT coalesce(p.name, a.actor) AS who, a.person_id, a.at
            FROM audit a LEFT JOIN people p ON p.id = a.person_id
            WHERE a.target_kind = %s AND a.target_id = %s AND a.action = ANY(%s) ORDER BY a.id DESC LIMIT 1
            """,
            (target_kind, target_id, list(actions)),
        )
        return await rows.fetchone()


_ACTIVITY = r"""
SELECT a.id, a.at, coalesce(p.name, a.actor) AS who, a.actor, a.person_id, a.source, a.address, a.action,
       a.target_kind, a.target_id, a.target_label, apps.slug AS app, a.before, a.after, a.request_id,
       CASE WHEN a.target_kind IN ('node', 'job')
           THEN (SELECT slug FROM nodes WHERE slug = split_part(a.target_id, '/', 1)) END AS node,
       CASE WHEN %(sees_commands)s AND a.request_id <> '' THEN ARRAY(
           SELECT DISTINCT nodes.slug FROM transcripts t JOIN nodes ON nodes.id = t.node_id
           WHERE t.request_id = a.request_id AND t.request_id <> '' ORDER BY 1 LIMIT 3) ELSE '{}' END AS ran_on
FROM audit a LEFT JOIN people p ON p.id = a.person_id LEFT JOIN apps ON apps.id = a.app_id
WHERE (%(sees_all)s
       OR (a.app_id IS NOT NULL AND (%(all_apps)s OR a.app_id = ANY(%(apps)s::bigint[])))
       OR (a.app_id IS NULL AND (a.person_id = %(own)s
                                 OR (a.target_kind = 'person' AND a.target_id = %(own)s::text))))
  AND (%(app)s::text IS NULL OR a.app_id = (SELECT id FROM apps WHERE slug = %(app)s))
  AND (%(person)s::numeric IS NULL OR a.person_id = %(person)s)
  AND (%(action)s::text IS NULL OR a.action LIKE %(action)s)
  AND (%(since)s::timestamptz IS NULL OR a.at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR a.at < %(until)s)
  AND (%(cursor)s::numeric IS NULL OR a.id < %(cursor)s)
ORDER BY a.id DESC
LIMIT %(limit)s
"""


def _prefix(action: str) -> str | None:
    """As a pattern for LIKE."""
    if not action:
        return None
    if len(action) > _LONGEST_ACTION or not all(part.isalpha() and part.isascii() for part in _words(action)):
        raise BadInput("An action is written like person.invited, or only its beginning.", field="action")
    return action.replace("_", r"\_") + "%"


def _words(action: str) -> list[str]:
    return action.replace("_", ".").rstrip(".").split(".")
