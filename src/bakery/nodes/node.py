"""A node: a machine, what it is, what it can do, and the verbs that do it."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from bakery.commands.files import make_folder
from bakery.commands.nginx import Listen
from bakery.model.names import Port
from bakery.nodes.capabilities import Capabilities, IngressKind, UnitKeeper, capabilities, folders_of
from bakery.nodes.facts import NodeFacts, look_at
from bakery.nodes.folders import NodeFolders
from bakery.nodes.ingress import Ingress, NginxIngress
from bakery.nodes.local import LocalTransport
from bakery.nodes.nginx_layout import OWN_PORT, daemon_nginx, own_nginx, system_nginx
from bakery.nodes.supervised_units import SupervisedUnits
from bakery.nodes.systemd_units import SystemdUnits
from bakery.nodes.transport import Transport, run_or_fail
from bakery.nodes.units import Units


@dataclass(frozen=True, slots=True)
class Node:
    """`ingress` is None where there is no nginx: an app then answers on its own port."""

    name: str
    transport: Transport
    facts: NodeFacts
    capabilities: Capabilities
    folders: NodeFolders
    units: Units
    ingress: Ingress | None


async def open_local_node(*, root: PurePosixPath | None = None, own_port: Port = OWN_PORT) -> Node:
    """Looks at this machine and makes its folders. `root` is the folder of a node that keeps to itself."""
    transport = LocalTransport()
    facts = await look_at(transport)
    usual = folders_of(facts)
    folders = NodeFolders(root) if root else usual
    can = capabilities(facts, is_usual_place=folders == usual)
    for folder in (folders.root, folders.programs, folders.logs):
        await run_or_fail(transport, make_folder(folder))
    await run_or_fail(transport, make_folder(folders.units, mode=0o700))
    return Node(
        name="local",
        transport=transport,
        facts=facts,
        capabilities=can,
        folders=folders,
        units=_units(can.units, transport, folders),
        ingress=_ingress(can.ingress, transport, facts, folders, own_port),
    )


def _units(keeper: UnitKeeper, transport: Transport, folders: NodeFolders) -> Units:
    match keeper:
        case UnitKeeper.SYSTEMD:
            return SystemdUnits(transport, folders)
        case UnitKeeper.SUPERVISOR:
            return SupervisedUnits(transport, folders)


def _ingress(
    kind: IngressKind, transport: Transport, facts: NodeFacts, folders: NodeFolders, own_port: Port
) -> Ingress | None:
    if facts.nginx is None or facts.nginx_settings is None:
        return None
    match kind:
        case IngressKind.SYSTEM_NGINX:
            layout = system_nginx(facts.nginx, facts.nginx_settings, folders, on_ipv6=facts.has_ipv6)
        case IngressKind.DAEMON_NGINX:
            layout = daemon_nginx(facts.nginx, facts.nginx_settings, folders, on_ipv6=facts.has_ipv6)
        case IngressKind.OWN_NGINX:
            layout = own_nginx(facts.nginx, facts.nginx_settings, folders, Listen(own_port, on_ipv6=facts.has_ipv6))
        case IngressKind.NONE:
            return None
    return NginxIngress(transport, layout)
