"""The key that lets Bakery in.

key-add    takes a key as a line of input, and lets it in beside the one that is there
key-keep   likewise, and lets no other in any more; it has to be one that is let in
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from bakery.helper.files import let_agent_read, sync_folder, write_over
from bakery.helper.verbs import Verb

KEYS = Path("/var/lib/bakery/agent/.ssh/authorized_keys")
RESTRICTIONS = 'restrict,port-forwarding,permitopen="127.0.0.1:*",permitlisten="127.0.0.1:1"'  # as the installer has it
PUBLIC_KEY = re.compile("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43}")


def add_key(_root: Path) -> None:
    key, lines = told_key(), KEYS.read_text().splitlines()
    if not any(key in line for line in lines):
        kept = [line for line in lines if not line.endswith(" bakery-next")]
        write_keys([*kept, f"{RESTRICTIONS} {key} bakery-next"])


def keep_key(_root: Path) -> None:
    key = told_key()
    if key not in KEYS.read_text():
        sys.exit("This key is not one of those that are let in.")
    write_keys([f"{RESTRICTIONS} {key} bakery"])


def told_key() -> str:
    found = PUBLIC_KEY.match(sys.stdin.buffer.readline(1000).decode(errors="replace"))
    if found is None:
        sys.exit("This is not a key of Bakery's.")
    return found[0]


def write_keys(lines: list[str]) -> None:
    """Of these files root is the owner, so that the agent cannot let others in."""
    aside = KEYS.with_name(f"authorized_keys.{os.getpid()}")
    write_over(aside, "".join(f"{line}\n" for line in lines).encode())
    let_agent_read(aside, 0o640)
    aside.replace(KEYS)
    sync_folder(KEYS.parent)


VERBS = {"add": Verb(add_key), "keep": Verb(keep_key)}
