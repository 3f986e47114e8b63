"""The releases of an environment: a folder each.

    release-unpack APP ENVIRONMENT NUMBER ARCHIVE [--for-visitors]
                                      makes one of an upload, whole or not at all; prints a sentence
    release-copy APP ENVIRONMENT NUMBER EARLIER
                                      makes one of the files of an earlier one, whole or not at all
    release-remove APP ENVIRONMENT NUMBER

`--for-visitors`: the machine's nginx may read the files. Else only the environment's account may.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import subprocess  # noqa: F401 - loaded while we may still read it: see `as_account`
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from bakery.helper.accounts import become
from bakery.helper.children import words_of_child
from bakery.helper.files import remove_tree, sync_folder
from bakery.helper.names import PLACE, RELEASE, Premises
from bakery.helper.premises import make
from bakery.helper.processes import run
from bakery.helper.unpack import unpack
from bakery.helper.uploads import ARCHIVE, open_upload
from bakery.helper.verbs import Verb
from bakery.helper.words import say

LONGEST_WORDS = 10_000


def unpack_archive(root: Path, app: str, environment: str, number: str, archive: str, *for_visitors: str) -> None:
    with making(root, app, environment, number, mode=0o755 if for_visitors else 0o750) as making_it:
        if making_it is None:
            say({"said": "It is unpacked already."})
            return
        account, folder = making_it
        with open_upload(root, archive) as source:
            said = as_account(account, folder, lambda: unpack(source, Path()))
    say({"said": said})


def copy(root: Path, app: str, environment: str, number: str, earlier: str) -> None:
    source = Premises(root, app, environment).releases / earlier
    if not source.is_dir():
        sys.exit(f"Release #{earlier} is not on this machine any more.")
    mode = source.stat().st_mode & 0o777
    with making(root, app, environment, number, mode=mode) as making_it:
        if making_it is not None:
            account, folder = making_it
            as_account(account, folder, lambda: copy_tree(Path("..", earlier), Path()))


def remove(root: Path, app: str, environment: str, number: str) -> None:
    """With the note of which commit it was made of."""
    premises = Premises(root, app, environment)
    remove_tree(premises.releases / number)
    with contextlib.suppress(FileNotFoundError):
        (premises.home / "fetched" / number).unlink()


@contextlib.contextmanager
def making(root: Path, app: str, environment: str, number: str, *, mode: int) -> Iterator[tuple[str, Path] | None]:
    """An account, and a folder of its own that becomes the release when the block ends well. None: it is there."""
    make(root, app, environment)
    premises = Premises(root, app, environment)
    folder = premises.releases / number
    if folder.exists():
        yield None
        return
    aside = premises.releases / f".{number}.making"
    remove_tree(aside)
    aside.mkdir(mode=0o700)
    try:
        yield premises.account, aside
        aside.chmod(mode)
        sync_folder(aside)
        aside.rename(folder)
        sync_folder(premises.releases)
    finally:
        remove_tree(aside)


def as_account(account: str, folder: Path, work: Callable[[], str], *, most: int = LONGEST_WORDS) -> str:
    """A child does it that has no more power than the account. What it says, which may be a refusal."""

    def enter_and_work() -> str:
        if os.geteuid() == 0:
            owner = pwd.getpwnam(account)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            os.chdir(folder)  # the account may not be let to where it lies
            become(owner)
        else:
            os.chdir(folder)
        return work()

    return words_of_child(enter_and_work, most=most, otherwise="What worked on the release was ended from outside.")


def copy_tree(source: Path, folder: Path) -> str:
    """Where the file system can, the copy shares what does not change."""
    run("cp", "--archive", "--reflink=auto", "--no-target-directory", "--", str(source), str(folder))
    return ""


VERBS = {
    "unpack": Verb(unpack_archive, f"{PLACE}\0{RELEASE}\0{ARCHIVE}(\0--for-visitors)?"),
    "copy": Verb(copy, f"{PLACE}\0{RELEASE}\0{RELEASE}"),
    "remove": Verb(remove, f"{PLACE}\0{RELEASE}"),
}
