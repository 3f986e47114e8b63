"""A picture of an app's state, for a README. Its address is a secret of who shows it."""

import hashlib
import hmac
from collections.abc import Mapping
from html import escape

from bakery.model.apps import AppStatus
from bakery.model.names import AppAt
from bakery.model.secret import Secret

_COLOURS: Mapping[AppStatus, str] = {
    AppStatus.HEALTHY: "#2e7d32",
    AppStatus.DEPLOYING: "#1565c0",
    AppStatus.DOWN: "#c62828",
    AppStatus.FAILED: "#c62828",
}
_OTHER = "#616161"
_WIDE = 7  # pixels a letter, at most


def badge_key(signing_key: Secret, where: AppAt) -> str:
    """Of one app in one environment."""
    message = f"badge {where.app} {where.environment}".encode()
    return hmac.new(signing_key.reveal().encode(), message, hashlib.sha256).hexdigest()[:32]


def badge(name: str, status: AppStatus) -> bytes:
    """The app's name on grey, its state on a colour."""
    word = status.replace("_", " ")
    left, right = len(name) * _WIDE + 14, len(word) * _WIDE + 14
    text = 'fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f'aria-label="{escape(name)}: {word}"><title>{escape(name)}: {word}</title>'
        f'<rect width="{left}" height="20" fill="#424242"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{_COLOURS.get(status, _OTHER)}"/>'
        f'<text x="{left / 2:g}" y="14" {text}>{escape(name)}</text>'
        f'<text x="{left + right / 2:g}" y="14" {text}>{word}</text></svg>'
    ).encode()
