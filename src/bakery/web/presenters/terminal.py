"""What a program wrote to its terminal, as safe HTML: colours become classes, all other control is dropped."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import unescape
from typing import Any

from markupsafe import Markup, escape

from bakery.web.views.deployments import LogLine

_COLOURS = re.compile(r"\x1b\[([0-9;:]*)m")
_OTHER_CONTROL = re.compile(
    r"\x1b\[(?![0-9;:]*m)[0-?]*[ -/]*[@-~]"  # moves of the cursor and the like
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # titles, links
    r"|\x1b[ -/]*[0-Z\\^-~]"  # character sets, resets
    r"|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]"
)
_TAG = re.compile(r"<[^>]*>")
_TINTS = {1, 2, 3, 4}  # the colours that also exist as a background


@dataclass(frozen=True, slots=True)
class _Look:
    colour: int | None = None
    background: int | None = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    inverse: bool = False

    @property
    def classes(self) -> str:
        named = {"bold": self.bold, "dim": self.dim, "it": self.italic, "ul": self.underline, "inv": self.inverse}
        found = [name for name, is_on in named.items() if is_on]
        if self.colour is not None:
            found.append(f"a{self.colour}")
        if self.background in _TINTS:
            found.append(f"b{self.background}")
        return " ".join(found)


_SWITCHES: Mapping[int, Mapping[str, Any]] = {
    1: {"bold": True},
    2: {"dim": True},
    3: {"italic": True},
    4: {"underline": True},
    7: {"inverse": True},
    22: {"bold": False, "dim": False},
    23: {"italic": False},
    24: {"underline": False},
    27: {"inverse": False},
    39: {"colour": None},
    49: {"background": None},
}


def log_lines(text: str, first: int) -> Sequence[LogLine]:
    """Numbered from `first`. Of a line that was written over, as progress bars do, the last state remains."""
    texts = text.replace("\r\n", "\n").split("\n")
    if not texts[-1]:
        texts.pop()
    look = _Look()
    lines = []
    for number, line in enumerate(texts, first):
        html, look = _line(line, look)
        lines.append(LogLine(number, html))
    return lines


def plain(line: LogLine) -> str:
    """A line without its colours."""
    return unescape(_TAG.sub("", line.html))


def _line(text: str, look: _Look) -> tuple[Markup, _Look]:
    shown = Markup()
    for state in _OTHER_CONTROL.sub("", text).split("\r"):
        html, look = _state(state, look)
        shown = html or shown
    return shown, look


def _state(text: str, look: _Look) -> tuple[Markup, _Look]:
    pieces = _COLOURS.split(text)  # text, codes, text, codes, …, text
    html = _span(pieces[0], look)
    for codes, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        look = _look_after(codes, look)
        html += _span(piece, look)
    return html, look


def _span(text: str, look: _Look) -> Markup:
    plain = text.replace("\x1b", "")  # the beginning of a sequence that never came to its end
    if not plain or not look.classes:
        return escape(plain)
    return Markup('<span class="{}">{}</span>').format(look.classes, plain)


def _look_after(codes: str, look: _Look) -> _Look:
    numbers = iter([int(code or 0) for code in codes.replace(":", ";").split(";") if len(code) < 4])
    for code in numbers:
        if code == 0:
            look = _Look()
        elif code in _SWITCHES:
            look = replace(look, **_SWITCHES[code])
        elif code in {38, 48}:
            colour = _extended(numbers)
            look = replace(look, colour=colour) if code == 38 else replace(look, background=colour)
        elif 30 <= code <= 37 or 90 <= code <= 97:
            look = replace(look, colour=code - 30 if code < 90 else code - 82)
        elif 40 <= code <= 47:
            look = replace(look, background=code - 40)
    return look


def _extended(numbers: Iterator[int]) -> int | None:
    """The nearest of our 16 colours to one of 256, or of 16 million."""
    match next(numbers, None):
        case 5:
            return _nearest_of_256(next(numbers, 0))
        case 2:
            red, green, blue = (next(numbers, 0) for _ in range(3))
            return _nearest(red / 255, green / 255, blue / 255)
    return None


def _nearest_of_256(number: int) -> int:
    if number < 16:
        return number
    if number < 232:
        cube = number - 16
        return _nearest(cube // 36 / 5, cube // 6 % 6 / 5, cube % 6 / 5)
    return 8 if number < 244 else 7


def _nearest(red: float, green: float, blue: float) -> int:
    strongest = max(red, green, blue)
    bits = [part > 0.3 and part > strongest * 0.6 for part in (red, green, blue)]
    return sum(1 << place for place, is_on in enumerate(bits) if is_on) + (8 if strongest > 0.9 else 0)
