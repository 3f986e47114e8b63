"""Paths in a repository: below its top folder, and nothing that a program could take for an option."""

import unicodedata
from typing import NewType

from bakery.model.errors import BadInput

RepositoryPath = NewType("RepositoryPath", str)

TOP = RepositoryPath("")
LONGEST_PATH = 500


def parse_repository_path(text: str, *, field: str = "path") -> RepositoryPath:
    """The path without `.` and doubled slashes; the top folder is empty."""
    if len(text) > LONGEST_PATH or any(unicodedata.category(one) in {"Cc", "Cs", "Cn", "Zl", "Zp"} for one in text):
        raise BadInput(f"Use a path of up to {LONGEST_PATH} printable characters.", field=field)
    if text.startswith(("/", "~")) or "\\" in text:
        raise BadInput("Use a path in the repository, with “/” between its parts.", field=field, hint="Like apps/web.")
    parts = [part for part in text.strip().split("/") if part not in {"", "."}]
    if ".." in parts:
        raise BadInput("This path leads out of the repository.", field=field, hint="Leave out the “..”.")
    if ".git" in parts:
        raise BadInput("Nothing in .git is a part of the app.", field=field)
    if parts and parts[0].startswith("-"):
        raise BadInput("A path does not begin with a hyphen.", field=field)
    return RepositoryPath("/".join(parts))


def joined(base: str, name: str) -> RepositoryPath:
    return RepositoryPath(f"{base}/{name}" if base and name else base or name)
