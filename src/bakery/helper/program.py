"""The helper's door: which verb, and whether its words have the right form.

    helper [--root FOLDER] FAMILY-VERB …
    helper [--root FOLDER] session              many of them, one after the other; see there

Families: `certificate` (of sites), `check` (a command that says whether an app is well), `container` and `image`
(Docker's), `drift` (what is not as it should be), `job` (durable jobs), `key` (the key that lets Bakery in), `log`
(what units wrote), `once` (a container that runs to its end), `own` (Bakery's own site), `port` (of apps), `premises`
(where apps live), `release`, `run` (a command that somebody watches), `site` (what nginx sends to apps), `source` (what
lies in Git), `tree` (files of a release), `unit` (what systemd keeps running), `upload`, `use` (what programs use of
the machine), `visit` (visits of ours to an app), `volume`; and `version` prints a number, and the digest of this file.
Each family's module tells of its verbs.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from pathlib import Path

from bakery.helper.verbs import ROOTS_FOLDER, Verb
from bakery.helper.words import NO_SUCH_VERB, refusal, say

VERSION = 2
FAMILIES = {  # loaded when one is called: a start costs time
    "certificate": "bakery.helper.certificates",
    "check": "bakery.helper.checks",
    "container": "bakery.helper.containers",
    "disk": "bakery.helper.disk",
    "drift": "bakery.helper.drift",
    "image": "bakery.helper.images",
    "job": "bakery.helper.jobs",
    "key": "bakery.helper.keys",
    "log": "bakery.helper.unit_logs",
    "once": "bakery.helper.once",
    "own": "bakery.helper.own_site",
    "port": "bakery.helper.ports",
    "premises": "bakery.helper.premises",
    "release": "bakery.helper.releases",
    "run": "bakery.helper.live_runs",
    "site": "bakery.helper.sites",
    "source": "bakery.helper.git_sources",
    "tree": "bakery.helper.trees",
    "unit": "bakery.helper.units",
    "upload": "bakery.helper.uploads",
    "use": "bakery.helper.uses",
    "visit": "bakery.helper.visits",
    "volume": "bakery.helper.volumes",
}


def version(_root: Path) -> None:
    import hashlib  # noqa: PLC0415 - it loads OpenSSL, which no other verb needs

    say({"version": VERSION, "sha256": hashlib.sha256(Path(sys.argv[0]).read_bytes()).hexdigest()})


def main(words: list[str]) -> None:
    os.umask(0o077)
    root, is_sudo = ROOTS_FOLDER, "SUDO_UID" in os.environ
    if not is_sudo and words[:1] == ["--root"]:
        root, words = Path(words[1]), words[2:]
    if words == ["session"]:
        importlib.import_module("bakery.helper.session").serve(
            lambda call: find_verb(call[0]) if call else None, lambda call: carry_out(root, call, is_sudo=is_sudo)
        )
    else:
        carry_out(root, words, is_sudo=is_sudo)


def carry_out(root: Path, words: list[str], *, is_sudo: bool) -> None:
    verb = find_verb(words[0]) if words else None
    if verb is None or (verb.is_inner and is_sudo):
        sys.exit(NO_SUCH_VERB)
    if not re.fullmatch(verb.words, "\0".join(words[1:])):
        sys.exit("This verb takes other words.")
    try:
        verb.act(root, *words[1:])
    except OSError as error:
        sys.exit(refusal(error))


def find_verb(name: str) -> Verb | None:
    if name == "version":
        return Verb(version)
    family, _, rest = name.partition("-")
    if family not in FAMILIES:
        return None
    found: Verb | None = importlib.import_module(FAMILIES[family]).VERBS.get(rest)
    return found
