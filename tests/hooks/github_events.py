"""Deliveries of GitHub's as they really came, of every kind of event, by kind: `github_events.json.xz`.

They are the examples of the npm package @octokit/webhooks-examples 7.6.1, which its contributors give to everybody
under the MIT licence.
"""

import json
import lzma
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("github_events.json.xz")

Deliveries = dict[str, list[dict[str, Any]]]


def as_they_came() -> Deliveries:
    found: Deliveries = json.loads(lzma.decompress(_FILE.read_bytes()))
    return found


def of_repository(delivery: dict[str, Any], repository: dict[str, Any]) -> dict[str, Any]:
    """As if it were of this one, wherever it names one of its own."""
    return {name: _of_repository(name, value, repository) for name, value in delivery.items()}


def _of_repository(name: str, value: object, repository: dict[str, Any]) -> object:
    if name in {"repository", "repo"} and isinstance(value, dict):
        return {**value, **repository}
    return of_repository(value, repository) if isinstance(value, dict) else value
