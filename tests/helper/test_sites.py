"""The helper's sites, with a real nginx of the node's own on a loopback port."""

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import bcrypt
import httpx
import pytest

from bakery.model.errors import CommandFailed
from bakery.model.names import Colour, HostName, Port, SiteName
from bakery.model.site_options import Redirect, SiteOptions, Www
from bakery.nodes.helper_calls import Helper
from bakery.nodes.helper_file import helper_file
from bakery.nodes.helper_ingress import HelperIngress, OwnPlace
from bakery.nodes.ingress import ProxySite, SiteMarker, StaticSite
from bakery.nodes.local import LocalTransport
from tests.nodes.test_health import an_app, serving
from tests.support.machine import a_free_port
from tests.support.waiting import wait_until

PYTHON = "/usr/bin/python3"
DOCS = SiteName("docs-production")
HOST = HostName("docs.example")
SECOND_IS_SWITCHED_TO = SiteMarker(2, 2, None, None, is_taken_up=True)


@dataclass(frozen=True)
class Place:
    """A node with a space in its path, open to nginx's workers, unlike pytest's own folders."""

    folder: Path
    port: Port

    @property
    def root(self) -> Path:
        return self.folder / "node"

    @property
    def program(self) -> tuple[str, ...]:
        return (PYTHON, "-I", "-S", str(self.folder / "helper"), "--root", str(self.root))

    @property
    def ingress(self) -> HelperIngress:
        return HelperIngress(Helper(LocalTransport(), self.program), OwnPlace(self.port, address="127.0.0.1"))

    @property
    def listen(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def home(self) -> Path:
        return self.root / "apps/docs/production"

    @property
    def conf(self) -> Path:
        return self.root / "nginx/bakery.d/docs-production.conf"

    def docs(self, number: int) -> StaticSite:
        """A release whose page tells its number."""
        folder = self.home / f"releases/{number}"
        if not folder.exists():
            folder.mkdir(parents=True)
            (folder / "index.html").write_text(f"This is {number}.")
        return StaticSite(DOCS, (HOST,), PurePosixPath(folder), generation=number, release=number)

    def told(self, number: int, **more: object) -> dict[str, object]:
        return {
            "hosts": [HOST], "port": None, "folder": str(self.home / f"releases/{number}"), "generation": number,
            "release": number, "slot": None, "listen": self.listen, **more,
        }  # fmt: skip

    def attempt(self, *words: str, told: object, program: tuple[str, ...] = (), lives: int = 0) -> tuple[int, str]:
        done = subprocess.run(
            [*(program or self.program), *words],
            input=json.dumps(told).encode() + b"\n", capture_output=True, check=False, timeout=60, cwd="/",
            env={"LINES_TO_LIVE": str(lives)},
        )  # fmt: skip
        return done.returncode, done.stderr.decode().strip()

    def files(self) -> dict[str, bytes]:
        """All of what the helper keeps about sites."""
        folders = (self.root / "nginx/bakery.d", self.root / "sites")
        return {path.name: path.read_bytes() for folder in folders for path in sorted(folder.iterdir())}

    def tested(self) -> str:
        """What nginx finds wrong."""
        nginx = self.root / "nginx"
        argv = ["nginx", "-p", str(nginx), "-c", str(nginx / "nginx.conf"), "-t", "-q"]
        return subprocess.run(argv, capture_output=True, text=True, check=False).stderr

    def stop_nginx(self) -> None:
        pid_file = self.root / "nginx/nginx.pid"
        if pid_file.exists() and pid_file.read_text():
            os.kill(int(pid_file.read_text()), signal.SIGTERM)
            wait_until(lambda: not pid_file.exists(), what="nginx's end")


@pytest.fixture
def place() -> Iterator[Place]:
    yield from a_place()


def a_place() -> Iterator[Place]:
    folder = Path(tempfile.mkdtemp(prefix="bakery sites "))
    folder.chmod(0o755)
    (folder / "helper").write_bytes(helper_file())
    (folder / "node").mkdir(mode=0o755)
    place = Place(folder, a_free_port())
    yield place
    place.stop_nginx()
    shutil.rmtree(folder)


@pytest.fixture
async def ingress(place: Place) -> AsyncIterator[HelperIngress]:
    """In the end nginx keeps no connection to an app of the test's."""
    ingress = place.ingress
    assert await ingress.ensure_running() == ()
    yield ingress
    await asyncio.to_thread(place.stop_nginx)


# What visitors see.


async def test_an_unknown_host_name_shows_no_app(ingress: HelperIngress, place: Place) -> None:
    await ingress.apply_site(place.docs(1))
    answer = await get(place, "other.example")
    assert (answer.status_code, answer.text) == (404, "There is no app at this address.\n")


async def test_a_site_answers_as_soon_as_it_is_applied(ingress: HelperIngress, place: Place) -> None:
    for number in (1, 2, 3):
        await ingress.apply_site(place.docs(number))
        assert (await get(place, HOST)).text == f"This is {number}."


async def test_a_site_needs_no_other_verb_before_it(place: Place) -> None:
    await place.ingress.apply_site(place.docs(1))
    assert (await get(place, HOST)).text == "This is 1."


async def test_a_removed_site_is_gone_and_removing_it_again_is_harmless(ingress: HelperIngress, place: Place) -> None:
    before = place.files()
    await ingress.apply_site(place.docs(1))
    await ingress.remove_site(DOCS)
    await ingress.remove_site(DOCS)
    assert (await get(place, HOST)).status_code == 404
    assert place.files() == before
    assert await ingress.show_site(DOCS) is None


async def test_a_site_can_be_removed_while_nginx_does_not_run(ingress: HelperIngress, place: Place) -> None:
    await ingress.apply_site(place.docs(1))
    place.stop_nginx()
    await ingress.remove_site(DOCS)
    assert await ingress.show_site(DOCS) is None


async def test_an_app_behind_nginx_answers_under_its_host_name(ingress: HelperIngress, place: Place) -> None:
    async with an_app({"/health": 204}) as app:
        site = ProxySite(SiteName("a-shop-production"), (HostName("shop.example"),), app, 7, 6, Colour.GREEN)
        await ingress.apply_site(site)
        assert (await get(place, "shop.example", "/health")).status_code == 204
        assert await ingress.show_site(site.name) == SiteMarker(7, 6, Colour.GREEN, app, is_taken_up=True)


async def test_no_link_leads_out_of_a_static_site_nor_in_its_place(ingress: HelperIngress, place: Place) -> None:
    """An app's account may put links wherever its own files are."""
    site = place.docs(1)
    (place.home / "releases/1/link.txt").symlink_to("/etc/hostname")
    (place.home / "releases/1/.env").write_text("SECRET=1")
    await ingress.apply_site(site)
    assert [(await get(place, HOST, path)).status_code for path in ("/", "/link.txt", "/.env")] == [200, 404, 404]
    (place.home / "releases/2").symlink_to("/etc")
    await ingress.apply_site(place.docs(2))
    assert (await get(place, HOST, "/hostname")).status_code == 404


# What was chosen.

CHOSEN = SiteOptions(
    www=Www.TO_BARE,
    redirects=(
        Redirect("/old", "/new?a=1", 308),
        Redirect("/blog.v1/", "https://blog.example/", 302, is_prefix=True),
    ),
    pages={"502": '<p>We pay $5 & "care";</p>\n}'},
    headers=(("X-Robots-Tag", "noindex"), ("Content-Security-Policy", "default-src 'self'; img-src \"x\" \\")),
    upload_mb=1,
    gzip=False,
)


async def test_what_was_chosen_for_a_site_is_what_its_visitors_see(ingress: HelperIngress, place: Place) -> None:
    site = ProxySite(DOCS, (HOST, HostName(f"www.{HOST}")), a_free_port(), options=CHOSEN)
    await ingress.apply_site(site)
    down = await get(place, HOST)
    assert (down.status_code, down.text) == (502, '<p>We pay $5 & "care";</p>\n}')
    assert down.headers["Content-Type"] == "text/html; charset=utf-8"
    assert down.headers["X-Robots-Tag"] == "noindex"
    assert down.headers["Content-Security-Policy"] == "default-src 'self'; img-src \"x\" \\"
    port = place.port
    leads = {
        path: (answer.status_code, answer.headers.get("Location"))
        for path in ("/old", "/old/", "/blog.v1", "/blog.v1/a%0d%0aX:y?b=2", "/blogxv1/", "/.bakery/502.html")
        for answer in [await get(place, HOST, path)]
    }
    assert leads == {
        "/old": (308, f"http://{HOST}:{port}/new?a=1"),
        "/old/": (502, None),
        "/blog.v1": (302, "https://blog.example/"),
        "/blog.v1/a%0d%0aX:y?b=2": (302, "https://blog.example/a%0d%0aX:y?b=2"),
        "/blogxv1/": (502, None),
        "/.bakery/502.html": (404, None),
    }
    moved = await get(place, f"www.{HOST}", "/a?b=1")
    assert (moved.status_code, moved.headers["Location"]) == (301, f"http://{HOST}:{port}/a?b=1")


async def test_a_site_may_ask_who_is_there_and_how_often(ingress: HelperIngress, place: Place) -> None:
    """What lies beside it goes with it."""
    hashed = bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode()
    site = place.docs(1)
    await ingress.apply_site(replace(site, options=SiteOptions(users={"ann": hashed}, rate=1, burst=0)))
    assert [(await get(place, HOST, auth=auth)).status_code for auth in (None, ("ann", "open"), KNOWN)] == [
        401,
        401,
        200,
    ]
    users = [name for name in place.files() if name.endswith(".users")]
    assert len(users) == 1
    assert (place.conf.parent / users[0]).stat().st_mode & 0o7 == 0
    await ingress.refresh_site(site)
    assert (await get(place, HOST)).text == "This is 1."
    assert sorted(place.files()) == SETTLED


async def test_a_site_under_maintenance_lets_in_who_may_look(ingress: HelperIngress, place: Place) -> None:
    """The machine itself always may, so that a new release can be tried."""
    text = SiteOptions(maintenance=True, maintenance_text="Back at <5>", maintenance_allowed=("203.0.113.0/24",))
    await ingress.apply_site(replace(place.docs(1), options=text))
    assert (await get(place, HOST)).text == "This is 1."
    conf = place.conf.read_text()
    assert "    default 1;\n    127.0.0.1/32 0;\n    ::1/128 0;\n    203.0.113.0/24 0;\n" in conf
    place.conf.write_text(conf.replace("127.0.0.1/32 0", "127.0.0.1/32 1"))
    await ingress.ensure_running()
    closed = await post(place, HOST)
    assert (closed.status_code, "<p>Back at &lt;5&gt;</p>" in closed.text) == (503, True)


async def test_a_site_that_nginx_refuses_leaves_nothing_beside_it(ingress: HelperIngress, place: Place) -> None:
    await ingress.apply_site(replace(place.docs(1), options=SiteOptions(pages={"503": "one"})))
    before = place.files()
    mine = place.conf.with_name("mine.conf")
    mine.write_text("oops;\n")
    with pytest.raises(CommandFailed, match=r'unknown directive "oops" in .*mine.conf:1'):
        await ingress.refresh_site(replace(place.docs(1), options=SiteOptions(pages={"503": "two"})))
    mine.unlink()
    assert place.files() == before


async def test_events_arrive_as_they_are_written_and_texts_are_compressed(ingress: HelperIngress, place: Place) -> None:
    async with a_talking_app() as (port, go_on):
        await ingress.apply_site(ProxySite(DOCS, (HOST,), port))
        async with (
            httpx.AsyncClient(trust_env=False) as client,
            client.stream("GET", f"http://127.0.0.1:{place.port}/events", headers=NAMED) as answer,
        ):
            events = answer.aiter_text()
            assert "Content-Encoding" not in answer.headers
            assert await anext(events) == "data: 1\n\n"
            go_on.set()
            assert await anext(events) == "data: 2\n\n"
        page = await get(place, HOST, "/page")
        assert (page.headers["Content-Encoding"], page.text) == ("gzip", "a" * 5000)


async def test_a_websocket_passes_and_the_app_hears_who_asked(ingress: HelperIngress, place: Place) -> None:
    """Whatever the visitor says of that."""
    heads: list[str] = []

    async def app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        writer.write((await reader.readexactly(4)).upper())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(app, "127.0.0.1", 0) as server:
        await ingress.apply_site(ProxySite(DOCS, (HOST,), Port(server.sockets[0].getsockname()[1])))
        reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
        asked = ("Upgrade: websocket", "Connection: Upgrade", "X-Real-IP: 9.9.9.9", "X-Forwarded-For: 9.9.9.9")
        lines = (f"GET /chat HTTP/1.1\r\nHost: {HOST}", *asked, "\r\n")
        writer.write("\r\n".join(lines).encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        writer.write(b"ping")
        assert await reader.readexactly(4) == b"PING"
        writer.close()
    told = dict(line.split(": ", 1) for line in heads[0].splitlines()[1:] if line)
    names = ("Host", "X-Real-IP", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host")
    assert [told[name] for name in names] == [HOST, "127.0.0.1", "127.0.0.1", "http", HOST]
    assert len(told["X-Request-Id"]) == 32


# What was there before.


async def test_a_default_server_that_was_here_before_stays_the_only_one(ingress: HelperIngress, place: Place) -> None:
    theirs = place.root / "nginx/theirs.conf"
    theirs.write_text(f"server {{ listen {place.listen} default_server; return 418; }}")
    (place.conf.parent / "10-theirs.conf").write_text(f'include "{theirs}";')
    assert await ingress.ensure_running() == (
        f"Requests for unknown host names are answered by {theirs}, which was here before Bakery.",
    )
    assert (await get(place, "other.example")).status_code == 418


async def test_a_configuration_that_was_broken_by_hand_names_its_line(ingress: HelperIngress, place: Place) -> None:
    before = place.files()
    mine = place.conf.with_name("mine.conf")
    mine.write_text("oops;\n")
    with pytest.raises(CommandFailed, match=r'nginx cannot use its configuration: unknown directive "oops" in .*:1'):
        await ingress.ensure_running()
    mine.unlink()
    assert place.files() == before


async def test_a_port_that_is_taken_is_said_with_how_to_see_by_whom(place: Place) -> None:
    with (
        socket.create_server(("127.0.0.1", place.port)),
        pytest.raises(CommandFailed, match="Address already in use") as failed,
    ):
        await place.ingress.ensure_running()
    port = place.port
    assert failed.value.hint == f"Does another program listen on port {port}? See it with: ss -ltnp 'sport = :{port}'"


async def test_a_site_that_nginx_refuses_is_put_back_byte_for_byte(ingress: HelperIngress, place: Place) -> None:
    await ingress.apply_site(place.docs(1))
    mine = place.conf.with_name("mine.conf")
    mine.write_text("oops;\n")
    before = place.files()
    refusal = r'nginx refused the site docs-production: unknown directive "oops" in .*mine.conf:1'
    with pytest.raises(CommandFailed, match=refusal) as refused:
        await ingress.apply_site(place.docs(2))
    assert refused.value.hint.startswith("All sites are as they were before.")
    with pytest.raises(CommandFailed):
        await ingress.apply_site(ProxySite(SiteName("first-production"), (HOST,), Port(20001)))
    assert place.files() == before
    assert (await get(place, HOST)).text == "This is 1."


@pytest.mark.lab  # only root can fill a disk of its own
@pytest.mark.parametrize("full", ["sites", "nginx/bakery.d"])
async def test_on_a_full_disk_all_stays_as_it_was(ingress: HelperIngress, place: Place, full: str) -> None:
    await ingress.apply_site(place.docs(1))
    with a_full_disk(place.root / full):
        before = place.files()
        with pytest.raises(CommandFailed, match="No space left on device"):
            await ingress.apply_site(place.docs(2))
        assert place.files() == before
        assert (await get(place, HOST)).text == "This is 1."


# Who may switch.


async def test_an_older_deployment_changes_nothing_and_is_told(ingress: HelperIngress, place: Place) -> None:
    await ingress.apply_site(place.docs(2))
    before = place.files()
    with pytest.raises(CommandFailed, match=r"^A newer deployment has switched this site already\.$"):
        await ingress.apply_site(place.docs(1))
    assert place.files() == before
    assert (await get(place, HOST)).text == "This is 2."


async def test_the_same_deployment_may_switch_again_also_to_an_older_release(
    ingress: HelperIngress, place: Place
) -> None:
    await ingress.apply_site(place.docs(2))
    await ingress.apply_site(place.docs(2))
    await ingress.apply_site(replace(place.docs(1), generation=2))
    assert (await get(place, HOST)).text == "This is 1."


async def test_a_site_is_refreshed_as_long_as_it_leads_to_the_same(ingress: HelperIngress, place: Place) -> None:
    """With the generation that it has; a switch that came meanwhile wins."""
    await ingress.refresh_site(place.docs(2))
    assert await ingress.show_site(DOCS) is None
    await ingress.apply_site(place.docs(2))
    more = (HOST, HostName("www.docs.example"), HostName("*.pages.docs.example"))
    await ingress.refresh_site(replace(place.docs(2), hosts=more, generation=9))
    await ingress.refresh_site(replace(place.docs(1), generation=9))
    answers = [(await get(place, name)).text for name in (HOST, "www.docs.example", "a.pages.docs.example")]
    assert answers == ["This is 2."] * 3
    assert await ingress.show_site(DOCS) == SECOND_IS_SWITCHED_TO


async def test_an_app_that_is_made_anew_counts_from_one_again(ingress: HelperIngress, place: Place) -> None:
    await ingress.apply_site(place.docs(2))
    await ingress.remove_site(DOCS)
    await ingress.apply_site(place.docs(1))
    assert (await get(place, HOST)).text == "This is 1."


async def test_many_at_once_take_turns_and_the_newest_stays(ingress: HelperIngress, place: Place) -> None:
    """Control planes that know nothing of each other."""
    sites = [place.docs(number) for number in range(1, 7)]
    switched = await asyncio.gather(*(place.ingress.apply_site(site) for site in sites), return_exceptions=True)
    assert {str(one) for one in switched if one} <= {"A newer deployment has switched this site already."}
    assert (await get(place, HOST)).text == "This is 6."
    assert await ingress.show_site(DOCS) == SiteMarker(6, 6, None, None, is_taken_up=True)


# Hostile callers.


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ({"hosts": []}, "hosts has to be a list of 1 to 200 host names."),
        ({"hosts": ["a.example"] * 201}, "hosts has to be a list of 1 to 200 host names."),
        ({"hosts": "a.example"}, "hosts has to be a list of 1 to 200 host names."),
        *(
            ({"hosts": [host]}, "hosts has to hold host names in lower case, without port and path.")
            for host in (
                "a b",
                "a;",
                "a{",
                "$host",
                "*.example",
                "~x",
                '"',
                "a.example\n",
                "_",
                "A.example",
                "",
                ".",
                7,
            )
        ),
        ({"folder": "/etc"}, "folder has to be below HOME."),
        ({"folder": "HOME"}, "folder has to be below HOME."),
        ({"folder": "HOME/../../other/production/releases/1"}, "folder has to be below HOME."),
        ({"folder": 7}, "folder has to be a path."),
        ({"folder": "HOME/\0"}, "folder has to be a path."),
        ({"folder": "HOME/$uri"}, "“HOME/$uri” cannot be written into a file of nginx."),
        ({"folder": "HOME/a\n;"}, "cannot be written into a file of nginx."),
        ({"port": 20001}, "A site has either a port or a folder."),
        *(
            ({"folder": None, "port": port}, "port has to be a whole number from 1 to 65535.")
            for port in (None, 0, 65536, "20001", True, 1.5)
        ),
        ({"generation": -1}, "generation has to be a whole number from 0 to 9007199254740992."),
        ({"release": "1"}, "release has to be a whole number from 0 to 9007199254740992."),
        ({"slot": "red"}, "slot has to be blue or green."),
        ({"slot": ["blue"]}, "slot has to be blue or green."),
        *(({"listen": listen}, "listen has to be an address and a port") for listen in ("*:0", "*:65536", "a:1", 80)),
        ({"listen": None}, "An nginx of the node's own has to be told where it listens."),
        ({"more": 1}, "The site is described by exactly these:"),
    ],
)
def test_what_is_told_is_checked(place: Place, said: dict[str, object], refusal: str) -> None:
    home = str(place.home)
    told = json.loads(json.dumps(place.told(2, **said)).replace("HOME", home))
    status, errors = place.attempt(*APPLY, told=told)
    assert (status, refusal.replace("HOME", home) in errors, "Traceback" in errors) == (1, True, False), errors
    assert not place.conf.exists()


@pytest.mark.parametrize(
    "words", [("docs",), ("docs", "blue"), ("../docs", "production"), ("00", "catch"), ("a", "b", "c")]
)
def test_only_an_environment_of_an_app_has_a_site(place: Place, words: tuple[str, ...]) -> None:
    for verb in ("site-apply", "site-remove", "site-show"):
        assert place.attempt(verb, *words, told=place.told(2)) == (1, "This verb takes other words.")


@pytest.mark.parametrize("content", ["", "{", "{}", "[]", "7"])
def test_a_damaged_marker_is_told(place: Place, content: str) -> None:
    place.docs(2)
    assert place.attempt(*APPLY, told=place.told(2))[0] == 0
    marker = place.root / "sites/docs-production.json"
    marker.write_text(content)
    status, errors = place.attempt(*APPLY, told=place.told(2))
    assert (status, errors) == (1, f"{marker} is damaged.\nHint: Remove it, then deploy again.")


# Killed.

KILLED_AT_A_LINE = """
import os, runpy, signal, sys
left = int(os.environ["LINES_TO_LIVE"])
FILES = ("/helper/sites.py", "/helper/site_files.py", "/helper/nginx.py", "/helper/files.py")
WAIT = {"is_locked", "wait_for_workers", "workers", "master", "accepts", "read"}  # whose lines nobody can count
def trace(frame, event, arg):
    global left
    code = frame.f_code
    if not code.co_filename.endswith(FILES) or code.co_name in WAIT or code.co_name.startswith(("told", "<")):
        return None
    left -= event == "line"
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return trace
sys.argv = sys.argv[1:]
sys.settrace(trace)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_killed_at_any_line_a_switch_is_done_or_not(place: Place) -> None:
    """Whatever is said next settles it: nginx's files are good, and the marker tells which site answers."""
    seen: list[bool] = []
    number, was_killed = 1, True
    while was_killed:
        place.docs(number)
        assert place.attempt(*APPLY, told=place.told(number)) == (0, "")
        place.docs(number + 1)
        was_killed = killed(place, *APPLY, told=place.told(number + 1), lives=1 + STEP * len(seen))
        ensure(place)
        marker = json.loads(place.files()["docs-production.json"])
        assert marker["generation"] == marker["release"]
        assert look(place, HOST) == f"This is {marker['release']}."
        assert (place.tested(), sorted(place.files())) == ("", SETTLED)
        seen.append(marker["release"] == number + 1)
        number += 2
    assert sorted(seen) == seen  # from a certain line on it is done
    assert set(seen) == {False, True}


def test_killed_at_any_line_a_switch_is_finished_by_saying_it_again(place: Place) -> None:
    ensure(place)
    for lives in itertools.count(1, STEP):
        place.docs(lives)
        was_killed = killed(place, *APPLY, told=place.told(lives), lives=lives)
        assert place.attempt(*APPLY, told=place.told(lives)) == (0, "")
        assert look(place, HOST) == f"This is {lives}."
        assert (place.tested(), sorted(place.files())) == ("", SETTLED)
        if not was_killed:
            break


def test_killed_at_any_line_a_refused_switch_leaves_the_old_site(place: Place) -> None:
    ensure(place)
    place.docs(1)
    assert place.attempt(*APPLY, told=place.told(1)) == (0, "")
    before = place.files()
    mine = place.conf.with_name("mine.conf")
    for lives in itertools.count(1, STEP):
        mine.write_text("oops;\n")
        was_killed = killed(place, *APPLY, told=place.told(2), lives=lives)
        mine.unlink()
        ensure(place)
        assert place.files() == before
        assert look(place, HOST) == "This is 1."
        if not was_killed:
            break


def test_killed_at_any_line_a_removal_is_finished_by_saying_it_again(place: Place) -> None:
    ensure(place)
    place.docs(2)
    before = place.files()
    for lives in itertools.count(1, STEP):
        assert place.attempt(*APPLY, told=place.told(2)) == (0, "")
        was_killed = killed(place, "site-remove", "docs", "production", told={}, lives=lives)
        assert look(place, HOST) in {"This is 2.", "There is no app at this address.\n"}
        assert place.attempt("site-remove", "docs", "production", told={}) == (0, "")
        assert look(place, HOST) == "There is no app at this address.\n"
        assert place.files() == before
        if not was_killed:
            break


def test_killed_at_any_line_putting_all_in_place_is_finished_by_saying_it_again(place: Place) -> None:
    for lives in itertools.count(1, STEP):
        was_killed = killed(place, "site-ensure", told={"listen": place.listen}, lives=lives)
        ensure(place)
        assert (place.tested(), sorted(place.files())) == ("", ["00-catch-all.conf", "lock"])
        if not was_killed:
            break
        place.stop_nginx()
        shutil.rmtree(place.root / "nginx")


@pytest.mark.parametrize(("written", "then"), [("server { oops", "# the old\n"), ("# the new\n", "# the new\n")])
async def test_what_an_older_bakery_left_half_done_is_finished_or_put_back(
    ingress: HelperIngress, place: Place, written: str, then: str
) -> None:
    """It wrote no marker: what passes nginx's test was asked for."""
    place.conf.with_name("docs-production.conf.before").write_text("# the old\n")
    place.conf.write_text(written)
    await ingress.ensure_running()
    assert place.conf.read_text() == then
    assert sorted(place.files()) == ["00-catch-all.conf", "docs-production.conf", "lock"]


async def test_a_switch_that_nginx_did_not_take_up_yet_says_so(ingress: HelperIngress, place: Place) -> None:
    await ingress.apply_site(place.docs(2))
    place.conf.with_name("docs-production.conf.before").write_text("# the old\n")
    assert await ingress.show_site(DOCS) == replace(SECOND_IS_SWITCHED_TO, is_taken_up=False)
    await ingress.apply_site(place.docs(2))
    assert await ingress.show_site(DOCS) == SECOND_IS_SWITCHED_TO


KNOWN = ("ann", "open sesame")
NAMED = {"Host": HOST, "Accept-Encoding": "gzip"}
APPLY = ("site-apply", "docs", "production")
SETTLED = ["00-catch-all.conf", "docs-production.conf", "docs-production.json", "lock"]
STEP = 11  # lines from one kill to the next


@contextlib.contextmanager
def a_full_disk(folder: Path) -> Iterator[None]:
    """The folder's files, on a disk that holds nothing more."""
    kept = {path.name: path.read_bytes() for path in folder.iterdir()}
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=755", "tmpfs", folder], check=True)
    try:
        for name, content in kept.items():
            (folder / name).write_bytes(content)
        with contextlib.suppress(OSError), (folder / "zz-filling").open("wb", buffering=0) as filling:
            while True:
                filling.write(bytes(4096))
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def ensure(place: Place) -> None:
    assert place.attempt("site-ensure", told={"listen": place.listen}) == (0, "")


def killed(place: Place, *words: str, told: object, lives: int) -> bool:
    python, *options, program, root_option, root = place.program
    dying = (python, *options, "-c", KILLED_AT_A_LINE, program, root_option, root)
    status, errors = place.attempt(*words, told=told, program=dying, lives=lives)
    assert "Traceback" not in errors
    return status == -signal.SIGKILL


def look(place: Place, host: str) -> str:
    return httpx.get(f"http://{place.listen}/", headers={"Host": host}, trust_env=False).text


async def get(place: Place, host: str, path: str = "/", *, auth: tuple[str, str] | None = None) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(f"http://{place.listen}{path}", headers={"Host": host}, auth=auth)


async def post(place: Place, host: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.post(f"http://{place.listen}/", headers={"Host": host}, content=b"a=1")


@contextlib.asynccontextmanager
async def a_talking_app() -> AsyncIterator[tuple[Port, asyncio.Event]]:
    """It has a page, and two events, of which it sends the second when it is told to."""
    go_on = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        if asked.startswith(b"GET /events "):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\ndata: 1\n\n")
            await writer.drain()
            await go_on.wait()
            writer.write(b"data: 2\n\n")
        else:
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5000\r\nConnection: close\r\n\r\n"
            writer.write(head + b"a" * 5000)
        await writer.drain()
        writer.close()

    async with serving(answer) as port:
        yield port, go_on
