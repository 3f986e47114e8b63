"""Writes down how each cell of the fault table went: `BAKERY_TEST_ALL=1 BAKERY_WRITE_DOCS=1 pytest`."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.delivery.fault_table import BROKE, HELD, cells_of, write_runs

_seen: dict[tuple[str, str], str] = {}  # of this process
_PLACE = "tests/"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> Iterator[None]:
    yield
    if report.when != "call" and report.passed:
        return
    for cell in cells_of(report.nodeid.removeprefix(_PLACE)):
        _seen[cell] = HELD if report.passed and _seen.get(cell) != BROKE else BROKE


def pytest_sessionfinish() -> None:
    if not (_seen and os.environ.get("BAKERY_TEST_ALL") and os.environ.get("BAKERY_WRITE_DOCS")):
        return
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    new: dict[str, dict[str, str]] = {}
    for (fault, phase), outcome in _seen.items():
        new.setdefault(fault, {})[phase] = f"{outcome} {day}"
    write_runs(new)
