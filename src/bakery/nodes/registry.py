"""What people do with nodes: add, change, verify, drain, rotate the key, decide about a host key, remove.

Each is a committed row and its place in the queue; a worker does what has to be done on the machine.
"""

from collections.abc import Awaitable, Callable, Mapping

from psycopg import errors

from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.errors import BadInput, Conflict
from bakery.model.nodes import NewNode, NodeState, parse_new_node, usual_apps_domain
from bakery.model.permissions import Permission
from bakery.nodes import tasks
from bakery.nodes.catalogue import NodeSummary, lock_node, read_apps_on, show_node
from bakery.nodes.leaving import forget_environments
from bakery.nodes.login import fingerprint, mint_key
from bakery.setting_values import parse_address, parse_domain
from bakery.store.queue import Queue
from bakery.store.rows import only
from bakery.store.store import Store
from bakery.store.transaction import Transaction
from bakery.store.vault import Place as Sealed

Follow = Callable[[Transaction, NodeSummary, str], Awaitable[None]]


async def add_node(store: Store, new: NewNode, *, apps_domain: str, actor: Actor) -> NodeSummary:
    """A row with a key of its own. It waits for its first handshake, which its installer makes possible."""
    actor.require(Permission.MANAGE_NODES)
    public, private = mint_key(f"bakery-{new.slug}")
    try:
        async with store.transaction() as tx:
            cursor = await tx.connection.execute(
                "SELECT nextval(pg_get_serial_sequence('nodes', 'id'))",
            )
            node_id = int((await only(cursor))[0])
            await tx.connection.execute(
                """
                INSERT INTO nodes (id, slug, kind, name, state, host, port, login, bastion, key_public, key_secret,
                                   apps_domain)
                OVERRIDING SYSTEM VALUE
                VALUES (%(id)s, %(slug)s, 'ssh', %(name)s, 'new', %(host)s, %(port)s, %(login)s, %(bastion)s,
                        %(public)s, %(secret)s, %(domain)s)
                """,
                {
                    "id": node_id,
                    "slug": new.slug,
                    "name": new.name,
                    **_where(new),
                    "public": public,
                    "secret": store.vault.seal(Sealed("nodes", node_id, "key_secret"), private),
                    "domain": usual_apps_domain(new.slug, apps_domain, new.place.host),
                },
            )
            _record(tx, actor, "node.added", new.slug, after=_shown(new))
    except errors.UniqueViolation as error:
        raise Conflict(f"There is already a node with the name {new.slug}.", hint="Choose another name.") from error
    return await show_node(store, new.slug, actor=Actor.system())


async def edit_node(
    store: Store,
    slug: str,
    wanted: Mapping[str, str | int],
    *,
    follow: Follow | None = None,
    actor: Actor,
) -> NodeSummary:
    """What is not wanted otherwise stays. Another address is another machine until it shows the pinned host key.
    An IPv6 address that is named, or that there is none, holds whatever the machine is seen to have.
    `follow` is told of the node as it was, and of its apps domain, in the transaction that changes where its apps are
    found."""
    actor.require(Permission.MANAGE_NODES)
    async with store.transaction() as tx:
        node = await lock_node(tx, slug)
        domain, public, ipv6 = _addresses(node, wanted)
        if node.is_local:
            await _edit_local(tx, node, wanted, ipv6, actor)
        else:
            chosen = "public_ipv6" in wanted
            await _edit_other(tx, node, _edited(node, wanted), (domain, public, ipv6), actor, is_ipv6_chosen=chosen)
        if follow and (domain, public, ipv6) != (node.apps_domain, node.public_address, node.public_ipv6):
            await follow(tx, node, domain)
    return await show_node(store, slug, actor=actor)


