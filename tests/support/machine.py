"""This machine as a node of an ordinary user, in a folder of its own: real units, and an nginx of our own."""

import asyncio
import contextlib
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import msgspec

from bakery.commands.command import command
from bakery.commands.files import make_folder
from bakery.delivery.local import Machine
from bakery.model.names import AppName, EnvironmentName, Port, UnitName
from bakery.nodes.capabilities import capabilities
from bakery.nodes.certificates import NodeCertificates
from bakery.nodes.containers import Containers
from bakery.nodes.disk import Disk
from bakery.nodes.facts import look_at
from bakery.nodes.folders import NodeFolders
from bakery.nodes.git_sources import GitSources
from bakery.nodes.helper_calls import Helper
from bakery.nodes.helper_ingress import HelperIngress, OwnPlace
from bakery.nodes.homes import Homes, Place
from bakery.nodes.images import Images
from bakery.nodes.jobs import Jobs, install_helper
from bakery.nodes.live_runs import LiveRuns
from bakery.nodes.local import LocalTransport
from bakery.nodes.node import Node
from bakery.nodes.supervised_units import SupervisedUnits
from bakery.nodes.traffic import Traffic
from bakery.nodes.transport import run_or_fail
from bakery.nodes.trees import Trees
from bakery.nodes.volumes import Volumes


def a_free_port() -> Port:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return Port(probe.getsockname()[1])


async def node_in(folder: Path, site_port: Port | None, *, has_docker: bool | None = None) -> Node:
    """`site_port` None: a machine without nginx. `has_docker` None: as this machine is at this moment."""
    transport = LocalTransport()
    folders = NodeFolders(PurePosixPath(folder))
    facts = msgspec.structs.replace(await look_at(transport), is_root=False, has_systemd=False)
    if has_docker is not None:
        facts = msgspec.structs.replace(facts, has_docker=has_docker)
    ingress = None
    program = await install_helper(transport, folders)
    helper = Helper(transport, program)
    if site_port is None:
        facts = msgspec.structs.replace(facts, nginx=None, nginx_settings=None)
    elif facts.nginx:
        ingress = HelperIngress(helper, OwnPlace(site_port, address="127.0.0.1", tls_port=a_free_port()))
    for path in (folders.root, folders.programs, folders.logs, folders.units):
        await run_or_fail(transport, make_folder(path))
    return Node(
        name="local",
        transport=transport,
        facts=facts,
        capabilities=capabilities(facts),
        folders=folders,
        jobs=Jobs(transport, program),
        homes=Homes(transport, helper),
        trees=Trees(helper),
        sources=GitSources(helper),
        units=SupervisedUnits(transport, folders),
        containers=Containers(helper),
        images=Images(helper),
        disk=Disk(helper),
        volumes=Volumes(helper),
        live_runs=LiveRuns(transport, helper),
        traffic=Traffic(helper),
        ingress=ingress,
        certificates=NodeCertificates(helper, ingress) if ingress else None,
    )


def without_nginx(node: Node) -> Node:
    facts = msgspec.structs.replace(node.facts, nginx=None, nginx_settings=None)
    return replace(node, facts=facts, capabilities=capabilities(facts), ingress=None, certificates=None)


def machine_of(node: Node) -> Machine:
    async def open_node() -> Node:
        return node

    return Machine(open_node)


@contextlib.asynccontextmanager
async def a_node(site_port: Port | None) -> AsyncIterator[Node]:
    """In the end nothing of it runs, and its folder is gone."""
    folder = Path(tempfile.mkdtemp(prefix="bakery-delivery-"))
    await run_or_fail(LocalTransport(), command("chmod", "755", folder))  # as root nginx has workers of another user
    node = await node_in(folder, site_port)
    try:
        yield node
    finally:
        for name in await node.transport.names_in(node.folders.units):
            await node.units.remove(UnitName(name))
        if site_port is not None:
            await _stop_nginx(node)
        for home in (folder / "apps").glob("*/*"):  # root's have an account of their own
            await node.homes.remove(Place(AppName(home.parent.name), EnvironmentName(home.name)))
        shutil.rmtree(folder)


async def _stop_nginx(node: Node) -> None:
    """And waits until it is gone, for it takes its files away itself."""
    home = node.folders.nginx
    await node.transport.run(command("nginx", "-p", home, "-c", home / "nginx.conf", "-s", "stop"))
    async with asyncio.timeout(10):
        while await node.transport.get(home / "nginx.pid") is not None:
            await asyncio.sleep(0.02)
