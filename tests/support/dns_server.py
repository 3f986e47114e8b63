"""A little DNS server: what it says is a dictionary, which a test may change while it answers."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from bakery.ingress.dns import Dns, DnsServer

Records = Mapping[tuple[str, str], tuple[str, ...]]


@dataclass
class LittleDns:
    """`records` by name and type. A name without any does not exist; `is_broken`: it refuses all."""

    port: int
    records: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    is_broken: bool = False

    def asking(self) -> Dns:
        return Dns((DnsServer("127.0.0.1", self.port),), authority_port=self.port, within=2.0)

    def a_zone(self, zone: str) -> None:
        """Whose only server is this one."""
        self.records[zone, "SOA"] = (f"ns.{zone}. admin.{zone}. 1 3600 600 86400 300",)
        self.records[zone, "NS"] = (f"ns.{zone}.",)
        self.records[f"ns.{zone}", "A"] = ("127.0.0.1",)

    def answer(self, asked: bytes) -> bytes:
        question = dns.message.from_wire(asked)
        name, kind = question.question[0].name, question.question[0].rdtype
        said = dns.message.make_response(question)
        said.flags |= dns.flags.RA | dns.flags.AA
        host = name.to_text(omit_final_dot=True)
        if self.is_broken:
            said.set_rcode(dns.rcode.REFUSED)
        elif values := self.records.get((host, dns.rdatatype.to_text(kind))):
            said.answer.append(dns.rrset.from_text_list(name, 300, "IN", kind, values))
        elif not any(known == host or known.endswith(f".{host}") for known, _ in self.records):
            said.set_rcode(dns.rcode.NXDOMAIN)
        return said.to_wire()


@contextmanager
def a_little_dns(records: Records | None = None) -> Iterator[LittleDns]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind(("127.0.0.1", 0))
        server = LittleDns(door.getsockname()[1], dict(records or {}))
        thread = threading.Thread(target=_serve, args=(door, server))
        thread.start()
        try:
            yield server
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", ("127.0.0.1", server.port))
            thread.join()


def _serve(door: socket.socket, server: LittleDns) -> None:
    while True:
        asked, whom = door.recvfrom(4096)
        if not asked:
            return
        door.sendto(server.answer(asked), whom)
