"""Static files: a page that is there already, for nginx to hand out."""

import re

from bakery.model.repository_paths import RepositoryPath
from bakery.model.runtimes import Runtime
from bakery.stacks.plan import Commands, Found, Said
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder, is_plain_path

PAGE = "index.html"
FILE = "Staticfile"
FOLDERS = ("", "public", "dist", "_site", "site", "build", "www", "html", "htdocs", "out", "static")
MARKS = tuple(f"{folder}/{PAGE}" if folder else PAGE for folder in FOLDERS)
_ROOT = r"(?m)^root[ \t]*:[ \t]*[\"']?([^\"'\n#]{1,200})"


def find_static_files(folder: Folder, _: Said) -> Found | None:
    return _by_staticfile(folder) or _by_page(folder)


def _by_staticfile(folder: Folder) -> Found | None:
    """It says that this is static, and perhaps where."""
    if not folder.has(FILE):
        return None
    named = re.search(_ROOT, folder.text(FILE) or "")
    path = named[1].strip().removeprefix("./").rstrip("/") if named else ""
    page = folder.first(*MARKS)
    shown = folder.shown(FILE)
    if path and is_plain_path(path) and folder.holds_any(f"{path}/"):
        return _served(path, f"{shown} names {folder.shown(path)} as the folder that is served.")
    if named and path not in ("", "."):
        missing = f"{shown} names a folder that is not here."
        return Found((Runtime.STATIC,), Commands(), (f"{shown} says that this is static.",), missing=(missing,))
    if path == "." or page is None:
        return _served("", f"{shown} says that this is static.")
    return _served(page.removesuffix(PAGE).rstrip("/"), f"{shown} says that this is static, with {folder.shown(page)}.")


def _by_page(folder: Folder) -> Found | None:
    page = folder.first(*MARKS)
    if page is None:
        return None
    path = page.removesuffix(PAGE).rstrip("/")
    return _served(path, f"{folder.shown(page)} is a page that can be served as it stands.")


def _served(path: str, why: str) -> Found:
    return Found(runtimes=(Runtime.STATIC,), commands=Commands(), why=(why,), static_folder=RepositoryPath(path))


STACK = Stack("static", find_static_files, reads=(FILE,), looks_for=(FILE, *MARKS))
