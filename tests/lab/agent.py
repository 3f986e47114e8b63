"""A machine as Bakery meets a node: it logs in as `bakery-agent`, and calls the helper through sudo."""

import contextlib
from collections.abc import AsyncIterator

from bakery.model.names import Port
from bakery.model.secret import Secret
from bakery.nodes.helper_calls import HELPER, ON_NODE, Helper
from bakery.nodes.helper_file import helper_file
from bakery.nodes.login import SshLogin
from bakery.nodes.ssh import SshTransport
from tests.lab.nodes import SSH, Node


@contextlib.asynccontextmanager
async def agent_of(node: Node) -> AsyncIterator[Helper]:
    """With what the installer makes of the machine."""
    node.run("useradd", "--system", "--create-home", "--user-group", "--shell=/bin/sh", "bakery-agent")
    node.put("/home/bakery-agent/.ssh/authorized_keys", node.key.with_suffix(".pub").read_bytes())
    node.put(str(HELPER), helper_file(), mode=0o755)
    node.put("/etc/sudoers.d/bakery", f"bakery-agent ALL=(root) NOPASSWD: {HELPER}\n".encode(), mode=0o440)
    key = Secret(node.key.read_text())
    transport = SshTransport(SshLogin(node.name, "127.0.0.1", Port(node.ports[SSH]), "bakery-agent", key))
    try:
        yield Helper(transport, ON_NODE)
    finally:
        await transport.close()
