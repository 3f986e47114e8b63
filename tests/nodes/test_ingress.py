"""A real nginx with its own folder on a loopback port."""

import asyncio
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path, PurePosixPath

import httpx
import pytest

from bakery.commands.command import command
from bakery.commands.nginx import Listen, ProxySite, StaticSite
from bakery.model.errors import CommandFailed, NotReady
from bakery.model.names import HostName, Port, SiteName
from bakery.nodes.folders import NodeFolders
from bakery.nodes.ingress import NginxIngress
from bakery.nodes.local import LocalTransport
from bakery.nodes.nginx_layout import own_nginx
from bakery.nodes.transport import run_or_fail
from tests.nodes.test_health import an_app
from tests.support.waiting import wait_until

DOCS = SiteName("docs-production")
HOST = HostName("docs.example")


@pytest.fixture
def folders() -> Iterator[NodeFolders]:
    """With a space in its path, and open to nginx's workers, unlike pytest's own."""
    root = Path(tempfile.mkdtemp(prefix="bakery node "))
    root.chmod(0o755)
    for name in ("logs", "one", "two"):
        (root / name).mkdir()
        (root / name / "index.html").write_text(f"This is {name}.")
    yield NodeFolders(PurePosixPath(root))
    shutil.rmtree(root)


@pytest.fixture
def port() -> Port:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return Port(server.getsockname()[1])


@pytest.fixture
async def ingress(folders: NodeFolders, port: Port) -> AsyncIterator[NginxIngress]:
    ingress = an_ingress(folders, port)
    assert await ingress.ensure_running() == ()
    yield ingress
    home = folders.nginx
    await run_or_fail(LocalTransport(), command("nginx", "-p", home, "-c", home / "nginx.conf", "-s", "stop"))
    await asyncio.to_thread(wait_until, lambda: not Path(home / "nginx.pid").exists(), what="nginx's end")


def an_ingress(folders: NodeFolders, port: Port) -> NginxIngress:
    main_file = PurePosixPath("/etc/nginx/nginx.conf")
    return NginxIngress(LocalTransport(), own_nginx("nginx", main_file, folders, Listen(port, address="127.0.0.1")))


def docs(folders: NodeFolders, folder: str) -> StaticSite:
    return StaticSite(DOCS, (HOST,), folders.root / folder)


async def test_an_unknown_host_name_shows_no_app(ingress: NginxIngress, folders: NodeFolders) -> None:
    await ingress.apply_site(docs(folders, "one"))
    answer = await get(ingress, "other.example")
    assert (answer.status_code, answer.text) == (404, "There is no app at this address.\n")


async def test_a_site_answers_as_soon_as_it_is_applied(ingress: NginxIngress, folders: NodeFolders) -> None:
    for folder in ("one", "two", "one"):
        await ingress.apply_site(docs(folders, folder))
        assert (await get(ingress, HOST)).text == f"This is {folder}."


async def test_a_removed_site_is_gone_and_removing_it_again_is_harmless(
    ingress: NginxIngress, folders: NodeFolders
) -> None:
    await ingress.apply_site(docs(folders, "one"))
    await ingress.remove_site(DOCS)
    await ingress.remove_site(DOCS)
    assert (await get(ingress, HOST)).status_code == 404


async def test_an_app_behind_nginx_answers_under_its_host_name(ingress: NginxIngress) -> None:
    async with an_app({"/health": 204}) as app:
        await ingress.apply_site(ProxySite(SiteName("shop-production"), (HostName("shop.example"),), app))
        assert (await get(ingress, "shop.example", "/health")).status_code == 204


async def test_a_site_that_nginx_refuses_is_put_back_byte_for_byte(ingress: NginxIngress, folders: NodeFolders) -> None:
    await ingress.apply_site(docs(folders, "one"))
    before = await files_of_sites(folders)
    with pytest.raises(CommandFailed, match=r"nginx refused the site docs-production: .* in .*docs-production.conf:"):
        await ingress.apply_site(StaticSite(DOCS, (HostName("broken name;"),), folders.root / "two"))
    assert await files_of_sites(folders) == before
    assert (await get(ingress, HOST)).text == "This is one."


async def test_a_refused_first_site_leaves_nothing(ingress: NginxIngress, folders: NodeFolders) -> None:
    before = await files_of_sites(folders)
    with pytest.raises(CommandFailed):
        await ingress.apply_site(StaticSite(DOCS, (HostName("broken {"),), folders.root / "two"))
    assert await files_of_sites(folders) == before


@pytest.mark.parametrize(
    ("written", "then"), [(b"server { oops", b"# the old one\n"), (b"# the new one\n", b"# the new one\n")]
)
async def test_a_change_that_was_interrupted_is_finished_or_put_back(
    ingress: NginxIngress, folders: NodeFolders, written: bytes, then: bytes
) -> None:
    machine = LocalTransport()
    file = folders.nginx / "bakery.d" / "docs-production.conf"
    await machine.put(file.with_name("docs-production.conf.before"), b"# the old one\n")
    await machine.put(file, written)
    await ingress.ensure_running()
    assert await machine.get(file) == then
    assert await machine.names_in(file.parent) == ("00-catch-all.conf", "docs-production.conf")


async def test_a_default_server_that_was_here_before_stays_the_only_one(
    ingress: NginxIngress, folders: NodeFolders, port: Port
) -> None:
    theirs = folders.nginx / "theirs.conf"
    machine = LocalTransport()
    await machine.put(theirs, f"server {{ listen 127.0.0.1:{port} default_server; return 418; }}".encode())
    await machine.put(folders.nginx / "bakery.d/10-theirs.conf", f'include "{theirs}";'.encode())
    assert await ingress.ensure_running() == (
        f"Requests for unknown host names are answered by {theirs}, which was here before Bakery.",
    )
    assert (await get(ingress, "other.example")).status_code == 418


async def test_a_configuration_that_was_broken_by_hand_names_its_line(
    ingress: NginxIngress, folders: NodeFolders
) -> None:
    await LocalTransport().put(folders.nginx / "bakery.d/mine.conf", b"oops;\n")
    with pytest.raises(
        NotReady, match=r'nginx cannot use its configuration: unknown directive "oops" in .*mine.conf:1'
    ):
        await ingress.ensure_running()
    await LocalTransport().remove(folders.nginx / "bakery.d/mine.conf")


async def test_a_port_that_is_taken_is_said_with_how_to_see_by_whom(folders: NodeFolders) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = Port(taken.getsockname()[1])
        with pytest.raises(CommandFailed, match="Address already in use") as failed:
            await an_ingress(folders, port).ensure_running()
    assert failed.value.hint == f"Does another program listen on port {port}? See it with: ss -ltnp 'sport = :{port}'"


async def test_a_link_does_not_lead_out_of_a_static_site(ingress: NginxIngress, folders: NodeFolders) -> None:
    await LocalTransport().run(command("ln", "-s", "/etc/hostname", folders.root / "one" / "link.txt"))
    await LocalTransport().put(folders.root / "one" / ".env", b"SECRET=1")
    await ingress.apply_site(docs(folders, "one"))
    assert (await get(ingress, HOST, "/link.txt")).status_code == 404
    assert (await get(ingress, HOST, "/.env")).status_code == 404


async def get(ingress: NginxIngress, host: str, path: str = "/") -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(f"http://127.0.0.1:{ingress.port}{path}", headers={"Host": host})


async def files_of_sites(folders: NodeFolders) -> dict[str, bytes | None]:
    machine = LocalTransport()
    sites = folders.nginx / "bakery.d"
    return {name: await machine.get(sites / name) for name in await machine.names_in(sites)}
