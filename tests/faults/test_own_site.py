"""Bakery's own site over the life of a real Bakery: what is wanted comes true, also after a kill."""

from collections.abc import Callable
from pathlib import Path

import httpx

from tests.faults.outside import Outside
from tests.faults.site import program_at, site_port, token_of, without_traceback
from tests.support.serving import Serving
from tests.support.waiting import wait_until

NewBakery = Callable[..., Serving]


def is_answered(name: str, port: int) -> bool:
    """By Bakery itself, through nginx, which may not have begun yet."""
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/login", headers={"host": name}, trust_env=False)
    except httpx.ConnectError:
        return False
    return answer.status_code == 200 and "x-request-id" in answer.headers


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
