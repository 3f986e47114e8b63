"""Who did what, with filters."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, date, datetime, time, timedelta

from litestar import Response, get
from litestar.response import Stream

from bakery.access.audit import LONGEST_PAGE, list_activity
from bakery.access.audit import ActivityPage as Found
from bakery.access.people import list_colleagues
from bakery.delivery.choices import list_choices
from bakery.model.actor import Actor
from bakery.model.errors import BadInput
from bakery.model.permissions import Permission
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import status_of
from bakery.web.moments import now
from bakery.web.paths import is_id, searched
from bakery.web.presenters.activity import EXPORTED, activity_row, exported
from bakery.web.presenters.refusals import why_not
from bakery.web.rendering import render_page
from bakery.web.spreadsheets import CSV, csv_row
from bakery.web.views.activity import ActivityPage
from bakery.web.views.forms import Form, Option
from bakery.web.views.shell import Crumb

_FILTERS = ("app", "user", "action", "since", "until")
_ALL = Option("", "All")
ACTIONS = (
    _ALL,
    Option("deployment.", "Deployments"),
    Option("app.", "Apps"),
    Option("environment.", "Environments"),
    Option("domain.", "Domains"),
    Option("certificate.", "Certificates"),
    Option("dns_provider.", "DNS providers"),
    Option("volume.", "Volumes"),
    Option("site.", "Sites"),
    Option("variables.", "Variables"),
    Option("source.", "Sources"),
    Option("webhook.", "Webhooks"),
    Option("preview.", "Previews"),
    Option("github.", "GitHub links"),
    Option("github_app.", "GitHub App"),
    Option("node.", "Nodes"),
    Option("job.", "Jobs on nodes"),
    Option("person.", "People"),
    Option("invitation.", "Invitations"),
    Option("token.", "Tokens"),
    Option("second_factor.", "Second factors"),
    Option("session.", "Sessions"),
    Option("cli_login.", "Command lines"),
    Option("key.", "Keys"),
    Option("settings.", "Settings"),
    Option("installation.", "Installation"),
)


@get("/activity", opt={"permission": Permission.READ})
async def show_activity(request: WebRequest, parts: Parts, actor: Actor) -> Response[str]:
    given = _given(request)
    after = str(request.query_params.get("after", ""))
    cursor = int(after) if is_id(after) else None
    errors: Mapping[str, str] = {}
    status = 200
    try:
        found = await _find(parts, actor, given, cursor)
    except BadInput as error:
        found, errors, status = Found((), None), {error.field: error.message}, status_of(error)
    url, at = request.app.state["urls"].url, now()
    page = ActivityPage(
        rows=[activity_row(done, actor=actor, url=url, now=at) for done in found.rows],
        filters=Form(values=given, errors=errors),
        apps=[_ALL, *(Option(app.slug, app.name) for app in await list_choices(parts.store, actor=actor))],
        people=[
            _ALL,
            *(Option(str(person.id), person.name) for person in await list_colleagues(parts.store, actor=actor)),
        ],
        actions=ACTIONS,
        is_filtered=any(given.values()),
        export=url("/activity.csv", **({} if errors else given)),
        why_not_export=why_not(actor, Permission.SEE_AUDIT),
        here=None if cursor or errors else url("/activity", **given),
        next=url("/activity", **given, after=found.next) if found.next else None,
        first=url("/activity", **given) if cursor else None,
    )
    return await render_page(request, "activity.html", page, here="activity", crumbs=[Crumb("Activity")], status=status)


@get("/activity.csv", opt={"permission": Permission.SEE_AUDIT})
async def export_activity(request: WebRequest, parts: Parts, actor: Actor) -> Stream:
    """All that the filters find, the newest first, with what each changed. Secrets are HMACs there, as in the audit."""
    given = _given(request)
    first = await _find(parts, actor, given, None, limit=LONGEST_PAGE)
    name = f"bakery-activity-{now():%Y-%m-%d}.csv"
    return Stream(
        _rows(parts, actor, given, first),
        media_type=CSV,
        headers={"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"},
    )


async def _rows(parts: Parts, actor: Actor, given: Mapping[str, str], page: Found) -> AsyncIterator[bytes]:
    yield csv_row(EXPORTED)
    while True:
        yield b"".join(csv_row(exported(done)) for done in page.rows)
        if page.next is None:
            return
        page = await _find(parts, actor, given, page.next, limit=LONGEST_PAGE)


def _given(request: WebRequest) -> dict[str, str]:
    return {name: searched(str(request.query_params.get(name, ""))) for name in _FILTERS}


async def _find(parts: Parts, actor: Actor, given: Mapping[str, str], cursor: int | None, *, limit: int = 50) -> Found:
    until = _day(given["until"], "until")
    return await list_activity(
        parts.store,
        app=given["app"] or None,
        person_id=_person(given["user"]),
        action=given["action"],
        since=_day(given["since"], "since"),
        until=until + timedelta(days=1) if until else None,  # that day too
        cursor=cursor,
        limit=limit,
        actor=actor,
    )


def _person(text: str) -> int | None:
    if not text:
        return None
    if not is_id(text):
        raise BadInput("Choose somebody of the list.", field="user")
    return int(text)


def _day(text: str, field: str) -> datetime | None:
    """Its beginning, in UTC as all times here."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadInput("Write a day like 2030-01-31.", field=field) from None
    if not 2000 <= day.year < 3000:
        raise BadInput("Choose a year from 2000 to 2999.", field=field)
    return datetime.combine(day, time(), UTC)


ROUTES = (show_activity, export_activity)
