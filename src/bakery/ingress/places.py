"""Where the apps of a node are found: their sites, and the looks at their names, follow a change of it."""

from collections.abc import Collection, Mapping

from bakery.access import general
from bakery.ingress.owners import expect_own_domain, expect_own_host
from bakery.ingress.tasks import ask_for_refresh
from bakery.model.actor import Actor
from bakery.nodes import registry
from bakery.nodes.catalogue import NodeSummary
from bakery.settings import Settings
from bakery.store.installation import General
from bakery.store.queue import Queue
from bakery.store.store import Store
from bakery.store.transaction import Transaction


async def edit_node(
    store: Store, queue: Queue, slug: str, wanted: Mapping[str, str | int], *, actor: Actor
) -> NodeSummary:
    """What is not wanted otherwise stays. A site answers under its new automatic name without a deployment."""

    async def follow(tx: Transaction, was: NodeSummary, domain: str) -> None:
        if domain != was.apps_domain:
            await expect_own_domain(tx, was.id, domain)
        await sites_follow(tx, queue, was.id)

    return await registry.edit_node(store, slug, wanted, follow=follow, actor=actor)


async def change_general(
    store: Store,
    queue: Queue,
    settings: Settings,
    *,
    base_url: str,
    public_ip: str,
    apps_domain: str,
    made_from: Collection[str] | None = None,
    actor: Actor,
) -> General:
    """As `access.general` does it. The apps of this machine are found at the new place without a restart."""

    async def follow(tx: Transaction, was: General, now: General) -> None:
        await _local_follows(tx, queue, now)
        if now.own_host is not None and now.own_host != was.own_host:
            await expect_own_host(tx, now.own_host)

    return await general.change_general(
        store,
        settings,
        base_url=base_url,
        public_ip=public_ip,
        apps_domain=apps_domain,
        made_from=made_from,
        follow=follow,
        actor=actor,
    )


async def _local_follows(tx: Transaction, queue: Queue, now: General) -> None:
    cursor = await tx.connection.execute(
        """
        SELECT id, apps_domain, public_address, coalesce(%s, facts ->> 'address') FROM nodes WHERE slug = 'local'
        FOR UPDATE
        """,
        (now.public_ip,),
    )
    for node_id, domain, address, wanted_address in await cursor.fetchall():
        if domain != now.apps_domain:
            await expect_own_domain(tx, node_id, now.apps_domain)
        if (domain, address) != (now.apps_domain, wanted_address):
            await tx.connection.execute(
                "UPDATE nodes SET apps_domain = %s, public_address = %s WHERE id = %s",
                (now.apps_domain, wanted_address, node_id),
            )
            await sites_follow(tx, queue, node_id)
            tx.publish("nodes", "node:local")


async def sites_follow(tx: Transaction, queue: Queue, node_id: int) -> None:
    """After a change of a node's apps domain or of its addresses, and with it."""
    cursor = await tx.connection.execute(
        """
        SELECT environments.id, apps.slug FROM environments JOIN apps ON apps.id = app_id AND deleted_at IS NULL
        WHERE node_id = %s AND going_since IS NULL
        """,
        (node_id,),
    )
    for environment_id, slug in await cursor.fetchall():
        await ask_for_refresh(tx, queue, environment_id)
        tx.publish(f"app:{slug}")
    tx.publish("apps")
    await tx.connection.execute(
        """
        UPDATE domains SET look_at = now() FROM environments WHERE environments.id = environment_id AND node_id = %s
        """,
        (node_id,),
    )
