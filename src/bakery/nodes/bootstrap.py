"""The address of a node's installer: good for an hour or until the first handshake, as often as needed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.bearer import digest, mint_token
from bakery.model.errors import Conflict, NotFound
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.nodes.catalogue import show_node
from bakery.nodes.helper_file import helper_file
from bakery.nodes.installer import bootstrap_line, render_installer, sha256_of
from bakery.store.store import Store

GOOD_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """`line` is for a shell of root on the machine; `script` is what it downloads and checks."""

    line: str
    url: str
    sha256: str
    until: datetime
    script: str


async def make_bootstrap(
    store: Store, slug: str, *, base_url: str, now: datetime, options: Sequence[str] = (), actor: Actor
) -> Bootstrap:
    """A fresh address; the one before is no longer good. Running it again on a node repairs it. `options` are those of
    the script, which the line has."""
    actor.require(Permission.MANAGE_NODES)
    node = await show_node(store, slug, actor=actor)
    if node.key_public is None:
        raise Conflict("The node “local” is this machine; it needs no installer.", hint="Run ./scripts/up again.")
    token, until = mint_token(), now + GOOD_FOR
    async with store.transaction() as tx:
        await tx.connection.execute(
            "UPDATE nodes SET bootstrap_hash = %s, bootstrap_until = %s WHERE id = %s", (digest(token), until, node.id)
        )
        tx.record(AuditEntry(actor, "node.bootstrap_made", "node", slug, slug))
    script = await _script(store, node.id)
    url = f"{base_url}/bootstrap/{token.reveal()}/install-node.sh"
    line = bootstrap_line(url, sha256_of(script), options=options)
    return Bootstrap(line, url, sha256_of(script), until, script)


async def script_at(store: Store, token: Secret) -> str:
    """For the address itself, which is all that is asked for."""
    async with store.connection() as connection:
        cursor = await connection.execute(
            "SELECT id FROM nodes WHERE bootstrap_hash = %s AND bootstrap_until > now()", (digest(token),)
        )
        row = await cursor.fetchone()
    if row is None:
        raise NotFound(
            "This address is not good any more: it was used, replaced, or is older than an hour.",
            hint="Get a fresh line from the node's page, or with: bakery nodes bootstrap NODE --print",
        )
    return await _script(store, row[0])


async def _script(store: Store, node_id: int) -> str:
    async with store.connection() as connection:
        cursor = await connection.execute(
            "SELECT key_public, next_key_public, installation.id::text FROM nodes, installation WHERE nodes.id = %s",
            (node_id,),
        )
        row = await cursor.fetchone()
    if row is None:
        raise NotFound("There is no such node.")
    return render_installer(public_key=row[0], next_key=row[1], installation=row[2], helper=helper_file())
