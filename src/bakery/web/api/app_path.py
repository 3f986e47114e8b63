"""`/api/apps/{app}?env=…`: which app, and which of its environments, an address means."""

from typing import Annotated

from litestar.params import Parameter

from bakery.model.errors import NotFound
from bakery.model.names import AppName
from bakery.web.paths import app_in

_PRODUCTION = "production"


def app_name(
    app: Annotated[str, Parameter(description="The app's slug.")],
    env: Annotated[str, Parameter(description="The app's environment.")] = _PRODUCTION,
) -> AppName:
    """What handlers take as `app_name`: no field of a body is called so, or its mistakes would count as ours."""
    name = app_in(app)
    if env != _PRODUCTION:
        raise NotFound(f"{name} has no such environment.", hint="Every app has production.")
    return name
