"""Certificates on a real machine with systemd, asked for as on a node: by `bakery-agent` over SSH, through sudo."""

import asyncio
import json
import re
import shutil
import ssl
from dataclasses import replace
from pathlib import Path, PurePosixPath

from bakery.model.certificates import Held, Refused
from bakery.model.names import CertificateName, HostName, SiteName
from bakery.model.secret import Secret
from bakery.model.site_options import SiteOptions
from bakery.nodes.certificates import Authority, DnsProof, NodeCertificates
from bakery.nodes.helper_calls import Helper
from bakery.nodes.helper_ingress import HelperIngress
from bakery.nodes.ingress import StaticSite
from tests.lab.nodes import HTTPS, Node
from tests.lab.test_sites_systemd import HOME, helper, visit
from tests.support.authority import Made, make_authority, make_certificate

__all__ = ["helper"]
NAME, HOST, OTHER = CertificateName("c1"), HostName("docs.example.com"), HostName("other.example.com")
ANY = HostName("*.example.com")
SITE = StaticSite(SiteName("docs-production"), (HOST,), PurePosixPath(f"{HOME}/releases/1"))
PEBBLE = {
    "listenAddress": "127.0.0.1:14000", "managementListenAddress": "127.0.0.1:15000", "certificate": "/srv/ca/cert.pem",
    "privateKey": "/srv/ca/key.pem", "httpPort": 80, "tlsPort": 443, "ocspResponderURL": "",
    "externalAccountBindingRequired": False,
}  # fmt: skip


async def test_certificates_of_a_node(node: Node, helper: Helper) -> None:
    ingress = HelperIngress(helper)
    certificates = NodeCertificates(helper, ingress)
    node.run("rm", "/etc/nginx/sites-enabled/default")
    await ingress.ensure_running()
    node.put(f"{HOME}/releases/1/index.html", b"docs")
    await ingress.apply_site(SITE)
    top = make_authority("Top")
    authority = Authority("https://127.0.0.1:14000/dir", trusted=top.chain)
    none = await certificates.issue(NAME, (HOST,), authority, instead_of=None)
    assert none == Refused("no-certbot", "There is no certbot on this machine.")

    node.run("apt-get", "-qq", "update", timeout=120)
    node.run("apt-get", "-qq", "install", "--yes", "--no-install-recommends", "certbot", timeout=200)
    start_pebble(node, make_certificate(top, (), addresses=("127.0.0.1",)))
    held = await issued(certificates, authority)
    await ingress.refresh_site(replace(SITE, certificates=(NAME,), options=SiteOptions(force_https=True)))
    root = node.run("curl", "-sk", "https://127.0.0.1:15000/roots/0")
    assert await fetched(node, HOST, root) == b"docs"
    assert (await certificates.served(HOST)).fingerprint == held.fingerprint
    assert (await certificates.served(OTHER)).fingerprint is None
    assert (await visit(node, HOST)).startswith("301 ")
    assert await nobody_else_reads(node)

    held = await a_file_that_was_changed_by_hand_is_seen_and_replaced(node, certificates, authority, held)

    made = make_certificate(top, (HOST,))
    brought = await certificates.upload(CertificateName("c2"), made.chain, Secret(made.key), (HOST,))
    await ingress.refresh_site(replace(SITE, certificates=(CertificateName("c2"), NAME)))
    assert await fetched(node, HOST, top.chain) == b"docs"
    assert (await certificates.served(HOST)).fingerprint == brought.fingerprint


async def a_file_that_was_changed_by_hand_is_seen_and_replaced(
    node: Node, certificates: NodeCertificates, authority: Authority, held: Held
) -> Held:
    folder = "/var/lib/bakery/node/certificates/live/c1"
    assert await certificates.fingerprints() == {NAME: held.fingerprint}
    node.run("sh", "-c", f'for file in {folder}/*/chain.pem; do echo By hand. >> "$file"; done')
    assert (await certificates.fingerprints())[NAME] != held.fingerprint
    again = await issued(certificates, authority, instead_of=held.fingerprint)
    assert await certificates.fingerprints() == {NAME: again.fingerprint}
    return again


