"""The domains of an app, as a page."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bakery.delivery.apps import AppDetail
from bakery.ingress.certificates import Certificate
from bakery.ingress.domains import Domain
from bakery.model.actor import Actor
from bakery.model.apps import automatic_host
from bakery.model.certificates import covers
from bakery.model.dns import Answer, DnsState, Expected, Record
from bakery.model.permissions import Permission
from bakery.web.moments import moment
from bakery.web.presenters.apps import app_tabs
from bakery.web.presenters.certificates import certificate_rows, tls_of
from bakery.web.presenters.links import Url
from bakery.web.presenters.refusals import why_not
from bakery.web.views.domains import AnswerRow, DomainRow, DomainsPage, RecordRow
from bakery.web.views.forms import Form
from bakery.web.views.status import StatusView

_DNS: Mapping[DnsState, StatusView] = {
    DnsState.WAITING: StatusView("run", "s-clock", "DNS waiting"),
    DnsState.RIGHT: StatusView("ok", "s-ok", "DNS right"),
    DnsState.WRONG: StatusView("bad", "s-bad", "DNS wrong"),
}


def domains_page(
    app: AppDetail,
    found: Sequence[Domain],
    certificates: Sequence[Certificate],
    *,
    form: Form,
    actor: Actor,
    url: Url,
    now: datetime,
) -> DomainsPage:
    return DomainsPage(
        app=app.slug,
        topic=f"app:{app.slug}",
        tabs=app_tabs(app.slug, "domains", url),
        automatic=automatic_host(app.where, app.apps_domain) if app.site_port is not None else "",
        node_settings=url(f"/nodes/{app.node}/settings") if actor.may(Permission.MANAGE_NODES) else "",
        rows=[_row(one, certificates, now) for one in found],
        certificates=certificate_rows(certificates, now) if found or certificates else (),
        form=form,
        why_not_change=why_not(actor, Permission.DEPLOY),
    )


def _row(one: Domain, certificates: Sequence[Certificate], now: datetime) -> DomainRow:
    answers = one.found.answers if one.found else ()
    return DomainRow(
        key=str(one.id),
        host=one.host,
        shown=one.shown,
        ascii="" if one.host == one.shown else one.host,
        is_primary=one.is_primary,
        may_be_primary=not one.is_primary and not one.host.startswith("*"),
        dns=_DNS[one.dns_state],
        tls=tls_of(one.host, certificates, now),
        is_right=one.dns_state is DnsState.RIGHT,
        looked_at=moment(one.looked_at, now) if one.looked_at else None,
        look_at=moment(one.look_at, now),
        zone=one.found.zone if one.found else "",
        provider=one.found.provider if one.found else "",
        records=[_record(record, answers) for record in one.records],
        answers=[_answer(answer, one.expected) for answer in answers],
        troubles=[(trouble.said, trouble.fix) for trouble in one.troubles],
        proof=_proof(one, certificates),
    )


def _proof(one: Domain, certificates: Sequence[Certificate]) -> str:
    if not one.host.startswith("*"):
        return ""
    if any(found.is_uploaded and covers(found.names, one.host) for found in certificates):
        return "Its certificate is one that was brought."
    if one.dns_provider is None:
        return (
            "No DNS provider is named for its zone, so it has no certificate. An Admin names one under Settings → DNS; "
            "or bring a certificate below."
        )
    return f"{one.dns_provider} proves it with a record in its zone, so it has a certificate wherever it leads."


def _record(record: Record, answers: Sequence[Answer]) -> RecordRow:
    heard = [answer for answer in answers if not answer.error]
    values = sorted({value for answer in heard for value in (answer.a if record.type == "A" else answer.aaaa)})
    found = ", ".join(values) or ("nothing" if heard else "not known yet")
    return RecordRow(record.type, record.name, record.value, record.ttl, found, values == [record.value])


def _answer(answer: Answer, expected: Expected) -> AnswerRow:
    said = answer.error or ", ".join((*answer.a, *answer.aaaa)) or "no address"
    is_right = not answer.error and answer.a == _only(expected.ipv4) and set(answer.aaaa) <= {expected.ipv6}
    return AnswerRow(answer.server, said, is_right)


def _only(address: str | None) -> tuple[str, ...]:
    return () if address is None else (address,)
