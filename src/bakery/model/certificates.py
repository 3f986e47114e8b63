"""Certificates of sites: what one is, and why an authority refuses one."""

from dataclasses import dataclass
from datetime import datetime

from bakery.model.names import HostName


@dataclass(frozen=True, slots=True)
class Held:
    """A certificate that is on its node."""

    fingerprint: str
    names: tuple[HostName, ...]
    not_before: datetime
    not_after: datetime
    issuer: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Why there is none. `name` is the host name that it is about, if it is one; `retry_after` is in seconds, as the
    authority says."""

    kind: str
    said: str
    name: str = ""
    retry_after: int | None = None
