"""The helper's certificates, with certbot, a real authority that rejects nonces, and a real nginx."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from bakery.helper.certificate_files import make_nameless
from bakery.model.certificates import Held, Refused
from bakery.model.errors import CommandFailed
from bakery.model.names import CertificateName, HostName
from bakery.model.secret import Secret
from bakery.model.site_options import SiteOptions, Www
from bakery.nodes.certificates import Authority, ExternalAccount, NodeCertificates
from bakery.nodes.helper_calls import Helper
from bakery.nodes.helper_ingress import HelperIngress, OwnPlace
from bakery.nodes.local import LocalTransport
from tests.helper.test_sites import HOST, Place, place
from tests.support.authority import KEY_ID, MAC_KEY, make_authority, make_certificate, refusing, running_pebble
from tests.support.machine import a_free_port

__all__ = ["place"]
NAME = CertificateName("c1")
WWW = HostName(f"www.{HOST}")
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Here:
    place: Place
    ingress: HelperIngress
    certificates: NodeCertificates
    tls_port: int

    def context(self, trusted: str | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if trusted:
            context.load_verify_locations(cadata=trusted)
            context.check_hostname, context.verify_mode = True, ssl.CERT_REQUIRED
        return context

    async def get(self, host: str, path: str = "/", *, scheme: str = "https", http2: bool = False) -> httpx.Response:
        port = self.tls_port if scheme == "https" else self.place.port
        async with httpx.AsyncClient(verify=self.context(), trust_env=False, http2=http2) as client:
            request = client.build_request(
                "GET", f"{scheme}://{LOOPBACK}:{port}{path}", headers={"Host": host}, extensions={"sni_hostname": host}
            )
            return await client.send(request)

    async def shown(self, host: str) -> str | None:
        return (await self.certificates.served(HostName(host))).fingerprint


@pytest.fixture
async def here(place: Place) -> AsyncIterator[Here]:
    helper, tls_port = Helper(LocalTransport(), place.program), a_free_port()
    ingress = HelperIngress(helper, OwnPlace(place.port, address=LOOPBACK, tls_port=tls_port))
    assert await ingress.ensure_running() == ()
    yield Here(place, ingress, NodeCertificates(helper, ingress), tls_port)
    await asyncio.to_thread(place.stop_nginx)


@pytest.fixture
def authority(place: Place) -> Iterator[Authority]:
    with running_pebble(place.port) as pebble:
        yield Authority(pebble.directory, trusted=pebble.trusted)


async def issued(here: Here, authority: Authority, *hosts: HostName, instead_of: str | None = None) -> Held:
    """pebble rejects some nonces, which certbot repeats once: whoever asks goes on asking."""
    for _ in range(10):
        answer = await here.certificates.issue(NAME, hosts, authority, instead_of=instead_of)
        if isinstance(answer, Held):
            return answer
        assert answer.kind == "nonce"
    raise AssertionError(answer)


# Asking an authority.


async def test_a_certificate_is_issued_and_visitors_are_shown_it(here: Here, authority: Authority) -> None:
    held = await issued(here, authority, HOST, WWW)
    assert (held.names, "Pebble" in held.issuer) == ((HOST, WWW), True)
    site = replace(here.place.docs(1), hosts=(HOST, WWW), certificates=(NAME,))
    await here.ingress.apply_site(site)
    assert (await here.get(HOST)).text == (await here.get(HOST, scheme="http")).text == "This is 1."
    assert await here.shown(HOST) == await here.shown(WWW) == held.fingerprint
    again = await here.certificates.issue(NAME, (HOST, WWW), authority, instead_of=None)
    assert again == held  # what an order brought whose caller was cut off
    renewed = await issued(here, authority, HOST, WWW, instead_of=held.fingerprint)
    assert renewed.fingerprint != held.fingerprint
    assert await here.shown(HOST) == held.fingerprint
    await here.ingress.refresh_site(site)
    assert await here.shown(HOST) == renewed.fingerprint
    assert private(here.place.root / "certificates/live") == private(here.place.root / "certificates/acme") == 0o700


async def test_an_authority_is_answered_whatever_was_chosen_for_the_site(here: Here, authority: Authority) -> None:
    held = await issued(here, authority, WWW)
    closed = SiteOptions(
        force_https=True, hsts_days=30, www=Www.TO_BARE, maintenance=True, users={"ann": KNOWN_HASH}, rate=1, burst=0
    )
    site = replace(here.place.docs(1), hosts=(HOST, WWW), certificates=(NAME,), options=closed)
    await here.ingress.apply_site(site)
    renewed = await issued(here, authority, HOST, WWW, instead_of=held.fingerprint)
    assert renewed.names == (HOST, WWW)


async def test_an_authority_finds_a_name_whose_app_is_not_there_yet(here: Here, authority: Authority) -> None:
    assert (await issued(here, authority, HostName("not-there-yet.example"))).names == ("not-there-yet.example",)


async def test_who_cannot_be_reached_is_told_with_the_name(here: Here, authority: Authority) -> None:
    await asyncio.to_thread(here.place.stop_nginx)
    refused = await refusal(here, authority)
    assert (refused.kind, refused.name) == ("connection", HOST)
    assert "connection refused" in refused.said


async def test_an_authority_that_is_away_is_told(here: Here) -> None:
    refused = await refusal(here, Authority(f"https://{LOOPBACK}:{a_free_port()}/dir"))
    assert refused.kind == "unreachable"


async def test_an_authority_that_knows_its_people_wants_an_account(here: Here, place: Place) -> None:
    with running_pebble(place.port, needs_account=True) as pebble:
        authority = Authority(pebble.directory, "ann@docs.example", trusted=pebble.trusted)
        assert (await refusal(here, authority)).kind == "account"
        known = replace(authority, account=ExternalAccount(KEY_ID, Secret(MAC_KEY)))
        assert (await issued(here, known, HOST)).names == (HOST,)


async def test_an_authority_that_had_too_many_requests_says_for_how_long(here: Here) -> None:
    with refusing(429, "rateLimited", retry_after=5400) as authority:
        refused = await refusal(here, authority)
    assert (refused.kind, refused.retry_after, refused.said) == ("rate-limited", 5400, "No more today.")


async def refusal(here: Here, authority: Authority) -> Refused:
    for _ in range(10):
        answer = await here.certificates.issue(NAME, (HOST,), authority, instead_of=None)
        assert isinstance(answer, Refused)
        if answer.kind != "nonce":
            return answer
    raise AssertionError(answer)


# What people bring.


async def test_a_certificate_that_somebody_brings_is_shown(here: Here) -> None:
    top = make_authority("Top")
    between = make_authority("Between", top)
    made = make_certificate(between, ("*.docs.example", HOST))
    held = await here.certificates.upload(NAME, made.chain, Secret(made.key), (HOST,))
    assert (held.names, held.issuer) == (("*.docs.example", HOST), "Between")
    await here.ingress.apply_site(replace(here.place.docs(1), certificates=(NAME,)))
    context = here.context(top.chain)
    context.set_alpn_protocols(["h2", "http/1.1"])
    _, writer = await asyncio.open_connection(LOOPBACK, here.tls_port, ssl=context, server_hostname=HOST)
    assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
    writer.close()


def test_an_nginx_that_cannot_end_a_handshake_shows_a_certificate_of_nobody(tmp_path: Path) -> None:
    chain, key = make_nameless(tmp_path)
    assert make_nameless(tmp_path) == (chain, key)
    assert x509.load_pem_x509_certificate(chain.read_bytes()).subject.rfc4514_string() == "CN=nobody.invalid"
    assert private(key.parent) == 0o700


REFUSED = [
    ("wrong key", "The private key is not that of the certificate."),
    ("no key", "The private key cannot be read."),
    ("password", "The private key has a password"),
    ("expired", "The certificate expired on "),
    ("early", "The certificate is not valid before "),
    ("other name", "The certificate is for other.example, and the site has none of these names."),
    ("no certificate", "There is no certificate in what was given as one."),
    ("broken", "The certificate 1 of what was given cannot be read."),
    ("disorder", "The certificate 2 did not sign the one before it."),
]


@pytest.mark.parametrize(("what", "said"), REFUSED, ids=[what for what, _ in REFUSED])
async def test_a_certificate_that_cannot_be_used_is_refused_with_why(here: Here, what: str, said: str) -> None:
    top = make_authority("Top")
    made = make_certificate(top, (HOST,))
    chain, key = made.chain, made.key
    match what:
        case "wrong key":
            key = make_certificate(top, (HOST,)).key
        case "no key":
            key = "nothing"
        case "password":
            key = key.replace("PRIVATE", "ENCRYPTED PRIVATE")
        case "expired":
            made = make_certificate(top, (HOST,), begins=timedelta(days=-9), ends=timedelta(days=-1))
            chain, key = made.chain, made.key
        case "early":
            made = make_certificate(top, (HOST,), begins=timedelta(days=1))
            chain, key = made.chain, made.key
        case "other name":
            made = make_certificate(top, ("other.example",))
            chain, key = made.chain, made.key
        case "no certificate":
            chain = key
        case "broken":
            chain = chain.replace("M", "N", 3)
        case "disorder":
            chain += make_certificate(top, ("other.example",)).chain
    with pytest.raises(CommandFailed) as refused:
        await here.certificates.upload(NAME, chain, Secret(key), (HOST,))
    assert refused.value.message.startswith(said)
    assert not (here.place.root / "certificates/live/c1").exists()
    assert not list((here.place.root / "certificates").glob("aside-*"))


# Sites with certificates.


async def test_a_name_without_a_certificate_is_shown_that_of_nobody(here: Here) -> None:
    await bring(here, HOST)
    await here.ingress.apply_site(replace(here.place.docs(1), hosts=(HOST, WWW), certificates=(NAME,)))
    for name in (WWW, "other.example"):
        served = await here.certificates.served(HostName(name))
        assert (served.fingerprint, "UNRECOGNIZED_NAME" in served.said) == (None, True)
    assert (await here.get(WWW, scheme="http")).status_code == 200


async def test_visitors_are_led_to_https_where_that_was_chosen(here: Here) -> None:
    await bring(here, HOST, WWW)
    chosen = SiteOptions(force_https=True, hsts_days=2, www=Www.TO_BARE)
    site = replace(here.place.docs(1), hosts=(HOST, WWW), certificates=(NAME,), options=chosen)
    await here.ingress.apply_site(site)
    led = {
        (scheme, host): (answer.status_code, answer.headers.get("Location"))
        for scheme in ("http", "https")
        for host in (HOST, WWW)
        for answer in [await here.get(host, "/a?b=1", scheme=scheme)]
    }
    there = (301, f"https://{HOST}:{here.tls_port}/a?b=1")
    assert led == {("http", HOST): there, ("http", WWW): there, ("https", WWW): there, ("https", HOST): (404, None)}
    assert (await here.get(HOST)).headers["Strict-Transport-Security"] == "max-age=172800"
    token = here.place.root / "certificates/webroot/.well-known/acme-challenge/a-token"
    token.write_text("proof")
    for host in (HOST, WWW, "other.example"):
        assert (await here.get(host, "/.well-known/acme-challenge/a-token", scheme="http")).text == "proof"
    await here.ingress.apply_site(replace(site, generation=2, certificates=()))
    assert (await here.get(HOST, scheme="http")).text == "This is 1."  # nobody is led where nothing is


async def test_a_certificate_that_is_gone_is_no_reason_to_have_no_site(here: Here) -> None:
    await bring(here, HOST)
    site = replace(here.place.docs(1), certificates=(NAME, CertificateName("c2")))
    await here.ingress.apply_site(site)
    with pytest.raises(CommandFailed, match="A site still uses this certificate"):
        await here.certificates.remove(NAME)
    await here.ingress.refresh_site(replace(site, certificates=()))
    await here.certificates.remove(NAME)
    await here.ingress.refresh_site(site)
    assert (await here.get(HOST, scheme="http")).text == "This is 1."


async def test_a_port_for_tls_that_is_taken_leaves_sites_on_http(here: Here) -> None:
    await bring(here, HOST)
    taken = await asyncio.start_server(lambda _reader, writer: writer.close(), LOOPBACK, here.tls_port)
    async with taken:
        await here.ingress.apply_site(replace(here.place.docs(1), certificates=(NAME,)))
        await here.ingress.apply_site(replace(here.place.docs(2), certificates=(NAME,)))
        assert (await here.get(HOST, scheme="http")).text == "This is 2."
    await here.ingress.refresh_site(replace(here.place.docs(2), certificates=(NAME,)))
    assert (await here.get(HOST)).text == "This is 2."


def test_an_order_of_another_form_is_refused(place: Place) -> None:
    good = {
        "hosts": [HOST], "directory": "https://ca.example/dir", "email": None, "account": None, "trusted": None,
        "instead_of": None,
    }  # fmt: skip
    for name, value, said in (
        ("hosts", ["*.example.com"], "none of which has a star"),
        ("hosts", ["a b"], "host names"),
        ("directory", "http://ca.example/dir", "directory has another form."),
        ("directory", "https://ca.example/dir\nagree-tos = false", "directory has another form."),
        ("email", "a@b\nserver = https://x", "email has another form."),
        ("account", {"kid": "k\nserver = x", "key": "k"}, "kid has another form."),
        ("account", {"kid": "k", "key": "k = \n"}, "key has another form."),
        ("trusted", 7, "trusted has to be a text in PEM"),
        ("instead_of", "..", "instead_of has another form."),
    ):
        status, refused = place.attempt("certificate-issue", "c1", told={**good, name: value})
        assert (status, said in refused) == (1, True), (name, value, refused)
    assert place.attempt("certificate-issue", "../c1", told=good) == (1, "This verb takes other words.")


KNOWN_HASH = "$2b$04$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZabcde"


async def bring(here: Here, *names: str) -> None:
    made = make_certificate(make_authority("Top"), names)
    await here.certificates.upload(NAME, made.chain, Secret(made.key), tuple(HostName(name) for name in names))


def private(folder: Path) -> int:
    return folder.stat().st_mode & 0o777
