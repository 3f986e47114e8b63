"""Sites on a real machine with systemd, asked for as on a node: by `bakery-agent` over SSH, through sudo."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

import bcrypt
import httpx
import pytest

from bakery.model.errors import CommandFailed
from bakery.model.names import CertificateName, Colour, HostName, Port, SiteName
from bakery.model.secret import Secret
from bakery.model.site_options import Redirect, SiteOptions, Www
from bakery.nodes.certificates import NodeCertificates
from bakery.nodes.helper_calls import HELPER, ON_NODE, Helper
from bakery.nodes.helper_file import helper_file
from bakery.nodes.helper_ingress import HelperIngress, OwnPlace
from bakery.nodes.ingress import ProxySite, SiteMarker, StaticSite
from bakery.nodes.login import SshLogin
from bakery.nodes.ssh import SshTransport
from tests.lab.nodes import HTTP, HTTPS, SSH, Node
from tests.support.authority import make_authority, make_certificate

SITES = "/etc/nginx/bakery.d"
HOME = "/var/lib/bakery/node/apps/docs/production"
SWITCHES = 6
VISITORS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")  # to the node we come through its network's gateway
CHOSEN = SiteOptions(
    force_https=True,
    hsts_days=30,
    www=Www.TO_BARE,
    redirects=(Redirect("/old", "/new", 308), Redirect("/blog/", "https://blog.example/", 302, is_prefix=True)),
    pages={"502": "Down.", "503": "Not now.", "504": "Too slow."},
    headers=(("X-Powered-By", "Bakery"),),
    upload_mb=1,
    connect_seconds=1,
    read_seconds=1,
    send_seconds=7,
    gzip=False,
)
EVERY = 0.02  # seconds between two visitors
# Answers with its port, after a moment, so that a reload meets requests under way; or with the status in the path.
APP = """
import http.server, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(3 if self.path == "/slow" else 0.03)
        self.send_response(int(self.path[1:]) if self.path[1:].isdigit() else 200)
        self.send_header("X-Powered-By", "the app")
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(sys.argv[1].encode() * (1000 if self.path == "/long" else 1))
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.fixture
async def helper(node: Node) -> AsyncIterator[Helper]:
    """With what the installer makes of the machine."""
    node.run("useradd", "--system", "--create-home", "--user-group", "--shell=/bin/sh", "bakery-agent")
    node.put("/home/bakery-agent/.ssh/authorized_keys", node.key.with_suffix(".pub").read_bytes())
    node.put(str(HELPER), helper_file(), mode=0o755)
    node.put("/etc/sudoers.d/bakery", f"bakery-agent ALL=(root) NOPASSWD: {HELPER}\n".encode(), mode=0o440)
    for port in (20001, 20002):
        node.run("systemd-run", f"--unit=app-{port}", "/usr/bin/python3", "-c", APP, str(port))
    key = Secret(await asyncio.to_thread(node.key.read_text))
    transport = SshTransport(SshLogin(node.name, "127.0.0.1", Port(node.ports[SSH]), "bakery-agent", key))
    yield Helper(transport, ON_NODE)
    await transport.close()


async def test_sites_of_a_node(node: Node, helper: Helper) -> None:
    ingress = HelperIngress(helper)
    theirs = "/etc/nginx/sites-enabled/default"
    assert await ingress.ensure_running() == (
        f"Requests for unknown host names are answered by {theirs}, which was here before Bakery.",
    )
    node.run("rm", theirs)
    assert await ingress.ensure_running() == ()
    assert await visit(node, "unknown.example") == "404 There is no app at this address.\n"
    await files_are_served_and_nothing_else(node, ingress)
    await nobody_notices_a_switch(node, ingress)
    await each_choice_is_what_visitors_see(node, helper, ingress)
    await a_line_of_somebody_else_that_nginx_refuses_keeps_the_old_site(node, ingress)
    await on_a_full_disk_all_sites_stay_as_they_were(node, ingress)
    await an_nginx_that_was_stopped_is_started_by_the_next_switch(node, ingress)
    await while_another_program_has_the_port_that_is_said_and_then_all_answer_again(node, ingress)
    await the_agent_names_no_place_of_its_own(helper)
    await after_a_reboot_the_sites_are_there(node, ingress)


async def files_are_served_and_nothing_else(node: Node, ingress: HelperIngress) -> None:
    node.put(f"{HOME}/releases/1/index.html", b"docs")
    node.run("ln", "-s", "/etc/passwd", f"{HOME}/releases/1/passwd")
    node.run("ln", "-s", "/etc", f"{HOME}/releases/2")
    docs = StaticSite(SiteName("docs-production"), (HostName("docs.example"),), PurePosixPath(f"{HOME}/releases/1"))
    await ingress.apply_site(docs)
    assert await visit(node, "docs.example") == "200 docs"
    assert (await visit(node, "docs.example", "/passwd")).startswith("404 ")
    await ingress.apply_site(replace(docs, root=PurePosixPath(f"{HOME}/releases/2")))
    assert (await visit(node, "docs.example", "/passwd")).startswith("404 ")
    await ingress.apply_site(docs)


