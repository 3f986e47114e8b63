import ast
import ipaddress
import os
import pwd
from importlib.resources import files
from pathlib import Path, PurePosixPath

import pytest

from bakery.model.errors import NodeUnreachable
from bakery.nodes.facts import look_at
from bakery.nodes.local import LocalTransport
from bakery.nodes.look import lasting_ipv6
from tests.nodes.memory import MemoryTransport, done


async def test_this_machine_describes_itself(tmp_path: Path) -> None:
    facts = await look_at(LocalTransport(), PurePosixPath(tmp_path, "not", "made", "yet"))
    assert facts.user == pwd.getpwuid(os.geteuid()).pw_name
    assert facts.is_root == (os.geteuid() == 0)
    assert facts.cpus == len(os.sched_getaffinity(0))
    assert facts.disk_free_bytes > 0
    assert facts.memory_bytes > 0


@pytest.mark.parametrize(
    ("flags", "address", "found"),
    [
        ("80", "2a0104f8000000010000000000000007", "2a01:4f8:0:1::7"),
        ("01", "2a0104f8000000010000000000000007", None),  # temporary
        ("20", "2a0104f8000000010000000000000007", None),  # deprecated
        ("40", "2a0104f8000000010000000000000007", None),  # not proven to be its alone
        ("88", "2a0104f8000000010000000000000007", None),  # another machine has it
        ("80", "fd000000000000010000000000000007", None),  # unique local
        ("80", "20010db8000000010000000000000007", None),  # of examples
        ("80", "fe800000000000000000000000000007", None),  # of the link
    ],
)
def test_the_public_ipv6_address_is_a_global_one_that_lasts(flags: str, address: str, found: str | None) -> None:
    listed = f"00000000000000000000000000000001 01 80 10 80       lo\n{address} 02 40 00 {flags}     eth0\n"
    outward = str(ipaddress.IPv6Address(int(address, 16)))
    assert lasting_ipv6(listed, outward) == found
    assert lasting_ipv6(listed, None) is None  # nothing leaves the machine by IPv6


def test_of_several_ipv6_addresses_the_outward_one_is_taken_or_its_neighbour_that_lasts() -> None:
    listed = """\
2a0104f8000000010000000000000007 02 40 00 80     eth0
2a0104f8000000010000000000000009 02 40 00 80     eth0
2a0104f80000000100000000000000aa 02 40 00 01     eth0
2a0104f8000000020000000000000001 03 40 00 80  docker0
"""
    assert lasting_ipv6(listed, "2a01:4f8:0:1::9") == "2a01:4f8:0:1::9"
    assert lasting_ipv6(listed, "2a01:4f8:0:1::aa") == "2a01:4f8:0:1::7"
    assert lasting_ipv6(listed, "2a01:4f8:0:3::1") is None


@pytest.mark.parametrize("output", ["", "Welcome!\n{}", '{"user": 7}', "[]"])
async def test_a_machine_that_answers_something_else_is_not_understood(output: str) -> None:
    with pytest.raises(NodeUnreachable, match="did not describe itself"):
        await look_at(MemoryTransport(lambda _: done(output)))


@pytest.mark.parametrize("program", ["look.py", "supervisor.py"])
def test_a_program_for_nodes_runs_on_python_3_9_with_its_standard_library_alone(program: str) -> None:
    tree = ast.parse(files("bakery.nodes").joinpath(program).read_text(), feature_version=(3, 9))
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {module for module in modules if module.startswith("bakery")}
    assert "tomllib" not in modules
