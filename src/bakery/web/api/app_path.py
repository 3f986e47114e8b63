"""`/api/apps/{app}?env=…`: which app, and which of its environments, an address means."""

from typing import Annotated

from litestar.params import Parameter

from bakery.model.names import PRODUCTION, AppAt
from bakery.web.paths import app_in, environment_in

Environment = Annotated[str, Parameter(description="The app's environment.")]


def where(app: Annotated[str, Parameter(description="The app's slug.")], env: Environment = PRODUCTION) -> AppAt:
    """What handlers take as `where`: no field of a body is called so, or its mistakes would count as ours."""
    return AppAt(app_in(app), environment_in(env))
