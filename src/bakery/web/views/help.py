"""The manual in the product."""

from collections.abc import Sequence
from dataclasses import dataclass

from bakery.web.manual import Chapter


@dataclass(frozen=True, slots=True)
class ChapterLink:
    title: str
    href: str
    lead: str = ""
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class HelpPart:
    title: str
    chapters: Sequence[ChapterLink]


@dataclass(frozen=True, slots=True)
class HelpPage:
    """help/index.html. `diagnostics` is what somebody who helps wants to know, and nothing secret."""

    parts: Sequence[HelpPart]
    version: str
    diagnostics: str


@dataclass(frozen=True, slots=True)
class ChapterPage:
    """help/chapter.html"""

    chapter: Chapter
    parts: Sequence[HelpPart]