async def nobody_notices_a_switch(node: Node, ingress: HelperIngress) -> None:
    """Each visitor comes on a connection of his own."""
    await ingress.apply_site(shop(0))
    async with visitors(node) as came:
        for generation in range(1, SWITCHES + 1):
            await ingress.apply_site(shop(generation))
            assert await visit(node, "shop.example") == f"200 {port_of(generation)}"
    assert len(came.answers) > 50
    assert set(came.answers) == {"200 20001", "200 20002"}
    assert await visit(node, "docs.example") == "200 docs"


async def each_choice_is_what_visitors_see(node: Node, helper: Helper, ingress: HelperIngress) -> None:
    top = make_authority("Top")
    names, certificate = (HostName("shop.example"), HostName("www.shop.example")), CertificateName("c1")
    made = make_certificate(top, names)
    await NodeCertificates(helper, ingress).upload(certificate, made.chain, Secret(made.key), names)
    site = replace(shop(SWITCHES), hosts=names, certificates=(certificate,))
    async with httpx.AsyncClient(verify=ssl.create_default_context(cadata=top.chain), trust_env=False) as client:

        async def ask(
            path: str,
            *,
            host: str = "shop.example",
            tls: bool = True,
            auth: tuple[str, str] | None = None,
            content: bytes | None = None,
        ) -> httpx.Response:
            at = f"https://127.0.0.1:{node.ports[HTTPS]}" if tls else f"http://127.0.0.1:{node.ports[HTTP]}"
            method, named = "GET" if content is None else "POST", {"sni_hostname": host}
            asked = client.build_request(method, at + path, headers={"Host": host}, content=content, extensions=named)
            return await client.send(asked, auth=auth)

        await ingress.apply_site(replace(site, options=CHOSEN))
        led = [
            (answer.status_code, answer.headers["Location"])
            for answer in (
                await ask("/a?b=1", tls=False),
                await ask("/a?b=1", host="www.shop.example"),
                await ask("/old"),
                await ask("/blog/a?b=1"),
            )
        ]
        assert led == [
            (301, "https://shop.example/a?b=1"),
            (301, "https://shop.example/a?b=1"),
            (308, "https://shop.example/new"),
            (302, "https://blog.example/a?b=1"),
        ]
        page = await ask("/long")
        kept = ("Strict-Transport-Security", "X-Powered-By", "Content-Encoding")
        assert [page.headers.get(name) for name in kept] == ["max-age=2592000", "Bakery", None]
        failed = [await ask(path) for path in ("/502", "/503", "/slow")]
        assert [(one.status_code, one.text) for one in failed] == [
            (502, "Down."),
            (503, "Not now."),
            (504, "Too slow."),
        ]
        assert (await ask("/", content=b"x" * 2_000_000)).status_code == 413

        hashed = bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode()
        await ingress.apply_site(replace(site, options=SiteOptions(users={"ann": hashed})))
        tried = [await ask("/long", auth=auth) for auth in (None, ("ann", "open"), ("ann", "open sesame"))]
        assert [one.status_code for one in tried] == [401, 401, 200]
        assert tried[2].headers["Content-Encoding"] == "gzip"

        await ingress.apply_site(replace(site, options=SiteOptions(rate=1, burst=0)))
        assert sorted(one.status_code for one in await asyncio.gather(ask("/"), ask("/"))) == [200, 429]

        closed = SiteOptions(maintenance=True, maintenance_text="Back at five.")
        await ingress.apply_site(replace(site, options=closed))
        told = await ask("/")
        assert (told.status_code, "Back at five." in told.text) == (503, True)
        await ingress.apply_site(replace(site, options=replace(closed, maintenance_allowed=VISITORS)))
        assert (await ask("/")).status_code == 200
    assert await visit(node, "docs.example") == "200 docs"
    await ingress.apply_site(shop(SWITCHES))


async def a_line_of_somebody_else_that_nginx_refuses_keeps_the_old_site(node: Node, ingress: HelperIngress) -> None:
    before = node.run("sh", "-c", f"sha256sum {SITES}/* /var/lib/bakery/node/sites/*")
    assert f"{SITES}/shop-production.conf" in before
    node.put("/etc/nginx/conf.d/theirs.conf", b"server { oops on; }\n")
    refusal = "nginx refused the site shop-production: unknown directive .oops. in /etc/nginx/conf.d/theirs.conf:1"
    with pytest.raises(CommandFailed, match=refusal):
        await ingress.apply_site(shop(SWITCHES + 1))
    assert node.run("sh", "-c", f"sha256sum {SITES}/* /var/lib/bakery/node/sites/*") == before
    assert await visit(node, "shop.example") == f"200 {port_of(SWITCHES)}"
    node.run("rm", "/etc/nginx/conf.d/theirs.conf")
    with pytest.raises(CommandFailed, match="A newer deployment has switched this site already"):
        await ingress.apply_site(shop(SWITCHES - 1))
    assert await ingress.show_site(SiteName("shop-production")) == SiteMarker(
        SWITCHES, SWITCHES, Colour.BLUE, port_of(SWITCHES), is_taken_up=True
    )


