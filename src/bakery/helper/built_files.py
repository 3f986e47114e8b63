"""The files that a build leaves instead of an image.

Docker's client would write them itself, as owner with the group that opens Docker, and with the bits that the build
chose: among them a program that gives this group to whoever starts it. So it sends them as an archive, which the
environment's account unpacks with no group but its own, as it does with an upload.
"""

from __future__ import annotations

import os
import pwd
import signal
import subprocess  # noqa: F401 - loaded while we may still read it, as in bakery.helper.releases
import sys
import tarfile
from pathlib import Path

from bakery.helper.accounts import become
from bakery.helper.children import Child
from bakery.helper.docker_client import PR_SET_PDEATHSIG, enter
from bakery.helper.files import remove_tree
from bakery.helper.libc import LIBC
from bakery.helper.unpack import BUILT, CHUNK, unpack_stream

LONGEST_WORDS = 4096  # which a pipe holds, whether somebody listens or not
NOT_WHOLE = "What the build made did not arrive whole."


class BuiltFiles:
    """On their way into `output`, a folder below the one that is built. The archive goes into `archive`."""

    def __init__(self, account: pwd.struct_passwd, home: Path, folder: str, output: str) -> None:
        reading, self.archive = os.pipe()

        def take() -> str:
            os.close(self.archive)
            become(account)
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            enter(home, folder)
            return take_files(reading, output)

        self.child = Child(take, most=LONGEST_WORDS)
        os.close(reading)

    def given_away(self) -> None:
        """Whoever has the archive's end now ends it."""
        os.close(self.archive)

    def finish(self, status: int, *, was_stopped: bool) -> int:
        """That of the client, which fails too when what it sends is refused, but does not know why."""
        if was_stopped:  # something of the client's may still hold the archive open
            self.child.kill()
            return status or 128 + signal.SIGTERM
        try:
            words = self.child.words(NOT_WHOLE)
        except SystemExit as refused:
            if status and str(refused) == NOT_WHOLE:
                return status
            raise
        sys.stdout.write(f"{words}\n")
        return status


def take_files(archive: int, output: str) -> str:
    """What was done, as a sentence. Nothing is touched before there is something to take."""
    with os.fdopen(archive, "rb") as source:
        if not source.peek(1):
            sys.exit(NOT_WHOLE)
        make_output(output)
        try:
            said = unpack_stream(source, Path(output), BUILT)
        except tarfile.TarError:
            sys.exit(NOT_WHOLE)
        except SystemExit as refused:
            sys.exit(f"What the build made is refused. {refused}")
        while source.read(CHUNK):  # whom nobody listens to, fails
            pass
    return said


def make_output(path: str) -> None:
    """What lay there before is not of this build."""
    os.umask(0o022)
    if Path.cwd() not in Path(path).resolve().parents:
        sys.exit(f"{path} leads out of the folder that is built.")
    remove_tree(Path(path))
    Path(path).mkdir(parents=True)
    Path(path).chmod(0o755)
