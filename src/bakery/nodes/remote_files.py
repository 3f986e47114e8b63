"""Commands that read and write files on a node with nothing but the tools that every Debian has."""

from pathlib import PurePosixPath

from bakery.commands.command import Command, command
from bakery.model.secret import Secret
from bakery.nodes.running import as_bytes

MISSING = 44  # the exit status that says: there is no such thing
_WITHIN = 600.0

# A connection that breaks ends the input early, as if that were all: so the size is compared before the swap.
_WRITE = """
set -eC
umask 077
: > "$2"
trap 'rm -f -- "$2"' EXIT
cat >> "$2"
[ "$(wc -c < "$2")" -eq "$4" ] || { echo "only a part of it arrived" >&2; exit 1; }
chmod -- "$3" "$2"
sync -- "$2"
mv -fT -- "$2" "$1"
trap - EXIT
"""
# Missing is what a folder that we may look into does not hold; anything else that cannot be read is an error.
_OR_MISSING = """
[ -e "$1" ] && exit 1
found=$(dirname -- "$1")
until [ -e "$found" ]; do found=$(dirname -- "$found"); done
[ -d "$found" ] && [ -x "$found" ] && exit 44
exit 1
"""
_READ = 'cat -- "$1" && exit' + _OR_MISSING
_LIST = 'find "$1/" -mindepth 1 -maxdepth 1 -printf "%f\\0" && exit' + _OR_MISSING


def write_file(path: PurePosixPath, aside: PurePosixPath, content: bytes | Secret, mode: int) -> Command:
    """Into `aside` first, which must not be there yet, and lie in the same folder."""
    size = len(as_bytes(content))
    return command("sh", "-c", _WRITE, "sh", path, aside, f"{mode:04o}", str(size), stdin=content, timeout=_WITHIN)


def read_file(path: PurePosixPath) -> Command:
    return command("sh", "-c", _READ, "sh", path, timeout=_WITHIN)


def list_folder(path: PurePosixPath) -> Command:
    """The names, each with a NUL behind it."""
    return command("sh", "-c", _LIST, "sh", path)


def remove_file(path: PurePosixPath) -> Command:
    return command("rm", "-f", "--", path)
