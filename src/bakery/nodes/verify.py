"""Is a node all that it has to be? A line for everything that it needs, each with what to do."""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass

import msgspec
from psycopg.types.json import Jsonb

from bakery.commands.command import command
from bakery.model.errors import CommandFailed, NodeUnreachable, NotFound
from bakery.model.labels import shown_part
from bakery.nodes.capabilities import capabilities
from bakery.nodes.catalogue import NodeCheck
from bakery.nodes.facts import NodeFacts, look_at
from bakery.nodes.folders import ROOTS_FOLDER
from bakery.nodes.links import ON_NODE, Links
from bakery.nodes.login import Unreachable
from bakery.nodes.touch import Kept, note_reached, note_trouble
from bakery.nodes.transport import Transport
from bakery.store.queue import Queue
from bakery.store.store import Store

READY = "bakery-ready"
INSTALLATION = ROOTS_FOLDER / "installation"
_LITTLE_DISK = 2 * 1024**3
_LONGEST_LINE = 500
_REPAIR = "Run its repair line on the machine: bakery nodes repair {node}"


@dataclass(frozen=True, slots=True)
class Tool:
    """A program that a node needs. Its version is the first number that it says."""

    name: str
    argv: tuple[str, ...]
    purpose: str


TOOLS: Sequence[Tool] = (
    Tool("Docker", ("docker", "--version"), "runs apps in containers"),
    Tool("nginx", ("nginx", "-v"), "sends traffic to apps"),
    Tool("certbot", ("certbot", "--version"), "gets certificates"),
    Tool("git", ("git", "--version"), "fetches sources"),
    Tool("psql", ("psql", "--version"), "looks after databases"),
    Tool("curl", ("curl", "--version"), "downloads"),
    Tool("Python", ("python3", "--version"), "runs Bakery's probe"),
)


async def verify(store: Store, links: Links, queue: Queue, node_id: int) -> None:
    """Writes the lines down, and what the machine is. Harmless when the node is gone."""
    try:
        address = await links.address(node_id)
    except NotFound:
        return
    checks: list[NodeCheck] = []
    facts: NodeFacts | None = None
    if address.kind == "local":
        transport = await links.transport(node_id)
        facts = (await links.node()).facts
        checks += [check async for check in _tools(transport, address.slug, is_local=True)]
    else:
        checks, facts = await _verify_remote(store, links, queue, Kept(node_id, address.slug))
    await _write(store, node_id, address.slug, checks, None if address.kind == "local" else facts)


async def _verify_remote(
    store: Store, links: Links, queue: Queue, node: Kept
) -> tuple[list[NodeCheck], NodeFacts | None]:
    try:
        shake = await (await links.ssh(node.id)).connect()
        await note_reached(store, queue, node, shake)
        transport = await links.transport(node.id)
        said = (await transport.run(command("echo", READY))).output.strip()
        login = (await links.address(node.id)).login
        checks = [NodeCheck("SSH", said == READY, f"Answered as {login}, handshake in {shake.seconds * 1000:.0f} ms.")]
        checks += [check async for check in _tools(transport, node.slug, is_local=False)]
        facts = await look_at(transport)
        checks += _judged(facts, await _installation(transport), await _own_id(store), node.slug)
    except Unreachable as error:
        await note_trouble(store, node, error, is_certain=True)
        return [NodeCheck("SSH", is_well=False, said=error.message, fix=error.hint)], None
    except (NodeUnreachable, CommandFailed) as error:
        return [NodeCheck("SSH", is_well=False, said=error.message, fix=error.hint)], None
    return checks, facts


