"""Does a delivery come from who knows the secret? Asked of the raw body, before anything of it is read."""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from enum import StrEnum

from bakery.model.secret import Secret

_HEX = re.compile(r"[0-9a-f]{64}")
_BARE = ("x-gitea-signature", "x-forgejo-signature", "x-gogs-signature")
_LASTS = 300.0  # seconds


class Provider(StrEnum):
    """By the headers that its servers send."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"

    @property
    def label(self) -> str:
        return {"github": "GitHub", "gitlab": "GitLab", "gitea": "Gitea"}[self.value]


def provider_of(headers: Mapping[str, str]) -> Provider:
    """Gitea sends GitHub's headers beside its own."""
    if "x-gitlab-event" in headers or "x-gitlab-token" in headers:
        return Provider.GITLAB
    own = ("x-gitea-event", "x-gitea-signature", "x-forgejo-event", "x-gogs-event")
    return Provider.GITEA if any(name in headers for name in own) else Provider.GITHUB


def why_not_signed(headers: Mapping[str, str], body: bytes, secret: Secret, *, at: float) -> str:
    """Empty: it holds. The form is the provider's; the algorithm is ours alone to choose. Names are in lower case. `at`
    is when it came, in seconds since 1970."""
    if provider_of(headers) is not Provider.GITLAB:
        return _why_not_of_body(headers, body, secret)
    if "webhook-signature" in headers:
        return _why_not_stamped(headers, body, secret, at)
    given = headers.get("x-gitlab-token", "")
    if not given:
        return "It came without a secret token."
    return "" if _same(given, secret.reveal()) else "Its secret token is not the one of this app."


def signing_token(secret: Secret) -> str:
    """The secret, as GitLab takes one that it signs with instead of sending it."""
    return f"whsec_{base64.b64encode(_key(secret)).decode()}"


def _why_not_of_body(headers: Mapping[str, str], body: bytes, secret: Secret) -> str:
    given = _hex_in(headers)
    if not given:
        if "x-hub-signature" in headers:
            return "It is signed with SHA-1 alone, which is not accepted."
        return "It came without a signature."
    expected = hmac.new(secret.reveal().encode(), body, hashlib.sha256).hexdigest()
    if not _HEX.fullmatch(given):
        return "Its signature is not written as one of HMAC-SHA256."
    return "" if _same(given, expected) else "Its signature does not fit the body and the secret of this app."


def _why_not_stamped(headers: Mapping[str, str], body: bytes, secret: Secret, at: float) -> str:
    """Of the delivery's id, the moment and the body: a good signature is of no use later, nor under another id."""
    moment = headers.get("webhook-timestamp", "")
    if not (moment.isascii() and moment.isdecimal() and len(moment) < 12):
        return "Its signature does not say when it was made."
    signed = f"{headers.get('webhook-id', '')}.{moment}.".encode("utf-8", "surrogateescape") + body
    expected = base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()
    given = [one.removeprefix("v1,") for one in headers["webhook-signature"].split()[:5] if one.startswith("v1,")]
    if not any(_same(one, expected) for one in given):
        return "Its signature does not fit the body and the secret of this app."
    if abs(at - int(moment)) > _LASTS:
        return "It was signed more than five minutes ago, or one of the two clocks is wrong."
    return ""


def _key(secret: Secret) -> bytes:
    """The bytes that its letters stand for."""
    try:
        return base64.urlsafe_b64decode(secret.reveal() + "=" * (-len(secret.reveal()) % 4))
    except ValueError:
        return secret.reveal().encode()


def _hex_in(headers: Mapping[str, str]) -> str:
    named = headers.get("x-hub-signature-256", "")
    if named:
        return named.removeprefix("sha256=") if named.startswith("sha256=") else "?"
    return next((headers[name] for name in _BARE if headers.get(name)), "")


def _same(given: str, expected: str) -> bool:
    """In a time that tells nothing. An empty secret opens nothing."""
    return bool(expected) and hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())
