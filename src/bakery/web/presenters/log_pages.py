"""Lines of a log as rows: numbered, coloured, with their level and links, and cut where they are endless."""

import re
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from bakery.store.log_levels import Level, level_of
from bakery.store.logs import Line
from bakery.web.presenters.terminal import log_lines, plain

ROWS = 500  # a page of them
LONGEST = 20_000  # bytes of a line; all of it is in the raw text
# In escaped HTML. What ends a sentence or closes a bracket does not belong to the address.
_ADDRESS = re.compile(r"https?://(?:[^\s<>&]|&amp;)*(?:[^\s<>&.,;:!?)\]}]|&amp;)")
_LINK = r'<a href="\g<0>" rel="noreferrer" target="_blank">\g<0></a>'
_NOTE = Markup('<i class="cut-note"> … this line is longer: <a href="{}">the raw log</a> has all of it</i>')
_ROW = Markup('<div class="ln{2}" id="L{0}"><a href="#L{0}" tabindex="-1">{0}</a><span>{1}</span></div>')

_LEVELS: Mapping[Level | None, str] = {None: "", Level.ERROR: " lv-error", Level.WARNING: " lv-warning"}


def log_rows(lines: Sequence[Line], raw: str) -> Markup:
    """One HTML element a line of the answer. `raw` is the address of all of it."""
    if not lines:
        return Markup()
    shown = [_shown(line) for line in lines]
    cut = {line.number for line, (_, is_cut) in zip(lines, shown, strict=True) if is_cut}
    text = "".join(f"{part}\n" for part, _ in shown)
    return Markup("\n").join(
        _ROW.format(
            line.number,
            _linked(line.html) + (_NOTE.format(raw) if line.number in cut else ""),
            _LEVELS[level_of(plain(line))],
        )
        for line in log_lines(text, lines[0].number)
    )


def _shown(line: Line) -> tuple[str, bool]:
    """As much of it as a page can bear, and whether that is not all. What a progress bar wrote over was not to stay."""
    data = line.bytes
    if len(data) <= LONGEST:
        return data.decode("utf-8", "replace"), line.is_cut
    data = data.rstrip(b"\r")
    begin = data.find(b"\r", len(data) - LONGEST) + 1
    if begin:
        return data[begin:].decode("utf-8", "replace"), line.is_cut
    data = data[data.rfind(b"\r") + 1 :]
    if len(data) <= LONGEST:
        return data.decode("utf-8", "replace"), line.is_cut
    end = LONGEST
    while end > LONGEST - 3 and data[end] & 0xC0 == 0x80:  # not within a character
        end -= 1
    return data[:end].decode("utf-8", "replace"), True


def _linked(html: Markup) -> Markup:
    return Markup(_ADDRESS.sub(_LINK, str(html))) if "://" in html else html  # noqa: S704 - its input is escaped already
