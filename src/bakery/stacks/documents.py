"""JSON and TOML that somebody else wrote: read within bounds, or not at all."""

import json
import re
from collections.abc import Mapping
from typing import Any

Document = Mapping[str, Any]
"""What a file held: any value may have any type."""

# A key of thousands of parts costs the parser their square.
_ENDLESS_KEY = re.compile(r"""(?:(?:[A-Za-z0-9_-]{1,64}|"[^"\n]{0,64}"|'[^'\n]{0,64}')[ \t]*\.[ \t]*){40}""")

# One that does not end goes on to the end of the file, so that each is looked at once.
_TEXT = r'"(?:[^"\\\n]|\\.)*"?'
_COMMENT = rf"{_TEXT}|//[^\n]*|/\*(?s:.*?)(?:\*/|\Z)"
_LAST_COMMA = rf"{_TEXT}|,(?=\s*[}}\]])"


def read_json(text: str | None) -> Document | None:
    """An object; None for anything else."""
    if text is None:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def read_json_with_comments(text: str | None) -> Document | None:
    """As Deno and TypeScript write it: with comments, and commas that nothing follows."""
    found = read_json(text)
    if found is not None or text is None:
        return found
    return read_json(re.sub(_LAST_COMMA, _only_text, re.sub(_COMMENT, _only_text, text)))


def _only_text(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith('"') else ""


def read_toml(text: str | None) -> Document | None:
    if text is None:
        return None
    try:
        return parse_toml(text)
    except ValueError:
        return None


def parse_toml(text: str) -> Document:
    """Raises ValueError with a sentence of the parser, which names the line."""
    if _ENDLESS_KEY.search(text):
        raise ValueError("A key has too many parts")
    import tomllib  # noqa: PLC0415 - its patterns cost what half of the stacks do

    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("It is nested too deeply") from None


def text_in(document: Document | None, *keys: str) -> str | None:
    """The text at the end of these keys; None when there is something else, or nothing."""
    found = value_in(document, *keys)
    return found if isinstance(found, str) else None


def table_in(document: Document | None, *keys: str) -> Document:
    found = value_in(document, *keys)
    return found if isinstance(found, dict) else {}


def texts_in(document: Document | None, *keys: str) -> tuple[str, ...]:
    """The texts of a list; what else is in it is left out."""
    found = value_in(document, *keys)
    return tuple(item for item in found if isinstance(item, str)) if isinstance(found, list) else ()


def value_in(document: Document | None, *keys: str) -> Any:  # noqa: ANN401 - whatever somebody wrote
    found: Any = document
    for key in keys:
        if not isinstance(found, dict):
            return None
        found = found.get(key)
    return found
