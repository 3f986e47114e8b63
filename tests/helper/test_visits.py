"""Visits of ours to an app, and the ports that apps listen on: the real verbs, as root or as an ordinary user."""

import json
import socket
from collections.abc import Iterator

import pytest

from tests.nodes.job_machine import JobMachine, job_machine

TO_NOBODY = ("visit-begin", "shop", "production", "9", "shop.localhost", "/")


@pytest.fixture
def machine() -> Iterator[JobMachine]:
    with job_machine(as_root=False) as machine:
        yield machine


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def test_visits_end_when_they_are_told_to_and_each_has_a_line(machine: JobMachine) -> None:
    with machine.popen(*TO_NOBODY) as visitor:
        assert visitor.stdout is not None
        assert visitor.stdout.readline() == b"- Connection refused\n"
        machine.attempt("visit-end", "shop", "production").check_returncode()
        assert set(visitor.stdout) <= {b"- Connection refused\n"}
        assert visitor.wait(10) == 0


def test_they_end_when_nobody_counts_them_any_more(machine: JobMachine) -> None:
    with machine.popen(*TO_NOBODY) as visitor:
        assert visitor.stdout is not None
        assert visitor.stdout.readline().startswith(b"- ")
        visitor.stdout.close()
        assert visitor.wait(10) == 0


def test_to_end_what_was_never_begun_is_harmless(machine: JobMachine) -> None:
    assert machine.attempt("visit-end", "shop", "production").returncode == 0


@pytest.mark.parametrize("odd", ["", "shop", "/a b", "/a\r\nHost: other", "/\N{SNOWMAN}"])
def test_a_path_is_one_of_http(machine: JobMachine, odd: str) -> None:
    refused = machine.attempt(*TO_NOBODY[:-1], odd)
    assert (refused.returncode, refused.stderr) == (1, b"This verb takes other words.\n")


def test_a_port_is_taken_while_somebody_listens_there(machine: JobMachine, listening: socket.socket) -> None:
    port = str(listening.getsockname()[1])
    assert machine.ask("port-taken", port) == {"is_taken": True}
    listening.close()
    assert machine.ask("port-taken", port) == {"is_taken": False}


def test_connections_of_a_port_are_waited_for_and_those_that_stay_are_counted(
    machine: JobMachine, listening: socket.socket
) -> None:
    port = listening.getsockname()[1]
    visitor = socket.create_connection(("127.0.0.1", port))
    assert machine.ask("port-drain", str(port), "0.2") == {"left": 1}
    waiting = machine.popen("port-drain", str(port), "30")
    visitor.close()
    assert json.loads(waiting.communicate(timeout=20)[0]) == {"left": 0}
