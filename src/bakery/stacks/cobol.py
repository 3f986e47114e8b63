"""COBOL: one program, compiled by GnuCOBOL."""

import re

from bakery.model.app_commands import words
from bakery.model.runtimes import Runtime
from bakery.stacks.compiled import DEBIAN, Image, compiled
from bakery.stacks.plan import Commands, Found, Said
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder, is_plain_path

PROGRAMS = ("index.cbl", "main.cbl", "src/index.cbl", "src/main.cbl", "index.cob", "main.cob")
ANY = ("*.cbl", "*.cob", "src/*.cbl", "src/*.cob")
_MADE = "program"


def find_cobol_app(folder: Folder, _: Said) -> Found | None:
    every = [name for pattern in ANY for name in folder.matching(pattern) if is_plain_path(name)]
    if not every:
        return None
    program = folder.first(*PROGRAMS) or (every[0] if len(every) == 1 else None)
    shown = folder.shown(program or every[0])
    # In the old format the first seven columns are for numbers and marks.
    free = ("-free",) if program and _is_free(folder.text(program) or "") else ()
    build = ("cobc", "-x", *free, "-o", _MADE, program or "")
    found = Found(
        runtimes=(Runtime.DOCKER, Runtime.PROCESS),
        commands=Commands(
            build=words(*build) if program else None,
            start=words(f"./{_MADE}") if program else None,
        ),
        why=(f"{shown} is a program in COBOL{', in free format' if free else ''}.",),
        missing=()
        if program
        else (f"There are several programs in COBOL ({', '.join(every[:6])}) and none is {PROGRAMS[0]}.",),
    )
    image = Image(
        sources=(program,) if program else (),
        build_from=DEBIAN,
        packages_to_build=("gnucobol3", "libc6-dev", "gcc"),
        packages_to_run=("libcob4",),
        results=(_MADE,) if program else (),
        ignores=(_MADE,),
    )
    return compiled(found, image)


def _is_free(text: str) -> bool:
    head = text[:4000]
    if re.search(r"SOURCE\s+(?:FORMAT\s+)?(?:IS\s+)?FREE", head, re.IGNORECASE):
        return True
    return (
        re.search(r"^ {0,6}(?:identification|id|program-id|procedure|display)\b", head, re.IGNORECASE | re.MULTILINE)
        is not None
    )


STACK = Stack("cobol", find_cobol_app, reads=(*PROGRAMS, *ANY), looks_for=ANY)
