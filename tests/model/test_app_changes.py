import pytest

from bakery.model.app_changes import RunSettings, changed
from bakery.model.errors import BadInput
from bakery.model.names import AppName
from bakery.model.runtimes import Runtime
from bakery.model.strategies import Strategy
from bakery.model.unit import Limits

SHOP = AppName("shop")
MADE = RunSettings("The shop", ("python3", "app.py"), "/health", Strategy.BLUE_GREEN, Limits(512 * 1024**2, 150))


def change(**wanted: str) -> RunSettings:
    return changed(MADE, wanted, app=SHOP, runtime=Runtime.PROCESS)


def test_what_is_not_named_stays() -> None:
    assert change() == MADE
    assert change(health="/up") == RunSettings("The shop", MADE.command, "/up", MADE.strategy, MADE.limits)


def test_an_empty_text_says_nothing_any_more() -> None:
    cleared = change(name="", command="", health=" ", strategy="", memory="", cpus="")
    assert cleared == RunSettings("shop", (), None, None, Limits())


@pytest.mark.parametrize(
    ("memory", "megabytes"), [("256", 256), (" 256M ", 256), ("1G", 1024), ("1.5g", 1536), ("8.5M", 8)]
)
def test_memory_is_in_whole_megabytes_unless_a_unit_is_named(memory: str, megabytes: int) -> None:
    assert change(memory=memory).limits == Limits(megabytes * 1024**2, 150)


@pytest.mark.parametrize(("cpus", "percent"), [("0.5", 50), ("2", 200), ("0.05", 5), ("1000", 100_000)])
def test_cpus_are_kept_in_percent(cpus: str, percent: int) -> None:
    assert change(cpus=cpus).limits == Limits(512 * 1024**2, percent)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("memory", "lots", "This is no amount of memory."),
        ("memory", "7", "Use at least 8M of memory."),
        ("memory", "-1", "This is no amount of memory."),
        ("cpus", "0", "Use a number of CPUs from 0.05 to 1000."),
        ("cpus", "nan", "Use a number of CPUs from 0.05 to 1000."),
        ("cpus", "1001", "Use a number of CPUs from 0.05 to 1000."),
        ("strategy", "canary", "Choose “blue-green” or “recreate”."),
        ("command", "python3 'app.py", "A quote in this command is never closed."),
        ("health", "health", "Use a path like /health, up to 200 characters."),
        ("runtime", "docker", "There is no setting “runtime”."),
    ],
)
def test_a_mistake_names_its_field(name: str, text: str, sentence: str) -> None:
    with pytest.raises(BadInput) as refused:
        change(**{name: text})
    assert (refused.value.message, refused.value.field) == (sentence, name)


def test_static_files_have_a_name_alone() -> None:
    wanted = {"name": "Docs", "memory": ""}
    assert changed(MADE, wanted, app=SHOP, runtime=Runtime.STATIC).name == "Docs"
    with pytest.raises(BadInput, match="nginx and have no limits of their own"):
        changed(MADE, {"memory": "512"}, app=SHOP, runtime=Runtime.STATIC)