async def _edit_local(
    tx: Transaction, node: NodeSummary, wanted: Mapping[str, str | int], ipv6: str | None, actor: Actor
) -> None:
    """What is not set for the whole installation."""
    others = [name for name in wanted if name != "public_ipv6"]
    if others or not wanted:
        raise BadInput(
            "The node “local” is this machine; its other addresses are in the settings.", field=(others or ["name"])[0]
        )
    await tx.connection.execute(
        "UPDATE nodes SET public_ipv6 = %s, is_ipv6_chosen = true WHERE id = %s", (ipv6, node.id)
    )
    before, after = {"public_ipv6": node.public_ipv6}, {"public_ipv6": ipv6}
    _record(tx, actor, "node.changed", node.slug, before=before, after=after)


async def _edit_other(
    tx: Transaction,
    node: NodeSummary,
    new: NewNode,
    places: tuple[str, str | None, str | None],
    actor: Actor,
    *,
    is_ipv6_chosen: bool,
) -> None:
    domain, public, ipv6 = places
    await tx.connection.execute(
        """
        UPDATE nodes SET name = %(name)s, host = %(host)s, port = %(port)s, login = %(login)s,
            bastion_host_key = CASE WHEN bastion IS NOT DISTINCT FROM %(bastion)s THEN bastion_host_key END,
            bastion = %(bastion)s, apps_domain = %(domain)s, public_address = %(public)s,
            public_ipv6 = %(ipv6)s, is_ipv6_chosen = is_ipv6_chosen OR %(chosen)s WHERE id = %(id)s
        """,
        {
            "id": node.id,
            "domain": domain,
            "public": public,
            "ipv6": ipv6,
            "chosen": is_ipv6_chosen,
            "name": new.name,
            **_where(new),
        },
    )
    before = {
        "name": node.name,
        **_where_of(node),
        "apps_domain": node.apps_domain,
        "public_address": node.public_address,
        "public_ipv6": node.public_ipv6,
    }
    after = {**_shown(new), "apps_domain": domain, "public_address": public, "public_ipv6": ipv6}
    _record(tx, actor, "node.changed", node.slug, before=before, after=after)


def _edited(node: NodeSummary, wanted: Mapping[str, str | int]) -> NewNode:
    return parse_new_node(
        slug=node.slug,
        host=str(wanted.get("host", node.host or "")),
        port=wanted.get("port", node.port or 0),
        user=str(wanted.get("user", node.login or "")),
        bastion=str(wanted.get("bastion", node.bastion or "")),
        name=str(wanted.get("name", node.name)),
    )


def _addresses(node: NodeSummary, wanted: Mapping[str, str | int]) -> tuple[str, str | None, str | None]:
    domain = str(wanted.get("apps_domain", node.apps_domain))
    public = str(wanted.get("public_address", node.public_address or ""))
    ipv6 = str(wanted.get("public_ipv6", node.public_ipv6 or ""))
    return (
        parse_domain(domain),
        parse_address(public, field="public_address") if public.strip() else None,
        _parse_ipv6(ipv6) if ipv6.strip() else None,
    )


def _parse_ipv6(text: str) -> str:
    address = parse_address(text, field="public_ipv6")
    if ":" not in address or "%" in address:
        raise BadInput(f"“{address}” is not an IPv6 address.", field="public_ipv6", hint="Like 2001:db8::7.")
    return address


async def verify_node(store: Store, queue: Queue, slug: str, *, actor: Actor) -> None:
    """A worker looks at everything that the node needs, and writes down a line for each."""
    await _ask(store, queue, slug, tasks.VERIFY_NODE, "node.verified", actor=actor)


async def drain_node(store: Store, slug: str, *, is_draining: bool, actor: Actor) -> None:
    """While it drains no new app comes to it; those that are there stay."""
    actor.require(Permission.MANAGE_NODES)
    node = await show_node(store, slug, actor=actor)
    if node.is_draining == is_draining:
        return
    async with store.transaction() as tx:
        await tx.connection.execute("UPDATE nodes SET is_draining = %s WHERE id = %s", (is_draining, node.id))
        _record(tx, actor, "node.drained" if is_draining else "node.undrained", slug)


