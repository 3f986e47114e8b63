"""A look at a node for what is otherwise than Bakery's rows say, and putting it right.

Looking changes nothing. What a deployment or other work is about to change is left out, and so is what changed while we
looked: the rows are read before the node and after it.
"""

import asyncio
from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from bakery.delivery import drift, tasks
from bakery.delivery.drift import OWN_SITE, Certificate, Difference, Kind, Owner, Wanted, programs_by_name
from bakery.delivery.drift_looks import claim_look, look_soon, note_look
from bakery.delivery.look import look_at_environment
from bakery.delivery.sites import site_of
from bakery.ingress import own_site
from bakery.ingress.certificates import ask_for_look, certificates_of
from bakery.ingress.site_options import trouble_of
from bakery.ingress.tasks import REFRESH_SITE
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.container import ContainerSpec
from bakery.model.errors import BakeryError, CommandFailed, Conflict, NodeUnreachable, NotFound
from bakery.model.names import AppName, Colour, EnvironmentName, SiteName, site_name
from bakery.model.permissions import Permission
from bakery.model.runtimes import Runtime
from bakery.model.unit import UnitSpec
from bakery.nodes.catalogue import show_node
from bakery.nodes.helper_calls import lacks_verb
from bakery.nodes.links import Links
from bakery.nodes.node import Node
from bakery.store.queue import Queue
from bakery.store.rows import typed
from bakery.store.store import Store

log = structlog.get_logger()

_LOOK_WITHIN = 60.0  # somebody waits
_OTHER_WORK = (
    tasks.SETTLE, tasks.RESTART, tasks.SCALE, tasks.REPAIR_SITE, tasks.DELETE_APP, tasks.PRUNE_ENVIRONMENT,
    REFRESH_SITE,
)  # fmt: skip
_ENVIRONMENTS = """
SELECT environments.id, apps.slug AS app, environments.name, runtime, is_stopped, generation,
       deleted_at IS NOT NULL OR going_since IS NOT NULL AS is_going,
       EXISTS (SELECT FROM deployments WHERE environment_id = environments.id AND state = 'running') AS is_deploying,
       (SELECT colour FROM slots WHERE environment_id = environments.id AND slots.state = 'live') AS live
FROM environments JOIN apps ON apps.id = app_id WHERE node_id = %s ORDER BY apps.slug, environments.name
"""
_KNOWN_APPS = """
SELECT slug FROM apps
UNION SELECT target_label FROM audit WHERE action = 'app.deleted' AND target_kind = 'app'
"""


@dataclass(frozen=True, slots=True)
class NodeDrift:
    """`looked_at` counts what was compared; `notes` are sentences about what was left out."""

    differences: tuple[Difference, ...]
    notes: tuple[str, ...]
    looked_at: int


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    app: AppName
    name: EnvironmentName
    runtime: Runtime
    is_stopped: bool
    generation: int
    is_going: bool
    is_deploying: bool
    live: Colour | None

    @property
    def site(self) -> SiteName:
        return site_name(self.app, self.name)


@dataclass(frozen=True, slots=True)
class _Rows:
    """`at_work` are the environments for which other work waits, or runs."""

    environments: Mapping[int, _Row]
    at_work: Collection[int]
    known: Collection[str]

    def is_left_out(self, row: _Row) -> bool:
        return row.is_going or row.is_deploying or row.id in self.at_work


async def look_for_drift(store: Store, queue: Queue, links: Links, slug: str, *, actor: Actor) -> NodeDrift:
    actor.require(Permission.MANAGE_NODES)
    shown = await show_node(store, slug, actor=actor)
    try:
        async with asyncio.timeout(_LOOK_WITHIN):
            found = await look_at(store, queue, await links.node(shown.id), shown.id)
    except TimeoutError as error:
        raise NodeUnreachable(
            f"{slug} was not looked at within {_LOOK_WITHIN:.0f} s.", hint="Is it very busy? Look again."
        ) from error
    await note_look(store, shown.id, _by_hand(found), by_itself=False)
    return found


async def look_by_itself(store: Store, queue: Queue, links: Links, node_id: int, *, every: timedelta) -> bool:
    """Whether its time had come. A node that does not answer is looked at when it comes again."""
    if not await claim_look(store, node_id, every):
        return False
    try:
        async with asyncio.timeout(_LOOK_WITHIN):
            found = await look_at(store, queue, await links.node(node_id), node_id)
    except (BakeryError, TimeoutError) as error:
        log.info("drift_not_looked_for", node_id=node_id, why=str(error))
        return True
    await note_look(store, node_id, _by_hand(found), by_itself=True)
    return True


