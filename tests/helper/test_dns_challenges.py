"""Certificates that a name server proves: with certbot's plugin, a real authority and a real bind9."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bakery.helper.acme_log import Refusal
from bakery.helper.dns_challenges import PLUGINS, DnsChallenge
from bakery.model.certificates import Held, Refused
from bakery.model.dns_providers import KINDS
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


def told(proof: DnsProof, **fields: str) -> DnsProof:
    return replace(proof, fields={**proof.fields, **fields})


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
        assert proof.secrets["secret"].reveal() not in answer.said
        return answer.kind

    good = names.proof
    assert await kind_of(ANY, told(good, key_name="another")) == "dns-key"
    assert await kind_of(ANY, replace(good, secrets={"secret": Secret("bm90IHRoYXQga2V5IGF0IGFsbA==")})) == "dns-key"
    assert await kind_of(ANY, told(good, algorithm="HMAC-SHA512")) == "dns-key"
    assert await kind_of("*.elsewhere.example", good) == "dns-zone"
    assert await kind_of(f"*.{CLOSED}", good) == "dns-refused"
    assert await kind_of(ANY, told(good, port=str(a_free_port()))) == "dns-server"
    assert names.secret not in everything_below(here.place.root)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(GOOD, plugin="none"), replace(GOOD, plugin="ovh"), told(GOOD, server="ns.example.com"),
        told(GOOD, server="fe80::1%lo"), told(GOOD, port="0"), told(GOOD, key_name="a b"), told(GOOD, key_name="a\nb"),
        told(GOOD, algorithm="HMAC-MD5"), replace(GOOD, secrets={"secret": Secret("a\nb = c")}),
        replace(GOOD, secrets={"secret": Secret("")}), replace(GOOD, wait=301), told(GOOD, more="x"),
    ],
)  # fmt: skip
async def test_what_would_be_something_else_in_the_file_is_refused(here: Here, wrong: DnsProof) -> None:
    nobody = Authority("https://127.0.0.1:9/dir")
    with pytest.raises(CommandFailed):
        await here.certificates.issue(NAME, (ANY,), nobody, instead_of=None, dns=wrong)


TOKEN = "Abc_123.def+gh/ij-kl="
FILES: dict[str, tuple[dict[str, object], str]] = {
    "rfc2136": (
        {"server": "192.0.2.53", "port": 53, "key_name": "bakery-key", "algorithm": "HMAC-SHA256", "secret": "YWJj"},
        """\
dns_rfc2136_algorithm = HMAC-SHA256
dns_rfc2136_name = bakery-key
dns_rfc2136_port = 53
dns_rfc2136_secret = YWJj
dns_rfc2136_server = 192.0.2.53
""",
    ),
    "cloudflare": ({"api_token": TOKEN}, f"dns_cloudflare_api_token = {TOKEN}\n"),
    "digitalocean": ({"token": TOKEN}, f"dns_digitalocean_token = {TOKEN}\n"),
    "dnsimple": ({"token": TOKEN}, f"dns_dnsimple_token = {TOKEN}\n"),
    "gandi": ({"api_key": TOKEN}, f"dns_gandi_api_key = {TOKEN}\n"),
    "gehirn": (
        {"api_token": TOKEN, "api_secret": "secret-1"},
        f"dns_gehirn_api_secret = secret-1\ndns_gehirn_api_token = {TOKEN}\n",
    ),
    "linode": ({"key": "0af9" * 16}, f"dns_linode_key = {'0af9' * 16}\n"),
    "ovh": (
        {
            "endpoint": "ovh-ca", "application_key": "application-key", "application_secret": "application-secret",
            "consumer_key": "consumer-key",
        },
        """\
dns_ovh_application_key = application-key
dns_ovh_application_secret = application-secret
dns_ovh_consumer_key = consumer-key
dns_ovh_endpoint = ovh-ca
""",
    ),
    "sakuracloud": (
        {"api_token": TOKEN, "api_secret": "secret-1"},
        f"dns_sakuracloud_api_secret = secret-1\ndns_sakuracloud_api_token = {TOKEN}\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("plugin", PLUGINS)
def test_each_plugin_is_told_what_its_documentation_asks_for(plugin: str, tmp_path: Path) -> None:
    fields, file = FILES[plugin]
    challenge = DnsChallenge({"plugin": plugin, "wait": 7, **fields})
    assert challenge.words(tmp_path) == [
        "--authenticator", f"dns-{plugin}", f"--dns-{plugin}-credentials", str(tmp_path / "dns.ini"),
        f"--dns-{plugin}-propagation-seconds", "7",
    ]  # fmt: skip
    assert (tmp_path / "dns.ini").read_text() == file
    assert (tmp_path / "dns.ini").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("plugin", PLUGINS)
@pytest.mark.parametrize(
    "odd",
    [
        "token-1\nx = y",
        "token 12",
        "token,12",
        "token#12",
        "'token-1'",
        '"token-12"',
        "%(home)s-12",
        "$token-12",
        "=token-1",
        "",
        7,
    ],
)
def test_no_value_of_any_field_can_be_something_else_in_the_file(plugin: str, odd: object) -> None:
    fields, _ = FILES[plugin]
    for name in PLUGINS[plugin]:
        with pytest.raises(SystemExit):
            DnsChallenge({"plugin": plugin, "wait": 7, **fields, name: odd})


def test_the_helper_and_the_forms_know_the_same_plugins_and_fields() -> None:
    kinds = {kind.plugin: {field.name for field in kind.fields} - {"port"} for kind in KINDS.values()}
    assert kinds == {plugin: set(fields) for plugin, fields in PLUGINS.items()}


def test_what_a_provider_refuses_is_told_without_the_keys() -> None:
    challenge = DnsChallenge({"plugin": "cloudflare", "wait": 7, "api_token": TOKEN})
    log = "certbot.errors.PluginError: Error determining zone_id"
    assert kind_and_words(challenge.refusal_in(log, f"6003 {TOKEN}")) == ("dns-account", "6003 …")
    assert kind_and_words(challenge.refusal_in(log, f"{TOKEN[7:]} is no token")) == ("dns-account", "… is no token")
    no_zone = "certbot.errors.PluginError: Unable to determine base domain for example.com"
    assert kind_and_words(challenge.refusal_in(no_zone, "No zone.")) == ("dns-zone", "No zone.")
    assert challenge.refusal_in("acme.messages.Error", "The authority is away.") is None


def kind_and_words(refusal: Refusal | None) -> tuple[str, str]:
    assert refusal is not None
    return refusal.kind, refusal.said


def everything_below(folder: Path) -> str:
    return "".join(path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file())
