"""Asking a real, if little, DNS server."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from bakery.model.dns import Answer, Expected, Found, judge
from tests.support.dns_server import a_little_dns

ZONE = "ns.example.com (of the zone)"


async def test_the_resolvers_and_the_servers_of_the_zone_are_asked() -> None:
    with a_little_dns() as server:
        server.a_zone("example.com")
        server.records["www.example.com", "A"] = ("203.0.113.7",)
        server.records["www.example.com", "AAAA"] = ("2001:db8::7",)
        server.records["example.com", "CAA"] = ('0 issue "letsencrypt.org; validationmethods=http-01"',)
        found = await server.asking().look_up("www.example.com")
        seen = ("203.0.113.7",), ("2001:db8::7",)
        expected = Found(
            (Answer("127.0.0.1", *seen), Answer(ZONE, *seen)), "example.com", provider="", caa=("letsencrypt.org",)
        )
        assert found == expected
        assert (await server.asking().look_up("new.example.com")).answers == (Answer("127.0.0.1"), Answer(ZONE))


async def test_a_name_with_a_star_is_asked_for_something_below_it() -> None:
    with a_little_dns() as server:
        server.a_zone("example.com")
        server.records["bakery-looks.shop.example.com", "A"] = ("203.0.113.7",)
        found = await server.asking().look_up("*.shop.example.com")
        assert [answer.a for answer in found.answers] == [("203.0.113.7",)] * 2


async def test_a_server_that_does_not_answer_says_nothing_about_the_name() -> None:
    with a_little_dns() as server:
        server.is_broken = True
        found = await server.asking().look_up("www.example.com")
        assert found == Found((Answer("127.0.0.1", error="refused to answer, or could not"),))


def named(*names: str) -> Callable[[], Awaitable[tuple[str, ...]]]:
    async def say() -> tuple[str, ...]:
        return names

    return say


async def test_who_may_issue_is_not_asked_for_an_authority_without_a_name() -> None:
    with a_little_dns() as server:
        server.a_zone("example.com")
        server.records["example.com", "CAA"] = ('0 issue "ca.example.net"',)
        found = await replace(server.asking(), issuers=named()).look_up("www.example.com")
        assert found.caa is None


async def test_an_authority_is_looked_for_under_each_of_its_names() -> None:
    with a_little_dns() as server:
        server.a_zone("example.com")
        server.records["www.example.com", "A"] = ("203.0.113.7",)
        server.records["example.com", "CAA"] = ('0 issue "ca.example.net"',)
        for names, fixes in (
            (("other.example", "ca.example.net"), []),
            (("other.example",), ['Add a CAA record: 0 issue "other.example".']),
        ):
            found = await replace(server.asking(), issuers=named(*names)).look_up("www.example.com")
            assert [one.fix for one in judge(found, Expected("203.0.113.7")).troubles] == fixes


async def test_of_a_name_with_a_star_the_records_for_such_count() -> None:
    with a_little_dns() as server:
        server.a_zone("example.com")
        server.records["example.com", "CAA"] = ('0 issue "letsencrypt.org"', '0 issuewild "ca.example.net"')
        assert (await server.asking().look_up("*.example.com")).caa == ("ca.example.net",)
        assert (await server.asking().look_up("www.example.com")).caa == ("letsencrypt.org",)
