import errno
import io
import os
import resource
from pathlib import Path

import pytest

from bakery.helper import unpack
from bakery.helper.words import refusal


def test_a_full_disk_is_told_with_what_to_do() -> None:
    assert refusal(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))) == (
        "A disk of this node is full: No space left on device.\n"
        "Hint: Make room there, and try again. What Bakery can take away itself, the tab Disk of the node's page says."
    )


def test_what_else_the_machine_refuses_names_the_file() -> None:
    assert refusal(OSError(errno.EACCES, "Permission denied", "/srv/x")) == "Permission denied: /srv/x"
    assert refusal(OSError(errno.EACCES, "Permission denied")) == "Permission denied"


def test_an_archive_for_which_there_is_no_room_is_not_called_bad(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object) -> tuple[int, int]:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(unpack, "fill", no_room)
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    with pytest.raises(SystemExit, match=r"^A disk of this node is full: No space left on device\.\nHint: Make room"):
        unpack.unpack(io.BytesIO(), tmp_path)
