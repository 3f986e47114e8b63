"""Every component in every state; in development only."""

from litestar import Response, get

from bakery.model.permissions import Permission
from bakery.web.assets import FOLDER
from bakery.web.context import WebRequest
from bakery.web.moments import now
from bakery.web.rendering import render_page
from bakery.web.views.shell import Crumb
from bakery.web.views.styleguide import styleguide_page


@get("/styleguide", opt={"permission": Permission.READ})
async def styleguide(request: WebRequest) -> Response[str]:
    page = styleguide_page((FOLDER / "tokens.css").read_text(), now())
    return await render_page(request, "styleguide.html", page, here="", crumbs=[Crumb("Style guide")])