async def on_a_full_disk_all_sites_stay_as_they_were(node: Node, ingress: HelperIngress) -> None:
    copied = f"cp -a {SITES} /srv/sites; mount -t tmpfs -o size=1m,mode=755 none {SITES}; cp -a /srv/sites/. {SITES}"
    node.run("sh", "-ec", f"{copied}; cat /dev/zero > {SITES}/.filler || true")
    with pytest.raises(CommandFailed, match="No space left on device"):
        await ingress.apply_site(shop(SWITCHES + 1))
    assert await both(node) == ["200 docs", f"200 {port_of(SWITCHES)}"]
    node.run("rm", f"{SITES}/.filler")
    assert node.run("diff", "-r", "/srv/sites", SITES) == ""
    node.run("umount", SITES)


async def an_nginx_that_was_stopped_is_started_by_the_next_switch(node: Node, ingress: HelperIngress) -> None:
    node.run("systemctl", "stop", "nginx")
    await ingress.apply_site(shop(SWITCHES))
    assert await both(node) == ["200 docs", f"200 {port_of(SWITCHES)}"]


async def while_another_program_has_the_port_that_is_said_and_then_all_answer_again(
    node: Node, ingress: HelperIngress
) -> None:
    node.run("systemctl", "stop", "nginx")
    node.run("systemd-run", "--unit=other", "/usr/bin/python3", "-m", "http.server", "--directory=/srv", "80")
    node.run("sh", "-c", "until ss -ltn sport = :80 | grep -q LISTEN; do :; done")
    with pytest.raises(CommandFailed, match="Address already in use") as taken:
        await ingress.apply_site(shop(SWITCHES))
    assert taken.value.hint == "Does another program listen on port 80? See it with: ss -ltnp 'sport = :80'"
    node.run("systemctl", "stop", "other")
    await ingress.apply_site(shop(SWITCHES))
    assert await both(node) == ["200 docs", f"200 {port_of(SWITCHES)}"]


async def both(node: Node) -> list[str]:
    return [await visit(node, host) for host in ("docs.example", "shop.example")]


async def the_agent_names_no_place_of_its_own(helper: Helper) -> None:
    ingress = HelperIngress(helper)
    for site, refusal in (
        (replace(shop(99), upstream=Port(22)), "port has to be a whole number from 20000 to 29999"),
        (replace(shop(99), hosts=(HostName("a; }"),)), "hosts has to hold host names"),
        (StaticSite(shop(99).name, shop(99).hosts, PurePosixPath("/etc"), 99), "folder has to be below"),
        (
            StaticSite(shop(99).name, shop(99).hosts, PurePosixPath(f"{HOME}/releases/1"), 99),
            "folder has to be below /var/lib/bakery/node/apps/shop/production",
        ),
    ):
        with pytest.raises(CommandFailed, match=refusal):
            await ingress.apply_site(site)
    with pytest.raises(CommandFailed, match="Where the machine's nginx listens is not for Bakery to say"):
        await HelperIngress(helper, OwnPlace(Port(8080))).ensure_running()


async def after_a_reboot_the_sites_are_there(node: Node, ingress: HelperIngress) -> None:
    node.reboot()
    assert await visit(node, "docs.example") == "200 docs"
    for name in ("docs-production", "shop-production", "shop-production"):
        await ingress.remove_site(SiteName(name))
    assert node.run("ls", SITES).split() == ["00-catch-all-tls.conf", "00-catch-all.conf"]
    assert node.run("ls", "/var/lib/bakery/node/sites") == "lock"
    assert node.run("systemctl", "is-system-running") == "running"


def shop(generation: int) -> ProxySite:
    name, hosts = SiteName("shop-production"), (HostName("shop.example"),)
    return ProxySite(name, hosts, port_of(generation), generation, generation, Colour.BLUE)


def port_of(generation: int) -> Port:
    return Port(20001 + generation % 2)


@dataclass
class Visitors:
    answers: list[str] = field(default_factory=list)


@contextlib.asynccontextmanager
async def visitors(node: Node) -> AsyncIterator[Visitors]:
    """One after the other arrives, whatever becomes of those before."""
    came, are_enough = Visitors(), asyncio.Event()

    async def come() -> None:
        came.answers.append(await visit(node, "shop.example"))

    async def keep_coming() -> None:
        async with asyncio.TaskGroup() as group:
            while not are_enough.is_set():
                group.create_task(come())
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(are_enough.wait(), EVERY)

    async with asyncio.TaskGroup() as group:
        group.create_task(keep_coming())
        yield came
        are_enough.set()


async def visit(node: Node, host: str, path: str = "/") -> str:
    """The status and the body, or what went wrong, on a new connection."""
    try:
        async with asyncio.timeout(10):
            reader, writer = await asyncio.open_connection("127.0.0.1", node.ports[HTTP])
            writer.write(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
            answer = (await reader.read()).decode()
            writer.close()
            await writer.wait_closed()
    except OSError as error:
        return repr(error)
    head, _, body = answer.partition("\r\n\r\n")
    return f"{head[9:12]} {body}"
