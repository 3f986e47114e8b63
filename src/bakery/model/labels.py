"""Texts that people give to things so that they find them again: one line, shown as it was typed."""

import unicodedata

from bakery.model.errors import BadInput


def parse_label(text: str, *, field: str = "name", at_most: int = 100) -> str:
    """The text trimmed. Empty, too long, of several lines, or with characters that nobody can see: refused."""
    label = unicodedata.normalize("NFC", text).strip()
    if not label:
        raise BadInput("This needs a text.", field=field)
    if len(label) > at_most:
        raise BadInput(f"Use at most {at_most} characters.", field=field)
    if any(unicodedata.category(character) in {"Cc", "Cs", "Cn", "Zl", "Zp"} for character in label):
        raise BadInput("Use letters, digits and signs on one line.", field=field)
    return label


def shown_part(text: str, *, at_most: int) -> str:
    """Of a text that a program sent about itself: what can be shown of it, and not more than that."""
    return "".join(character for character in text if character.isprintable())[:at_most]
