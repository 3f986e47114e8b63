"""Slows down who guesses passwords, codes and links, without locking out who owns them.

An attempt is counted before it is looked at, so that a thousand at once are a thousand. Limits slide: nobody is locked
out for good. An address from which an account was used lately is not held up by what strangers do elsewhere, and only
slowed by what they do at the same address, as behind a proxy that nobody listed.
"""

import math
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv6Address, ip_address

from psycopg.rows import class_row

from bakery.model.errors import TooMany
from bakery.store.rows import only
from bakery.store.store import Connection, Store

_WINDOW = timedelta(minutes=15)
_PER_ACCOUNT_AND_ADDRESS = 10
_PER_ADDRESS = 50
_PER_ACCOUNT = 20  # from anywhere; above it, one attempt in each _SLOW
_SLOW = timedelta(minutes=1)
_SLOW_WHERE_KNOWN = timedelta(seconds=10)
_IN_ALL = 1000
_KNOWN_FOR = timedelta(days=30)
_LOCK = 0x7468726F74746C65


class Guess(StrEnum):
    """What is being guessed."""

    PASSWORD = "password"  # noqa: S105 - the name of a kind
    CODE = "code"
    SETUP = "setup"
    LINK = "link"
    CLI_LOGIN = "cli-login"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One guess, counted as failed until it succeeds."""

    id: int

    async def succeeded(self, connection: Connection) -> None:
        await connection.execute("UPDATE attempts SET succeeded = true WHERE id = %s", (self.id,))


@dataclass(frozen=True, slots=True)
class _Counts:
    here: int
    by_address: int
    on_account: int
    in_all: int
    is_known: bool
    here_frees: float  # seconds until the oldest one no longer counts
    here_rests: float  # seconds since the last one
    address_frees: float
    all_frees: float
    account_rests: float


async def begin_attempt(store: Store, guess: Guess, account: str, address: str) -> Attempt:
    """Counts an attempt, or raises TooMany. `account` is empty where there is none."""
    place = _network(address)
    key = {"kind": guess, "account": account, "address": place, "window": _WINDOW, "known_for": _KNOWN_FOR}
    async with store.transaction() as tx:
        await tx.connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        async with tx.connection.cursor(row_factory=class_row(_Counts)) as cursor:
            wait = _wait(await only(await cursor.execute(_COUNT, key)), has_account=bool(account))
        if wait > 0:
            raise TooMany(
                f"Too many attempts. Try again in {_in_words(wait)}.", retry_after=math.ceil(wait), hint=_HINTS[guess]
            )
        inserted = await tx.connection.execute(
            "INSERT INTO attempts (kind, account, address) VALUES (%(kind)s, %(account)s, %(address)s) RETURNING id",
            key,
        )
        return Attempt((await only(inserted))[0])


_HINTS = {
    Guess.PASSWORD: "Somebody with access to the server can make a link for a new password: bakery admin reset EMAIL",
    Guess.CODE: "A recovery code works too. On the server: bakery admin reset EMAIL --second-factor",
    Guess.SETUP: "The code is what Bakery printed when it started.",
    Guess.LINK: "Copy the whole link.",
    Guess.CLI_LOGIN: "Confirm the code that was shown first, or wait.",
}

_COUNT = """
WITH recent AS (
    SELECT account = %(account)s AS is_account, address = %(address)s AS is_address, at
    FROM attempts WHERE kind = %(kind)s AND NOT succeeded AND at > now() - %(window)s
)
SELECT count(*) FILTER (WHERE is_account AND is_address) AS here,
       count(*) FILTER (WHERE is_address) AS by_address,
       count(*) FILTER (WHERE is_account) AS on_account,
       count(*) AS in_all,
       EXISTS (SELECT FROM attempts WHERE kind = %(kind)s AND account = %(account)s AND address = %(address)s
               AND succeeded AND at > now() - %(known_for)s) AS is_known,
       coalesce(extract(epoch FROM min(at) FILTER (WHERE is_account AND is_address) + %(window)s - now()), 0)::float
           AS here_frees,
       coalesce(extract(epoch FROM now() - max(at) FILTER (WHERE is_account AND is_address)), 0)::float AS here_rests,
       coalesce(extract(epoch FROM min(at) FILTER (WHERE is_address) + %(window)s - now()), 0)::float AS address_frees,
       coalesce(extract(epoch FROM min(at) + %(window)s - now()), 0)::float AS all_frees,
       coalesce(extract(epoch FROM now() - max(at) FILTER (WHERE is_account)), 0)::float AS account_rests
FROM recent
"""


def _wait(counts: _Counts, *, has_account: bool) -> float:
    """Seconds until the next attempt is let through."""
    is_much = counts.here >= _PER_ACCOUNT_AND_ADDRESS
    if counts.is_known:
        return _SLOW_WHERE_KNOWN.total_seconds() - counts.here_rests if is_much else 0
    if is_much:
        return max(counts.here_frees, 1)
    if counts.by_address >= _PER_ADDRESS:
        return max(counts.address_frees, 1)
    if counts.in_all >= _IN_ALL:
        return max(counts.all_frees, 1)
    if has_account and counts.on_account >= _PER_ACCOUNT:
        return _SLOW.total_seconds() - counts.account_rests
    return 0


def _network(address: str) -> str:
    """Who has one IPv6 address has 2^64 of them."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(parsed, IPv6Address) and not parsed.ipv4_mapped:
        return str(IPv6Address(int(parsed) >> 64 << 64)) + "/64"
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def _in_words(seconds: float) -> str:
    if seconds < 60:
        return f"{math.ceil(seconds)} seconds"
    minutes = math.ceil(seconds / 60)
    return "a minute" if minutes == 1 else f"{minutes} minutes"
