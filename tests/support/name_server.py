"""A name server for tests: Debian's bind9 on a loopback port, where a key may write records."""

import base64
import contextlib
import secrets
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dns.exception
import dns.message
import dns.query

from bakery.model.secret import Secret
from bakery.nodes.certificates import DnsProof
from tests.support.machine import a_free_port
from tests.support.waiting import wait_until

LOOPBACK = "127.0.0.1"
ZONE, CLOSED = "example.com", "closed.example"  # in the second one nobody writes
_CONF = """
key "{key}" {{ algorithm hmac-sha256; secret "{secret}"; }};
options {{
    directory "{folder}"; pid-file "{folder}/named.pid"; session-keyfile "{folder}/session.key";
    listen-on port {port} {{ {loopback}; }}; listen-on-v6 {{ none; }}; recursion no; dnssec-validation no;
}};
controls {{ }};
zone "{zone}" {{ type primary; file "open.zone"; update-policy {{ grant {key} subdomain {zone}. TXT; }}; }};
zone "{closed}" {{ type primary; file "closed.zone"; }};
"""
_RECORDS = """$TTL 1
@ IN SOA ns.{zone}. admin.{zone}. 1 60 60 60 1
@ IN NS ns.{zone}.
ns IN A {loopback}
"""


@dataclass(frozen=True)
class NameServer:
    port: int
    key_name: str = "bakery-key"
    secret: str = field(default_factory=lambda: base64.b64encode(secrets.token_bytes(32)).decode())

    @property
    def proof(self) -> DnsProof:
        fields = {
            "server": LOOPBACK, "port": str(self.port), "key_name": self.key_name, "algorithm": "HMAC-SHA256",
        }  # fmt: skip
        return DnsProof("rfc2136", fields, {"secret": Secret(self.secret)}, wait=0)

    def answers(self) -> bool:
        try:
            dns.query.tcp(dns.message.make_query(ZONE, "SOA"), LOOPBACK, 1, self.port)
        except (OSError, dns.exception.DNSException):
            return False
        return True

    def records(self, name: str) -> int:
        """How many TXT records it has of a name."""
        return sum(
            len(one) for one in dns.query.tcp(dns.message.make_query(name, "TXT"), LOOPBACK, 5, self.port).answer
        )


@contextlib.contextmanager
def running_name_server() -> Iterator[NameServer]:
    folder, server = Path(tempfile.mkdtemp(prefix="bind-")), NameServer(a_free_port())
    conf = _CONF.format(
        key=server.key_name, secret=server.secret, folder=folder, port=server.port, loopback=LOOPBACK, zone=ZONE,
        closed=CLOSED,
    )  # fmt: skip
    (folder / "named.conf").write_text(conf)
    (folder / "open.zone").write_text(_RECORDS.format(zone=ZONE, loopback=LOOPBACK))
    (folder / "closed.zone").write_text(_RECORDS.format(zone=CLOSED, loopback=LOOPBACK))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ("/usr/sbin/named", "-g", "-n", "1", "-c", str(folder / "named.conf")), stdout=log, stderr=log
        )
    try:
        wait_until(server.answers, what="the name server")
        yield server
    finally:
        process.terminate()
        process.wait(10)
