"""Who builds from a Dockerfile: Docker's own frontend, whatever its first lines ask for.

Another could leave out what marks the steps of a build, and these would then know no limit. BuildKit looks for the line
in the first comments, of either kind, below a byte order mark and a line like a script's first, or in a text that is
JSON; its versions differ in which characters they skip. So every line is looked at that one of them could obey, and
none of these holds a character that one takes for a space or for the end of a line, and another for neither.
"""

from __future__ import annotations

import re
import sys
import unicodedata

from bakery.helper.words import hinted

FOREIGN_FRONTEND = "Only Docker's own frontend can be named in a line `syntax`: docker/dockerfile, of any version."
SYNTAX = re.compile(r"(?:#|//)\s*syntax\s*=\s*([^ ]*)", re.IGNORECASE)
FRONTEND = re.compile(r"(?:docker\.io/)?docker/dockerfile(?:-upstream)?(?::[\w.-]{1,128})?(?:@sha256:[0-9a-f]{64})?")
CONTROLS = ("Cc", "Zl", "Zp")  # as Unicode sorts characters: those that end lines are among them


def expect_known_frontend(text: str) -> None:
    for number, whole in enumerate(text.lstrip("\ufeff").split("\n"), 1):  # BuildKit ends a line nowhere else
        line = whole.removesuffix("\r")
        begin = line.strip()
        if begin.startswith("{"):
            sys.exit("A Dockerfile begins with a comment or with an instruction.")
        if begin and not begin.startswith(("#", "//")):
            return
        expect_no_control(line, number)
        found = SYNTAX.match(begin)
        if found and not FRONTEND.fullmatch(found[1]):
            sys.exit(FOREIGN_FRONTEND)


def expect_no_control(line: str, number: int) -> None:
    for place, character in enumerate(line, 1):
        if character != "\t" and unicodedata.category(character) in CONTROLS:
            where = (
                f"Line {number} of the Dockerfile holds a control character (U+{ord(character):04X}) at place {place}"
            )
            sys.exit(hinted(f"{where}, above its first instruction, where builders do not agree on it.", "Remove it."))
