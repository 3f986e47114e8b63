"""The web application: every route, and the layers around them."""

import psycopg
from litestar import Litestar, Router
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.routes import BaseRoute
from litestar.types import ASGIApp, ControllerRouterHandler

from bakery import __version__
from bakery.model.actor import Actor
from bakery.model.errors import BakeryError
from bakery.web import errors, health, hooks, live
from bakery.web.addresses import Addresses
from bakery.web.api import ROUTES as API
from bakery.web.assets import read_assets, serve_asset
from bakery.web.context import Parts, WebRequest
from bakery.web.edge import Edge
from bakery.web.identity import Identity, actor_of, guard
from bakery.web.pages import ROUTES as PAGES
from bakery.web.pages.styleguide import styleguide
from bakery.web.paths import app_at
from bakery.web.rendering import environment
from bakery.web.tails import Tails


def create_web(parts: Parts) -> ASGIApp:
    assets = read_assets()
    addresses = Addresses(parts, assets)
    tails = Tails(parts.store, parts.hub)
    development = [styleguide] if parts.settings.development else []
    pages = Router("/", route_handlers=[*PAGES, *development], opt={"is_page": True}, include_in_schema=False)
    application = Litestar(
        [
            health.healthz,
            health.readyz,
            health.metrics,
            live.events,
            hooks.receive_from_github,
            hooks.receive_from_github_app,
            serve_asset,
            pages,
            *API,
        ],
        dependencies={
            "parts": Provide(lambda: parts, sync_to_thread=False),
            "actor": Provide(_actor, sync_to_thread=False),
            "where": Provide(app_at, sync_to_thread=False),
        },
        guards=[guard],
        exception_handlers={
            BakeryError: errors.on_bakery_error,
            psycopg.Error: errors.on_database_error,
            HTTPException: errors.on_http_error,
            RecursionError: errors.on_too_deep,
            Exception: errors.on_bug,
        },
        openapi_config=OpenAPIConfig(
            title="Bakery",
            version=__version__,
            description="Errors are RFC 9457 problem details with a `hint`. Lists are `{items, next}`.",
            openapi_router=_NoRoutes("/api", route_handlers=[]),
            render_plugins=[JsonRenderPlugin()],
            components=Components(security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}),
            security=[{"token": []}],
            use_handler_docstrings=True,
        ),
        request_max_body_size=errors.LARGEST_BODY,
        logging_config=None,
        on_shutdown=[tails.close],
    )
    application.state.update(
        {
            "parts": parts,
            "assets": assets,
            "urls": addresses,
            "tails": tails,
            "jinja": environment(addresses, reload=parts.settings.development),
        }
    )
    return Edge(Identity(application, parts), parts)


class _NoRoutes(Router):
    """The framework's own would answer for every unknown address of the API; the document has a route of ours."""

    def register(self, value: ControllerRouterHandler) -> list[BaseRoute]:
        del value
        return []


def _actor(request: WebRequest) -> Actor:
    return actor_of(request)
