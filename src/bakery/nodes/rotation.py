"""Changing a node's key without losing it: the new one is brought there, proven, and only then the old one goes.

Killed anywhere, it is done again from the beginning, and finds what is done.
"""

from typing import TYPE_CHECKING

from bakery.commands.command import command
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.errors import CommandFailed, NotFound
from bakery.model.labels import shown_part
from bakery.nodes.helper_calls import ON_NODE
from bakery.nodes.links import Address, Links, ssh_transport
from bakery.nodes.login import Cause, Unreachable
from bakery.nodes.transport import run_or_fail
from bakery.nodes.verify import READY
from bakery.store.store import Store
from bakery.store.vault import Place as Sealed

if TYPE_CHECKING:
    from bakery.nodes.ssh import SshTransport

_LONGEST_REASON = 500


async def rotate(store: Store, links: Links, node_id: int) -> None:
    """Harmless when no new key waits. When the node cannot be reached, the new key waits until it is. When the node
    does not take it, the old one stays, and the audit says why."""
    try:
        address = await links.address(node_id)
    except NotFound:
        return
    if address.next_key_public is None:
        return
    fresh = ssh_transport(links.login(node_id, address, with_next_key=True))
    try:
        if not await _lets_in(fresh):
            why = await _bring(links, node_id, address, fresh)
            if why:
                await _keep_old(store, node_id, address, why)
                return
        await run_or_fail(fresh, command(*ON_NODE, "key-keep", stdin=address.next_key_public.encode()))
    finally:
        await fresh.close()
    await _use_next(store, node_id, address)
    await links.forget(node_id)


async def _bring(links: Links, node_id: int, address: Address, fresh: "SshTransport") -> str:
    """Why the node does not take the new key, if so."""
    try:
        old = await links.transport(node_id)
        await run_or_fail(old, command(*ON_NODE, "key-add", stdin=(address.next_key_public or "").encode()))
        await _prove(fresh, address)
    except CommandFailed as error:
        return error.message
    except Unreachable as error:
        if error.cause is Cause.AUTHENTICATION:
            return error.message
        raise
    return ""


async def _lets_in(fresh: "SshTransport") -> bool:
    """From an earlier attempt the node may know the new key already, and may even have forgotten the old one."""
    try:
        await fresh.connect()
    except Unreachable as error:
        if error.cause is Cause.AUTHENTICATION:
            return False
        raise
    return True


async def _prove(fresh: "SshTransport", address: Address) -> None:
    said = await fresh.run(command("echo", READY))
    if said.output.strip() != READY:
        raise CommandFailed(
            f"{address.slug} let the new key in, but did not answer as it should.", exit_status=said.exit_status
        )


async def _keep_old(store: Store, node_id: int, address: Address, why: str) -> None:
    """Of the new key nothing is left here, so whatever the node has of it opens nothing."""
    async with store.transaction() as tx:
        await tx.connection.execute(
            """
            UPDATE nodes SET next_key_public = NULL, next_key_secret = NULL WHERE id = %s AND next_key_public = %s
            """,
            (node_id, address.next_key_public),
        )
        tx.publish("nodes", f"node:{address.slug}")
        told = {"said": shown_part(why, at_most=_LONGEST_REASON)}
        tx.record(AuditEntry(Actor.system(), "node.key_kept", "node", address.slug, address.slug, after=told))


async def _use_next(store: Store, node_id: int, address: Address) -> None:
    secret = store.vault.open(Sealed("nodes", node_id, "next_key_secret"), address.next_key_secret or b"")
    async with store.transaction() as tx:
        await tx.connection.execute(
            """
            UPDATE nodes SET key_public = next_key_public, key_secret = %s,
                next_key_public = NULL, next_key_secret = NULL WHERE id = %s AND next_key_public = %s
            """,
            (store.vault.seal(Sealed("nodes", node_id, "key_secret"), secret), node_id, address.next_key_public),
        )
        tx.publish("nodes", f"node:{address.slug}")
        tx.record(AuditEntry(Actor.system(), "node.key_replaced", "node", address.slug, address.slug))
