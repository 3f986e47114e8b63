"""The documentation says what is. BAKERY_WRITE_DOCS=1 writes the generated parts anew."""

import os
import re
import tomllib
from pathlib import Path

from bakery.model.faults import Point
from tests.delivery.fault_table import CELLS, as_markdown, cells_of, runs_as_markdown
from tests.stacks.page import stacks_page
from tests.support.schema_picture import schema_picture

DOCS = Path("docs")


def generated(path: Path, mark: str, text: str) -> None:
    """The part of a page between two marks is just this."""
    page = path.read_text()
    begin, end = f"<!-- {mark}: begin -->\n", f"\n<!-- {mark}: end -->"
    before, _, rest = page.partition(begin)
    found, _, after = rest.partition(end)
    if os.environ.get("BAKERY_WRITE_DOCS"):
        path.write_text(f"{before}{begin}{text}{end}{after}")
    else:
        assert found == text, f"{path} is not what the code says; write it anew with BAKERY_WRITE_DOCS=1"


def test_the_picture_of_the_schema_is_the_schema(migrated_database_url: str) -> None:
    generated(DOCS / "architecture.md", "schema", schema_picture(migrated_database_url))


def test_the_table_of_faults_is_that_of_the_tests() -> None:
    generated(DOCS / "reliability.md", "faults", as_markdown())
    generated(DOCS / "reliability.md", "runs of faults", runs_as_markdown())


def test_a_cell_is_tried_by_the_parameters_that_it_names() -> None:
    kill = "delivery/test_kill.py::test_a_deployment_goes_on_after_a_kill"
    assert list(cells_of(f"{kill}[check.done]")) == [("Bakery is killed (SIGKILL)", "Start, check")]
    assert list(cells_of(f"{kill}[no.place]")) == []
    clock = "delivery/test_clock.py::test_a_deployment_goes_on_when_the_clock_jumps[1 day]"
    assert {phase for _, phase in cells_of(clock)} == {"Start, check", "Afterwards"}


def test_the_table_of_stacks_is_that_of_the_code() -> None:
    generated(DOCS / "stacks.md", "stacks", stacks_page())


def test_each_fault_that_is_said_to_be_tried_has_its_test() -> None:
    for test in {test for cells in CELLS.values() for test in cells.values()}:
        path, _, name = test.partition("[")[0].partition("::")
        assert re.search(rf"^(async )?def {name}\(", Path("tests", path).read_text(), re.MULTILINE), test


def test_every_point_of_a_fault_is_documented() -> None:
    page = (DOCS / "reliability.md").read_text()
    assert [point for point in Point if f"`{point}`" not in page] == []


def test_every_package_has_its_place_in_the_picture_of_the_layers() -> None:
    page = (DOCS / "architecture.md").read_text()
    picture = page[page.index("```") : page.index("```", page.index("```") + 3)]
    packages = {path.parent.name for path in Path("src/bakery").glob("*/__init__.py")}
    assert packages == set(re.findall(r"\b([a-z]+)/ ", picture))


def test_the_picture_of_the_layers_has_the_order_that_is_enforced() -> None:
    page = (DOCS / "architecture.md").read_text()
    picture = page[page.index("```") : page.index("```", page.index("```") + 3)].splitlines()
    is_border = [line.strip().startswith(("┌", "├", "└")) for line in picture]
    # What a border is labelled with belongs to the line below it.
    shown = {
        name: number + is_border[number]
        for number, line in enumerate(picture)
        for name in re.findall(r"\b([a-z]+)(?:/ |\.py)", line)
    }
    contract = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    enforced = [layer.strip("()").removeprefix("bakery.") for layer in contract["layers"]]
    assert set(shown) == set(enforced)
    assert sorted(enforced, key=lambda layer: shown[layer]) == enforced


def test_the_environment_is_read_where_the_page_says() -> None:
    source = Path("src/bakery")
    readers = {path.relative_to(source) for path in source.rglob("*.py") if "os.environ" in path.read_text()}
    on_nodes = {
        "helper/program.py",  # a program of its own, which asks whether sudo called it
        "helper/jobs.py",  # a job begins without what its caller has
    }
    ours = {str(path) for path in readers if path.parts[0] != "cli"} - on_nodes
    assert ours == {"store/schema.py", "store/migrate.py"}


def test_links_between_pages_lead_somewhere() -> None:
    for page in [*DOCS.glob("*.md"), Path("README.md"), Path("CONTRIBUTING.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page} links to {target}"
