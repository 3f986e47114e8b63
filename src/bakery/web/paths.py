"""What addresses hold: names, searches and numbers, checked before anything is looked up."""

from bakery.model.errors import BadInput, NotFound
from bakery.model.labels import shown_part
from bakery.model.names import AppName, parse_app_name

_LONGEST_SEARCH = 100


def app_in(text: str) -> AppName:
    """What cannot be a name is an app that does not exist."""
    try:
        return parse_app_name(text)
    except BadInput:
        raise NotFound("There is no such app.") from None


def searched(text: str) -> str:
    """What somebody looks for, without what nobody can see."""
    return shown_part(text, at_most=_LONGEST_SEARCH).strip()


def is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def number_in(text: str) -> int | None:
    """A position in a list of numbered things; nothing for what is none."""
    return int(text) if is_id(text) else None
