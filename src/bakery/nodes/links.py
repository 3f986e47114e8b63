"""The machines that this process talks to: one transport a node, made from its row, and made anew when that changes."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from bakery.model.errors import CommandFailed, NodeUnreachable, NotFound
from bakery.model.names import Port
from bakery.model.nodes import AGENT, NodeState, parse_place
from bakery.nodes.accounts import ensure_account
from bakery.nodes.facts import NodeFacts, facts_in
from bakery.nodes.few_channels import LogTurns, PlanTurns
from bakery.nodes.helper_calls import ON_NODE
from bakery.nodes.helper_sessions import HelperSessions
from bakery.nodes.jobs import Jobs, install_helper
from bakery.nodes.login import Bastion, SshLogin
from bakery.nodes.node import Node, open_remote_node
from bakery.nodes.transcript import RecordingTransport, Transcript
from bakery.nodes.transport import Transport
from bakery.store.rows import typed
from bakery.store.store import Store
from bakery.store.vault import Place as Sealed

if TYPE_CHECKING:
    from bakery.nodes.ssh import SshTransport

log = structlog.get_logger()

MOST_FOLLOWED = 3  # on a node: each holds one of its few channels for as long as somebody looks


@dataclass(frozen=True, slots=True)
class Address:
    """What a connection is made with. Another value means another connection."""

    slug: str
    kind: str
    state: NodeState
    host: str | None
    port: int | None
    login: str | None
    bastion: str | None
    key_public: str | None
    key_secret: bytes | None
    next_key_public: str | None
    next_key_secret: bytes | None
    host_key: str | None
    bastion_host_key: str | None
    checked_at: datetime | None

    @property
    def way(self) -> "Address":
        """Only what a connection depends on: the key that it proves, and the host key that it expects, among it."""
        return replace(self, slug="", state=NodeState.NEW, next_key_public=None, next_key_secret=None, checked_at=None)


class Links:
    """`machine` gives the node `local`, which is this machine."""

    def __init__(self, store: Store, machine: Callable[[], Awaitable[Node]], transcript: Transcript) -> None:
        self._store = store
        self._machine = machine
        self.transcript = transcript
        self.log_turns, self.plan_turns = LogTurns(), PlanTurns()
        self._open: dict[int, tuple[Address, SshTransport, HelperSessions]] = {}
        self._nodes: dict[int, tuple[datetime | None, Node]] = {}
        self._opening: dict[int, asyncio.Lock] = {}
        self._followed: Counter[int] = Counter()

    async def address(self, node_id: int) -> Address:
        async with self._store.connection() as connection, connection.cursor(row_factory=typed(Address)) as cursor:
            await cursor.execute(_ADDRESS, (node_id,))
            found = await cursor.fetchone()
        if found is None:
            await self.forget(node_id)
            raise NotFound("There is no such node.")
        return found

    async def ssh(self, node_id: int) -> "SshTransport":
        """The kept connection, past the transcript: for the probe, and for looking whether it is still there."""
        address = await self.address(node_id)
        known = self._open.get(node_id)
        if known is not None and address.way == known[0].way:
            return known[1]
        await self.forget(node_id)
        transport = ssh_transport(self.login(node_id, address))
        self._open[node_id] = (address, transport, HelperSessions(transport, ON_NODE))
        return transport

    async def transport(self, node_id: int) -> Transport:
        """For everything that changes or asks something there."""
        address = await self.address(node_id)
        if address.kind == "local":
            return RecordingTransport((await self._machine()).transport, node_id, self.transcript)
        await self.ssh(node_id)
        return RecordingTransport(self._open[node_id][2], node_id, self.transcript)

    async def jobs(self, node_id: int) -> Jobs:
        """The verbs of durable jobs there."""
        address = await self.address(node_id)
        transport = await self.transport(node_id)
        if address.kind == "ssh":
            return Jobs(transport, ON_NODE)
        node = await self._machine()
        if node.facts.is_root:  # a command of an Admin is not run as root here either
            await ensure_account(node.transport, AGENT)
        return Jobs(transport, await install_helper(node.transport, node.folders))

    async def machine(self) -> Node:
        """This one."""
        return await self._machine()

    async def node(self, node_id: int) -> Node:
        """For apps, and what they need there. Of a machine far away it is made anew with its connection, and when the
        machine was verified anew; its nginx is seen to once each time."""
        address = await self.address(node_id)
        if address.kind == "local":
            return await self._machine()
        async with self._opening.setdefault(node_id, asyncio.Lock()):
            transport = await self.transport(node_id)  # forgets a node that is reached in another way now
            known = self._nodes.get(node_id)
            if known is not None and known[0] == address.checked_at:
                return known[1]
            node = await open_remote_node(transport, address.slug, facts=await self._facts(node_id))
            if node.ingress is not None:
                try:
                    await node.ingress.ensure_running()
                except NodeUnreachable:  # what is to be done there tells of it, and nginx is seen to the next time
                    return node
                except CommandFailed as error:  # whoever sends traffic to an app there will be told
                    log.warning("ingress_fails", node=address.slug, error=error.message)
            self._nodes[node_id] = (address.checked_at, node)
            return node

    @contextlib.contextmanager
    def following(self, node_id: int) -> Iterator[bool]:
        """Whether the block may wait there for what comes. Else it asks now and then: deployments need channels too."""
        may = self._followed[node_id] < MOST_FOLLOWED
        self._followed[node_id] += may
        try:
            yield may
        finally:
            self._followed[node_id] -= may

    async def _facts(self, node_id: int) -> NodeFacts | None:
        async with self._store.connection() as connection:
            row = await (await connection.execute("SELECT facts FROM nodes WHERE id = %s", (node_id,))).fetchone()
        return facts_in(row[0]) if row else None

    def login(self, node_id: int, address: Address, *, with_next_key: bool = False) -> SshLogin:
        """How to get in there. The keys come out of the vault here and nowhere else."""
        column, sealed = (
            ("next_key_secret", address.next_key_secret) if with_next_key else ("key_secret", address.key_secret)
        )
        if sealed is None or address.host is None or address.port is None or address.login is None:
            raise LookupError(f"node {address.slug} has no address or no key")
        bastion = parse_place(address.bastion, field="bastion") if address.bastion else None
        return SshLogin(
            name=address.slug,
            host=address.host,
            port=Port(address.port),
            user=address.login,
            private_key=self._store.vault.open(Sealed("nodes", node_id, column), sealed),
            host_key=address.host_key,
            bastion=Bastion(bastion.user, bastion.host, bastion.port, address.bastion_host_key) if bastion else None,
        )

    async def forget(self, node_id: int) -> None:
        """Closes the connection. The next who needs one makes another."""
        self._nodes.pop(node_id, None)
        known = self._open.pop(node_id, None)
        if known is not None:
            await known[2].close()
            await known[1].close()

    async def close(self) -> None:
        for node_id in list(self._open):
            await self.forget(node_id)


def ssh_transport(login: SshLogin) -> "SshTransport":
    from bakery.nodes.ssh import SshTransport  # noqa: PLC0415 - 17 MB that a Bakery without nodes does not need

    return SshTransport(login)


_ADDRESS = """
SELECT slug, kind, state, host, port, login, bastion, key_public, key_secret, next_key_public, next_key_secret,
       host_key, bastion_host_key, checked_at
FROM nodes WHERE id = %s
"""
