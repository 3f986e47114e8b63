"""Padding in a Gradle build costs no time that grows with its square: a worker does nothing else meanwhile."""

import signal
from collections.abc import Iterator

import pytest

from bakery.stacks.detect import detect
from tests.stacks.trees import a_tree

LONGEST = 20  # seconds; with patterns that look again at each place it took hours


@pytest.fixture(autouse=True)
def alarm() -> Iterator[None]:
    signal.alarm(LONGEST)
    yield
    signal.alarm(0)


@pytest.mark.parametrize("padding", ["\n", " ", "\t", "apply ", "id ", "war ", "alias(", '"a" ', "a.b:"])
@pytest.mark.parametrize(
    "begins",
    ["", "id", "id(", "plugin:", "alias(", "alias(libs.plugins.a", "sourceCompatibility", "Main-Class", "apply", "war"],
)
def test_it_is_read_in_time(begins: str, padding: str) -> None:
    text = f"plugins {{}}\n{begins}{padding * (200_000 // len(padding))}end"
    assert detect(a_tree({"build.gradle": text, "src/main/java/App.java": ""})) is not None
