"""A commit's files, written into a release's folder as git would write them, without git's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bakery.helper.git_fetch import Fetched
from bakery.helper.git_lfs import Pointer, place_files
from bakery.helper.git_program import EMPTY_HEAD, SETTINGS, Done, expect_git, finish, give_up_more, plain_environment
from bakery.helper.git_words import plain
from bakery.helper.unpack import leads_out


class Writer:
    """Knows no credential, and has nothing to do with servers. `folder` is its own, for an index."""

    def __init__(self, folder: Path, owner: tuple[int, int], *, key: str) -> None:
        self.program, self.folder, self.job = expect_git(), folder, key
        for path in (folder, folder / "refs", folder / "objects"):
            path.mkdir(mode=0o700)
        (folder / "config").write_text(SETTINGS.format(bare="false"))
        (folder / "HEAD").write_text(EMPTY_HEAD)
        if os.geteuid() == 0:
            for path in (folder, *folder.iterdir()):
                os.chown(path, *owner)

    def write(self, release: Path, objects: Path, trees: list[Fetched], pointers: list[Pointer]) -> str:
        """As whom we are. Git wants to know the whole way to where it writes."""
        os.umask(0o022)
        os.chdir(release)
        for number, one in enumerate(trees):
            environment = {
                **plain_environment(self.folder, self.job),
                "GIT_OBJECT_DIRECTORY": str(objects), "GIT_WORK_TREE": ".", "GIT_ALLOW_PROTOCOL": "none",
                "GIT_INDEX_FILE": str(self.folder / f"index-{number}"),
            }  # fmt: skip
            self._call(environment, "read-tree", one.commit)
            prefix = (f"--prefix={one.folder}",) if one.folder else ()
            self._call(environment, "checkout-index", "--all", "--quiet", *prefix)
        place_files(objects, pointers)
        expect_no_way_out()
        return ""

    def _call(self, environment: dict[str, str], *words: str) -> None:
        with subprocess.Popen(
            [self.program, *words],
            env=environment, preexec_fn=give_up_more,  # noqa: PLW1509 - nothing here has threads
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as process:  # fmt: skip
            done: Done = finish(process, b"")
        if done.status:
            sys.exit(f"The files could not be written: {plain(done.errors)}")


def expect_no_way_out() -> None:
    """No link of the folder that we are in leads out of it."""
    top = Path()
    for here, folders, files in os.walk("."):
        for name in (*folders, *files):
            path = Path(here, name)
            if path.is_symlink() and leads_out(top, path):
                sys.exit(f"The link “{path}” leads out of the repository.")
