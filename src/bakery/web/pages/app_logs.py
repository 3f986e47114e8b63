"""What an app writes while it runs, in the viewer of logs."""

from collections.abc import Sequence
from urllib.parse import urlencode

from litestar import Response, get
from litestar.response import Stream

from bakery.delivery.app_logs import AppLog, Source, open_app_log
from bakery.delivery.find import app_of_stream, find_app
from bakery.model.actor import Actor
from bakery.model.errors import NotFound
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.web.api.app_logs import Grep, Process, Since, Slot, wanted_lines
from bakery.web.context import Parts, WebRequest
from bakery.web.moments import now
from bakery.web.pages.logs import Count, First, Grave, Text, log_viewer, some_lines, some_matches, some_times
from bakery.web.presenters.apps import app_tabs
from bakery.web.presenters.links import Url
from bakery.web.presenters.log_pages import ROWS
from bakery.web.rendering import render_page, url_of
from bakery.web.tails import Tails
from bakery.web.views.figures import Range
from bakery.web.views.logs import AppLogPage
from bakery.web.views.shell import Crumb

_READ = {"permission": Permission.READ}


@get("/apps/{slug:str}/logs", opt=_READ)
async def show_app_log(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    where: AppAt,
    *,
    slot: Slot = "",
    process: Process = "",
    since: Since = "",
) -> Response[str]:
    """A log stream begins with the page, and ends soon after nobody has it open."""
    app, url = where.app, url_of(request)
    wanted = wanted_lines(slot=slot, process=process, since=since)
    log = await open_app_log(parts.store, parts.links, where, wanted, actor=actor, now=now())
    sources, tails = await log.sources(), _tails(request)
    viewer = None
    if sources:
        stream = await tails.open(log)
        viewer = await log_viewer(
            request,
            parts,
            stream,
            name=app,
            here=f"/apps/{app}/logs/{stream}",
            raw=_with_query(f"/apps/{app}/logs.txt", slot=slot, process=process),
            topic=f"app:{app}",
            file_name=f"{app}.log",
        )
    page = AppLogPage(
        app=app,
        tabs=app_tabs(app, "logs", url),
        choices=_choices(app, await _all_sources(parts, log), wanted_slot=slot, url=url),
        log=viewer,
    )
    crumbs = [Crumb("Apps", url("/apps")), Crumb(str(where), url(f"/apps/{where.app}")), Crumb("Logs")]
    return await render_page(request, "logs/app.html", page, here=f"app:{app}", crumbs=crumbs)


@get("/apps/{slug:str}/logs.txt", opt=_READ)
async def show_app_text(
    parts: Parts, actor: Actor, where: AppAt, slot: Slot = "", process: Process = "", since: Since = "", grep: Grep = ""
) -> Stream:
    """All that is kept of what runs."""
    wanted = wanted_lines(slot=slot, process=process, lines=None, since=since, grep=grep)
    log = await open_app_log(parts.store, parts.links, where, wanted, actor=actor, now=now())
    return Stream(log.lines(), media_type="text/plain; charset=utf-8", headers={"cache-control": "no-store"})


@get("/apps/{slug:str}/logs/{number:int}/lines", opt=_READ)
async def show_app_lines(
    request: WebRequest, parts: Parts, actor: Actor, where: AppAt, number: int, first: First = 1, count: Count = ROWS
) -> Response[str]:
    await _expect_of_app(parts, actor, where, number)
    return await some_lines(parts, number, url_of(request)(f"/apps/{where.app}/logs.txt"), first, count)


@get("/apps/{slug:str}/logs/{number:int}/times", opt=_READ)
async def show_app_times(
    parts: Parts, actor: Actor, where: AppAt, number: int, first: First = 1, count: Count = ROWS
) -> Response[dict[str, object]]:
    """When lines came here."""
    await _expect_of_app(parts, actor, where, number)
    return await some_times(parts, number, first, count)


@get("/apps/{slug:str}/logs/{number:int}/search", opt=_READ)
async def search_app_log(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    where: AppAt,
    number: int,
    *,
    q: Text = "",
    regex: bool = False,
    case: bool = False,
    level: Grave = "",
) -> Response[dict[str, object]]:
    await _expect_of_app(parts, actor, where, number)
    return await some_matches(request, parts, number, q, is_regex=regex, matches_case=case, level=level)


async def _expect_of_app(parts: Parts, actor: Actor, where: AppAt, stream: int) -> None:
    app = await find_app(parts.store, where, actor)
    if await app_of_stream(parts.store, stream) != app.id:
        raise NotFound("There is no such log.", hint="Open the page of the app's logs again.")


def _with_query(path: str, **query: str) -> str:
    given = urlencode({name: value for name, value in query.items() if value})
    return f"{path}?{given}" if given else path


def _tails(request: WebRequest) -> Tails:
    tails: Tails = request.app.state["tails"]
    return tails


async def _all_sources(parts: Parts, log: AppLog) -> Sequence[Source]:
    return await AppLog(parts.store, parts.links, log.environment_id, log.app_id, wanted_lines(), log.now).sources()


def _choices(app: str, sources: Sequence[Source], *, wanted_slot: str, url: Url) -> Sequence[Range]:
    """Where there is something to choose, or something was chosen."""
    slots = list(dict.fromkeys(str(source.colour) for source in sources))
    if len(slots) < 2 and not wanted_slot:
        return ()
    here = f"/apps/{app}/logs"
    return [
        Range("All slots", url(here), current=not wanted_slot),
        *(Range(slot.capitalize(), url(here, slot=slot), current=wanted_slot == slot) for slot in slots),
    ]


ROUTES = (show_app_log, show_app_text, show_app_lines, show_app_times, search_app_log)
