"""Why a certificate was not issued: read in the log that certbot writes of its run, which holds each answer of the
authority as it came. What certbot itself says of it are words for people, and no two versions use the same."""

from __future__ import annotations

import json
import re
from typing import Any

ERROR = "urn:ietf:params:acme:error:"
KINDS = {
    "badNonce": "nonce",
    "caa": "caa",
    "connection": "connection",
    "dns": "dns",
    "externalAccountRequired": "account",
    "incorrectResponse": "unauthorized",
    "invalidContact": "account",
    "rateLimited": "rate-limited",
    "rejectedIdentifier": "refused-name",
    "serverInternal": "authority",
    "tls": "connection",
    "unauthorized": "unauthorized",
    "userActionRequired": "account",
}
LONGEST = 600
_ANSWER = re.compile(
    r"Received response:\nHTTP (\d{3})\n(.*?)\n\n(.*?)(?=\n\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d|\Z)", re.DOTALL
)
_ASKED = re.compile(r":Sending (?:GET|POST|HEAD) request to ")
_RETRY_AFTER = re.compile(r"^Retry-After: *(.+)$", re.IGNORECASE | re.MULTILINE)
_MOST_SECONDS = 30 * 24 * 3600


class Refusal:
    """`kind` is one of KINDS' values, `unreachable` or `other`; `name` is the host name that it is about, if one."""

    def __init__(self, kind: str, said: str, name: str = "", retry_after: int | None = None) -> None:
        self.kind, self.said, self.name, self.retry_after = kind, said[:LONGEST], name, retry_after

    def told(self) -> dict[str, object]:
        return {"kind": self.kind, "said": self.said, "name": self.name, "retry_after": self.retry_after}


def refusal_in(log: str, last_words: str, *, has_account: bool) -> Refusal:
    """`last_words` are certbot's own, for what no answer tells. `has_account`: it was told what an authority gives to
    people that it knows."""
    found = None
    for answer in _ANSWER.finditer(log):
        if not has_account and '"externalAccountRequired": true' in answer[3]:
            return Refusal("account", last_words)
        found = _refusal_of(int(answer[1]), answer[2], answer[3]) or found
    asked = [one.start() for one in _ASKED.finditer(log)]
    if asked and not _ANSWER.search(log, asked[-1]):
        return Refusal("unreachable", last_words)
    return found or Refusal("other", last_words)


def _refusal_of(status: int, headers: str, body: str) -> Refusal | None:
    """None: the answer refuses nothing."""
    after = _seconds_after(headers)
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        told = {}
    if status >= 400:
        kind = _kind(told) or ("rate-limited" if status in {429, 503} else "authority")
        return Refusal(kind, _detail(told) or f"It answered with status {status}.", _name(told), after)
    for problem, name in _problems_within(told):
        return Refusal(_kind(problem) or "other", _detail(problem), name or _name(problem), after)
    return None


def _problems_within(told: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """Of an order, or of the proof that a name is ours."""
    found = []
    if told.get("status") == "invalid":
        identifier = told.get("identifier")
        name = str(identifier.get("value", "")) if isinstance(identifier, dict) else ""
        challenges = told.get("challenges")
        for one in [told, *(challenges if isinstance(challenges, list) else [])]:
            error = one.get("error") if isinstance(one, dict) else None
            if isinstance(error, dict):
                found.append((error, name))
    return found


def _kind(problem: dict[str, Any]) -> str:
    kind = str(problem.get("type", ""))
    subproblems = problem.get("subproblems")
    if kind == f"{ERROR}compound" and isinstance(subproblems, list) and isinstance(subproblems[:1], list):
        return next((_kind(one) for one in subproblems if isinstance(one, dict)), "other")
    return KINDS.get(kind[len(ERROR) :], "other") if kind.startswith(ERROR) else ""


def _detail(problem: dict[str, Any]) -> str:
    return str(problem.get("detail", "")).strip()


def _name(problem: dict[str, Any]) -> str:
    identifier = problem.get("identifier")
    return str(identifier.get("value", "")) if isinstance(identifier, dict) else ""


def _seconds_after(headers: str) -> int | None:
    """As a number, or as a date, which is held against the answer's own."""
    found = _RETRY_AFTER.search(headers)
    if found is None:
        return None
    said = found[1].strip()
    if said.isdigit():
        return min(int(said[:9]), _MOST_SECONDS)
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - it takes long to load, and few say a date

    dated = re.search(r"^Date: *(.+)$", headers, re.IGNORECASE | re.MULTILINE)
    try:
        until, now = parsedate_to_datetime(said), parsedate_to_datetime(dated[1] if dated else said)
    except (ValueError, TypeError):
        return None
    return min(max(int((until - now).total_seconds()), 0), _MOST_SECONDS)