async def rotate_key(store: Store, queue: Queue, slug: str, *, actor: Actor) -> None:
    """A new key is minted; a worker brings it to the node, proves it, and only then lets the old one go."""
    actor.require(Permission.MANAGE_NODES)
    node = await _reachable(store, slug, actor)
    public, private = mint_key(f"bakery-{slug}")
    async with store.transaction() as tx:
        await tx.connection.execute(
            """
            UPDATE nodes SET next_key_public = %(public)s, next_key_secret = %(secret)s
            WHERE id = %(id)s AND next_key_public IS NULL
            """,
            {
                "id": node.id,
                "public": public,
                "secret": store.vault.seal(Sealed("nodes", node.id, "next_key_secret"), private),
            },
        )
        await queue.enqueue(tx, tasks.ROTATE_KEY, node.id, lock=tasks.node_lock(node.id))
        _record(tx, actor, "node.key_rotated", slug)


async def accept_host_key(store: Store, queue: Queue, slug: str, seen: str, *, actor: Actor) -> None:
    """An Admin decided that the machine behind the other key is the right one. `seen` is the fingerprint that was
    looked at: what came since then was not."""
    actor.require(Permission.MANAGE_NODES)
    node = await show_node(store, slug, actor=actor)
    if node.other_host_key is None:
        raise Conflict(f"{slug} shows the host key that is pinned; there is nothing to decide.")
    other = fingerprint(node.other_host_key)
    if other != seen.strip():
        raise Conflict(
            f"{slug} shows another host key than the one that you looked at.",
            hint=f"Now it is {other}. Compare it with the machine's own, then accept it.",
        )
    async with store.transaction() as tx:
        moved = await tx.connection.execute(
            """
            UPDATE nodes SET host_key = CASE WHEN other_is_bastions THEN host_key ELSE other_host_key END,
                bastion_host_key = CASE WHEN other_is_bastions THEN other_host_key ELSE bastion_host_key END,
                other_host_key = NULL, other_is_bastions = false, state = 'unreachable', state_since = now(),
                trouble = 'Its new host key was accepted.', trouble_hint = ''
            WHERE id = %s AND other_host_key = %s
            """,
            (node.id, node.other_host_key),
        )
        if not moved.rowcount:
            raise Conflict(f"{slug} changed in this moment.", hint="Look at it again.")
        await _enqueue_check(tx, queue, node.id)
        pinned = node.pinned_before_other
        before = {"host_key": fingerprint(pinned) if pinned else None}
        _record(tx, actor, "node.host_key_accepted", slug, before=before, after={"host_key": other})


async def remove_node(store: Store, slug: str, *, actor: Actor) -> None:
    """Bakery forgets it with its jobs and their logs; on the machine nothing changes. Refused while apps live there, or
    a job runs that could be ended."""
    actor.require(Permission.MANAGE_NODES)
    node = await show_node(store, slug, actor=actor)
    if node.is_local:
        raise Conflict("The node “local” is the machine that Bakery runs on, and stays.")
    async with store.transaction() as tx:
        await tx.connection.execute("SELECT FROM nodes WHERE id = %s FOR UPDATE", (node.id,))
        if apps := await read_apps_on(tx.connection, slug):
            raise Conflict(
                f"{_listed(apps)} {'lives' if len(apps) == 1 else 'live'} on {slug}.",
                hint="Delete these apps, or move them to another node, then remove it.",
            )
        forgotten = await _forget_what_leaves(tx, node)
        running = await tx.connection.execute(
            "SELECT id FROM jobs WHERE node_id = %s AND state = 'running' ORDER BY id LIMIT 1", (node.id,)
        )
        if node.state is NodeState.ONLINE and (job := await running.fetchone()):
            raise Conflict(
                f"Job {job[0]} runs on {slug}, and nobody could follow or end it any more.",
                hint="Cancel it, or wait for its end, then remove the node.",
            )
        streams = await tx.connection.execute("SELECT log_stream_id FROM jobs WHERE node_id = %s", (node.id,))
        gone = [stream for (stream,) in await streams.fetchall()]
        await tx.connection.execute("DELETE FROM nodes WHERE id = %s", (node.id,))
        await tx.connection.execute("DELETE FROM log_streams WHERE id = ANY(%s)", (gone,))
        await tx.connection.execute("DELETE FROM leases WHERE name = %s", (f"node:{slug}",))
        before: dict[str, object] = {"name": node.name, **_where_of(node)}
        if forgotten:
            before["forgotten"] = forgotten
        _record(tx, actor, "node.removed", slug, before=before)


