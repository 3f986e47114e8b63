"""A picture of an app's state, for a README. Its address is a secret of who shows it."""

from collections.abc import Mapping
from html import escape

from bakery.model.apps import AppStatus

_COLOURS: Mapping[AppStatus, str] = {
    AppStatus.HEALTHY: "#2e7d32",
    AppStatus.DEPLOYING: "#1565c0",
    AppStatus.DOWN: "#c62828",
    AppStatus.FAILED: "#c62828",
}
_OTHER = "#616161"
_WIDE = 7  # pixels a letter, at most


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
