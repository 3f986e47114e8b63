"""Is a node all that it has to be? A line for everything that it needs, each with what to do."""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256

import msgspec
from psycopg.types.json import Jsonb

from bakery.commands.command import command
from bakery.helper.docker_client import LAST_WITHOUT_PLUGIN, PLUGIN_HINT, PLUGINS, WITHOUT_PLUGIN
from bakery.model.errors import CommandFailed, NodeUnreachable, NotFound
from bakery.model.labels import shown_part
from bakery.model.nodes import LOCALHOST, usual_apps_domain
from bakery.nodes.capabilities import Capabilities, IngressKind, UnitKeeper, capabilities
from bakery.nodes.catalogue import NodeCheck
from bakery.nodes.facts import NodeFacts, look_at
from bakery.nodes.folders import ROOTS_FOLDER
from bakery.nodes.helper_calls import ON_NODE, Helper
from bakery.nodes.helper_file import helper_file
from bakery.nodes.helper_ingress import HelperIngress
from bakery.nodes.ingress import SYSTEM_PORT
from bakery.nodes.links import Address, Links
from bakery.nodes.login import Unreachable
from bakery.nodes.node import as_its_helper
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


@dataclass(frozen=True, slots=True)
class Found:
    """`facts` are of a machine far away that answered; `notes` are what its nginx said."""

    checks: Sequence[NodeCheck]
    facts: NodeFacts | None = None
    notes: Sequence[str] = ()


async def verify(store: Store, links: Links, queue: Queue, node_id: int) -> None:
    """Writes the lines down, and what the machine is. Harmless when the node is gone."""
    try:
        address = await links.address(node_id)
    except NotFound:
        return
    if address.kind == "local":
        transport = await links.transport(node_id)
        found = Found([check async for check in _tools(transport, address.slug, is_local=True)])
    else:
        found = await _verify_remote(store, links, queue, Kept(node_id, address.slug))
    await _write(store, node_id, address, found)


async def _verify_remote(store: Store, links: Links, queue: Queue, node: Kept) -> Found:
    try:
        shake = await (await links.ssh(node.id)).connect()
        await note_reached(store, queue, node, shake)
        transport = await links.transport(node.id)
        said = (await transport.run(command("echo", READY))).output.strip()
        login = (await links.address(node.id)).login
        checks = [NodeCheck("SSH", said == READY, f"Answered as {login}, handshake in {shake.seconds * 1000:.0f} ms.")]
        checks += [check async for check in _tools(transport, node.slug, is_local=False)]
        facts = await look_at(transport)
        is_ours = await _installation(transport) == await _own_id(store)
        checks += _judged(facts, node.slug, is_ours=is_ours)
        notes = await _ensure_ingress(transport, facts) if is_ours else ()
    except Unreachable as error:
        await note_trouble(store, node, error, is_certain=True)
        return Found([NodeCheck("SSH", is_well=False, said=error.message, fix=error.hint)])
    except (NodeUnreachable, CommandFailed) as error:
        return Found([NodeCheck("SSH", is_well=False, said=error.message, fix=error.hint)])
    return Found(checks, facts, notes)


async def _ensure_ingress(transport: Transport, facts: NodeFacts) -> Sequence[str]:
    """Whatever keeps apps there from being reached is read on the node's page."""
    if capabilities(as_its_helper(facts)).ingress is IngressKind.NONE:
        return ()
    try:
        return await HelperIngress(Helper(transport, ON_NODE)).ensure_running()
    except CommandFailed as error:
        return (f"{error.message} {error.hint}".strip(),)


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
            if tool is TOOLS[0] and int(version[0].partition(".")[0]) > LAST_WITHOUT_PLUGIN:
                yield await _builder(transport)
        else:
            yield NodeCheck(tool.name, is_well=False, said=f"{tool.name} is missing.", fix=fix)


async def _builder(transport: Transport) -> NodeCheck:
    """Where the helper looks for it: what lies in somebody's home does not build for it."""
    paths = [f"{folder}/docker/cli-plugins/docker-buildx" for folder in PLUGINS]
    has_it = 'for one in "$@"; do test -x "$one" && exit 0; done; exit 1'
    found = await transport.run(command("sh", "-c", has_it, "sh", *paths, timeout=15))
    if found.succeeded:
        return NodeCheck("buildx", is_well=True, said="Docker builds images with it.")
    return NodeCheck("buildx", is_well=False, said=WITHOUT_PLUGIN, fix=PLUGIN_HINT)


