"""By which names CAA records know an authority: asked of one, kept for an hour."""

import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bakery.ingress.issuers import Issuers
from bakery.model.certificates import LETSENCRYPT, STAGING
from bakery.nodes.certificates import Authority
from tests.support.authority import make_authority, make_certificate


@dataclass
class Directory:
    authority: Authority
    body: bytes = b"{}"
    status: int = 200
    asked: int = 0
    now: float = 0.0
    issuers: Issuers = field(init=False)

    def __post_init__(self) -> None:
        self.issuers = Issuers(clock=lambda: self.now + 1)

    def says(self, *names: str) -> None:
        self.body = json.dumps({"newOrder": "https://ca.example/order", "meta": {"caaIdentities": names}}).encode()

    async def names(self) -> tuple[str, ...]:
        return await self.issuers.of(self.authority)


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    top = make_authority("Directory")
    server = make_certificate(top, (), addresses=("127.0.0.1",))
    (tmp_path / "both.pem").write_text(server.chain + server.key)

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked += 1
            self.send_response(found.status)
            self.send_header("Content-Length", str(len(found.body)))
            self.end_headers()
            self.wfile.write(found.body)

        def log_message(self, *_: object) -> None:
            """To nobody."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as listening:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "both.pem")
        listening.socket = context.wrap_socket(listening.socket, server_side=True)
        found = Directory(Authority(f"https://127.0.0.1:{listening.server_port}/dir", trusted=top.chain))
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield found
        listening.shutdown()
        thread.join()


async def test_lets_encrypt_is_known_and_nobody_has_no_name() -> None:
    assert await Issuers().of(Authority(LETSENCRYPT)) == await Issuers().of(Authority(STAGING)) == ("letsencrypt.org",)
    assert await Issuers().of(None) == ()


async def test_another_authority_says_its_names_and_is_asked_once_an_hour(directory: Directory) -> None:
    directory.says("ca.example.net", "CA.example.org")
    assert await directory.names() == await directory.names() == ("ca.example.net", "ca.example.org")
    assert directory.asked == 1
    directory.now += 3601
    directory.says("new.example")
    assert await directory.names() == ("new.example",)


async def test_what_is_known_stays_while_an_authority_is_away(directory: Directory) -> None:
    directory.says("ca.example.net")
    await directory.names()
    directory.now, directory.status = 3601, 503
    assert await directory.names() == ("ca.example.net",)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"no JSON", b'{"meta": 1}', b'{"meta": {"caaIdentities": ["a b"]}}', b" " * 200_000]
)
async def test_what_makes_no_sense_is_no_name(directory: Directory, body: bytes) -> None:
    directory.body = body
    assert await directory.names() == ()
