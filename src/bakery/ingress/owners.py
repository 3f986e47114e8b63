"""Whose a host name is. In the whole installation it has one owner: Bakery itself, an environment by its place below
its node's apps domain, or one to which somebody attached it.

Whoever gives one away, by a row or by an address in the settings, does so alone: what is free is free until the commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bakery.model.actor import Actor
from bakery.model.errors import BadInput
from bakery.model.names import AppAt, AppName, EnvironmentName
from bakery.store.installation import read_own_host
from bakery.store.rows import typed
from bakery.store.store import Connection
from bakery.store.transaction import Transaction

_NAMES: Final = 0x6E616D6573
_MOST_TOLD: Final = 3


async def give_names_alone(connection: Connection) -> None:
    """Until the transaction ends. Rows of nodes are locked before it, and those of environments that others know after
    it, by all who need them."""
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_NAMES,))


async def expect_own_name(tx: Transaction, environment_id: int, *, field: str, actor: Actor) -> None:
    """Of an environment that was just made: the name that it has by itself is nobody else's."""
    await give_names_alone(tx.connection)
    claims = await _claims(tx.connection, like=environment_id)
    mine = next(claim for claim in claims if claim.environment_id == environment_id)
    if mine.host == await read_own_host(tx.connection):
        raise BadInput(
            f"{mine.owner} would answer as {mine.host}, which is the address of Bakery itself.",
            field=field,
            hint="Choose another name, another node, or another apps domain for this one.",
        )
    for other in claims:
        if other is mine:
            continue
        owner = other.owner if actor.sees_app(other.app_id) else "another app"
        raise BadInput(
            f"{mine.owner} would answer as {mine.host}, which belongs to {owner}.",
            field=field,
            hint="Choose another name, or another node.",
        )


async def expect_own_domain(tx: Transaction, node_id: int, domain: str) -> None:
    """Names below it are to be those of the node's apps."""
    await give_names_alone(tx.connection)
    if why := await why_not_below(tx.connection, node_id, domain):
        raise BadInput(why, field="apps_domain", hint="Choose another domain, or make it free first.")


async def expect_own_host(tx: Transaction, host: str) -> None:
    """The address of Bakery itself is to be no app's."""
    await give_names_alone(tx.connection)
    if why := await why_not_bakerys(tx.connection, host):
        raise BadInput(why, field="base_url", hint="Choose another address, or make this one free first.")


async def why_not_below(connection: Connection, node_id: int, domain: str) -> str:
    """Why the apps of a node cannot have their names below a domain; empty: they can."""
    claims = await _claims(connection, node_id, domain)
    below = [claim for claim in claims if claim.is_attached and _is_below(claim.host.removeprefix("*."), domain)]
    if below:
        return f"Below {domain} apps get their names by themselves, and {_told(below)}."
    catching = [claim for claim in claims if claim.node_id == node_id and claim.catches(domain)]
    if catching:
        return f"What is to be below {domain} would be caught there: {_told(catching)}."
    owners = {claim.host: claim for claim in claims if claim.node_id != node_id or claim.is_attached}
    own_host = await read_own_host(connection)
    for claim in claims:
        if claim.node_id == node_id and not claim.is_attached:
            if claim.host == own_host:
                return f"{claim.owner} would answer as {claim.host}, which is the address of Bakery itself."
            if claim.host in owners:
                return f"{claim.owner} would answer as {claim.host}, which belongs to {owners[claim.host].owner}."
    return ""


async def why_not_bakerys(connection: Connection, host: str) -> str:
    """Why Bakery itself cannot answer at a name; empty: it can."""
    claims = await _claims(connection)
    for claim in claims:
        if claim.host == host:
            return f"{_told([claim])}." if claim.is_attached else f"{claim.owner} answers as {host}."
    catching = [claim for claim in claims if claim.is_here and claim.catches(host)]
    return f"{host} would be caught on this machine: {_told(catching)}." if catching else ""


def _told(claims: Sequence["_Claim"]) -> str:
    told = [f"{claim.host} is attached to {claim.owner}" for claim in claims[:_MOST_TOLD]]
    more = len(claims) - len(told)
    return ", ".join(told) + (f", and {more} more" if more else "")


def _is_below(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")


@dataclass(frozen=True, slots=True)
class _Claim:
    """A host name and the environment that has it. `is_here`: on the node `local`."""

    host: str
    is_attached: bool
    environment_id: int
    app_id: int
    app: AppName
    environment: EnvironmentName
    node_id: int
    is_here: bool

    @property
    def owner(self) -> AppAt:
        return AppAt(self.app, self.environment)

    def catches(self, name: str) -> bool:
        """For nginx a star stands for any number of labels."""
        return self.is_attached and self.host.startswith("*.") and name.endswith(self.host[1:])


# Also of what is being deleted: its site is there until it is gone. `automatic_host` says the same in Python.
_CLAIMS: Final = """
WITH claims AS (
    SELECT CASE environments.name WHEN 'production' THEN '' ELSE environments.name || '.' END || apps.slug || '.'
               || CASE nodes.id WHEN %(node)s THEN %(domain)s ELSE apps_domain END AS host,
           false AS is_attached, environments.id AS environment_id, app_id, apps.slug AS app,
           environments.name AS environment, node_id, kind = 'local' AS is_here
    FROM environments JOIN apps ON apps.id = app_id JOIN nodes ON nodes.id = node_id
    UNION ALL
    SELECT domains.host, true, environments.id, app_id, apps.slug, environments.name, node_id, kind = 'local'
    FROM domains JOIN environments ON environments.id = environment_id JOIN apps ON apps.id = app_id
    JOIN nodes ON nodes.id = node_id
)
SELECT * FROM claims
WHERE %(like)s::bigint IS NULL
    OR host = (SELECT host FROM claims WHERE environment_id = %(like)s AND NOT is_attached)
ORDER BY host, is_attached, environment_id
"""


async def _claims(
    connection: Connection, node_id: int | None = None, domain: str = "", *, like: int | None = None
) -> list[_Claim]:
    """As they would be if the apps of a node had their names below `domain`. `like` an environment: those alone to the
    name that it has by itself."""
    async with connection.cursor(row_factory=typed(_Claim)) as cursor:
        await cursor.execute(_CLAIMS, {"node": node_id, "domain": domain, "like": like})
        return await cursor.fetchall()