async def _helper(transport: Transport, slug: str) -> NodeCheck:
    """The one program that may act as root there."""
    said = await transport.run(command(*ON_NODE, "version", timeout=15))
    if said.succeeded and sha256(helper_file()).hexdigest() not in said.output:
        told = "Bakery's helper there is not of this Bakery: what is newer falls back to older ways, or is refused."
        return NodeCheck("Helper", is_well=False, said=told, fix=_REPAIR.format(node=slug))
    if said.succeeded:
        return NodeCheck("Helper", is_well=True, said="Bakery's helper may act through sudo.")
    told = (said.errors.strip() or said.output.strip())[-200:]
    return NodeCheck("Helper", is_well=False, said=f"Bakery's helper cannot act: {told}", fix=_REPAIR.format(node=slug))


def _judged(facts: NodeFacts, slug: str, *, is_ours: bool) -> list[NodeCheck]:
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
            is_ours,
            "It belongs to this Bakery." if is_ours else "It belongs to another Bakery, or to none yet.",
            "" if is_ours else f"{_REPAIR.format(node=slug)} --take-over, if it should change hands.",
        ),
    ]


async def _installation(transport: Transport) -> str:
    return (await transport.get(INSTALLATION) or b"").decode(errors="replace").strip()


async def _own_id(store: Store) -> str:
    async with store.connection() as connection:
        row = await (await connection.execute("SELECT id::text FROM installation")).fetchone()
    return str(row[0]) if row else ""


async def _write(store: Store, node_id: int, address: Address, found: Found) -> None:
    """A machine keeps the names that its apps have; one without apps gets the best that are known now."""
    facts = found.facts
    seen: dict[str, object] = {}
    can = None
    if facts is not None:
        can = capabilities(as_its_helper(facts))
        seen = {
            **msgspec.to_builtins(facts, enc_hook=str),
            "units": can.units,
            "ingress": can.ingress,
            "limits": _limits(can),
            "notes": [shown_part(note, at_most=_LONGEST_LINE) for note in found.notes],
        }
    usual = f"{address.slug}.{LOCALHOST}"
    domain = usual_apps_domain(address.slug, LOCALHOST, address.host, facts.address if facts else None)
    async with store.transaction() as tx:
        await tx.connection.execute(
            """
            UPDATE nodes SET checks = %(checks)s, checked_at = clock_timestamp(),
                facts = CASE WHEN %(facts)s::jsonb = '{}' THEN facts ELSE %(facts)s END,
                seen_at = CASE WHEN %(facts)s::jsonb = '{}' THEN seen_at ELSE now() END,
                public_address = coalesce(public_address, %(address)s),
                public_ipv6 = CASE WHEN %(facts)s::jsonb = '{}' OR is_ipv6_chosen THEN public_ipv6 ELSE %(ipv6)s END,
                site_port = CASE WHEN %(facts)s::jsonb = '{}' THEN site_port ELSE %(site_port)s END,
                apps_domain = CASE WHEN apps_domain = %(usual)s
                    AND NOT EXISTS (SELECT FROM environments WHERE node_id = nodes.id) THEN %(domain)s
                    ELSE apps_domain END
            WHERE id = %(id)s
            """,
            {
                "id": node_id,
                "checks": Jsonb([_kept(check) for check in found.checks]),
                "facts": Jsonb(seen),
                "address": facts.address if facts else None,
                "ipv6": facts.ipv6 if facts else None,
                "site_port": SYSTEM_PORT if can and can.ingress is not IngressKind.NONE else None,
                "usual": usual,
                "domain": domain,
            },
        )
        tx.publish("nodes", f"node:{address.slug}")


def _limits(can: Capabilities) -> list[str]:
    why_not = {
        "it does not run systemd, which keeps apps running": can.units is not UnitKeeper.SYSTEMD,
        "there is no nginx, through which apps are reached": can.ingress is IngressKind.NONE,
    }
    return [f"No app can live on it: {reason}." for reason, is_so in why_not.items() if is_so]


def _kept(check: NodeCheck) -> dict[str, object]:
    """What the machine said stands in it, and that may be anything."""
    texts = {name: shown_part(text, at_most=_LONGEST_LINE) for name, text in (("said", check.said), ("fix", check.fix))}
    return {**asdict(check), **texts}
