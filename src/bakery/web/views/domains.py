"""The domains of an app."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bakery.web.moments import Moment
from bakery.web.views.certificates import CertificateRow
from bakery.web.views.forms import Form
from bakery.web.views.shell import Tab
from bakery.web.views.status import StatusView


@dataclass(frozen=True, slots=True)
class RecordRow:
    """`found` is what the DNS has now, `is_right` whether that is the value."""

    type: str
    name: str
    value: str
    ttl: int
    found: str
    is_right: bool


@dataclass(frozen=True, slots=True)
class AnswerRow:
    server: str
    said: str
    is_right: bool


@dataclass(frozen=True, slots=True)
class DomainRow:
    """`ascii` is how the DNS writes it, empty where that is the same. `troubles` are sentences with what to do,
    `proof` how one with a star gets its certificate."""

    key: str
    host: str
    shown: str
    ascii: str
    is_primary: bool
    may_be_primary: bool
    dns: StatusView
    tls: StatusView | None
    is_right: bool
    looked_at: Moment | None
    look_at: Moment
    zone: str
    provider: str
    records: Sequence[RecordRow]
    answers: Sequence[AnswerRow]
    troubles: Sequence[tuple[str, str]]
    proof: str = ""


@dataclass(frozen=True, slots=True)
class DomainsPage:
    """apps/domains.html. Fields: host, certificate, key. `automatic` is the name that it has by itself,
    `node_settings` where an Admin tells the address of its node."""

    app: str
    topic: str
    tabs: Sequence[Tab]
    automatic: str
    node_settings: str
    rows: Sequence[DomainRow]
    certificates: Sequence[CertificateRow]
    form: Form = field(default_factory=Form)
    why_not_change: str = ""
