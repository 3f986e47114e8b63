"""Texts whose possession is the permission: sessions, links, API tokens, and codes that people type.

They are given away once. The database keeps their SHA-256: long and random as they are, that cannot be turned back.
"""

import hashlib
import secrets

from bakery.model.secret import Secret

_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels, so no words; nothing that looks like a digit
_GROUP = 4


def mint_token(prefix: str = "") -> Secret:
    return Secret(prefix + secrets.token_urlsafe(32))


def mint_code(letters: int) -> Secret:
    """For typing: `BDFG-HJKL-…`, 4.3 bits a letter."""
    text = "".join(secrets.choice(_LETTERS) for _ in range(letters))
    return Secret("-".join(text[start : start + _GROUP] for start in range(0, letters, _GROUP)))


def read_code(typed: str) -> Secret:
    """The code as it was given out, however it was typed."""
    text = "".join(character for character in typed.upper() if character in _LETTERS)
    return Secret("-".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP)))


def digest(secret: Secret) -> bytes:
    return hashlib.sha256(secret.reveal().encode("utf-8", "surrogatepass")).digest()
