import ast
import os
import pwd
from importlib.resources import files
from pathlib import Path, PurePosixPath

import pytest

from bakery.model.errors import NodeUnreachable
from bakery.nodes.facts import look_at
from bakery.nodes.local import LocalTransport
from tests.nodes.memory import MemoryTransport, done


async def test_this_machine_describes_itself(tmp_path: Path) -> None:
    facts = await look_at(LocalTransport(), PurePosixPath(tmp_path, "not", "made", "yet"))
    assert facts.user == pwd.getpwuid(os.geteuid()).pw_name
    assert facts.is_root == (os.geteuid() == 0)
    assert facts.cpus == len(os.sched_getaffinity(0))
    assert facts.disk_free_bytes > 0
    assert facts.memory_bytes > 0


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
