"""A node: a machine, what it is, what it can do, and the verbs that do it."""

from dataclasses import dataclass
from pathlib import PurePosixPath

import msgspec

from bakery.commands.files import make_folder
from bakery.model.errors import NotReady
from bakery.model.names import Port
from bakery.nodes.capabilities import Capabilities, IngressKind, UnitKeeper, capabilities, folders_of
from bakery.nodes.certificates import NodeCertificates
from bakery.nodes.containers import Containers
from bakery.nodes.disk import Disk
from bakery.nodes.facts import NodeFacts, look_at
from bakery.nodes.folders import ROOTS_FOLDER, NodeFolders
from bakery.nodes.git_sources import GitSources
from bakery.nodes.helper_calls import ON_NODE, Helper
from bakery.nodes.helper_ingress import HelperIngress, OwnPlace
from bakery.nodes.helper_sessions import HelperSessions
from bakery.nodes.helper_units import HelperUnits
from bakery.nodes.homes import Homes
from bakery.nodes.images import Images
from bakery.nodes.ingress import OWN_PORT, OWN_TLS_PORT, Ingress
from bakery.nodes.jobs import Jobs, install_helper
from bakery.nodes.live_runs import LiveRuns
from bakery.nodes.local import LocalTransport
from bakery.nodes.supervised_units import SupervisedUnits
from bakery.nodes.traffic import Traffic
from bakery.nodes.transport import Transport, run_or_fail
from bakery.nodes.trees import Trees
from bakery.nodes.units import Units
from bakery.nodes.volumes import Volumes


@dataclass(frozen=True, slots=True)
class Node:
    """`ingress` is None where there is no nginx: an app then answers on its own port."""

    name: str
    transport: Transport
    facts: NodeFacts
    capabilities: Capabilities
    folders: NodeFolders
    jobs: Jobs
    homes: Homes
    trees: Trees
    sources: GitSources
    units: Units
    containers: Containers
    images: Images
    disk: Disk
    volumes: Volumes
    live_runs: LiveRuns
    traffic: Traffic
    ingress: Ingress | None
    certificates: NodeCertificates | None


async def open_local_node(*, root: PurePosixPath | None = None, own_port: Port = OWN_PORT) -> Node:
    """Looks at this machine and makes its folders. `root` is the folder of a node that keeps to itself."""
    machine = LocalTransport()
    facts = await look_at(machine)
    usual = folders_of(facts)
    folders = NodeFolders(root) if root else usual
    can = capabilities(facts, is_usual_place=folders == usual)
    for folder in (folders.root, folders.programs, folders.logs):
        await run_or_fail(machine, make_folder(folder))
    await run_or_fail(machine, make_folder(folders.units, mode=0o700))
    program = await install_helper(machine, folders)
    transport = HelperSessions(machine, program)
    helper = Helper(transport, program)
    return Node(
        name="local",
        transport=transport,
        facts=facts,
        capabilities=can,
        folders=folders,
        jobs=Jobs(transport, program),
        homes=Homes(transport, helper),
        trees=Trees(helper),
        sources=GitSources(helper),
        units=_units(can.units, transport, folders, helper),
        containers=Containers(helper),
        images=Images(helper),
        disk=Disk(helper),
        volumes=Volumes(helper),
        live_runs=LiveRuns(transport, helper),
        traffic=Traffic(helper),
        ingress=(ingress := _ingress(can.ingress, helper, own_port)),
        certificates=NodeCertificates(helper, ingress) if ingress else None,
    )


async def open_remote_node(transport: Transport, name: str, *, facts: NodeFacts | None = None) -> Node:
    """A machine far away, through its root-owned helper. `facts` are what was seen when it was verified."""
    seen = as_its_helper(facts or await look_at(transport))
    can = capabilities(seen)
    if can.units is not UnitKeeper.SYSTEMD:
        raise NotReady(f"{name} does not run systemd, which keeps apps running.", hint="Use another machine for apps.")
    helper = Helper(transport, ON_NODE)
    return Node(
        name=name,
        transport=transport,
        facts=seen,
        capabilities=can,
        folders=NodeFolders(ROOTS_FOLDER),
        jobs=Jobs(transport, ON_NODE),
        homes=Homes(transport, helper),
        trees=Trees(helper),
        sources=GitSources(helper),
        units=HelperUnits(helper),
        containers=Containers(helper),
        images=Images(helper),
        disk=Disk(helper),
        volumes=Volumes(helper),
        live_runs=LiveRuns(transport, helper),
        traffic=Traffic(helper),
        ingress=(ingress := _ingress(can.ingress, helper, OWN_PORT)),
        certificates=NodeCertificates(helper, ingress) if ingress else None,
    )


def as_its_helper(facts: NodeFacts) -> NodeFacts:
    """Whoever logs in there, the helper has root's power: what the machine can do is what it can do for root."""
    return msgspec.structs.replace(facts, is_root=True)


def _units(keeper: UnitKeeper, transport: Transport, folders: NodeFolders, helper: Helper) -> Units:
    match keeper:
        case UnitKeeper.SYSTEMD:
            return HelperUnits(helper)
        case UnitKeeper.SUPERVISOR:
            return SupervisedUnits(transport, folders)


def _ingress(kind: IngressKind, helper: Helper, own_port: Port) -> HelperIngress | None:
    match kind:
        case IngressKind.SYSTEM_NGINX | IngressKind.DAEMON_NGINX:
            return HelperIngress(helper)
        case IngressKind.OWN_NGINX:
            return HelperIngress(helper, OwnPlace(own_port, tls_port=OWN_TLS_PORT if own_port == OWN_PORT else None))
        case IngressKind.NONE:
            return None
