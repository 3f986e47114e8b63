"""Folders and trees of files on a node."""

from pathlib import PurePosixPath

from bakery.commands.command import Command, command


def make_folder(path: PurePosixPath, *, mode: int = 0o755, owner: str | None = None) -> Command:
    """Makes the folder, or gives an existing one this mode and owner."""
    ownership = () if owner is None else (f"--owner={owner}", f"--group={owner}")
    return command("install", "--directory", f"--mode={mode:04o}", *ownership, "--", path)


def remove_tree(path: PurePosixPath) -> Command:
    """Harmless when there is nothing. Stays on its file system, so that a mounted volume is not emptied."""
    return command("rm", "--recursive", "--force", "--one-file-system", "--", path)
