import shlex
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakery.commands import accounts, files
from bakery.commands.command import command
from bakery.model.errors import BadInput
from bakery.model.secret import Secret


def test_a_command_is_shown_as_a_person_would_type_it() -> None:
    assert str(command("git", "commit", "-m", "it's done", PurePosixPath("/a b"))) == (
        """git commit -m 'it'"'"'s done' '/a b'"""
    )


def test_secrets_are_shown_as_dots() -> None:
    shown = command("psql", stdin=Secret("hush"), env={"PGUSER": "o'brien", "PGPASSWORD": Secret("hush")})
    assert str(shown) == """PGUSER='o'"'"'brien' PGPASSWORD=•••• psql < ••••"""
    assert "hush" not in repr(shown)


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\0")), min_size=1))
def test_what_is_shown_splits_into_the_same_words(words: list[str]) -> None:
    assert shlex.split(str(command(*words))) == words


def test_a_command_holds_no_nul() -> None:
    with pytest.raises(BadInput, match="NUL"):
        command("echo", "a\0b")


def test_commands_over_files_end_their_options_before_a_path() -> None:
    path = PurePosixPath("/srv/a b")
    assert str(files.make_folder(path, mode=0o700)) == "install --directory --mode=0700 -- '/srv/a b'"
    assert str(files.make_folder(path, owner="bk-1")) == (
        "install --directory --mode=0755 --owner=bk-1 --group=bk-1 -- '/srv/a b'"
    )
    assert str(files.remove_tree(path)) == "rm --recursive --force --one-file-system -- '/srv/a b'"


def test_an_account_has_no_home_and_no_shell() -> None:
    assert str(accounts.add_account("bk-1")) == (
        "useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin bk-1"
    )
