"""Samples of the domains of an app."""

from collections.abc import Sequence

from bakery.web.views.certificates import CertificateRow
from bakery.web.views.domains import AnswerRow, DomainRow, DomainsPage, RecordRow
from bakery.web.views.forms import Form
from bakery.web.views.shell import Shell, Tab
from bakery.web.views.status import StatusView
from tests.web.samples.frame import Pages, a_shell, ago, below

_AUTOMATIC = "shop.apps.example.com"
_TROUBLE = (
    "It points to 198.51.100.4, which is another server.",
    "Change the A record to 203.0.113.7, and delete other A records of this name.",
)


def domain_pages() -> Pages:
    refused = Form(values={"host": "www..example"}, errors={"host": "Between two dots there has to be a name."})
    return {
        "domains": (
            "apps/domains.html",
            DomainsPage(
                "shop", "app:shop", _tabs(), _AUTOMATIC, "/bakery/nodes/oven-1/settings", _rows(), _certificates()
            ),
            _shell(),
        ),
        "domains-refused": (
            "apps/domains.html",
            DomainsPage("shop", "app:shop", _tabs(), _AUTOMATIC, "/bakery/nodes/oven-1/settings", [], (), form=refused),
            _shell(),
        ),
        "domains-viewer": (
            "apps/domains.html",
            DomainsPage(
                "shop", "app:shop", _tabs(), "", "", _rows(), _certificates(), why_not_change="Your role is Viewer."
            ),
            _shell(),
        ),
    }


def _rows() -> Sequence[DomainRow]:
    answers = [
        AnswerRow("192.0.2.53", "198.51.100.4", is_right=False),
        AnswerRow("dns1.registrar-servers.com (of the zone)", "203.0.113.7", is_right=True),
    ]
    return [
        _row("1", "shop.example.com", is_primary=True, is_right=True, answers=answers[1:]),
        _row(
            "2", "läden.example.com", ascii_host="xn--lden-loa.example.com", answers=answers, provider="Namecheap",
            records=[RecordRow("A", "xn--lden-loa", "203.0.113.7", 300, "198.51.100.4", is_right=False)],
            troubles=[_TROUBLE],
        ),
        _row("3", "*.shop.example.com", proof="our-bind proves it with a record in its zone."),
    ]  # fmt: skip


def _certificates() -> Sequence[CertificateRow]:
    failing = [
        (
            "läden.example.com: The authority could not reach this server by HTTP.",
            "Port 80 of the node has to be open to the whole internet: look at its firewall, and that of its provider.",
        )
    ]
    return [
        CertificateRow(
            "9", ("*.shop.example.com",), StatusView("warn", "s-clock", "Valid, ends in 9 days"), is_uploaded=True,
            is_staging=False, issuer="Example Trust", until=ago(days=-9), renews=None, troubles=(), said="",
            next_try=None,
        ),
        CertificateRow(
            "4", ("shop.example.com", "xn--lden-loa.example.com"), StatusView("bad", "s-bad", "Failing"),
            is_uploaded=False, is_staging=True, issuer="", until=None, renews=None, troubles=failing,
            said="xn--lden-loa.example.com: Fetching http://…: Timeout during connect (likely firewall problem)",
            next_try=ago(minutes=-12),
        ),
        CertificateRow(
            "5", ("shop.example.com",), StatusView("ok", "s-ok", "Valid, 71 days"), is_uploaded=False,
            is_staging=False, issuer="Let's Encrypt R11", until=ago(days=-71), renews=ago(days=-41), troubles=(),
            said="", next_try=None, proven_by="our-bind",
        ),
    ]  # fmt: skip


def _row(
    key: str,
    shown: str,
    *,
    ascii_host: str = "",
    is_primary: bool = False,
    is_right: bool = False,
    answers: Sequence[AnswerRow] = (),
    records: Sequence[RecordRow] = (),
    troubles: Sequence[tuple[str, str]] = (),
    provider: str = "",
    proof: str = "",
) -> DomainRow:
    state = StatusView("ok", "s-ok", "DNS right") if is_right else StatusView("bad", "s-bad", "DNS wrong")
    return DomainRow(
        key, ascii_host or shown, shown, ascii_host, is_primary, not is_primary and "*" not in shown,
        state if answers else StatusView("run", "s-clock", "DNS waiting"),
        StatusView("ok", "s-ok", "TLS, 71 days") if is_right else None, is_right,
        ago(minutes=1) if answers else None, ago(minutes=-0.4), "example.com" if answers else "",
        provider, records, answers, troubles, proof,
    )  # fmt: skip


def _tabs() -> list[Tab]:
    places = ("Overview", "Domains", "Variables", "Deployments", "Logs", "Source", "Settings")
    return [Tab(title, below(f"/apps/shop/{title.lower()}"), current=title == "Domains") for title in places]


def _shell() -> Shell:
    return a_shell("shop", "Apps", "shop", "Domains")
