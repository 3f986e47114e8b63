"""Does a delivery come from who knows the secret? Asked of the raw body, before anything of it is read."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from enum import StrEnum

from bakery.model.secret import Secret

_HEX = re.compile(r"[0-9a-f]{64}")


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


def why_not_signed(headers: Mapping[str, str], body: bytes, secret: Secret) -> str:
    """Empty: it holds. The form is the provider's; the algorithm is ours alone to choose. Names are in lower case."""
    match provider_of(headers):
        case Provider.GITLAB:
            given = headers.get("x-gitlab-token", "")
            if not given:
                return "It came without a secret token."
            return "" if _same(given, secret.reveal()) else "Its secret token is not the one of this app."
        case _:
            given = _hex_in(headers)
            if not given:
                if "x-hub-signature" in headers:
                    return "It is signed with SHA-1 alone, which is not accepted."
                return "It came without a signature."
            expected = hmac.new(secret.reveal().encode(), body, hashlib.sha256).hexdigest()
            if not _HEX.fullmatch(given):
                return "Its signature is not written as one of HMAC-SHA256."
            return "" if _same(given, expected) else "Its signature does not fit the body and the secret of this app."


def _hex_in(headers: Mapping[str, str]) -> str:
    named = headers.get("x-hub-signature-256", "")
    if named:
        return named.removeprefix("sha256=") if named.startswith("sha256=") else "?"
    return headers.get("x-gitea-signature") or headers.get("x-forgejo-signature") or ""


def _same(given: str, expected: str) -> bool:
    """In a time that tells nothing. An empty secret opens nothing."""
    return bool(expected) and hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())
