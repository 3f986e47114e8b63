"""Which version of a language or a tool is asked for: as files write it that many ecosystems share.

A function a file; which of them counts first is the ecosystem's own matter, in its stack:

    chosen_version("node", [line_in(folder, ".nvmrc"), in_tool_versions(folder, "nodejs")], read=_major, usual="24")
"""

import re
from collections.abc import Callable, Iterable

from msgspec import Struct

from bakery.model.labels import shown_part
from bakery.stacks.documents import read_toml, text_in, texts_in, value_in
from bakery.stacks.plan import THE_DEFAULT, ToolVersion
from bakery.stacks.tree import Folder

TOOL_VERSIONS = ".tool-versions"
MISE = ("mise.toml", ".mise.toml", ".config/mise.toml")
READS = (TOOL_VERSIONS, *MISE)
_LONGEST = 60
_MOST_LINES = 500
_ANY = frozenset({"latest", "stable", "lts", "*"})


class Asked(Struct, frozen=True):
    """What somebody asked for, as it is written there."""

    version: str
    source: str


def line_in(folder: Folder, name: str) -> Asked | None:
    """A file that is a version and nothing else (.nvmrc, .ruby-version …), here or the nearest above."""
    for here in folder.and_above:
        if here.has(name):
            text = here.text(name)
            if text is None:
                return None
            lines = (line.partition("#")[0].strip() for line in text.splitlines()[:_MOST_LINES])
            return Asked(next(filter(None, lines), ""), here.shown(name))
    return None


def in_tool_versions(folder: Folder, *tools: str) -> Asked | None:
    """asdf's: a tool and its versions a line; the first counts."""
    for here in folder.and_above:
        for line in (here.text(TOOL_VERSIONS) or "").splitlines()[:_MOST_LINES]:
            tool, *found = line.partition("#")[0].split()[:2] or [""]
            if tool in tools and found:
                return Asked(found[0], here.shown(TOOL_VERSIONS))
    return None


def in_mise(folder: Folder, *tools: str) -> Asked | None:
    """mise's: a text, a list of which the first counts, or a table with “version”."""
    for here in folder.and_above:
        for name in here.present(*MISE):
            document = read_toml(here.text(name))
            for tool in tools:
                found = text_in(document, "tools", tool) or text_in(document, "tools", tool, "version")
                found = found or next(iter(texts_in(document, "tools", tool)), None)
                number = value_in(document, "tools", tool)
                found = found or (str(number) if type(number) in {int, float} else None)
                if found:
                    return Asked(found, here.shown(name))
    return None


def chosen_version(
    tool: str, asked: Iterable[Asked | None], *, read: Callable[[str], str | None], usual: str
) -> tuple[ToolVersion, tuple[str, ...]]:
    """The first that makes sense to `read`, with the sentences for it; else the usual one.

    `read` answers with the version that is used for what is written: “22” for “lts/jod”; None for nonsense.
    """
    why: list[str] = []
    for one in filter(None, asked):
        written = shown_part(one.version, at_most=_LONGEST)
        if version := read(one.version) or (usual if one.version in _ANY else None):
            shown = "" if written == version else f" (“{written}”)"
            return ToolVersion(tool, version, one.source), (*why, f"{one.source} asks for {tool} {version}{shown}.")
        why.append(f"{one.source} asks for {tool} “{written}”, which is no version that we know, and does not count.")
    return ToolVersion(tool, usual, THE_DEFAULT), tuple(why)


def series(text: str, parts: int, *, prefixes: str = "") -> str | None:
    """The first so many numbers of a version, without what stands before them: “3.12” of “python-3.12.1”.

    `prefixes`: more words that may stand there, as a pattern. None where there are fewer numbers, other words, or
    several versions of which any will do.
    """
    found = re.fullmatch(
        rf"(?:v|{prefixes or 'v'})?([0-9]{{1,4}}(?:\.[0-9]{{1,4}}){{{parts - 1}}})(?:[.+-][^|]{{0,40}})?", text
    )
    return found[1] if found else None
