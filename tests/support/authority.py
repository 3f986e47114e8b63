"""An authority for tests: Debian's pebble, with its own certificate and its own DNS, all on loopback ports; and
certificates that people could bring."""

import contextlib
import json
import os
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bakery.nodes.certificates import Authority
from tests.support.machine import a_free_port
from tests.support.waiting import wait_until

KEY_ID = "kid-1"
MAC_KEY = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Pebble:
    directory: str
    trusted: str
    """PEM of who vouches for it."""


@contextlib.contextmanager
def running_pebble(
    http_port: int,
    *,
    rejects: int = 5,
    needs_account: bool = False,
    address: str = LOOPBACK,
    name_server: int | None = None,
) -> Iterator[Pebble]:
    """It looks for names at `http_port` of this machine. `rejects` is how many nonces of a hundred it does not take.
    `name_server` is the port of the one that it asks, instead of one that leads every name here."""
    folder = Path(tempfile.mkdtemp(prefix="pebble-"))
    authority = make_authority("Pebble of the tests")
    server = make_certificate(authority, (), addresses=(address,))
    (folder / "cert.pem").write_text(server.chain)
    (folder / "key.pem").write_text(server.key)
    port, dns, managing, own = (a_free_port() for _ in range(4))
    settings = {
        "listenAddress": f"{address}:{port}", "managementListenAddress": f"{LOOPBACK}:{managing}",
        "certificate": str(folder / "cert.pem"), "privateKey": str(folder / "key.pem"), "httpPort": http_port,
        "tlsPort": a_free_port(), "ocspResponderURL": "", "externalAccountBindingRequired": needs_account,
        "externalAccountMACKeys": {KEY_ID: MAC_KEY} if needs_account else {},
    }  # fmt: skip
    (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
    none = ("-http01", "", "-https01", "", "-tlsalpn01", "")
    names = ("-dns01", f"{LOOPBACK}:{dns}", "-management", f"{LOOPBACK}:{own}", "-defaultIPv6", "")
    faults = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": str(rejects)}
    with (
        _running("pebble-challtestsrv", *none, *names, "-defaultIPv4", address, log=folder / "dns.log"),
        _running(
            "pebble", "-config", str(folder / "pebble.json"), "-dnsserver",
            f"{LOOPBACK}:{name_server or dns}", log=folder / "pebble.log", environment=faults,
        ),
    ):  # fmt: skip
        pebble = Pebble(f"https://{address}:{port}/dir", authority.chain)
        wait_until(lambda: _answers(pebble.directory), what="pebble")
        yield pebble


def _answers(directory: str) -> bool:
    try:
        return httpx.get(directory, verify=False, trust_env=False).status_code == httpx.codes.OK  # noqa: S501 - pebble's own
    except httpx.HTTPError:
        return False


@contextlib.contextmanager
def _running(*argv: str, log: Path, environment: dict[str, str] | None = None) -> Iterator[None]:
    with log.open("wb") as file:
        process = subprocess.Popen(argv, stdout=file, stderr=file, env={**os.environ, **(environment or {})})
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def refusing(status: int, kind: str, *, retry_after: int) -> Iterator[Authority]:
    """One that opens no account, and says until when."""
    authority = make_authority("Refusing")
    server = make_certificate(authority, (), addresses=(LOOPBACK,))

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            names = ("newNonce", "newAccount", "newOrder", "revokeCert", "keyChange")
            self._say(200, {name: f"https://{LOOPBACK}:{listening.server_port}/{name}" for name in names})

        def do_HEAD(self) -> None:
            self._say(200, {})

        def do_POST(self) -> None:
            problem = {"type": f"urn:ietf:params:acme:error:{kind}", "detail": "No more today."}
            self._say(status, problem, ("Retry-After", str(retry_after)))

        def _say(self, said: int, body: dict[str, str], *headers: tuple[str, str]) -> None:
            self.send_response(said)
            kind_of_body = "application/problem+json" if said >= 400 else "application/json"
            for name, value in (("Replay-Nonce", "abc"), ("Content-Type", kind_of_body), *headers):
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            """To nobody."""

    with tempfile.TemporaryDirectory() as folder, ThreadingHTTPServer((LOOPBACK, 0), Answers) as listening:
        pem = Path(folder) / "both.pem"
        pem.write_text(server.chain + server.key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        listening.socket = context.wrap_socket(listening.socket, server_side=True)
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        try:
            yield Authority(f"https://{LOOPBACK}:{listening.server_port}/dir", trusted=authority.chain)
        finally:
            listening.shutdown()
            thread.join()


@dataclass(frozen=True)
class Made:
    """A certificate with its key, as PEM. `chain` holds it and whoever signed it, short of the one at the top."""

    certificate: x509.Certificate
    private: ec.EllipticCurvePrivateKey
    chain: str

    @property
    def key(self) -> str:
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()


def make_authority(name: str, above: Made | None = None) -> Made:
    return _make(name, above, is_authority=True)


def make_certificate(
    authority: Made | None,
    names: tuple[str, ...],
    *,
    addresses: tuple[str, ...] = (),
    begins: timedelta = timedelta(days=-1),
    ends: timedelta = timedelta(days=80),
) -> Made:
    return _make(names[0] if names else "", authority, names, addresses, begins, ends)


def _make(
    name: str,
    above: Made | None,
    names: tuple[str, ...] = (),
    addresses: tuple[str, ...] = (),
    begins: timedelta = timedelta(days=-1),
    ends: timedelta = timedelta(days=3650),
    *,
    is_authority: bool = False,
) -> Made:
    private, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else [])
    alternatives = [*map(x509.DNSName, names), *(x509.IPAddress(ip_address(one)) for one in addresses)]
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(above.certificate.subject if above else subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=not name)
    made = builder.sign(above.private if above else private, hashes.SHA256())
    pem = made.public_bytes(serialization.Encoding.PEM).decode()
    is_below = above is not None and above.certificate.issuer != above.certificate.subject
    return Made(made, private, pem + (above.chain if above and is_below else ""))
