"""What a repository's hook or an App's hook is sent: signed over the very bytes that go out."""

import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from tests.github_double.world import App, Repository


@dataclass(frozen=True)
class Delivery:
    """Sent again, it keeps its id, as GitHub keeps it."""

    url: str
    headers: Mapping[str, str]
    body: bytes

    def send(self) -> int:
        return httpx.post(self.url, content=self.body, headers=dict(self.headers), timeout=10).status_code


def of_repository(repository: Repository, hook: int, event: str, payload: Mapping[str, object]) -> Delivery | None:
    """Nothing where the hook is off, or does not listen to the event; a ping reaches every hook that is on."""
    found = repository.hooks[hook]
    listens = found["events"]
    assert isinstance(listens, list)
    if not found["active"] or (event != "ping" and not {event, "*"} & set(listens)):
        return None
    config = found["config"]
    assert isinstance(config, dict)
    target = {"x-github-hook-id": str(hook), "x-github-hook-installation-target-type": "repository"}
    secret, form = str(config.get("secret", "")), str(config["content_type"])
    return _signed(str(config["url"]), secret, event, payload, form=form, target=target)


def of_app(app: App, url: str, event: str, payload: Mapping[str, object]) -> Delivery:
    target = {"x-github-hook-id": str(app.id), "x-github-hook-installation-target-type": "integration"}
    return _signed(url, app.webhook_secret, event, payload, form="json", target=target)


def _signed(
    url: str, secret: str, event: str, payload: Mapping[str, object], *, form: str, target: Mapping[str, str]
) -> Delivery:
    text = json.dumps(payload, separators=(",", ":"))
    body = text.encode() if form == "json" else str(httpx.QueryParams({"payload": text})).encode()
    kind = "application/json" if form == "json" else "application/x-www-form-urlencoded"
    headers = {
        "content-type": kind, "user-agent": "GitHub-Hookshot/0123abc", "x-github-event": event,
        "x-github-delivery": str(uuid.uuid4()), **target,
    }  # fmt: skip
    if secret:
        for name, algorithm in (("x-hub-signature", "sha1"), ("x-hub-signature-256", "sha256")):
            headers[name] = f"{algorithm}={hmac.new(secret.encode(), body, algorithm).hexdigest()}"
    return Delivery(url, headers, body)
