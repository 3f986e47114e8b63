"""The pages and answers by which a person lets a program act for them, and a GitHub App is made from a manifest."""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.github_double.world import App, Code, Grant, OAuthClient, Refused, World

HALF_A_YEAR = 15_897_600
EIGHT_HOURS = 28_800
EVENTS_OF = {"push": "contents", "pull_request": "pull_requests", "repository": "metadata"}


def authorize(world: World, asked: Mapping[str, str]) -> str:
    """Where the browser is sent: back to a callback that was registered, never anywhere else."""
    client = world.clients.get(asked.get("client_id", ""))
    if client is None:
        raise Refused(404, "Not Found")
    callback = asked.get("redirect_uri") or client.callbacks[0]
    told = {"state": asked["state"]} if "state" in asked else {}
    if callback not in client.callbacks:
        return f"{client.callbacks[0]}?{urlencode({'error': 'redirect_uri_mismatch', **told})}"
    challenge = asked.get("code_challenge", "")
    if challenge and asked.get("code_challenge_method") != "S256":
        return f"{callback}?{urlencode({'error': 'invalid_request', **told})}"
    if not world.signed_in:
        return f"{callback}?{urlencode({'error': 'access_denied', **told})}"
    code = secrets.token_hex(10)
    world.codes[code] = Code(client.client_id, world.signed_in, callback, challenge, world.now() + 600)
    return f"{callback}?{urlencode({'code': code, **told})}"


def give_token(world: World, asked: Mapping[str, str]) -> dict[str, object]:
    """Refusals are told with 200, as GitHub tells them."""
    client = world.clients.get(asked.get("client_id", ""))
    if client is None or not hmac.compare_digest(client.client_secret, asked.get("client_secret", "")):
        return _error("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect.")
    if asked.get("grant_type") == "refresh_token":
        return _refresh(world, client, asked.get("refresh_token", ""))
    code = world.codes.pop(asked.get("code", ""), None)
    if code is None or code.client_id != client.client_id or code.expires < world.now():
        return _error("bad_verification_code", "The code passed is incorrect or expired.")
    if asked.get("redirect_uri", code.redirect_uri) != code.redirect_uri:
        return _error("redirect_uri_mismatch", "The redirect_uri MUST match the registered callback URL.")
    if code.challenge and _challenge_of(asked.get("code_verifier", "")) != code.challenge:
        return _error("bad_verification_code", "The code passed is incorrect or expired.")
    return _tokens(world, client, code.login)


def revoke(world: World, client_id: str, authorization: str, body: Mapping[str, object], *, everything: bool) -> None:
    """One token, or `everything` that the person granted."""
    client = world.clients.get(client_id)
    if client is None or _basic(authorization) != f"{client.client_id}:{client.client_secret}":
        raise Refused(404, "Not Found")
    token = str(body.get("access_token", ""))
    found = world.tokens.get(token)
    if found is None or found.client_id != client_id:
        raise Refused(422, "Validation Failed")
    world.tokens.pop(token)
    if everything:
        for kept in (world.tokens, world.refreshers):
            for each in [each for each, of in kept.items() if (of.client_id, of.login) == (client_id, found.login)]:
                kept.pop(each)


def register(world: World, manifest: str, state: str, organisation: str = "") -> str:
    """The page that GitHub shows for a manifest, with its button pressed: where the browser is sent."""
    try:
        wanted = json.loads(manifest)
        redirect, hook = wanted["redirect_url"], wanted["hook_attributes"]["url"]
        url, permissions = wanted["url"], wanted["default_permissions"]
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(422, "The manifest is invalid.") from error
    if not all(isinstance(each, str) and each.startswith(("https://", "http://")) for each in (redirect, hook, url)):
        raise Refused(422, "The manifest is invalid.")
    named = str(wanted.get("name", ""))
    if len(named) > 34 or (organisation and organisation not in world.organisations):
        raise Refused(422, "The manifest is invalid.")
    allowed = {EVENTS_OF.get(event, "") for event in wanted.get("default_events", ())}
    if not allowed <= set(permissions) or not set(permissions.values()) <= {"read", "write"}:
        raise Refused(422, "Default events are not supported by permissions.")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    client = world.oauth_client(*wanted.get("callback_urls", [redirect]))
    app = App(
        world.next_id(), str(wanted.get("name", "bakery")), client, pem, secrets.token_hex(20),
        dict(permissions), tuple(wanted.get("default_events", ())), organisation or world.signed_in, hook,
    )  # fmt: skip
    code = secrets.token_hex(20)
    world.manifests[code] = (app, world.now() + 3600)
    return f"{redirect}?{urlencode({'code': code, 'state': state})}"


def convert(world: World, code: str) -> App:
    """A code is good once, within an hour."""
    app, until = world.manifests.pop(code, (None, 0.0))
    if app is None or until < world.now():
        raise Refused(404, "Not Found")
    world.apps[app.id] = app
    return app


def _tokens(world: World, client: OAuthClient, login: str) -> dict[str, object]:
    refresher = f"ghr_{secrets.token_hex(38)}"
    world.refreshers[refresher] = Grant(world.now() + HALF_A_YEAR, login=login, client_id=client.client_id)
    return {
        "access_token": world.token_of(login, client_id=client.client_id), "expires_in": EIGHT_HOURS,
        "refresh_token": refresher, "refresh_token_expires_in": HALF_A_YEAR, "scope": "", "token_type": "bearer",
    }  # fmt: skip


def _refresh(world: World, client: OAuthClient, token: str) -> dict[str, object]:
    """The old pair is worth nothing afterwards."""
    grant = world.refreshers.get(token)
    if grant is None or grant.client_id != client.client_id or grant.expires < world.now():
        return _error("bad_refresh_token", "The refresh token passed is incorrect or expired.")
    world.refreshers.pop(token)
    return _tokens(world, client, grant.login)


def _challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _basic(authorization: str) -> str:
    kind, _, value = authorization.partition(" ")
    try:
        return base64.b64decode(value, validate=True).decode() if kind.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _error(code: str, text: str) -> dict[str, object]:
    return {"error": code, "error_description": text, "error_uri": f"https://docs.github.com/apps/oauth#{code}"}
