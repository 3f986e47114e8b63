"""What all commands have in common."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from bakery import __version__
from bakery.cli.exits import EXIT_CODES
from bakery.cli.output import write_log
from bakery.cli.program import program
from bakery.model import errors
from tests.cli.commands import commands


def test_every_command_that_has_a_result_prints_json_when_asked() -> None:
    without = [name for name, command in commands() if not any("--json" in option.opts for option in command.params)]
    assert without == ["serve", "up"]


def test_every_option_and_argument_says_what_it_is_for() -> None:
    silent = [
        f"{name} {option.name}"
        for name, command in commands()
        for option in command.params
        if not getattr(option, "help", None)
    ]
    assert silent == []


def test_the_version_is_told() -> None:
    assert CliRunner().invoke(program, ["--version"]).stdout == f"{__version__}\n"


def test_usage_that_makes_no_sense_ends_with_2() -> None:
    assert CliRunner().invoke(program, ["bake"]).exit_code == 2


def test_help_loads_neither_the_server_nor_http() -> None:
    heavy = "{'httpx', 'rich', 'litestar', 'psycopg', 'structlog', 'uvicorn'}"
    code = f"import sys, bakery.cli.program; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_every_kind_of_error_has_its_exit_code() -> None:
    assert {kind.__name__: code for kind, code in EXIT_CODES.items()} == {
        "BakeryError": 1,
        "BadInput": 2,
        "NotAllowed": 3,
        "NotFound": 4,
        "Unavailable": 5,
        "NodeUnreachable": 5,
    }
    assert set(EXIT_CODES) <= {kind for kind in vars(errors).values() if isinstance(kind, type)}


def test_a_log_has_no_colours_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    write_log("\x1b[31mred\x1b[0m\n")
    assert capsys.readouterr().out == "red\n"


def test_a_log_gives_a_terminal_colours_and_no_orders(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    write_log("\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2J\r\ttab\n")
    assert capsys.readouterr().out == "\x1b[31mred\x1b[0m ]0;title [2J\ttab\n"
