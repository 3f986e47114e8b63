"""Certificates that a name server proves: with certbot's plugin, a real authority and a real bind9."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bakery.model.certificates import Held, Refused
from bakery.model.errors import CommandFailed
from bakery.model.names import HostName
from bakery.model.secret import Secret
from bakery.nodes.certificates import Authority, DnsProof
from tests.helper.test_certificates import NAME, Here, here
from tests.helper.test_sites import place
from tests.support.authority import running_pebble
from tests.support.machine import a_free_port
from tests.support.name_server import CLOSED, NameServer, running_name_server

__all__ = ["here", "place"]
ANY = HostName("*.example.com")
GOOD = NameServer(53).proof


@pytest.fixture(scope="module")
def names() -> Iterator[NameServer]:
    with running_name_server() as server:
        yield server


@pytest.fixture(scope="module")
def authority(names: NameServer) -> Iterator[Authority]:
    with running_pebble(a_free_port(), rejects=0, name_server=names.port) as pebble:
        yield Authority(pebble.directory, trusted=pebble.trusted)


async def test_a_name_with_a_star_is_proven_at_its_name_server_and_visitors_are_shown_it(
    here: Here, names: NameServer, authority: Authority
) -> None:
    held = await here.certificates.issue(NAME, (ANY,), authority, instead_of=None, dns=names.proof)
    assert isinstance(held, Held)
    assert held.names == (ANY,)
    await here.ingress.apply_site(replace(here.place.docs(1), hosts=(ANY,), certificates=(NAME,)))
    assert (await here.get("any.example.com")).text == "This is 1."
    assert await here.shown("any.example.com") == await here.shown("other.example.com") == held.fingerprint
    renewed = await here.certificates.issue(NAME, (ANY,), authority, instead_of=held.fingerprint, dns=names.proof)
    assert isinstance(renewed, Held)
    assert renewed.fingerprint != held.fingerprint
    assert names.records("_acme-challenge.example.com") == 0  # certbot takes away what it wrote
    assert names.secret not in everything_below(here.place.root)


async def test_each_refusal_of_a_name_server_has_a_kind_of_its_own(
    here: Here, names: NameServer, authority: Authority
) -> None:
    async def kind_of(host: str, proof: DnsProof) -> str:
        answer = await here.certificates.issue(NAME, (HostName(host),), authority, instead_of=None, dns=proof)
        assert isinstance(answer, Refused), answer
        assert answer.said
        assert proof.secret.reveal() not in answer.said
        return answer.kind

    good = names.proof
    assert await kind_of(ANY, replace(good, key_name="another")) == "dns-key"
    assert await kind_of(ANY, replace(good, secret=Secret("bm90IHRoYXQga2V5IGF0IGFsbA=="))) == "dns-key"
    assert await kind_of(ANY, replace(good, algorithm="HMAC-SHA512")) == "dns-key"
    assert await kind_of("*.elsewhere.example", good) == "dns-zone"
    assert await kind_of(f"*.{CLOSED}", good) == "dns-refused"
    assert await kind_of(ANY, replace(good, port=a_free_port())) == "dns-server"
    assert names.secret not in everything_below(here.place.root)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(GOOD, plugin="none"), replace(GOOD, server="ns.example.com"), replace(GOOD, server="fe80::1%lo"),
        replace(GOOD, port=0), replace(GOOD, key_name="a b"), replace(GOOD, key_name="a\nb"),
        replace(GOOD, algorithm="HMAC-MD5"), replace(GOOD, secret=Secret("a\nb = c")),
        replace(GOOD, secret=Secret("")), replace(GOOD, wait=301),
    ],
)  # fmt: skip
async def test_what_would_be_something_else_in_the_file_is_refused(here: Here, wrong: DnsProof) -> None:
    nobody = Authority("https://127.0.0.1:9/dir")
    with pytest.raises(CommandFailed):
        await here.certificates.issue(NAME, (ANY,), nobody, instead_of=None, dns=wrong)


def everything_below(folder: Path) -> str:
    return "".join(path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file())
