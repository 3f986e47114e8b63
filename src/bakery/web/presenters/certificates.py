"""The certificates of an app, as they are shown with its domains."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bakery.ingress.certificates import Certificate, CertificateState
from bakery.model.certificates import STAGING, advice, covers, renew_from
from bakery.web.moments import moment
from bakery.web.views.certificates import CertificateRow
from bakery.web.views.status import StatusView

_SOON = timedelta(days=14)


def certificate_rows(found: Sequence[Certificate], now: datetime) -> Sequence[CertificateRow]:
    return [_row(one, now) for one in found]


def tls_of(host: str, found: Sequence[Certificate], now: datetime) -> StatusView | None:
    """What visitors of a name have; None: nothing yet, and nothing wrong."""
    mine = [one for one in found if one.held is not None and covers(one.names, host)]
    lasting = [one for one in mine if one.not_after is not None and one.not_after > now]
    if lasting:
        return _valid(lasting[0], now, "TLS")
    if mine:
        return StatusView("bad", "s-bad", "TLS expired")
    failing = any(host in one.wanted and one.state_at(now) is CertificateState.FAILING for one in found)
    if failing:
        return StatusView("bad", "s-bad", "TLS failing")
    ordering = any(host in one.wanted and one.ordering_since is not None for one in found)
    return StatusView("run", "s-clock", "TLS asked for") if ordering else None


def _row(one: Certificate, now: datetime) -> CertificateRow:
    told = advice(one.refused) if one.refused else None
    troubles = (
        [(f"{one.refused.name}: {told.said}" if one.refused.name else told.said, told.fix)]
        if (one.refused and told)
        else []
    )
    if one.trouble:
        troubles.append((one.trouble, "Bakery looks again in a few minutes. The tab Site says what nginx refused."))
    held = one.held
    return CertificateRow(
        key=str(one.id),
        names=one.names or one.wanted,
        state=_state(one, now),
        is_uploaded=one.is_uploaded,
        is_staging=one.directory == STAGING,
        issuer=one.issuer,
        until=moment(one.not_after, now) if one.not_after else None,
        renews=moment(renew_from(held), now) if held and not one.is_uploaded else None,
        troubles=troubles,
        said=one.refused.said if one.refused else "",
        next_try=moment(one.next_try, now) if one.refused and one.next_try else None,
        proven_by=one.dns_provider or "",
    )


def _state(one: Certificate, now: datetime) -> StatusView:
    match one.state_at(now):
        case CertificateState.WAITING:
            waits_for = "its turn" if one.dns_provider else "a name whose DNS is right"
            return StatusView("run", "s-clock", f"Waiting for {waits_for}")
        case CertificateState.ORDERING:
            return StatusView("run", "s-clock", "Asked for")
        case CertificateState.FAILING:
            return StatusView("bad", "s-bad", "Failing")
        case CertificateState.EXPIRED:
            return StatusView("bad", "s-bad", "Expired")
        case CertificateState.VALID:
            return _valid(one, now, "Valid")


def _valid(one: Certificate, now: datetime, word: str) -> StatusView:
    left = (one.not_after - now) if one.not_after else timedelta()
    days = f"{left.days} day{'s' * (left.days != 1)}" if left.days else "less than a day"
    if left < _SOON:
        return StatusView("warn", "s-clock", f"{word}, ends in {days}")
    return StatusView("ok", "s-ok", f"{word}, {days}")
