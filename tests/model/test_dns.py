from dataclasses import replace
from datetime import timedelta

import pytest

from bakery.model.dns import (
    Answer,
    DnsState,
    Expected,
    Found,
    Record,
    judge,
    pause_before_next,
    provider_of,
    records,
    relative_name,
)

HERE = Expected.of("203.0.113.7", None)
BOTH = Expected.of("203.0.113.7", "2001:db8::7")
RIGHT = Answer("192.0.2.53", a=("203.0.113.7",))


@pytest.mark.parametrize(
    ("found", "expected", "state", "said"),
    [
        (Found((RIGHT,)), HERE, DnsState.RIGHT, []),
        (Found((replace(RIGHT, aaaa=("2001:db8::7",)),)), BOTH, DnsState.RIGHT, []),
        (Found((RIGHT, Answer("192.0.2.54", error="refused"))), HERE, DnsState.RIGHT, []),
        (Found((RIGHT,), caa=("digicert.com", "letsencrypt.org")), HERE, DnsState.RIGHT, []),
        (Found(), HERE, DnsState.WAITING, ["No DNS server answered: there is none to ask."]),
        (
            Found((Answer("192.0.2.53", error="did not answer within 4 s"),)),
            HERE,
            DnsState.WAITING,
            ["No DNS server answered: 192.0.2.53 did not answer within 4 s."],
        ),
        (Found((Answer("192.0.2.53"),)), HERE, DnsState.WAITING, ["No record was found yet."]),
        (Found((RIGHT,)), Expected(), DnsState.WAITING, ["The public address of the app's node is not known."]),
        (
            Found((replace(RIGHT, a=("198.51.100.4",)),)),
            HERE,
            DnsState.WRONG,
            ["It points to 198.51.100.4, which is another server."],
        ),
        (
            Found((replace(RIGHT, a=("198.51.100.4", "203.0.113.7")),)),
            HERE,
            DnsState.WRONG,
            ["It points to 198.51.100.4, which is another server."],
        ),
        (
            Found((RIGHT, Answer("192.0.2.54"))),
            HERE,
            DnsState.WRONG,
            ["192.0.2.54 knows no A record yet."],
        ),
        (
            Found((replace(RIGHT, aaaa=("2001:db8::9",)),)),
            HERE,
            DnsState.WRONG,
            ["An AAAA record leads browsers with IPv6 to 2001:db8::9, past this server."],
        ),
        (
            Found((RIGHT,), caa=("digicert.com",)),
            HERE,
            DnsState.WRONG,
            ["A CAA record lets digicert.com issue certificates, and not letsencrypt.org."],
        ),
        (
            Found((RIGHT,), caa=()),
            HERE,
            DnsState.WRONG,
            ["A CAA record lets nobody issue certificates, and not letsencrypt.org."],
        ),
    ],
)
def test_what_the_dns_says_is_held_against_the_node(
    found: Found, expected: Expected, state: DnsState, said: list[str]
) -> None:
    verdict = judge(found, expected)
    assert (verdict.state, [trouble.said for trouble in verdict.troubles]) == (state, said)


def test_what_to_do_depends_on_what_is_wrong() -> None:
    def fix(found: Found, expected: Expected = HERE) -> str:
        return judge(found, expected).troubles[0].fix

    elsewhere = replace(RIGHT, a=("198.51.100.4",))
    assert fix(Found((elsewhere,))) == "Change the A record to 203.0.113.7, and delete other A records of this name."
    assert fix(Found((elsewhere,), provider="Cloudflare")).endswith("proxy is on (orange cloud), turn it off.")
    assert fix(Found((elsewhere, RIGHT))).startswith("Some servers know the new record already")
    with_ipv6 = Found((replace(RIGHT, aaaa=("2001:db8::9",)),))
    assert fix(with_ipv6) == "Delete it: this node has no IPv6 address."
    assert fix(with_ipv6, BOTH) == "Set it to 2001:db8::7."


def test_records_are_named_as_registrars_ask_for_them() -> None:
    assert relative_name("www.example.com", "example.com") == "www"
    assert relative_name("example.com", "example.com") == "@"
    assert relative_name("*.shop.example.co.uk", "example.co.uk") == "*.shop"
    assert relative_name("www.example.com", "") == "www.example.com"
    assert records("www.example.com", "example.com", BOTH) == [
        Record("A", "www", "203.0.113.7", 300),
        Record("AAAA", "www", "2001:db8::7", 300),
    ]


def test_the_provider_is_known_by_its_servers() -> None:
    assert provider_of(["dns1.registrar-servers.com."]) == "Namecheap"
    assert provider_of(["ns-1.awsdns-00.co.uk."]) == "Route 53"
    assert provider_of(["ns1.example.net."]) == ""


def test_it_is_asked_less_and_less_often() -> None:
    pauses = [pause_before_next(DnsState.WRONG, looks) for looks in range(9)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (timedelta(seconds=15), timedelta(hours=1))
    assert pause_before_next(DnsState.RIGHT, 0) == timedelta(hours=6)
