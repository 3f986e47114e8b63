"""`/api/apps/{app}?env=…`: which app, and which of its environments, an address means."""

from typing import Annotated

from litestar.params import Parameter

from bakery.model.errors import NotFound
from bakery.model.names import AppName
from bakery.web.paths import app_in

PRODUCTION = "production"
Environment = Annotated[str, Parameter(description="The app's environment.")]


def app_name(app: Annotated[str, Parameter(description="The app's slug.")], env: Environment = PRODUCTION) -> AppName:
    """What handlers take as `app_name`: no field of a body is called so, or its mistakes would count as ours."""
    name = app_in(app)
    expect_environment(name, env)
    return name


def expect_environment(app: str, name: str) -> None:
    if name != PRODUCTION:
        raise NotFound(f"{app} has no such environment.", hint="Every app has production.")
