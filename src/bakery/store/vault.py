"""Where secrets rest: AES-256-GCM, each value bound to the table, row and column it belongs to.

A sealed value is `version (1) | key fingerprint (4) | nonce (12) | ciphertext and tag`. The keys come from the
environment or a file; the first one seals, all of them open. The database knows only their fingerprints.
"""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bakery.model.errors import BakeryError, NotReady
from bakery.model.secret import Secret

_VERSION = b"\x01"
_KEY_BYTES = 32
_NONCE_BYTES = 12
_PRINT_BYTES = 4


class CannotOpen(BakeryError):
    """A sealed value was changed, moved to another place, or sealed with a key that we do not have."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value lives. It opens nowhere else."""

    table: str
    row: int | str
    column: str

    def associated_data(self) -> bytes:
        return f"{self.table}\x1f{self.row}\x1f{self.column}".encode()


class Key:
    """One key; its fingerprint says which, and gives nothing away."""

    __slots__ = ("_cipher", "fingerprint", "text")

    def __init__(self, text: Secret) -> None:
        try:
            raw = base64.b64decode(text.reveal(), validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) != _KEY_BYTES:
            raise NotReady(
                "The encryption key is not 32 bytes in base64.",
                hint="Put back the key of this installation. For a new installation: openssl rand -base64 32",
            )
        self.text = text
        self.fingerprint = hashlib.sha256(b"bakery key fingerprint" + raw).digest()[:_PRINT_BYTES]
        self._cipher = AESGCM(raw)

    @classmethod
    def mint(cls) -> "Key":
        return cls(Secret(base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()))

    def seal(self, place: Place, secret: Secret) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(
            nonce, secret.reveal().encode("utf-8", "surrogatepass"), place.associated_data()
        )

    def open(self, place: Place, sealed: bytes) -> Secret:
        nonce, body = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        return Secret(self._cipher.decrypt(nonce, body, place.associated_data()).decode("utf-8", "surrogatepass"))


class Vault:
    """Seals with its first key, opens with any. `source` gives the keys anew when they have changed."""

    def __init__(self, keys: Sequence[Key], *, source: Callable[[], Sequence[Key] | None] = lambda: None) -> None:
        self._source = source
        self._use(keys)

    def _use(self, keys: Sequence[Key]) -> None:
        if not keys:
            raise ValueError("a vault needs a key")
        self._sealing = keys[0]
        self._keys = {key.fingerprint: key for key in keys}

    def _look_again(self) -> None:
        if keys := self._source():
            self._use(keys)

    @property
    def fingerprint(self) -> str:
        return self._sealing.fingerprint.hex()

    def seal(self, place: Place, secret: Secret) -> bytes:
        self._look_again()
        return _VERSION + self._sealing.fingerprint + self._sealing.seal(place, secret)

    def open(self, place: Place, sealed: bytes) -> Secret:
        self._look_again()
        version, fingerprint, body = sealed[:1], sealed[1 : 1 + _PRINT_BYTES], sealed[1 + _PRINT_BYTES :]
        key = self._keys.get(fingerprint)
        if version != _VERSION or key is None:
            raise CannotOpen(
                f"{place.table}.{place.column} of row {place.row} was sealed with another key ({fingerprint.hex()}).",
                hint="Start Bakery with that key, or set the value again.",
            )
        try:
            return key.open(place, body)
        except (InvalidTag, ValueError):
            raise CannotOpen(
                f"{place.table}.{place.column} of row {place.row} was changed or moved, and is not accepted.",
                hint="Set the value again, or restore the row from a backup.",
            ) from None