async def _forget_what_leaves(tx: Transaction, node: NodeSummary) -> list[str]:
    """Of what was deleted while the node was away, only rows are left, which nobody can clear. Says what it was."""
    cursor = await tx.connection.execute(
        """
        SELECT environments.id, slug || CASE WHEN environments.name <> 'production' THEN ' ' || environments.name
            ELSE '' END
        FROM environments JOIN apps ON apps.id = app_id
        WHERE node_id = %s AND (going_since IS NOT NULL OR deleted_at IS NOT NULL) ORDER BY slug, environments.name
        """,
        (node.id,),
    )
    leaving = {int(environment_id): str(name) for environment_id, name in await cursor.fetchall()}
    names = list(leaving.values())
    if leaving and node.state is NodeState.ONLINE:
        raise Conflict(
            f"What {node.slug} has of {_listed(names)} is being deleted.", hint="Remove the node in a moment."
        )
    await forget_environments(tx, leaving)
    return names


async def _ask(store: Store, queue: Queue, slug: str, task: str, action: str, *, actor: Actor) -> None:
    actor.require(Permission.MANAGE_NODES)
    node = await show_node(store, slug, actor=actor)
    async with store.transaction() as tx:
        await _enqueue_check(tx, queue, node.id, task)
        _record(tx, actor, action, slug)


async def _enqueue_check(tx: Transaction, queue: Queue, node_id: int, task: str = tasks.VERIFY_NODE) -> None:
    await tx.connection.execute("UPDATE nodes SET check_asked_at = clock_timestamp() WHERE id = %s", (node_id,))
    await queue.enqueue(tx, task, node_id, lock=tasks.node_lock(node_id))


async def _reachable(store: Store, slug: str, actor: Actor) -> NodeSummary:
    node = await show_node(store, slug, actor=actor)
    if node.is_local:
        raise Conflict("The node “local” is this machine; it is reached without a key.")
    if node.state is not NodeState.ONLINE:
        raise Conflict(
            f"{slug} is {node.state} right now, and a key is only changed where the old one works.",
            hint=f"Decide about its host key first: bakery nodes accept-key {slug}"
            if node.state is NodeState.BLOCKED
            else f"Verify it first: bakery nodes verify {slug}",
        )
    return node


def _where(new: NewNode) -> dict[str, str | int | None]:
    return {
        "host": new.place.host,
        "port": new.place.port,
        "login": new.place.user,
        "bastion": str(new.bastion) if new.bastion else None,
    }


def _where_of(node: NodeSummary) -> dict[str, str | int | None]:
    return {"host": node.host, "port": node.port, "login": node.login, "bastion": node.bastion}


def _shown(new: NewNode) -> dict[str, object]:
    return {"name": new.name, **_where(new)}


def _listed(apps: list[str], most: int = 5) -> str:
    shown = ", ".join(apps[:most])
    return shown if len(apps) <= most else f"{shown} and {len(apps) - most} more"


def _record(
    tx: Transaction,
    actor: Actor,
    action: str,
    slug: str,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    tx.publish("nodes", f"node:{slug}")
    tx.record(AuditEntry(actor, action, "node", slug, slug, before=before, after=after))
