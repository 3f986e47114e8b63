"""The way by which a person lets Bakery act for them at GitHub: a state that fits one session, PKCE, and tokens.

Nothing is stored between going and coming back: the state is signed for the session, and the verifier is made from it.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

import httpx
import msgspec
from msgspec import Meta

from bakery.github.asking import LinkRefused
from bakery.github.reaching import reaching
from bakery.github.registration import Registration
from bakery.model.errors import BadInput, Conflict, Unavailable
from bakery.model.github import api_of
from bakery.model.secret import Secret

_SCOPE = "repo"  # read private repositories, set their hooks and statuses
_LASTS = timedelta(minutes=10)
_BEGIN_AGAIN = "Begin again under Account → GitHub."


@dataclass(frozen=True, slots=True)
class Tokens:
    """`ends_at` None: it does not end by itself."""

    access: Secret
    ends_at: datetime | None
    refresh: Secret | None


class _Answer(msgspec.Struct):
    """GitHub tells refusals with 200 too."""

    access_token: str = ""
    expires_in: Annotated[int, Meta(ge=0, le=10**9)] = 0
    refresh_token: str = ""
    error: str = ""


def mint_state(key: Secret, session: str, now: datetime) -> str:
    plain = f"{secrets.token_urlsafe(16)}.{int((now + _LASTS).timestamp())}"
    return f"{plain}.{_sign(key, f'github state {session} {plain}')}"


def expect_state(key: Secret, session: str, state: str, now: datetime, *, hint: str = _BEGIN_AGAIN) -> None:
    """It was made for this session, a moment ago."""
    plain, _, mark = state.rpartition(".")
    expected = _sign(key, f"github state {session} {plain}").encode()
    is_ours = hmac.compare_digest(mark.encode("utf-8", "surrogatepass"), expected)
    if not is_ours or int(plain.rpartition(".")[2]) < now.timestamp():
        raise BadInput("This answer of GitHub belongs to another sign-in, or is too old.", field="state", hint=hint)


def authorize_address(registration: Registration, key: Secret, *, state: str, callback: str) -> str:
    challenge = _base64(hashlib.sha256(_verifier(key, state).encode()).digest())
    asked = {
        "client_id": registration.client_id, "redirect_uri": callback, "state": state, "scope": _SCOPE,
        "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    return f"{registration.url}/login/oauth/authorize?{urlencode(asked)}"


async def trade(
    registration: Registration, secret: Secret, key: Secret, *, code: str, state: str, callback: str, now: datetime
) -> Tokens:
    """A code is good once, for who has its verifier."""
    asked = {"code": code, "redirect_uri": callback, "code_verifier": _verifier(key, state)}
    answer = await _ask_for_token(registration, secret, asked)
    if answer.error:
        raise Conflict(f"GitHub did not give a token: {_WHY.get(answer.error, 'it refused.')}", hint=_BEGIN_AGAIN)
    return _tokens(answer, now)


async def refresh(registration: Registration, secret: Secret, token: Secret, now: datetime) -> Tokens:
    """The old pair is good for nothing afterwards."""
    asked = {"grant_type": "refresh_token", "refresh_token": token.reveal()}
    answer = await _ask_for_token(registration, secret, asked)
    if answer.error:
        raise LinkRefused(f"GitHub did not renew the link: {_WHY.get(answer.error, 'it refused.')}", hint=_BEGIN_AGAIN)
    return _tokens(answer, now)


async def revoke(registration: Registration, secret: Secret, token: Secret) -> None:
    """All that the person granted. What GitHub does not know any more is revoked already."""
    address = f"{api_of(registration.url)}/applications/{registration.client_id}/grant"
    async with reaching(registration.url) as server:
        request = server.client.build_request(
            "DELETE",
            address,
            json={"access_token": token.reveal()},
            headers={"accept": "application/vnd.github+json", "user-agent": "bakery"},
        )
        answer = await server.ask(request, auth=httpx.BasicAuth(registration.client_id, secret.reveal()))
    if answer.status_code not in {204, 422}:
        raise Unavailable(f"{registration.url} answered {answer.status_code} when it was asked to revoke the link.")


_WHY: Mapping[str, str] = {
    "incorrect_client_credentials": "the client ID or the client secret under Settings → GitHub is wrong.",
    "redirect_uri_mismatch": "the callback URL of the OAuth app is not the one under Settings → GitHub.",
    "bad_verification_code": "the code was used already, or is too old.",
    "bad_refresh_token": "it was revoked, or not used for half a year.",
}


async def _ask_for_token(registration: Registration, secret: Secret, asked: Mapping[str, str]) -> _Answer:
    known = {"client_id": registration.client_id, "client_secret": secret.reveal()}
    async with reaching(registration.url) as server:
        request = server.client.build_request(
            "POST",
            f"{registration.url}/login/oauth/access_token",
            data={**known, **asked},
            headers={"accept": "application/json", "user-agent": "bakery"},
        )
        answer = await server.ask(request)
    return _read(registration, answer)


def _read(registration: Registration, answer: httpx.Response) -> _Answer:
    try:
        read = msgspec.json.decode(answer.content, type=_Answer)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        read = _Answer()
    if answer.status_code != 200 or not (read.error or read.access_token):
        raise Unavailable(
            f"{registration.url} answered {answer.status_code} where it gives tokens.",
            hint="Is it a GitHub server, and is it well? Then try again.",
        )
    return read


def _tokens(answer: _Answer, now: datetime) -> Tokens:
    return Tokens(
        access=Secret(answer.access_token),
        ends_at=now + timedelta(seconds=answer.expires_in) if answer.expires_in else None,
        refresh=Secret(answer.refresh_token) if answer.refresh_token else None,
    )


def _verifier(key: Secret, state: str) -> str:
    return _sign(key, f"github verifier {state}")


def _sign(key: Secret, text: str) -> str:
    """43 letters."""
    message = text.encode("utf-8", "surrogatepass")
    return _base64(hmac.new(key.reveal().encode(), message, hashlib.sha256).digest())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
