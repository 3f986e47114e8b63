"""What goes on beside the requests, for as long as the process runs: looked at again and again, whatever went wrong."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Mapping
from datetime import timedelta

import psycopg
import structlog

from bakery.access.seals import keep_sealing
from bakery.access.sessions import forget_expired
from bakery.delivery.local import Address, ensure_local_node, local_node_id
from bakery.delivery.old_logs import shorten_old_logs
from bakery.delivery.rounds import find_lost_work, look_after_apps
from bakery.github.app_looking import keep_looking_at_app
from bakery.hooks.looking import keep_looking_at_branches
from bakery.hooks.preview_settling import keep_previews
from bakery.hooks.receive import deploy_what_was_cut
from bakery.hooks.repairing import keep_repairing
from bakery.hooks.rows import forget_deliveries
from bakery.hooks.telling import keep_telling
from bakery.ingress import certifying, own_site
from bakery.ingress.looking import keep_looking
from bakery.ingress.own_site import read_own_site
from bakery.model.errors import BakeryError, Unavailable
from bakery.model.names import Port
from bakery.nodes.touch import INTERVAL, Touch
from bakery.nodes.transcript import forget_transcripts
from bakery.nodes.vitals import watch
from bakery.nodes.work import clear_jobs
from bakery.store import leases
from bakery.store.events import forget_events
from bakery.store.installation import read_general
from bakery.store.metrics import MetricsWriter
from bakery.store.rollups import keep_metrics
from bakery.store.traffic import forget_traffic
from bakery.web.context import Parts
from bakery.web.moments import now
from bakery.web.tails import forget_tails

log = structlog.get_logger()

Chore = Callable[[Parts], Coroutine[None, None, None]]

_HOUSEKEEPING = 300.0
_SOON = 30.0  # after something could not be done
_LONGEST_CHORE = 300.0
_TRIED_AGAIN = (BakeryError, psycopg.OperationalError, OSError)  # a timeout is one of these
_EVENTS_ARE_KEPT = timedelta(hours=6)
_JOBS_ARE_KEPT = timedelta(days=7)  # in the queue
_DEPLOYMENT_LOGS_ARE_KEPT = timedelta(days=90)
_LOGS_ARE_KEPT = timedelta(days=30)  # of jobs on nodes
_TRANSCRIPTS_ARE_KEPT = timedelta(days=30)
_RENEWAL_LOOK = 20.0
_PAUSE = 1.0


async def again_and_again(part: Callable[[Parts], Coroutine[None, None, None]], parts: Parts) -> None:
    """A database that is away for a while, or a machine that does not do its part, ends nothing: it is tried again."""
    while True:
        try:
            await part(parts)
        except* _TRIED_AGAIN as errors:
            _tell_of(part.__name__.strip("_"), errors)
        await asyncio.sleep(_PAUSE)


def _tell_of(part: str, errors: BaseExceptionGroup[BaseException]) -> None:
    """That the database is away, the listener tells for all of us."""
    error = next(_leaves(errors))
    is_away = isinstance(error, Unavailable | psycopg.OperationalError)
    level = logging.DEBUG if is_away else logging.WARNING
    log.log(level, "trying_again", part=part, error=str(error) or type(error).__name__)


def _leaves(errors: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


async def follow_settings(parts: Parts) -> None:
    """What an Admin sets in one process counts in all."""
    async with parts.hub.subscribe({"settings"}, (), None) as subscription:
        await _read_settings(parts)
        async for _ in subscription.items():
            await _read_settings(parts)


async def _read_settings(parts: Parts) -> None:
    parts.general = await read_general(parts.store, parts.settings)
    parts.has_own_site = (await read_own_site(parts.store)).is_wanted


async def _seal(parts: Parts) -> None:
    await keep_sealing(parts.at_work)


async def _keep_local(parts: Parts) -> None:
    """This machine, as a node, belongs to one process at a time."""
    await leases.whenever_held(parts.store, "node:local", lambda: _look_after_local(parts))


async def _look_after_local(parts: Parts) -> None:
    address = Address(parts.general.public_ip, parts.general.apps_domain, parts.general.own_host)
    for note in await ensure_local_node(parts.at_work, parts.queue, parts.machine, address):
        log.warning("node_note", note=note)
    node_id = await local_node_id(parts.at_work)
    async with asyncio.TaskGroup() as group:
        group.create_task(_look_after_apps(parts, node_id))
        group.create_task(_watch_machine(parts, node_id))
        group.create_task(_keep_own_site(parts))


async def _look_after_apps(parts: Parts, node_id: int) -> None:
    await look_after_apps(parts.at_work, parts.queue, parts.links, node_id, drift_every=parts.settings.drift_every)


async def _keep_own_site(parts: Parts) -> None:
    """This machine's nginx does what the settings say of Bakery's own site, whose certificate is renewed."""
    node, turn = await parts.machine.node(), asyncio.Lock()
    machine = own_site.Machine(node.ingress, node.certificates, parts.authority)

    async def settle() -> None:
        async with turn:
            general = await read_general(parts.at_work, parts.settings)
            await own_site.settle_own_site(parts.at_work, machine, general, bakerys_port=Port(parts.settings.port))

    async def renew() -> None:
        while True:
            await asyncio.sleep(_RENEWAL_LOOK)
            if await own_site.is_certificate_due(
                parts.at_work, machine, await read_general(parts.at_work, parts.settings)
            ):
                await settle()

    async with parts.hub.subscribe({"settings"}, (), None) as subscription, asyncio.TaskGroup() as group:
        group.create_task(renew())
        await settle()
        async for _ in subscription.items():
            await settle()


async def _watch_machine(parts: Parts, node_id: int) -> None:
    """The probe of this machine, which needs no connection."""
    node, metrics = await parts.machine.node(), MetricsWriter(parts.at_work)
    async for vitals in watch(node.transport, interval=INTERVAL, folder=node.folders.root):
        metrics.add(node_id, vitals, now())
        metrics.traffic.add(node_id, vitals.traffic, now())
        await metrics.flush()


async def _keep_in_touch(parts: Parts) -> None:
    def beside(node_id: int) -> Coroutine[None, None, None]:
        return _look_after_apps(parts, node_id)

    await Touch(parts.store, parts.links, parts.queue, MetricsWriter(parts.at_work), now=now, beside=beside).run()


async def _look_at_domains(parts: Parts) -> None:
    await keep_looking(parts.at_work, parts.dns)


async def _look_at_branches(parts: Parts) -> None:
    await keep_looking_at_branches(parts.at_work, parts.links)


async def _look_after_certificates(parts: Parts) -> None:
    await certifying.keep_certified(parts.at_work, parts.queue, parts.authority)


async def _tell_github(parts: Parts) -> None:
    await keep_telling(parts.at_work, lambda: parts.general.base_url)


async def _keep_previews(parts: Parts) -> None:
    await keep_previews(parts.at_work, parts.queue, now)


async def _repair_hooks(parts: Parts) -> None:
    await keep_repairing(parts.at_work, lambda: parts.general.base_url)


async def _look_at_github_app(parts: Parts) -> None:
    await keep_looking_at_app(parts.at_work)


async def _write_transcript(parts: Parts) -> None:
    await parts.links.transcript.run()


async def _keep_house(parts: Parts) -> None:
    """What is old goes, and what was lost goes on."""
    while True:
        is_done = await do_chores(_CHORES, parts)
        await asyncio.sleep(_HOUSEKEEPING if is_done else _SOON)


async def do_chores(chores: Mapping[str, Chore], parts: Parts, *, longest: float = _LONGEST_CHORE) -> bool:
    """Each has a time of its own, so that none keeps the others from theirs. Whether all of them were done."""
    done = 0
    for name, chore in chores.items():
        try:
            async with asyncio.timeout(longest):
                await chore(parts)
            done += 1
        except* _TRIED_AGAIN as errors:
            _tell_of(name, errors)
    return done == len(chores)


_CHORES: Mapping[str, Chore] = {
    "find lost work": lambda parts: find_lost_work(parts.at_work, parts.queue),
    "forget events": lambda parts: forget_events(parts.at_work, older_than=_EVENTS_ARE_KEPT),
    "forget sessions": lambda parts: forget_expired(parts.at_work),
    "forget finished work": lambda parts: parts.queue.forget_finished(after=_JOBS_ARE_KEPT),
    "shorten logs": lambda parts: shorten_old_logs(parts.at_work, older_than=_DEPLOYMENT_LOGS_ARE_KEPT),
    "forget transcripts": lambda parts: forget_transcripts(parts.at_work, older_than=_TRANSCRIPTS_ARE_KEPT),
    "forget deliveries": lambda parts: forget_deliveries(parts.at_work),
    "deploy what was cut": lambda parts: deploy_what_was_cut(parts.at_work, parts.queue),
    "keep metrics": lambda parts: keep_metrics(parts.at_work, now()),
    "forget traffic": lambda parts: forget_traffic(parts.at_work, now()),
    "forget tails": lambda parts: forget_tails(parts.at_work),
    "clear jobs": lambda parts: clear_jobs(parts.at_work, parts.links, older_than=_LOGS_ARE_KEPT),
}

# What a process does that works.
WORK = (
    _seal, _keep_local, _keep_in_touch, _look_at_domains, _look_at_branches, _look_after_certificates,
    _write_transcript, _keep_house, _tell_github, _keep_previews, _look_at_github_app, _repair_hooks,
)  # fmt: skip
