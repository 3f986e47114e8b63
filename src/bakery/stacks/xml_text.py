"""Elements of an XML file by their names, wherever they stand. Read as text: nothing in it is unfolded or fetched."""

import re
from collections.abc import Iterator

_LONGEST = 300


def without_comments(text: str | None) -> str:
    return _without(text or "", "<!--", "-->")


def without(text: str, *names: str) -> str:
    """Less these elements and all that is in them."""
    for name in names:
        text = _without(text, f"<{name}>", f"</{name}>")
    return text


def inside(text: str, name: str) -> Iterator[str]:
    """What is in each element of this name that has no attributes. Their like within them are not told apart."""
    begin, end, at = f"<{name}>", f"</{name}>", 0
    while (start := text.find(begin, at)) >= 0 and (stop := text.find(end, start)) >= 0:
        yield text[start + len(begin) : stop]
        at = stop + len(end)


def value_of(text: str, name: str) -> str | None:
    """The first of this name that is a short text."""
    return next((value for part in inside(text, name) if (value := part.strip()) and len(value) <= _LONGEST), None)


def attributes(text: str, element: str, name: str) -> tuple[str, ...]:
    """Of every element of this name."""
    found = re.findall(rf"<{element}\s(?:[^<>]{{0,400}}?\s)?{name}\s*=\s*[\"']([^\"'<>\n]{{1,{_LONGEST}}})", text)
    return tuple(found)


def _without(text: str, begin: str, end: str) -> str:
    kept, at = [], 0
    while (start := text.find(begin, at)) >= 0 and (stop := text.find(end, start)) >= 0:
        kept.append(text[at:start])
        at = stop + len(end)
    return "".join((*kept, text[at:]))
