"""Files that a stack looks at and that say nothing: too large, no text, or not what their names promise."""

import re
from collections.abc import Iterable, Iterator

from bakery.stacks.documents import read_json_with_comments, read_toml
from bakery.stacks.tree import LARGEST_FILE, Folder

_DATA = (".json", ".jsonc", ".toml", ".yaml", ".yml", "Pipfile")
_PROJECTS = ("pom.xml", ".csproj", ".fsproj", ".vbproj")
_END_OF_PROJECT = r"(?i)</project\s*>|<project\b[^<>]*/>"
_TAB_IN_FRONT = r"(?m)^\t+[^\s#]"


def unreadable(folder: Folder, names: Iterable[str]) -> Iterator[str]:
    """A sentence for each. Lock files may be as large and odd as their tools want them."""
    for name in names:
        path = folder.shown(name)
        if "lock" in name or path not in folder.tree.sizes:
            continue
        if folder.tree.sizes[path] > LARGEST_FILE:
            if name.endswith(_DATA):
                yield f"{path} has more than {LARGEST_FILE // 1024} KiB, so it was not read."
        elif path in folder.tree.contents:
            text = folder.text(name)
            kind = None if text is None else _broken(name, text)
            if text is None:
                yield f"{path} is no text, so nothing that it says counts."
            elif kind:
                yield f"{path} cannot be read as {kind}, so nothing that it says counts."


def _broken(name: str, text: str) -> str | None:
    """What it is not, though its name says so."""
    if name.endswith((".json", ".jsonc")):
        return "JSON" if read_json_with_comments(text) is None else None
    if name.endswith(".toml"):
        return "TOML" if read_toml(text) is None else None
    if name.endswith(_PROJECTS):
        return "XML" if re.search(_END_OF_PROJECT, text) is None else None
    return "YAML" if name.endswith((".yaml", ".yml")) and re.search(_TAB_IN_FRONT, text) else None