def _by_hand(found: NodeDrift) -> Collection[str]:
    return {one.key for one in found.differences if one.is_by_hand}


async def look_at(store: Store, queue: Queue, node: Node, node_id: int) -> NodeDrift:
    before = await _read(store, queue, node_id)
    wanted = {
        row.id: await _wanted(store, node, row)
        for row in before.environments.values()
        if not before.is_left_out(row) and row.live is not None and not row.is_stopped
    }
    async with store.connection() as connection:
        has_own_site = await own_site.is_here(connection, node_id)
    sites = _sites(node, wanted, before, has_own_site=has_own_site)
    looks = (sites, _units(node, wanted), _containers(node, wanted), _certificates(node, wanted))
    found = await asyncio.gather(*map(_unless_refused, looks))
    after = await _read(store, queue, node_id)
    differences = [
        one for look in found for one in look.differences if await _still_holds(store, node, one, wanted, before, after)
    ]
    notes = (*_left_out(after), *(note for look in found for note in look.notes))
    return NodeDrift(tuple(differences), notes, sum(_count(one) for one in wanted.values()))


async def repair(
    store: Store, queue: Queue, links: Links, slug: str, keys: Collection[str], *, actor: Actor
) -> Sequence[Difference]:
    """Those that are named; without names all that Bakery can put right and that nobody need doubt. What belongs to an
    environment is done by the worker, under its lock."""
    actor.require(Permission.MANAGE_NODES)
    shown = await show_node(store, slug, actor=actor)
    chosen = _chosen((await look_for_drift(store, queue, links, slug, actor=actor)).differences, keys)
    async with store.transaction() as tx:
        for environment, task in sorted(_tasks_for(chosen).items()):
            await queue.enqueue(tx, task, environment, lock=tasks.environment_lock(environment))
        for difference in chosen:
            if difference.certificate is not None:
                await tx.connection.execute(
                    "UPDATE certificates SET next_try = NULL, is_wanted_anew = true WHERE id = %s",
                    (difference.certificate,),
                )
                await ask_for_look(tx, queue, difference.certificate)
        if any(difference.name == OWN_SITE for difference in chosen):
            own_site.ask_for_settling(tx)
        if chosen:
            after = {"what": [difference.key for difference in chosen]}
            tx.record(AuditEntry(actor, "node.repaired", "node", str(shown.id), slug, after=after))
            tx.publish(f"node:{slug}")
    await _repair_at_once(await links.node(shown.id), chosen)
    await look_soon(store, shown.id)
    return chosen


def _chosen(differences: Sequence[Difference], keys: Collection[str]) -> Sequence[Difference]:
    if not keys:
        return [one for one in differences if one.is_repairable and not one.is_doubtful]
    found = {one.key: one for one in differences}
    for key in keys:
        if key not in found:
            raise NotFound(f"{key} does not differ, or is being put right.", hint="Look again.")
        if not found[key].is_repairable:
            raise Conflict(f"Bakery cannot put {key} right by itself.", hint=found[key].how)
    return [found[key] for key in dict.fromkeys(keys)]


def _tasks_for(chosen: Sequence[Difference]) -> Mapping[int, str]:
    """To settle an environment is to write its site too."""
    found: dict[int, str] = {}
    for one in chosen:
        if one.environment is not None and one.certificate is None:
            is_site_alone = one.kind is Kind.SITE and bool(one.path)
            found[one.environment] = (
                tasks.REPAIR_SITE if is_site_alone and one.environment not in found else tasks.SETTLE
            )
    return found


async def _repair_at_once(node: Node, chosen: Sequence[Difference]) -> None:
    """What is no environment's, under nobody's lock."""
    if node.ingress is None:
        return
    if any(one.kind is Kind.NGINX for one in chosen):
        await node.ingress.ensure_running()
    for one in chosen:
        if one.kind is Kind.SITE and one.environment is None:
            await node.ingress.remove_site(SiteName(one.name))


# Looking.


@dataclass(frozen=True, slots=True)
class _Look:
    differences: Sequence[Difference] = ()
    notes: Sequence[str] = ()


async def _unless_refused(look: Awaitable[_Look]) -> _Look:
    """One part that cannot be looked at keeps no other from it."""
    try:
        return await look
    except CommandFailed as error:
        if lacks_verb(error):
            raise Conflict(
                "What the node has cannot be compared: its helper is of an older Bakery.",
                hint="Run the line of Repair on the node's page there, then look again.",
            ) from error
        return _Look(notes=(f"Not all could be looked at: {error.message} {error.hint}".strip(),))


