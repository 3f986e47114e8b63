"""A certificate over the life of a real Bakery: asked for by itself, also after a kill in the middle of the order."""

from collections.abc import Callable
from pathlib import Path

import httpx

from tests.delivery.fleet import an_app
from tests.faults.outside import Outside
from tests.faults.site import (
    deploy,
    make_app,
    open_for_nginx,
    program_at,
    site_port,
    token_of,
    wait_for_end,
    without_traceback,
)
from tests.support.authority import running_pebble
from tests.support.dns_server import a_little_dns
from tests.support.serving import Serving
from tests.support.terminal import Terminal
from tests.support.waiting import wait_until

NewBakery = Callable[..., Serving]
HOST = "shop.example.com"


def test_a_name_that_leads_here_gets_its_certificate_also_after_a_kill(
    outside: Outside, new_bakery: NewBakery, tmp_path: Path
) -> None:
    open_for_nginx(tmp_path)
    bakery = new_bakery(DATABASE_URL=outside.url)
    with a_little_dns() as dns, running_pebble(site_port(bakery)) as pebble:
        (tmp_path / "ca.pem").write_text(pebble.trusted)
        bakery.environ |= {
            "BAKERY_ACME_DIRECTORY": pebble.directory,
            "BAKERY_ACME_CA": str(tmp_path / "ca.pem"),
            "BAKERY_DNS_RESOLVERS": f"127.0.0.1:{dns.port}",
            "BAKERY_PUBLIC_IP": "127.0.0.1",
        }
        dns.a_zone("example.com")
        dns.records[HOST, "A"] = ("127.0.0.1",)
        bakery.start()
        token = token_of(bakery)
        with program_at(bakery, token) as program:
            make_app(program, "shop")
            assert wait_for_end(program, "shop", deploy(program, "shop", an_app("one")))["state"] == "succeeded"
            program.post("/api/apps/shop/domains", json={"host": HOST}).raise_for_status()
            wait_until(lambda: state(program) != "waiting", what="it is asked for", seconds=20)
            bakery.kill()

            bakery.start()

            wait_until(lambda: state(program) == "valid", what="it is there", seconds=90)
            [found] = program.get("/api/apps/shop/certificates").json()["items"]
            assert (found["names"], found["reason"]) == ([HOST], None)
            assert "Pebble" in found["issuer"]
            changed_files_are_told_and_put_right_by_command(bakery, program, token)
        bakery.stop()
    assert without_traceback(bakery.said())


def changed_files_are_told_and_put_right_by_command(bakery: Serving, program: httpx.Client, token: str) -> None:
    """What the browser shows, the API and the command say too."""
    terminal = Terminal(bakery.url, token)
    folder = bakery.settings.node_dir / "certificates/live"
    [chain] = folder.glob("*/*/chain.pem")
    name = chain.relative_to(folder).parts[0]
    chain.write_text(chain.read_text() + "By hand.\n")
    wait_until(lambda: bool(differences(program)), what="it is seen, when the order's own work is over")
    [seen] = differences(program)
    assert (seen["key"], seen["kind"], seen["app"]) == (f"certificate:{name}", "certificate", "shop")
    told = terminal.attempt("nodes", "drift", "local")
    assert told.returncode == 1
    assert f"✕ certificate:{name}: Its files were changed, or another one is in its place." in told.stdout
    repairing = terminal.run("nodes", "drift", "local", "--repair", f"certificate:{name}")
    assert repairing == f"Being put right: certificate:{name}.\n"


def differences(program: httpx.Client) -> list[dict[str, object]]:
    found: list[dict[str, object]] = program.get("/api/nodes/local/drift").raise_for_status().json()["differences"]
    return found


def state(program: httpx.Client) -> str:
    [found] = program.get("/api/apps/shop/certificates").raise_for_status().json()["items"]
    return str(found["state"])
