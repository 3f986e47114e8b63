"""The static files: vendored ones are what they were, all of them are within budget and need no one else."""

import gzip
import hashlib
import json
import re

import pytest

from bakery.web.assets import FOLDER

VENDOR = FOLDER / "vendor"
LOCK: dict[str, dict[str, str]] = json.loads((VENDOR / "vendor.lock.json").read_text())


def _compressed(pattern: str) -> int:
    """Without the terminal, which one page loads, and has a budget of its own."""
    paths = [path for path in FOLDER.rglob(pattern) if not path.name.startswith("xterm")]
    return sum(len(gzip.compress(path.read_bytes(), mtime=0)) for path in paths)


@pytest.mark.parametrize("name", LOCK)
def test_a_vendored_file_is_what_was_vendored(name: str) -> None:
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == LOCK[name]["sha256"]


def test_nothing_is_vendored_beside_the_lock() -> None:
    assert {path.name for path in VENDOR.iterdir()} == {*LOCK, "vendor.lock.json"}


def test_the_lock_of_npm_agrees_and_names_no_registry() -> None:
    text = (FOLDER.parents[3] / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]

    assert "resolved" not in text
    assert all(packages[f"node_modules/{entry['package']}"]["version"] == entry["version"] for entry in LOCK.values())


def test_scripts_stay_within_60_kb() -> None:
    assert _compressed("*.js") <= 60 * 1024


def test_the_terminal_stays_within_80_kb() -> None:
    assert sum(len(gzip.compress(path.read_bytes(), mtime=0)) for path in VENDOR.glob("xterm*")) <= 80 * 1024


def test_styles_stay_within_25_kb() -> None:
    assert _compressed("*.css") <= 25 * 1024


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.css")), ids=lambda path: path.name)
def test_colours_are_decided_in_the_tokens_alone(path: object) -> None:
    text = re.sub(r"light-dark\([^)]*\)", "", (FOLDER / str(path)).read_text())

    assert path == FOLDER / "tokens.css" or set(re.findall(r"#[0-9a-fA-F]{3,8}\b", text)) <= {
        "#fff"
    }  # a QR code's paper


@pytest.mark.parametrize("path", sorted([*FOLDER.glob("*.css"), *FOLDER.glob("js/*.js")]), ids=lambda path: path.name)
def test_nothing_is_fetched_from_elsewhere(path: object) -> None:
    assert not re.search(r"https?://|@import|url\(", (FOLDER / str(path)).read_text())