async def _sites(node: Node, wanted: Mapping[int, Wanted], rows: _Rows, *, has_own_site: bool) -> _Look:
    if node.ingress is None:
        return _Look()
    by_name = {str(one.site.name): one for one in wanted.values() if one.site is not None}
    sites = [one.site for one in by_name.values() if one.site is not None]
    found = await node.ingress.look_for_drift(sites, has_own_site=has_own_site)
    owners = {name: owner for name in found.nobodys if (owner := _owner(name, rows)) is not None}
    notes = [f"The site {name} is being changed at this moment." for name in found.under_way]
    notes += [f"{path} is not Bakery's, and is left alone." for path in found.foreign]
    return _Look([*drift.of_sites(found, by_name, owners)], notes)


def _owner(name: str, rows: _Rows) -> Owner | None:
    """None: it is left out."""
    app, _, _ = name.rpartition("-")
    row = next((row for row in rows.environments.values() if row.site == name), None)
    if row is None:
        return Owner(app, is_known=app in rows.known)
    if rows.is_left_out(row):
        return None
    return Owner(row.app, row.id, is_known=True, is_stopped=row.is_stopped)


async def _units(node: Node, wanted: Mapping[int, Wanted]) -> _Look:
    by_name = programs_by_name(wanted, in_containers=False)
    specs = [program for one in wanted.values() for program in one.programs if isinstance(program, UnitSpec)]
    return _Look([*drift.of_units(await node.units.look_for_drift(specs), by_name)] if specs else ())


async def _containers(node: Node, wanted: Mapping[int, Wanted]) -> _Look:
    by_name = programs_by_name(wanted, in_containers=True)
    specs = [program for one in wanted.values() for program in one.programs if isinstance(program, ContainerSpec)]
    return _Look([*drift.of_containers(await node.containers.look_for_drift(specs), by_name)] if specs else ())


async def _certificates(node: Node, wanted: Mapping[int, Wanted]) -> _Look:
    if node.certificates is None or not any(one.certificates for one in wanted.values()):
        return _Look()
    return _Look([*drift.of_certificates(await node.certificates.fingerprints(), wanted)])


# Rows.


async def _read(store: Store, queue: Queue, node_id: int) -> _Rows:
    async with store.transaction() as tx:
        async with tx.connection.cursor(row_factory=typed(_Row)) as cursor:
            await cursor.execute(_ENVIRONMENTS, (node_id,))
            rows = {row.id: row for row in await cursor.fetchall()}
        known = await (await tx.connection.execute(_KNOWN_APPS)).fetchall()
        return _Rows(rows, await queue.subjects(tx, _OTHER_WORK), {app for (app,) in known})


async def _wanted(store: Store, node: Node, row: _Row) -> Wanted:
    """As it should be right now."""
    environment = await look_at_environment(store, row.id)
    app = _shown(row)
    if environment is None or environment.live is None or environment.live.release is None:
        return Wanted(row.id, app, None)
    live, release, generation = environment.live, environment.live.release, environment.generation
    site = await site_of(store, node, environment, live, generation=generation) if node.ingress else None
    async with store.connection() as connection:
        certificates = tuple(
            Certificate(one.id, one.name, one.fingerprint, one.is_uploaded)
            for one in await certificates_of(connection, row.id)
            if one.fingerprint is not None and one.ordering_since is None
        )
        trouble = await trouble_of(connection, row.id)
    programs = environment.premises(node).programs(release, live.colour, live.port)
    return Wanted(row.id, app, site, programs, certificates, trouble)


async def _still_holds(
    store: Store, node: Node, difference: Difference, wanted: Mapping[int, Wanted], before: _Rows, after: _Rows
) -> bool:
    """Nobody changed meanwhile what it was compared with."""
    environment = difference.environment
    if difference.kind is Kind.SITE and difference.name not in {one.site.name for one in wanted.values() if one.site}:
        return _owner(difference.name, before) == _owner(difference.name, after)
    if environment is None:
        return True
    row = after.environments.get(environment)
    if row is None or row != before.environments[environment] or after.is_left_out(row):
        return False
    return await _wanted(store, node, row) == wanted[environment]


def _left_out(rows: _Rows) -> Sequence[str]:
    """Also where nothing is live yet: what a deployment does there is not to be touched."""
    return [
        f"{_shown(row)} is left out: {'a deployment runs' if row.is_deploying else 'other work on it is under way'}."
        for row in rows.environments.values()
        if rows.is_left_out(row) and not row.is_going
    ]


def _shown(row: _Row) -> str:
    return row.app if row.name == "production" else f"{row.app} ({row.name})"


def _count(wanted: Wanted) -> int:
    return len(wanted.programs) + len(wanted.certificates) + (wanted.site is not None)
