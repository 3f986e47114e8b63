"""Asking a real, if little, DNS server."""

from dataclasses import replace

from bakery.model.dns import Answer, Found
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


async def test_who_may_issue_is_not_asked_for_an_authority_of_another_name() -> None:
    with a_little_dns() as server:
        server.a_zone("example.com")
        server.records["example.com", "CAA"] = ('0 issue "ca.example.net"',)
        found = await replace(server.asking(), asks_who_may_issue=False).look_up("www.example.com")
        assert found.caa is None
