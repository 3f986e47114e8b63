"""Deployments one after another under constant load: does a visitor notice? `python -m bench.load`, as root

On a node of the lab, 500 requests a second, half of them on kept connections, answers of 5 s and WebSockets among them.
Then the same visitors while the same nginx is only reloaded, again and again: what it loses by itself.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from bench.children import child, heard
from bench.running import control_master, tell, temporary_folder
from tests.faults.site import a_bakery, deploy, end, program_at, token_of, wait_for_end
from tests.lab.lab import open_lab
from tests.lab.nodes import HTTP, Node
from tests.lab.oven import NAME, an_oven

APP, FLOOR = "busy", "floor.localhost"
# Longer than its longest answer; WebSockets stay for as long as that, so each deployment takes it.
DRAIN = 8.0
RELOADS, BETWEEN_RELOADS = 60, 0.5  # of the floor
SETTLING = 2.0
PROGRAM = """
import asyncio, base64, hashlib, os, re, signal

VERSION = b"v%d"
sockets = set()

def frame(kind, content):
    return bytes([0x80 | kind, len(content)]) + content

async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\\r\\n\\r\\n")
            path = head.split(b" ", 2)[1]
            if path == b"/socket":
                key = re.search(rb"(?i)sec-websocket-key: *(\\S+)", head)[1]
                accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
                writer.write(b"HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
                             b"Sec-WebSocket-Accept: " + accept + b"\\r\\n\\r\\n")
                sockets.add(writer)
                while not writer.is_closing():
                    writer.write(frame(1, VERSION))
                    await writer.drain()
                    await asyncio.sleep(0.5)
                return
            if path == b"/slow":
                writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: %%d\\r\\n\\r\\n" %% (10 * (len(VERSION) + 1)))
                for _ in range(10):
                    writer.write(VERSION + b" ")
                    await writer.drain()
                    await asyncio.sleep(0.5)
            else:
                writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: %%d\\r\\n\\r\\n" %% len(VERSION) + VERSION)
                await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        sockets.discard(writer)
        writer.close()

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(os.environ["PORT"]), backlog=4096)
    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked.set)
    await asked.wait()
    server.close()
    for writer in tuple(sockets):
        writer.write(frame(8, (1001).to_bytes(2, "big") + VERSION))
        writer.close()
    await asyncio.sleep(0.2)

