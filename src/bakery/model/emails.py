"""E-mail addresses: the name under which a person signs in."""

import re
import unicodedata

from bakery.model.errors import BadInput

_LOCAL = r"[^\s@\"(),:;<>\[\]\\\x00-\x1f\x7f]{1,64}"
_DOMAIN = r"(?:[^\s@.\x00-\x1f\x7f\"(),:;<>\[\]\\/]{1,63}\.)*[^\s@.\x00-\x1f\x7f\"(),:;<>\[\]\\/]{1,63}"
_EMAIL = re.compile(rf"{_LOCAL}@{_DOMAIN}")


def parse_email(text: str) -> str:
    """The address as it was typed, trimmed. `email_key` compares two of them."""
    email = unicodedata.normalize("NFC", text.strip())
    if len(email) > 254 or not _EMAIL.fullmatch(email) or not email.isprintable():
        raise BadInput("This is not an e-mail address like name@example.com.", field="email")
    return email


def email_key(email: str) -> str:
    """Two addresses with one key are one person: case and compatibility forms do not count."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", email).casefold())
