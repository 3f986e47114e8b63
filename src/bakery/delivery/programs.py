"""Our own small programs that run on a node: what they are told, and what they answer."""

import re
from importlib.resources import files
from pathlib import PurePosixPath

from bakery.commands.command import Command, command
from bakery.model.errors import CommandFailed, NotUnderstood
from bakery.model.labels import shown_part
from bakery.model.names import HostName, Port
from bakery.nodes.transport import Transport, run_or_fail

_LONGEST_VISITING = 600.0
_LOADER = "import sys;exec(sys.stdin.buffer.read(int(sys.stdin.buffer.readline())))"
_IS_TAKEN = """
import errno, socket, sys
with socket.socket() as probe:
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind(("127.0.0.1", int(sys.argv[1])))
    except OSError as error:
        sys.exit(3 if error.errno == errno.EADDRINUSE else str(error))
"""


async def wait_for_drain(transport: Transport, port: Port, *, seconds: float) -> int:
    """How many connections are left in the end."""
    program = _program(transport, "drain_program.py", str(port), str(seconds), timeout=seconds + 30)
    said = (await run_or_fail(transport, program)).output
    if not re.fullmatch(r"[0-9]{1,6}\n", said):
        raise NotUnderstood(f"The node counted its connections in odd words: {shown_part(said, at_most=100)}")
    return int(said)


async def is_port_taken(transport: Transport, port: Port) -> bool:
    """By whatever program, on the address that apps use."""
    looked = await transport.run(command(transport.python, "-I", "-S", "-c", _IS_TAKEN, str(port)))
    if looked.exit_status not in {0, 3}:
        raise CommandFailed(f"Port {port} cannot be used: {looked.errors.strip()}.", exit_status=looked.exit_status)
    return looked.exit_status == 3


def visiting(transport: Transport, port: Port, host: HostName, path: str) -> Command:
    """Visits until it is ended, and prints a line for each."""
    return _program(transport, "proof_program.py", str(port), host, path, timeout=_LONGEST_VISITING)


def _program(transport: Transport, name: str, *words: str | PurePosixPath, timeout: float) -> Command:
    """Its length comes first: the input of one that is listened to stays open, and never ends."""
    text = files("bakery.delivery").joinpath(name).read_bytes()
    stdin = b"%d\n%b" % (len(text), text)
    return command(transport.python, "-I", "-S", "-c", _LOADER, *words, stdin=stdin, timeout=timeout)
