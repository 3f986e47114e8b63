"""Nodes for tests: whoever asks for `lab` or `node` is a test of the lab, and is marked so."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.lab.errors import LabError
from tests.lab.lab import Lab, open_lab
from tests.lab.nodes import Node

# The first test to ask may have to make the image; a machine with slow downloads takes minutes for that.
_SECONDS_TO_PREPARE = 900


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    for item in items:
        if _needs_the_lab(item):
            item.add_marker(pytest.mark.lab)
    yield  # here pytest takes out what was not selected
    for item in filter(_needs_the_lab, items):
        item.add_marker(pytest.mark.timeout(_SECONDS_TO_PREPARE))
        break


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    with ExitStack() as stack:
        try:
            lab = stack.enter_context(open_lab())
        except LabError as error:
            pytest.fail(str(error), pytrace=False)
        yield lab


@pytest.fixture
def node(lab: Lab) -> Iterator[Node]:
    """A freshly booted machine of this test's own."""
    with lab.node() as node:
        yield node


def _needs_the_lab(item: pytest.Item) -> bool:
    return "lab" in getattr(item, "fixturenames", ())
