"""What happens when the names of an environment change: work in the queue, under which name, and after what.

This is the place to add to for whoever wants to know: `names_changed` is called in the
transaction that attaches a name, removes one or makes one primary, `dns_changed` in the one that notes that the DNS of
a name became right, or is right no more. `domains.names_with_right_dns` says for which names that is so."""

from bakery.store.queue import Queue
from bakery.store.transaction import Transaction

REFRESH_SITE = "refresh-site"  # an environment: its site as its rows say it now
CERTIFY = "certify"  # a certificate: whatever is to be done about it


def environment_lock(environment_id: int) -> str:
    return f"environment:{environment_id}"


def certificates_lock(node_id: int) -> str:
    """certbot serves one at a time on a node."""
    return f"certificates:{node_id}"


def site_lock(environment_id: int) -> str:
    return f"site:{environment_id}"


async def names_changed(tx: Transaction, queue: Queue, environment_id: int) -> None:
    await ask_for_refresh(tx, queue, environment_id)
    await _look_at_certificate(tx, environment_id)


async def dns_changed(tx: Transaction, environment_id: int) -> None:
    """Its address is shown where people find it: the link to an app is its primary name when that leads to it."""
    cursor = await tx.connection.execute(
        "SELECT apps.slug FROM environments JOIN apps ON apps.id = app_id WHERE environments.id = %s", (environment_id,)
    )
    tx.publish("apps", *(f"app:{slug}" for (slug,) in await cursor.fetchall()))
    await _look_at_certificate(tx, environment_id)


async def _look_at_certificate(tx: Transaction, environment_id: int) -> None:
    """Whether its names still are those for which there is one."""
    await tx.connection.execute(
        """
        INSERT INTO certificates (environment_id, is_uploaded, try_at) VALUES (%s, false, now())
        ON CONFLICT (environment_id) WHERE NOT is_uploaded AND dns_provider IS NULL AND removed_at IS NULL
        DO UPDATE SET try_at = now()
        """,
        (environment_id,),
    )
    await look_at_starred(tx, environment_id)


async def look_at_starred(tx: Transaction, environment_id: int | None = None) -> None:
    """At the certificates of names with a star, also at those for which there was no provider before; None: of all."""
    await tx.connection.execute(
        """
        INSERT INTO certificates (environment_id, is_uploaded, dns_provider, try_at)
        SELECT DISTINCT environment_id, false, provider, now() FROM starred_domains
        WHERE provider IS NOT NULL AND (%(environment)s::bigint IS NULL OR environment_id = %(environment)s)
        ON CONFLICT (environment_id, dns_provider) WHERE dns_provider IS NOT NULL AND removed_at IS NULL DO NOTHING
        """,
        {"environment": environment_id},
    )
    cursor = await tx.connection.execute(
        """
        UPDATE certificates SET try_at = now() FROM environments JOIN apps ON apps.id = app_id
        WHERE environments.id = environment_id AND dns_provider IS NOT NULL
            AND (%(environment)s::bigint IS NULL OR environment_id = %(environment)s)
        RETURNING apps.slug
        """,
        {"environment": environment_id},
    )
    tx.publish(*(f"app:{slug}" for (slug,) in await cursor.fetchall()))


async def ask_for_refresh(tx: Transaction, queue: Queue, environment_id: int) -> None:
    """After a change of rows that its site is made of, and with it. Harmless when nothing is live.

    It is done at once, beside a deployment that runs, whose own switch wins; and once more when that is over, for it
    may have read the rows before this."""
    cursor = await tx.connection.execute(
        """
        SELECT EXISTS (SELECT FROM deployments
                       WHERE environment_id = environments.id AND state IN ('queued', 'running'))
        FROM environments WHERE id = %s FOR SHARE
        """,
        (environment_id,),
    )
    row = await cursor.fetchone()
    if row is None:
        return
    await queue.enqueue(tx, REFRESH_SITE, environment_id, lock=environment_lock(environment_id))
    if row[0]:
        await queue.enqueue(tx, REFRESH_SITE, environment_id, lock=site_lock(environment_id))
