"""What must hold of every page, checked without a browser."""

import re
from collections import Counter
from html.parser import HTMLParser

VOID = {"meta", "link", "input", "hr", "br", "img"}
CLOSED_BY_SLASH = {"use", "path", "circle", "rect", "line", "ellipse", "polyline"}
REFERRING = ("for", "aria-labelledby", "aria-describedby", "aria-controls", "commandfor", "data-arms")


class Page(HTMLParser):
    """Reads one page, and collects what is wrong with it."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.problems: list[str] = []
        self.ids: Counter[str] = Counter()
        self._open: list[str] = []
        self._references: set[str] = set()
        self._labelled: set[str] = set()
        self._fields: list[dict[str, str | None]] = []
        self._headings = 0
        self.feed(html)
        self._conclude()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._look(tag, attrs)
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._look(tag, attrs)
        if tag not in CLOSED_BY_SLASH:
            self.problems.append(f"<{tag}/> is not closed by its slash")

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.problems.append(f"</{tag}> closes something else, at {self.getpos()}")

    def _look(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        for name in (name for name, count in Counter(name for name, _ in attrs).items() if count > 1):
            self.problems.append(f"<{tag}> has {name} twice")
        for name, value in attrs:
            if name == "style" or name.startswith("on"):
                self.problems.append(f"<{tag}> has {name}, which the content security policy refuses")
            if name == "id" and value:
                self.ids[value] += 1
            if name in REFERRING and value:
                self._references.update(value.split())
        if tag == "script" and "src" not in values:
            self.problems.append("an inline script")
        if tag in ("style", "base"):
            self.problems.append(f"<{tag}>")
        self._headings += tag == "h1"
        self._note_field(tag, values)

    def _note_field(self, tag: str, values: dict[str, str | None]) -> None:
        if tag == "label" and values.get("for"):
            self._labelled.add(str(values["for"]))
        is_field = tag in ("select", "textarea") or (tag == "input" and values.get("type") not in ("hidden", "submit"))
        if is_field and "aria-label" not in values and "label" not in self._open:
            self._fields.append(values)

    def _conclude(self) -> None:
        self.problems += [f"<{tag}> is never closed" for tag in self._open]
        self.problems += [f"id {name} is there {count} times" for name, count in self.ids.items() if count > 1]
        self.problems += [f"nothing has the id {name}" for name in sorted(self._references - set(self.ids))]
        self.problems += [f"no label for {field}" for field in self._fields if field.get("id") not in self._labelled]
        if self._headings != 1:
            self.problems.append(f"{self._headings} h1")


def problems_of(html: str) -> list[str]:
    return Page(re.sub(r"<!doctype html>", "", html, flags=re.IGNORECASE)).problems
