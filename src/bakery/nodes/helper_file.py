"""The helper as one file: its modules, packed so that a Python runs them, and the same bytes for the same modules."""

import io
import zipfile
from importlib.resources import files

_STARTS = b"#!/usr/bin/python3 -IS\n"
_MAIN = "import sys\nfrom bakery.helper.program import main\n\nmain(sys.argv[1:])\n"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # a date would make it another file each time


def helper_file() -> bytes:
    """Not compressed: a machine may have a Python without zlib, and compression differs between its versions."""
    folder = files("bakery.helper")
    modules = {entry.name: entry.read_text() for entry in folder.iterdir() if entry.name.endswith(".py")}
    packed = io.BytesIO(_STARTS)
    packed.seek(0, io.SEEK_END)
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo("__main__.py", _LONG_AGO), _MAIN)
        archive.writestr(zipfile.ZipInfo("bakery/__init__.py", _LONG_AGO), "")
        for name, text in sorted(modules.items()):
            archive.writestr(zipfile.ZipInfo(f"bakery/helper/{name}", _LONG_AGO), text)
    return packed.getvalue()