async def _tools(transport: Transport, slug: str, *, is_local: bool) -> AsyncIterator[NodeCheck]:
    if not is_local:
        yield await _helper(transport, slug)
    for tool in TOOLS:
        fix = f"Install it: it {tool.purpose}." if is_local else f"It {tool.purpose}. {_REPAIR.format(node=slug)}"
        try:
            said = await transport.run(command(*tool.argv, timeout=15))
            text = f"{said.output}{said.errors}"
        except CommandFailed as error:
            yield NodeCheck(tool.name, is_well=False, said=error.message, fix=fix)
            continue
        version = re.search(r"\d{1,9}(?:\.\d{1,9}){1,5}", text)
        if said.succeeded and version:
            yield NodeCheck(tool.name, is_well=True, said=version[0])
        else:
            yield NodeCheck(tool.name, is_well=False, said=f"{tool.name} is missing.", fix=fix)


async def _helper(transport: Transport, slug: str) -> NodeCheck:
    """The one program that may act as root there."""
    said = await transport.run(command(*ON_NODE, "version", timeout=15))
    if said.succeeded:
        return NodeCheck("Helper", is_well=True, said="Bakery's helper may act through sudo.")
    told = (said.errors.strip() or said.output.strip())[-200:]
    return NodeCheck("Helper", is_well=False, said=f"Bakery's helper cannot act: {told}", fix=_REPAIR.format(node=slug))


def _judged(facts: NodeFacts, installation: str, own: str, slug: str) -> list[NodeCheck]:
    free = facts.disk_free_bytes / 1024**3
    return [
        NodeCheck(
            "systemd",
            facts.has_systemd,
            "It keeps apps running." if facts.has_systemd else "This machine does not run systemd.",
            "" if facts.has_systemd else "Bakery needs a machine that boots with systemd.",
        ),
        NodeCheck(
            "Disk",
            facts.disk_free_bytes >= _LITTLE_DISK,
            f"{free:.1f} GB are free.",
            "" if facts.disk_free_bytes >= _LITTLE_DISK else "Builds need room: free at least 2 GB.",
        ),
        NodeCheck(
            "Owner",
            installation == own,
            "It belongs to this Bakery." if installation == own else "It belongs to another Bakery, or to none yet.",
            "" if installation == own else f"{_REPAIR.format(node=slug)} --take-over, if it should change hands.",
        ),
    ]


async def _installation(transport: Transport) -> str:
    return (await transport.get(INSTALLATION) or b"").decode(errors="replace").strip()


async def _own_id(store: Store) -> str:
    async with store.connection() as connection:
        row = await (await connection.execute("SELECT id::text FROM installation")).fetchone()
    return str(row[0]) if row else ""


async def _write(store: Store, node_id: int, slug: str, checks: Sequence[NodeCheck], facts: NodeFacts | None) -> None:
    """Of a machine far away the helper has root's power: what it can do is that of a machine where we are root."""
    seen: dict[str, object] = {}
    if facts is not None:
        can = capabilities(msgspec.structs.replace(facts, is_root=True))
        seen = {
            **msgspec.to_builtins(facts, enc_hook=str),
            "units": can.units,
            "ingress": can.ingress,
            "limits": ["Apps cannot be deployed to it yet: this version runs commands on it and watches it."],
            "notes": [],
        }
    async with store.transaction() as tx:
        await tx.connection.execute(
            """
            UPDATE nodes SET checks = %(checks)s, checked_at = clock_timestamp(),
                facts = CASE WHEN %(facts)s::jsonb = '{}' THEN facts ELSE %(facts)s END,
                seen_at = CASE WHEN %(facts)s::jsonb = '{}' THEN seen_at ELSE now() END,
                public_address = coalesce(public_address, %(address)s)
            WHERE id = %(id)s
            """,
            {
                "id": node_id,
                "checks": Jsonb([_kept(check) for check in checks]),
                "facts": Jsonb(seen),
                "address": facts.address if facts else None,
            },
        )
        tx.publish("nodes", f"node:{slug}")


def _kept(check: NodeCheck) -> dict[str, object]:
    """What the machine said stands in it, and that may be anything."""
    texts = {name: shown_part(text, at_most=_LONGEST_LINE) for name, text in (("said", check.said), ("fix", check.fix))}
    return {**asdict(check), **texts}
