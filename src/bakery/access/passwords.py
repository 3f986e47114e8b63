"""Passwords: argon2id at rest; bcrypt hashes of other systems are accepted and upgraded at the next sign-in."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bakery.model.emails import email_key
from bakery.model.errors import BadInput
from bakery.model.secret import Secret

T = TypeVar("T")

SHORTEST = 10
LONGEST = 1024
_BCRYPT = ("$2a$", "$2b$", "$2y$")
_BCRYPT_BYTES = 72  # more than these it never looked at
_HASHER = PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)
# Two at a time: guesses then take neither all processors nor more than 64 MiB.
_THREADS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="password")
# For people who do not exist: as much work as for those who do, so that the time of the answer tells nothing.
_NOBODY = "$argon2id$v=19$m=32768,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
_COMMON_TEXT = """
0123456789 1111111111 1122334455 1234567890 12345678910 123456789a 1234567891 1q2w3e4r5t 1qaz2wsx3edc 1q2w3e4r5t6y
9876543210 a123456789 abcdefghij administrator changeme123 iloveyou123 letmein123 password12 password123
password1234 password12345 passwordpassword password123! p@ssword123 p@ssw0rd123 princess123 q1w2e3r4t5 qazwsxedcrfv
qwerty1234 qwerty12345 qwertyuiop qwertyuiop123 qwerty123456 superman123 trustno1trustno1 unbelievable welcome123
welcome1234 zaq12wsxcde3 zxcvbnm123 administrator1 correcthorsebatterystaple bakerybakery bakery1234
"""
_COMMON = frozenset(_COMMON_TEXT.split())


def check_new_password(password: Secret, email: str, *, field: str = "password") -> None:
    """Raises BadInput for a password that is easily guessed."""
    text = password.reveal()
    if len(text) < SHORTEST:
        raise BadInput(f"Use at least {SHORTEST} characters.", field=field, hint="A few words in a row are good.")
    if len(text) > LONGEST:
        raise BadInput(f"Use at most {LONGEST} characters.", field=field)
    key = text.casefold()
    if key in _COMMON or len(set(key)) == 1:
        raise BadInput("This is one of the first passwords that others try.", field=field)
    if email_key(text) in {email_key(email), email_key(email.partition("@")[0])}:
        raise BadInput("Use a password that is not the e-mail address.", field=field)


async def hash_password(password: Secret) -> str:
    return await _in_thread(lambda: _HASHER.hash(_bytes(password)))


async def matches(stored: str | None, password: Secret) -> bool:
    """Takes equally long for a person without a password, or no person at all: pass None."""
    if len(password.reveal()) > LONGEST:
        return False
    return await _in_thread(lambda: _matches(stored or _NOBODY, _bytes(password)))


def is_outdated(stored: str) -> bool:
    return stored.startswith(_BCRYPT) or _HASHER.check_needs_rehash(stored)


def _matches(stored: str, password: bytes) -> bool:
    try:
        if stored.startswith(_BCRYPT):
            return bcrypt.checkpw(password[:_BCRYPT_BYTES], stored.encode())
        return _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError, ValueError):  # ValueError: not a bcrypt hash after all
        return False


def _bytes(password: Secret) -> bytes:
    return password.reveal().encode("utf-8", "surrogatepass")


async def _in_thread(work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_THREADS, work)
