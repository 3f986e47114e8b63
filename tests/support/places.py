"""Apps by name, as tests write them."""

from bakery.model.names import PRODUCTION, AppAt, AppName, EnvironmentName


def at(app: str, environment: str = PRODUCTION) -> AppAt:
    return AppAt(AppName(app), EnvironmentName(environment))
