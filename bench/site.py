"""Requests a second and p99 through a site as it is rendered, against a minimal proxy written by hand, both with an
access log and to the same upstream: seven pairs in turns. `python -m bench.site --here`

The client is one process with a few kept connections, each of which asks again when it was answered.
"""

import argparse
import asyncio
import selectors
import socket
import statistics
import time
from pathlib import Path

from bakery.model.names import HostName, Port, SiteName
from bakery.nodes.ingress import ProxySite
from bench.running import percentile, tell
from tests.support.machine import a_free_port, a_node

PAIRS, CONNECTIONS = 7, 16
LEAST = 0.93
OURS, HAND = "shop.example", "hand.example"
BODY = "a" * 1024
BY_HAND = """\
server {{ listen 127.0.0.1:{upstream}; access_log off; location / {{ default_type text/plain; return 200 "{body}"; }} }}
server {{
    listen 127.0.0.1:{port};
    server_name {host};
    access_log "{log}" combined;
    location / {{
        proxy_pass http://127.0.0.1:{upstream};
        proxy_set_header Host $host;
    }}
}}
"""


async def main(seconds: float) -> None:
    port, upstream = Port(a_free_port()), Port(a_free_port())
    async with a_node(port) as node:
        assert node.ingress is not None
        await node.ingress.ensure_running()
        home = Path(str(node.folders.nginx))
        text = BY_HAND.format(port=port, upstream=upstream, host=HAND, body=BODY, log=home / "hand.log")
        (home / "bakery.d/hand.conf").write_text(text)
        await node.ingress.apply_site(ProxySite(SiteName("shop-production"), (HostName(OURS),), upstream))
        pairs = []
        for turn in range(PAIRS):
            order = (OURS, HAND) if turn % 2 else (HAND, OURS)
            seen = {host: await asyncio.to_thread(ask, port, host, seconds) for host in order}
            pairs.append((seen[OURS], seen[HAND]))
    factor = statistics.median(ours[0] / hand[0] for ours, hand in pairs)
    slower = statistics.median(ours[1] / hand[1] for ours, hand in pairs)
    tell(
        what=f"{PAIRS} pairs of {seconds:g} s each, {CONNECTIONS} kept connections, answers of {len(BODY)} bytes",
        requests_a_second={
            "ours": [round(ours[0]) for ours, _ in pairs],
            "by_hand": [round(hand[0]) for _, hand in pairs],
        },
        p99_ms={
            "ours": [round(ours[1] * 1000, 2) for ours, _ in pairs],
            "by_hand": [round(hand[1] * 1000, 2) for _, hand in pairs],
        },
        factor=round(factor, 3),
        p99_factor=round(slower, 3),
        least={"factor": LEAST, "p99_factor": "at most " + str(round(1 / LEAST, 3))},
        holds=factor >= LEAST and slower <= 1 / LEAST,
    )


def ask(port: Port, host: str, seconds: float) -> tuple[float, float]:
    """Requests a second, and p99 of the time until an answer was there."""
    request = f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    sent: dict[socket.socket, float] = {}
    received: dict[socket.socket, bytes] = {}
    taken: list[float] = []

    def open_another() -> None:
        connection = socket.create_connection(("127.0.0.1", port))
        waiting.register(connection, selectors.EVENT_READ)
        sent[connection], received[connection] = time.monotonic(), b""
        connection.sendall(request)

    with selectors.DefaultSelector() as waiting:
        for _ in range(CONNECTIONS):
            open_another()
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            for key, _ in waiting.select():
                connection = key.fileobj
                assert isinstance(connection, socket.socket)
                received[connection] += connection.recv(65536)
                if not received[connection].endswith(BODY.encode()):
                    continue
                assert received[connection].startswith(b"HTTP/1.1 200"), received[connection]
                now = time.monotonic()
                taken.append(now - sent[connection])
                if b"\r\nConnection: close\r\n" in received[connection]:  # after a thousand, by either site
                    waiting.unregister(connection)
                    connection.close()
                    del sent[connection], received[connection]
                    open_another()
                    continue
                sent[connection], received[connection] = now, b""
                connection.sendall(request)
        lasted = time.monotonic() - begun
        for connection in sent:
            connection.close()
    return len(taken) / lasted, percentile(taken, 0.99)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--here", action="store_true", required=True, help="on an nginx of this machine")
    parser.add_argument("--seconds", type=float, default=3.0, help="that each of a pair lasts")
    asyncio.run(main(parser.parse_args().seconds))
