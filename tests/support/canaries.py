"""Secrets that are looked for wherever they must not be, in every form in which they could be there."""

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from urllib.parse import quote


def found_in(text: str, canaries: Mapping[str, str]) -> list[str]:
    """The names of those that the text holds."""
    return [name for name, secret in canaries.items() if any(form in text for form in _forms(secret))]


def _forms(secret: str) -> Iterator[str]:
    raw = secret.encode()
    yield secret
    yield quote(secret, safe="")
    yield json.dumps(secret)[1:-1]
    yield raw.hex()
    for before, ours in ((0, 0), (1, 2), (2, 3)):  # wherever in a longer text it begins, what is of it alone
        for encode in (b64encode, urlsafe_b64encode):
            yield encode(b"\0" * before + raw).decode()[ours:-4]