async def test_a_name_with_a_star_is_proven_at_a_name_server(node: Node, helper: Helper) -> None:
    """Debian's bind9 on the node itself, for nobody else has to reach it."""
    ingress = HelperIngress(helper)
    certificates = NodeCertificates(helper, ingress)
    node.run("rm", "/etc/nginx/sites-enabled/default")
    await ingress.ensure_running()
    node.put(f"{HOME}/releases/1/index.html", b"docs")
    top = make_authority("Top")
    authority = Authority("https://127.0.0.1:14000/dir", trusted=top.chain)
    node.run("apt-get", "-qq", "update", timeout=120)
    apt = ("apt-get", "-qq", "install", "--yes", "--no-install-recommends")
    node.run(*apt, "certbot", "bind9", "bind9-utils", timeout=300)
    proof = start_name_server(node)
    without = await certificates.issue(NAME, (ANY,), authority, instead_of=None, dns=proof)
    assert without == Refused("no-plugin", "This machine has no python3-certbot-dns-rfc2136.")

    node.run(*apt, "python3-certbot-dns-rfc2136", timeout=200)
    start_pebble(node, make_certificate(top, (), addresses=("127.0.0.1",)), name_server="127.0.0.1:5300")
    wrong = replace(proof, secrets={"secret": Secret("bm90IHRoYXQga2V5IGF0IGFsbA==")})
    refused = await certificates.issue(NAME, (ANY,), authority, instead_of=None, dns=wrong)
    assert isinstance(refused, Refused)
    assert refused.kind == "dns-key"
    held = await issued(certificates, authority, host=ANY, dns=proof)
    await ingress.apply_site(replace(SITE, hosts=(ANY,), certificates=(NAME,)))
    root = node.run("curl", "-sk", "https://127.0.0.1:15000/roots/0")
    assert await fetched(node, OTHER, root) == b"docs"
    assert (await certificates.served(OTHER)).fingerprint == held.fingerprint
    searched = (
        f"grep -rl {proof.secrets['secret'].reveal()} /var/lib/bakery /etc/letsencrypt /var/log /tmp 2>/dev/null; true"
    )
    assert node.run("sh", "-c", searched) == ""


def start_name_server(node: Node) -> DnsProof:
    key = node.run("tsig-keygen", "-a", "hmac-sha256", "bakery-key")
    secret = re.search(r'secret "([^"]+)"', key)
    assert secret
    node.put("/srv/names/zone", b"$TTL 1\n@ IN SOA ns admin 1 60 60 60 1\n@ IN NS ns\nns IN A 127.0.0.1\n")
    conf = f"""{key}
options {{
    directory "/srv/names"; pid-file "/srv/names/pid"; session-keyfile "/srv/names/session.key"; recursion no;
    listen-on port 5300 {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; dnssec-validation no;
}};
controls {{ }};
zone "example.com" {{
    type primary; file "zone"; update-policy {{ grant bakery-key subdomain example.com. TXT; }};
}};
"""
    node.put("/srv/names/named.conf", conf.encode())
    node.run("systemd-run", "--unit=names", "/usr/sbin/named", "-f", "-c", "/srv/names/named.conf")
    fields = {"server": "127.0.0.1", "port": "5300", "key_name": "bakery-key", "algorithm": "HMAC-SHA256"}
    return DnsProof("rfc2136", fields, {"secret": Secret(secret[1])}, wait=0)


def start_pebble(node: Node, server: Made, *, name_server: str = "127.0.0.1:8053") -> None:
    for program in ("pebble", "pebble-challtestsrv"):
        found = shutil.which(program)
        assert found
        node.put(f"/srv/ca/{program}", Path(found).read_bytes(), mode=0o755)
    node.put("/srv/ca/cert.pem", server.chain.encode())
    node.put("/srv/ca/key.pem", server.key.encode())
    node.put("/srv/ca/pebble.json", json.dumps({"pebble": PEBBLE}).encode())
    none = ("-http01=", "-https01=", "-tlsalpn01=", "-defaultIPv6=")
    node.run("systemd-run", "--unit=ca-dns", "/srv/ca/pebble-challtestsrv", *none, "-dns01=127.0.0.1:8053")
    node.run(
        "systemd-run", "--unit=ca", "--setenv=PEBBLE_VA_NOSLEEP=1", "/srv/ca/pebble", "-config", "/srv/ca/pebble.json",
        "-dnsserver", name_server,
    )  # fmt: skip


async def issued(
    certificates: NodeCertificates,
    authority: Authority,
    *,
    host: HostName = HOST,
    instead_of: str | None = None,
    dns: DnsProof | None = None,
) -> Held:
    """It rejects some nonces, and is not there at once."""
    for _ in range(12):
        answer = await certificates.issue(NAME, (host,), authority, instead_of=instead_of, dns=dns)
        if isinstance(answer, Held):
            return answer
        assert answer.kind in {"nonce", "unreachable"}
    raise AssertionError(answer)


async def fetched(node: Node, host: str, trusted: str) -> bytes:
    """As a browser does that trusts these: whoever signed it, its name and its time are looked at."""
    context = ssl.create_default_context(cadata=trusted)
    reader, writer = await asyncio.open_connection("127.0.0.1", node.ports[HTTPS], ssl=context, server_hostname=host)
    writer.write(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer.partition(b"\r\n\r\n")[2]


async def nobody_else_reads(node: Node) -> bool:
    folder = "/var/lib/bakery/node/certificates"
    tried = (
        node.attempt("runuser", "-u", user, "--", "cat", f"{folder}/{place}")
        for user in ("bakery-agent", "www-data")
        for place in ("live/c1/current.json", "acme/config/renewal")
    )
    return all(b"Permission denied" in done.stderr for done in tried)
