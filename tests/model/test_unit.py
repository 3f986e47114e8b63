from pathlib import PurePosixPath

import pytest

from bakery.model.errors import BadInput
from bakery.model.names import UnitName
from bakery.model.secret import Secret
from bakery.model.unit import UnitSpec


def a_unit(argv: tuple[str, ...] = ("/bin/true",), environment: dict[str, Secret] | None = None) -> UnitSpec:
    return UnitSpec(
        name=UnitName("bakery-shop-production-blue"),
        argv=argv,
        folder=PurePosixPath("/"),
        log_file=PurePosixPath("/dev/null"),
        environment=environment or {},
    )


@pytest.mark.parametrize("argv", [(), ("node", "server.js"), ("./run",), ("-/bin/true",)])
def test_a_unit_runs_a_program_by_its_absolute_path(argv: tuple[str, ...]) -> None:
    with pytest.raises(BadInput, match="absolute path"):
        a_unit(argv)


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "A=B", "A\n", "é"])
def test_a_variable_has_the_name_of_one(name: str) -> None:
    with pytest.raises(BadInput, match="no name for a variable"):
        a_unit(environment={name: Secret("x")})


def test_nothing_of_a_unit_holds_a_nul() -> None:
    with pytest.raises(BadInput, match="A command cannot hold"):
        a_unit(("/bin/echo", "a\0b"))
    with pytest.raises(BadInput, match="The value of KEY cannot hold") as refused:
        a_unit(environment={"KEY": Secret("hush\0")})
    assert "hush" not in refused.value.message
