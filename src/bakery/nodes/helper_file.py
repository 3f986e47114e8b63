"""The helper as one file: its modules, packed so that a Python runs them, and the same bytes for the same modules.

Beside each module lies what our own Python makes of it. A Python of the same version there takes that, and starts in
half the time; any other reads the module.
"""

import importlib.util
import io
import marshal
import zipfile
from functools import cache
from importlib.resources import files

_STARTS = b"#!/usr/bin/python3 -IS\n"
_MAIN = "import sys\nfrom bakery.helper.program import main\n\nmain(sys.argv[1:])\n"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # a date would make it another file each time
_NOT_COMPARED = (1).to_bytes(4, "little")  # PEP 552: with its source, which lies in the same file
_WITHOUT_REFERENCES = 2  # of marshal: newer forms depend on what else the process did


@cache
def helper_file() -> bytes:
    """Not compressed: a machine may have a Python without zlib, and compression differs between its versions."""
    folder = files("bakery.helper")
    modules = {"__main__.py": _MAIN, "bakery/__init__.py": ""}
    for entry in folder.iterdir():
        if entry.name.endswith(".py"):
            modules[f"bakery/helper/{entry.name}"] = entry.read_text()
    packed = io.BytesIO(_STARTS)
    packed.seek(0, io.SEEK_END)
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_STORED) as archive:
        for name, text in sorted(modules.items()):
            archive.writestr(zipfile.ZipInfo(name, _LONG_AGO), text)
            archive.writestr(zipfile.ZipInfo(f"{name}c", _LONG_AGO), _compiled(name, text))
    return packed.getvalue()


def _compiled(name: str, text: str) -> bytes:
    code = compile(text, name, "exec", dont_inherit=True)
    source = importlib.util.source_hash(text.encode())
    return importlib.util.MAGIC_NUMBER + _NOT_COMPARED + source + marshal.dumps(code, _WITHOUT_REFERENCES)
