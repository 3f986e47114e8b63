"""The program that makes a machine a node, and the line that fetches, checks and runs it."""

import base64
import hashlib
import re
import shlex
from collections.abc import Mapping, Sequence
from importlib.resources import files

_KEY = re.compile(r"(ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43})( [A-Za-z0-9@._-]*)?\n?")
_INSTALLATION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~/-]*)?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PLACE = re.compile(r"@([A-Z]+)@")
TAKE_OVER, WITH_POSTGRES = "--take-over", "--with postgres"
OPTIONS = frozenset({"--check", TAKE_OVER, WITH_POSTGRES})


def render_installer(*, public_key: str, installation: str, helper: bytes, next_key: str | None = None) -> str:
    """The complete program for one node: always the same text for the same values, so its digest can be told ahead.

    `next_key` is let in too, while a node's key is being changed.
    """
    return _fill(
        files("bakery.nodes").joinpath("install-node.sh").read_text(),
        {
            "KEY": _expect(_KEY, public_key, "an Ed25519 public key")[1],
            "NEXT": _expect(_KEY, next_key, "an Ed25519 public key")[1] if next_key else "",
            "INSTALLATION": _expect(_INSTALLATION, installation, "an installation's id")[0],
            "HELPER": base64.encodebytes(helper).decode().strip(),
        },
    )


def sha256_of(script: str) -> str:
    return hashlib.sha256(script.encode()).hexdigest()


def bootstrap_line(url: str, sha256: str, *, options: Sequence[str] = ()) -> str:
    """For the shell of a person who is root there or may use sudo. It works in a temporary folder.

    A bare Debian has no curl, and maybe no sudo.
    """
    _expect(_URL, url, "an address of ours")
    _expect(_SHA256, sha256, "a SHA-256")
    unknown = set(options) - OPTIONS
    if unknown:
        raise ValueError(f"install-node.sh has no such options: {sorted(unknown)}")
    file = "install-node.sh"
    download = f"{{ curl -fsSLo {file} '{url}' || wget -nvO {file} '{url}'; }}"
    check = f"echo '{sha256}  {file}' | sha256sum -c -"
    run = " ".join(['$([ "$(id -u)" = 0 ] || echo sudo)', "bash", file, *options])
    return f'(cd "$(mktemp -d)" && {download} && {check} && {run})'


def _fill(template: str, values: Mapping[str, str]) -> str:
    """The one place where values enter the program: each becomes one word of the shell, whatever is in it."""
    return _PLACE.sub(lambda place: shlex.quote(values[place[1]]), template)


def _expect(form: re.Pattern[str], value: str, what: str) -> re.Match[str]:
    found = form.fullmatch(value)
    if found is None:
        raise ValueError(f"This is not {what}.")
    return found
