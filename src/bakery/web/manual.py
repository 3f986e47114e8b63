"""The manual: what lies in docs/, as chapters that pages of the product and of the site show."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

FOLDER = Path(__file__).parent.parent / "manual"
_COMMENT = re.compile(r"^<!--.*?-->\n?", re.MULTILINE)
_CHAPTER = re.compile(r"([a-z-]+)\.md(#.*)?")
_OUTSIDE = re.compile(r"https?://")
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


@dataclass(frozen=True, slots=True)
class Part:
    """The chapters of one kind of reader, by the names of their files."""

    title: str
    keys: Sequence[str]


PARTS: Sequence[Part] = (
    Part("Begin here", ("quickstart", "concepts")),
    Part(
        "Put an app live",
        ("sources", "stacks", "delivery", "hooks", "github", "previews", "domains", "certificates", "sites"),
    ),
    Part("Look after it", ("nodes", "reliability", "security")),
    Part("Look it up", ("cli", "commands", "commands-server", "api", "settings")),
    Part("How it is made", ("architecture", "benchmarks")),
)


@dataclass(frozen=True, slots=True)
class Heading:
    anchor: str
    title: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """`lead` is its first paragraph in plain words, `html` all below the title."""

    key: str
    title: str
    lead: str
    headings: Sequence[Heading]
    html: Markup


@cache
def chapter(key: str, address: str) -> Chapter | None:
    """`address` is that of a chapter, with “{}” where its name belongs."""
    if not _is_chapter(key):
        return None
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(_COMMENT.sub("", (FOLDER / f"{key}.md").read_text("utf-8")))
    title, body = tokens[1].content, tokens[3:]
    headings = []
    for opening, inline in pairwise(body):
        if opening.type == "heading_open":
            heading = Heading(anchor_of(inline.content), _plain(inline))
            opening.attrSet("id", heading.anchor)
            if opening.tag == "h2":
                headings.append(heading)
        elif opening.type == "inline":
            _lead_on(opening, address)
    lead = next((_plain(token) for token in body if token.type == "inline"), "")
    html = parser.renderer.render(body, parser.options, {}).replace("<th></th>", "<td></td>")
    # Escaped by the renderer, which lets no HTML of its source through.
    for tag in ("table", "pre"):  # what is wider than its page is reached by keys too
        html = html.replace(f"<{tag}>", f'<div class="wide" tabindex="0"><{tag}>').replace(
            f"</{tag}>", f"</{tag}></div>"
        )
    return Chapter(key, title, lead, headings, Markup(html))  # noqa: S704 - see above


def anchor_of(title: str) -> str:
    """As links within the Markdown name a heading."""
    return _NOT_IN_ANCHORS.sub("", title.lower()).replace(" ", "-")


def _lead_on(inline: Token, address: str) -> None:
    """A link to a file that is no chapter is its words alone."""
    leads = True
    for token in inline.children or ():
        if token.type == "link_open":
            target = str(token.attrGet("href"))
            found = _CHAPTER.fullmatch(target)
            leads = found is None or _is_chapter(found[1])
            if found and leads:
                token.attrSet("href", address.format(found[1]) + (found[2] or ""))
            elif _OUTSIDE.match(target):
                token.attrSet("rel", "noreferrer")
            elif not leads:
                token.tag = "span"
                token.attrs.clear()
        elif token.type == "link_close" and not leads:
            token.tag = "span"


def _is_chapter(key: str) -> bool:
    return any(key in part.keys for part in PARTS)


def _plain(inline: Token) -> str:
    return "".join(
        " " if token.type == "softbreak" else token.content
        for token in inline.children or ()
        if token.type in {"text", "code_inline", "softbreak"}
    )
