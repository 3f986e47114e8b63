"""Help: the manual, the keys, and what to tell somebody who helps."""

import platform

from litestar import Response, get

from bakery import __version__
from bakery.model.errors import NotFound
from bakery.model.permissions import Permission
from bakery.web.context import WebRequest
from bakery.web.manual import chapter
from bakery.web.presenters.help import address_of_chapters, help_parts
from bakery.web.rendering import render_page
from bakery.web.views.help import ChapterPage, HelpPage
from bakery.web.views.shell import Crumb

_OPT = {"permission": Permission.OWN_ACCOUNT}


@get("/help", opt=_OPT)
async def show_help(request: WebRequest) -> Response[str]:
    address = address_of_chapters(request.app.state["urls"].url)
    diagnostics = f"Bakery {__version__}, Python {platform.python_version()}, {platform.platform()}"
    page = HelpPage(help_parts(address), __version__, diagnostics)
    return await render_page(request, "help/index.html", page, here="help", crumbs=[Crumb("Help")])


@get("/help/{name:str}", opt=_OPT)
async def show_chapter(request: WebRequest, name: str) -> Response[str]:
    url = request.app.state["urls"].url
    address = address_of_chapters(url)
    found = chapter(name, address)
    if found is None:
        raise NotFound("The manual has no such chapter.", hint="Help lists them all.")
    page = ChapterPage(found, help_parts(address, current=name))
    crumbs = [Crumb("Help", url("/help")), Crumb(found.title)]
    return await render_page(request, "help/chapter.html", page, here="help", crumbs=crumbs)


ROUTES = (show_help, show_chapter)
