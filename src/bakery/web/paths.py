"""What addresses hold: names, searches and numbers, checked before anything is looked up."""

from bakery.model.errors import BadInput, NotFound
from bakery.model.labels import shown_part
from bakery.model.names import PRODUCTION, AppAt, AppName, EnvironmentName, parse_app_name, parse_environment_name

_LONGEST_SEARCH = 100


def app_in(text: str) -> AppName:
    """What cannot be a name is an app that does not exist."""
    try:
        return parse_app_name(text)
    except BadInput:
        raise NotFound("There is no such app.") from None


def environment_in(text: str) -> EnvironmentName:
    """What cannot be a name is an environment that does not exist."""
    try:
        return parse_environment_name(text)
    except BadInput:
        raise NotFound("There is no such environment.", hint="Every app has production.") from None


def app_at(slug: str, env: str = PRODUCTION) -> AppAt:
    """Of a page's address `/apps/{slug}?env=…`."""
    return AppAt(app_in(slug), environment_in(env))


def searched(text: str) -> str:
    """What somebody looks for, without what nobody can see."""
    return shown_part(text, at_most=_LONGEST_SEARCH).strip()


def is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def number_in(text: str) -> int | None:
    """A position in a list of numbered things; nothing for what is none."""
    return int(text) if is_id(text) else None
