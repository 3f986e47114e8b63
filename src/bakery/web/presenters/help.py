"""The manual's table of contents."""

from bakery.web.manual import PARTS, chapter
from bakery.web.presenters.links import Url
from bakery.web.views.help import ChapterLink, HelpPart


def help_parts(address: str, *, current: str = "") -> list[HelpPart]:
    parts = []
    for part in PARTS:
        found = [made for key in part.keys if (made := chapter(key, address))]
        links = [ChapterLink(one.title, address.format(one.key), one.lead, one.key == current) for one in found]
        parts.append(HelpPart(part.title, links))
    return parts


def address_of_chapters(url: Url) -> str:
    return url("/help/") + "{}"
