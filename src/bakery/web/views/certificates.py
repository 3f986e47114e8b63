"""The certificates of an app."""

from collections.abc import Sequence
from dataclasses import dataclass

from bakery.web.moments import Moment
from bakery.web.views.status import StatusView


@dataclass(frozen=True, slots=True)
class CertificateRow:
    """`until` is its end; `troubles` are sentences with what to do, `said` the authority's own words. `next_try` is
    when it is asked for again; `proven_by` the DNS provider of names with a star."""

    key: str
    names: Sequence[str]
    state: StatusView
    is_uploaded: bool
    is_staging: bool
    issuer: str
    until: Moment | None
    renews: Moment | None
    troubles: Sequence[tuple[str, str]]
    said: str
    next_try: Moment | None
    proven_by: str = ""
