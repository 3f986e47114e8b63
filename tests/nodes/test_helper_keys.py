"""The key that lets Bakery in: a second one beside it, and then that one alone."""

import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bakery.helper import keys as helper
from bakery.helper.program import main
from bakery.nodes import installer
from bakery.nodes.login import mint_key


def blob() -> str:
    return " ".join(mint_key("")[0].split()[:2])


OLD, NEW = blob(), blob()


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The helper is a program of its own, whose umask must not stay with us."""
    file = tmp_path / "authorized_keys"
    file.write_text(f"{helper.RESTRICTIONS} {OLD} bakery\n")
    monkeypatch.setattr(helper, "KEYS", file)
    ours = os.umask(0o077)
    yield file
    os.umask(ours)


def say(verb: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    main([verb])


def test_a_new_key_comes_beside_the_old_one_and_then_stands_alone(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):  # again is harmless
        say("key-add", f"{NEW} bakery-oven-1\n", monkeypatch)
        assert keys.read_text().splitlines() == [
            f"{helper.RESTRICTIONS} {OLD} bakery",
            f"{helper.RESTRICTIONS} {NEW} bakery-next",
        ]
    for _ in range(2):
        say("key-keep", NEW, monkeypatch)
        assert keys.read_text() == f"{helper.RESTRICTIONS} {NEW} bakery\n"
    assert [path.name for path in keys.parent.iterdir()] == ["authorized_keys"]


def test_a_key_that_was_never_added_does_not_lock_us_out(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = keys.read_text()
    with pytest.raises(SystemExit, match="not one of those that are let in"):
        say("key-keep", NEW, monkeypatch)
    assert keys.read_text() == before


@pytest.mark.parametrize(
    "text",
    ["", "\n", "ssh-rsa AAAA", f'command="sh" {NEW}', NEW[:-1], "x" * 5000, f"\n{NEW}", "\xff\xfe"],
    ids=["nothing", "no line", "another kind", "options before", "cut off", "long", "a line before", "no text"],
)
@pytest.mark.parametrize("verb", ["key-add", "key-keep"])
def test_what_is_no_key_of_ours_changes_nothing(
    keys: Path, monkeypatch: pytest.MonkeyPatch, verb: str, text: str
) -> None:
    before = keys.read_text()
    with pytest.raises(SystemExit, match="not a key of Bakery's"):
        say(verb, text, monkeypatch)
    assert keys.read_text() == before


def test_only_the_key_itself_is_written(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    say("key-add", f'{NEW} x" ssh-ed25519 AAAA evil\nssh-rsa more', monkeypatch)
    assert keys.read_text().splitlines()[1] == f"{helper.RESTRICTIONS} {NEW} bakery-next"


def test_the_installer_restricts_the_key_in_the_same_words() -> None:
    script = installer.render_installer(public_key=OLD, installation="00000000-0000-0000-0000-000000000000", helper=b"")
    assert f"RESTRICTIONS='{helper.RESTRICTIONS}'" in script