asyncio.run(main())
"""
SITE = """
printf 'upstream floor { server 127.0.0.1:%s; keepalive 16; keepalive_timeout 4s; }
server { listen 80; server_name %s; access_log off; location / { proxy_pass http://floor; proxy_http_version 1.1;
proxy_buffering off; proxy_read_timeout 1h; proxy_set_header Upgrade $http_upgrade;
proxy_set_header Connection $bakery_connection; } }\\n' "$2" "$1" > /etc/nginx/conf.d/floor.conf
nginx -t -q && nginx -s reload
"""


def main(deployments: int, rate: float) -> None:
    patience = json.dumps({"drain": DRAIN})
    with temporary_folder() as folder, open_lab() as lab, an_oven(lab, folder, PATIENCE=patience) as oven:
        oven.http.post("/api/apps", json={"slug": APP, "node": NAME, "command": "python3 app.py"}).raise_for_status()
        live = [deploy_one(oven.http, 0)]
        address = address_of(oven.node)
        with visited(address, HTTP, f"{APP}.{NAME}.localhost", rate) as ours:
            live += [deploy_one(oven.http, number) for number in range(1, deployments + 1)]
        port = live[-1]["port"]
        with control_master(oven.node, folder) as ssh:
            subprocess.run([*ssh, "sh", "-s", "--", FLOOR, str(port)], input=SITE.encode(), timeout=30, check=True)
            with visited(address, HTTP, FLOOR, rate) as by_hand:
                for _ in range(RELOADS):
                    subprocess.run([*ssh, "nginx", "-s", "reload"], timeout=30, check=True, capture_output=True)
                    time.sleep(BETWEEN_RELOADS)
    tell(
        what=f"{deployments} deployments in a row, {rate:g} requests a second; {RELOADS} reloads of nginx by hand",
        load=os.getloadavg(),
        drain_seconds=DRAIN,
        seconds_a_deployment=round(statistics.median(one["seconds"] for one in live[1:]), 1),
        proofs={"made": sum(one["made"] for one in live[1:]), "failed": sum(one["failed"] for one in live[1:])},
        deployments=ours,
        reloads=by_hand,
        holds=is_unnoticed(ours) and all(one["failed"] == 0 for one in live[1:]),
    )


def is_unnoticed(seen: dict[str, Any]) -> bool:
    """Repeats are what a browser does by itself."""
    never = ("failed_new", "failed_after_repeat", "failed_reused", "slow_cut", "sockets_cut")
    return not any(seen.get(kind, 0) for kind in never) and seen["sockets_closed_by_the_app"] > 0


def deploy_one(http: httpx.Client, number: int) -> dict[str, Any]:
    began = time.monotonic()
    files = {"app.py": PROGRAM % number}
    ended: dict[str, Any] = wait_for_end(http, APP, deploy(http, APP, files), seconds=120)
    assert ended["state"] == "succeeded", ended["failure"]
    log = http.get(f"/api/apps/{APP}/deployments/{ended['number']}/log").raise_for_status().text
    visits = re.search(r"Visits during the switch: (\d+) of (\d+) failed", log)
    failed, made = (int(visits[1]), int(visits[2])) if visits else (0, 0)
    return {"seconds": time.monotonic() - began, "made": made, "failed": failed, "port": 20000 + number % 2}


def main_here(deployments: int, rate: float) -> None:
    """Without a lab: as an ordinary user on this machine, whose nginx nobody else reloads."""
    with temporary_folder() as folder:
        bakery = a_bakery(folder, PATIENCE=json.dumps({"drain": DRAIN}))
        bakery.start()
        try:
            with program_at(bakery, token_of(bakery)) as http:
                made = http.post("/api/apps", json={"slug": APP, "command": "python3 app.py"}).raise_for_status().json()
                live = [deploy_one(http, 0)]
                site = httpx.URL(made["address"])
                with visited("127.0.0.1", site.port or HTTP, site.netloc.decode(), rate) as ours:
                    live += [deploy_one(http, number) for number in range(1, deployments + 1)]
        finally:
            end(bakery)
    tell(
        what=f"{deployments} deployments in a row on this machine, {rate:g} requests a second",
        load=os.getloadavg(),
        drain_seconds=DRAIN,
        seconds_a_deployment=round(statistics.median(one["seconds"] for one in live[1:]), 1),
        proofs={"made": sum(one["made"] for one in live[1:]), "failed": sum(one["failed"] for one in live[1:])},
        deployments=ours,
        holds=is_unnoticed(ours) and all(one["failed"] == 0 for one in live[1:]),
    )


def address_of(node: Node) -> str:
    """Past the ports that the lab forwards, whose program would answer for nginx."""
    return node.docker.run("inspect", "--format", "{{.NetworkSettings.IPAddress}}", node.name).strip()


@contextmanager
def visited(address: str, port: int, host: str, rate: float) -> Iterator[dict[str, Any]]:
    """What the visitors say of it is there after the block."""
    found: dict[str, Any] = {}
    with child("bench.visitors", address, str(port), host, str(rate)) as visitors:
        time.sleep(SETTLING)
        yield found
        time.sleep(SETTLING)
        assert visitors.stdin is not None
        visitors.stdin.write(b"\n")
        visitors.stdin.flush()
        found.update(heard(visitors))


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description="Deployments in a row under load.")
    asked.add_argument("--deployments", type=int, default=100)
    asked.add_argument("--rate", type=float, default=500)
    asked.add_argument("--here", action="store_true", help="without a lab, and without reloads by hand")
    chosen = asked.parse_args()
    (main_here if chosen.here else main)(chosen.deployments, chosen.rate)
