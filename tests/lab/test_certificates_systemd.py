"""Certificates on a real machine with systemd, asked for as on a node: by `bakery-agent` over SSH, through sudo."""

import asyncio
import json
import shutil
import ssl
from dataclasses import replace
from pathlib import Path, PurePosixPath

from bakery.model.certificates import Held, Refused
from bakery.model.names import CertificateName, HostName, SiteName
from bakery.model.secret import Secret
from bakery.model.site_options import SiteOptions
from bakery.nodes.certificates import Authority, NodeCertificates
from bakery.nodes.helper_calls import Helper
from bakery.nodes.helper_ingress import HelperIngress
from bakery.nodes.ingress import StaticSite
from tests.lab.nodes import HTTPS, Node
from tests.lab.test_sites_systemd import HOME, helper, visit
from tests.support.authority import Made, make_authority, make_certificate

__all__ = ["helper"]
NAME, HOST, OTHER = CertificateName("c1"), HostName("docs.example.com"), HostName("other.example.com")
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

    made = make_certificate(top, (HOST,))
    brought = await certificates.upload(CertificateName("c2"), made.chain, Secret(made.key), (HOST,))
    await ingress.refresh_site(replace(SITE, certificates=(CertificateName("c2"), NAME)))
    assert await fetched(node, HOST, top.chain) == b"docs"
    assert (await certificates.served(HOST)).fingerprint == brought.fingerprint


def start_pebble(node: Node, server: Made) -> None:
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
        "-dnsserver", "127.0.0.1:8053",
    )  # fmt: skip


async def issued(certificates: NodeCertificates, authority: Authority) -> Held:
    """It rejects some nonces, and is not there at once."""
    for _ in range(12):
        answer = await certificates.issue(NAME, (HOST,), authority, instead_of=None)
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
