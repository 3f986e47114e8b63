"""Who asks: a person, an installation, or an App by a JWT that its private key signed."""

import base64
import binascii
import json
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.github_double.world import App, Grant, Installation, Refused, Repository, World

LEVELS = ("", "read", "write", "admin")


def who_asks(world: World, authorization: str) -> Grant:
    kind, _, token = authorization.partition(" ")
    if not authorization:
        raise Refused(401, "Requires authentication")
    grant = world.tokens.get(token)
    if kind.lower() not in {"bearer", "token"} or grant is None or grant.expires < world.now():
        raise Refused(401, "Bad credentials")
    return _today(world, grant) if grant.installation else grant


def _today(world: World, grant: Grant) -> Grant:
    """A token opens no more than its installation has by now."""
    found = world.installations.get(grant.installation)
    if found is None:
        raise Refused(401, "Bad credentials")
    if found.is_suspended:
        raise Refused(403, "This installation has been suspended")
    return replace(grant, repositories=grant.repositories & found.repositories)


def which_app(world: World, authorization: str) -> App:
    """Signed by RS256, no longer valid than ten minutes, not made in the future."""
    kind, _, token = authorization.partition(" ")
    parts = token.split(".") if kind.lower() == "bearer" else []
    try:
        head, claims = (_parsed(part) for part in parts[:2])
        signature = _decoded(parts[2])
        if int(claims["iss"]) not in world.apps:
            raise Refused(404, "Integration not found")
        app = world.apps[int(claims["iss"])]
        issued, expires = int(claims["iat"]), int(claims["exp"])
    except (ValueError, KeyError, IndexError, TypeError, binascii.Error) as error:
        raise Refused(401, "A JSON web token could not be decoded") from error
    if head.get("alg") != "RS256" or not _is_signed(app, f"{parts[0]}.{parts[1]}", signature):
        raise Refused(401, "A JSON web token could not be decoded")
    now = world.now()
    if issued > now + 60:
        raise Refused(401, "'Issued at' claim ('iat') must be an Integer representing the time of issue")
    if expires > now + 600:
        raise Refused(401, "'Expiration time' claim ('exp') is too far in the future")
    if expires < now:
        raise Refused(401, "'Expiration time' claim ('exp') must be a numeric value in the future")
    return app


def token_for(world: World, app: App, installation: int, wanted: Mapping[str, Any]) -> dict[str, object]:
    """Never for more than the installation has."""
    found = world.installations.get(installation)
    if found is None or found.app != app.id:
        raise Refused(404, "Not Found")
    if found.is_suspended:
        raise Refused(403, "This installation has been suspended")
    repositories = _chosen(world, found, wanted)
    permissions = dict(wanted.get("permissions") or app.permissions)
    if any(LEVELS.index(level) > LEVELS.index(app.permissions.get(name, "")) for name, level in permissions.items()):
        raise Refused(422, "The permissions requested are not granted to this installation.")
    token, expires = f"ghs_{secrets.token_hex(18)}", world.now() + 3600
    world.tokens[token] = Grant(expires, installation=found.id, repositories=repositories, permissions=permissions)
    return {
        "token": token, "expires_at": datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "permissions": permissions, "repository_selection": "selected",
    }  # fmt: skip


def can_see(grant: Grant, repository: Repository) -> bool:
    if grant.installation:
        return repository.full_name in grant.repositories
    return not repository.private or grant.login in repository.readers


def may_fetch(world: World, authorization: str, repository: Repository) -> bool:
    """Public ones everybody may."""
    kind, _, given = authorization.partition(" ")
    if not authorization:
        return not repository.private
    try:
        token = base64.b64decode(given, validate=True).decode().partition(":")[2] if kind.lower() == "basic" else ""
        grant = who_asks(world, f"Bearer {token}")
        need(grant, "contents", "read")
    except (Refused, ValueError):
        return False
    return can_see(grant, repository)


def need(grant: Grant, permission: str, level: str) -> None:
    """For a comment on a pull request, either of two is enough."""
    names = ("issues", "pull_requests") if permission == "issues" else (permission,)
    if grant.installation and max(LEVELS.index(grant.permissions.get(name, "")) for name in names) < LEVELS.index(
        level
    ):
        raise Refused(403, "Resource not accessible by integration")


def _chosen(world: World, installation: Installation, wanted: Mapping[str, Any]) -> frozenset[str]:
    by_id = {world.repositories[name].id: name for name in installation.repositories}
    by_name = {world.repositories[name].name: name for name in installation.repositories}
    try:
        if "repository_ids" in wanted:
            return frozenset(by_id[each] for each in wanted["repository_ids"])
        if "repositories" in wanted:
            return frozenset(by_name[each] for each in wanted["repositories"])
    except KeyError as error:
        raise Refused(
            422, "There is at least one repository that does not exist or is not accessible to the parent installation."
        ) from error
    return installation.repositories


def _decoded(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)


def _parsed(part: str) -> dict[str, Any]:
    return dict(json.loads(_decoded(part)))


def _is_signed(app: App, text: str, signature: bytes) -> bool:
    key = cast("rsa.RSAPrivateKey", load_pem_private_key(app.private_key.encode(), None)).public_key()
    try:
        key.verify(signature, text.encode(), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True
