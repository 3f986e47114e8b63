"""Which version is used, by what stands where."""

import pytest

from bakery.model.repository_paths import RepositoryPath
from bakery.stacks.plan import ToolVersion
from bakery.stacks.tree import FileTree, Folder
from bakery.stacks.version_ranges import nearest_allowed
from bakery.stacks.versions import Asked, chosen_version, in_mise, in_tool_versions, line_in, series


def folder(files: dict[str, str], path: str = "") -> Folder:
    contents = {name: text.encode() for name, text in files.items()}
    return Folder(FileTree({name: len(text) for name, text in contents.items()}, contents), RepositoryPath(path))


def test_a_file_of_one_line_is_read_without_its_comment() -> None:
    assert line_in(folder({".nvmrc": "# ours\n v20.1 # old\n"}), ".nvmrc") == Asked("v20.1", ".nvmrc")


def test_the_nearest_file_above_the_app_counts() -> None:
    files = {".nvmrc": "18", "apps/.nvmrc": "20", "apps/web/x": ""}
    assert line_in(folder(files, "apps/web"), ".nvmrc") == Asked("20", "apps/.nvmrc")


def test_a_tool_is_found_by_any_of_its_names() -> None:
    files = {".tool-versions": "ruby 3.3.0\nnodejs 22.1.0 20.1.0\n"}
    assert in_tool_versions(folder(files), "node", "nodejs") == Asked("22.1.0", ".tool-versions")


@pytest.mark.parametrize(
    ("written", "version"),
    [('"22"', "22"), ('["22", "20"]', "22"), ('{version = "22", x = 1}', "22"), ("22", "22"), ("3.12", "3.12")],
)
def test_mise_writes_a_version_in_four_ways(written: str, version: str) -> None:
    assert in_mise(folder({"mise.toml": f"[tools]\nnode = {written}\n"}), "node") == Asked(version, "mise.toml")


@pytest.mark.parametrize("text", ["[tools]\nnode = true", "[tools", "tools = 1", "[tools]\nruby = '3'"])
def test_a_mise_file_that_says_nothing_of_it_is_none(text: str) -> None:
    assert in_mise(folder({"mise.toml": text}), "node") is None


def test_nonsense_does_not_count_and_is_told() -> None:
    asked = [None, Asked("huh", "a"), Asked("v20.3.1", "b"), Asked("18", "c")]
    assert chosen_version("Node", asked, read=lambda text: series(text, 1), usual="22") == (
        ToolVersion("Node", "20", "b"),
        (
            "a asks for Node “huh”, which is no version that we know, and does not count.",
            "b asks for Node 20 (“v20.3.1”).",
        ),
    )


def test_what_nobody_asks_for_is_the_default() -> None:
    found = chosen_version("Node", [None], read=lambda text: text, usual="22")
    assert found == (ToolVersion("Node", "22", "the default"), ())


@pytest.mark.parametrize(
    ("text", "parts", "found"),
    [
        ("3.12.1", 2, "3.12"),
        ("v22", 1, "22"),
        ("22-slim", 1, "22"),
        ("3", 2, None),
        ("3.x", 2, None),
        ("x3.1", 2, None),
        ("", 1, None),
    ],
)
def test_a_series_is_the_first_numbers(text: str, parts: int, found: str | None) -> None:
    assert series(text, parts) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (">=18", "22"),
        (">=18 <21", "20"),
        (">= 18.0.0, < 21", "20"),
        ("^20.9.0 || ^18.18.0", "20"),
        ("18 || 20", "20"),
        ("20.x", "20"),
        ("20 - 21", "20"),
        ("~20.1", "20"),
        ("~> 20.0", "20"),
        ("~=20.1.3", "20"),
        (">20", "22"),
        (">22", "24"),
        ("<22", "20"),
        ("<=20.5", "20"),
        ("*", "22"),
        ("!=22.*", "24"),
        (">=26", None),
        ("$(id)", None),
        (">=", None),
        ("", None),
        ("9" * 500, None),
    ],
)
def test_a_range_is_met_near_what_is_usual(text: str, found: str | None) -> None:
    assert nearest_allowed(text, ("18", "20", "22", "24"), usual="22") == found


@pytest.mark.parametrize(
    ("text", "found"),
    [(">=3.9,<3.11", "3.10"), ("^3.10", "3.12"), ("~=3.11.2", "3.11"), ("==3.9.*", "3.9"), (">3.12", "3.13")],
)
def test_a_series_of_two_numbers_likewise(text: str, found: str) -> None:
    assert nearest_allowed(text, ("3.9", "3.10", "3.11", "3.12", "3.13"), usual="3.12") == found
