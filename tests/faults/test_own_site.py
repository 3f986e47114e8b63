"""Bakery's own site over the life of a real Bakery: what is wanted comes true, also after a kill."""

import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.faults.outside import Outside
from tests.faults.site import open_for_nginx, program_at, site_port, token_of, without_traceback
from tests.support.authority import running_pebble
from tests.support.serving import Serving
from tests.support.waiting import wait_until

NAME = "bakery.example.com"
NewBakery = Callable[..., Serving]


def is_answered(name: str, port: int) -> bool:
    """By Bakery itself, through nginx, which may not have begun yet."""
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/login", headers={"host": name}, trust_env=False)
    except httpx.ConnectError:
        return False
    return answer.status_code == 200 and "x-request-id" in answer.headers


def test_it_has_a_certificate_where_the_base_url_begins_with_https(
    outside: Outside, new_bakery: NewBakery, tmp_path: Path
) -> None:
    """Until there is one, and where the authority refuses, it answers by HTTP and says so."""
    open_for_nginx(tmp_path)
    bakery = new_bakery(DATABASE_URL=outside.url)
    with running_pebble(site_port(bakery)) as pebble:
        (tmp_path / "ca.pem").write_text(pebble.trusted)
        bakery.environ |= {"BAKERY_ACME_DIRECTORY": pebble.directory, "BAKERY_ACME_CA": str(tmp_path / "ca.pem")}
        bakery.start()
        with program_at(bakery, token_of(bakery)) as program:

            def own() -> dict[str, str]:
                found: dict[str, str] = program.get("/api/system/own-site").raise_for_status().json()
                return found

            def lead_to(port: int) -> None:
                address = {"base_url": f"https://{NAME}:{port}", "public_ip": None, "apps_domain": "localhost"}
                program.put("/api/system/settings", json=address).raise_for_status()

            lead_to(1)
            program.put("/api/system/own-site", json={"is_wanted": True}).raise_for_status()
            wait_until(lambda: "nginx listens on port" in own()["trouble"], what="another port is told", seconds=20)
            port = int(own()["trouble"].split()[-2])
            lead_to(port)
            # Longer than an order: a nonce may be bad, and then it is asked again.
            wait_until(lambda: own()["secure_until"] is not None, what="it has a certificate", seconds=150)

            wait_until(lambda: is_secure(port), what="visitors have it", seconds=30)
            wait_until(
                lambda: where_led(site_port(bakery)) == f"https://{NAME}:{port}/x?y", what="who comes by HTTP is led"
            )
            assert (own()["insecure"], own()["trouble"]) == ("", "")
        bakery.stop()
    assert without_traceback(bakery.said())


def where_led(port: int) -> str:
    answer = httpx.get(f"http://127.0.0.1:{port}/x?y", headers={"host": NAME}, trust_env=False)
    return answer.headers.get("location", "") if answer.status_code == 301 else ""


def is_secure(port: int) -> bool:
    """Bakery itself answers, under a certificate for its name."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    asked = f"GET /login HTTP/1.1\r\nHost: {NAME}:{port}\r\nConnection: close\r\n\r\n".encode()
    try:  # it is put in a moment
        with (
            socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=NAME) as secured,
        ):
            secured.sendall(asked)
            return b"x-request-id" in secured.recv(4096).lower()
    except OSError:
        return False


def test_bakerys_own_site_comes_back_with_bakery(outside: Outside, new_bakery: NewBakery, tmp_path: Path) -> None:
    bakery = new_bakery(DATABASE_URL=outside.url)
    bakery.start()
    port = site_port(bakery)
    name = f"bakery.example.com:{port}"
    with program_at(bakery, token_of(bakery)) as program:
        wanted = {"base_url": f"http://{name}", "public_ip": None, "apps_domain": "localhost"}
        program.put("/api/system/settings", json=wanted).raise_for_status()
        program.put("/api/system/own-site", json={"is_wanted": True}).raise_for_status()
        wait_until(lambda: is_answered(name, port), what="nginx passes requests on", seconds=20)
        bakery.kill()
        [site] = tmp_path.rglob("01-bakery.conf")
        site.unlink()

        bakery.start()

        # A killed process keeps its lease of the machine for half a minute.
        wait_until(lambda: site.exists() and is_answered(name, port), what="its site is back", seconds=60)
        program.put("/api/system/own-site", json={"is_wanted": False}).raise_for_status()
        wait_until(lambda: not site.exists() and not is_answered(name, port), what="its site is gone", seconds=20)
    bakery.stop()
    assert without_traceback(bakery.said())
