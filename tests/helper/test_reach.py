"""No server far away leads a node to what only the node itself reaches: neither by Git LFS nor by a submodule."""

import hashlib
import json
from collections.abc import Callable, Iterator
from http.client import HTTPMessage
from io import BytesIO
from pathlib import Path
from typing import cast
from urllib.request import Request

import pytest

from bakery.helper.git_lfs import Pointer
from bakery.helper.git_lfs_server import Quiet, expect_same_way, fetch_files
from bakery.helper.git_program import Done, Git
from bakery.helper.git_urls import expect_url
from bakery.helper.reach import FAR, LINK, NODE, reach_of
from tests.support.git_server import GitServer, a_git_server

CONTENT = b"a large picture"
POINTER = Pointer("a.png", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
FAR_AWAY = expect_url("ssh://git@git.example/shop.git")
OF_THE_NODE = ["127.0.0.1", "localhost", "127.1", "0.0.0.1", "0", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"]


@pytest.fixture
def server() -> Iterator[GitServer]:
    with a_git_server() as server:
        server.keep_large(CONTENT)
        yield server


@pytest.fixture(autouse=True)
def _among_the_objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class OverSsh:
    """Git, with a server that says by SSH where its files in Git LFS are."""

    def __init__(self, href: str) -> None:
        self.href = href

    def ask_server(self, *_: object) -> Done:
        return Done(0, json.dumps({"href": self.href, "header": {"Metadata-Flavor": "Google"}}).encode(), "")

    def in_child(self, work: Callable[[], None]) -> None:
        work()


def fetch(url: str, href: str) -> None:
    fetch_files(cast("Git", OverSsh(href)), expect_url(url), [POINTER], of_all=[POINTER])


@pytest.mark.parametrize(
    ("host", "reach"),
    [
        *(
            (host, NODE)
            for host in (*OF_THE_NODE, "LOCALHOST.", "any.localhost", "127.0.0.1.", "[::]", "[64:ff9b::7f00:1]")
        ),
        *((host, LINK) for host in ("169.254.169.254", "2852039166", "[fe80::1]", "[::ffff:169.254.169.254]")),
        *(
            (host, FAR)
            for host in ("git.example", "10.0.0.4", "192.0.2.1", "[2001:db8::1]", "localhost.example", "1e100.net")
        ),
    ],
)
def test_an_address_is_known_however_it_is_written(host: str, reach: str) -> None:
    assert reach_of(host) == reach


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "0x7f.1", "2130706433"])
def test_a_server_far_away_has_nothing_asked_on_the_node(server: GitServer, host: str) -> None:
    with pytest.raises(SystemExit, match="at an address that only the node itself reaches"):
        fetch(FAR_AWAY.text, f"http://{host}:{server.port}/shop.git/info/lfs")
    assert server.asked == []


@pytest.mark.parametrize("href", [*(f"https://{host}:8443/x" for host in OF_THE_NODE), "http://169.254.169.254/latest"])
def test_nor_does_it_lead_there_over_https_nor_to_what_clouds_tell_their_machines(href: str) -> None:
    with pytest.raises(SystemExit, match="at an address that only the node itself reaches"):
        fetch(FAR_AWAY.text, href)
    with pytest.raises(SystemExit, match="at an address that only the node itself reaches"):
        expect_same_way(FAR_AWAY, "https://git.example/info/lfs", href)


def redirected(to: str) -> Request | None:
    asked = Request("https://files.example/1")
    return Quiet(FAR_AWAY).redirect_request(asked, BytesIO(), 302, "Found", HTTPMessage(), to)


def test_nor_by_a_redirect() -> None:
    for to, why in (
        ("https://127.0.0.1/", "that only the node itself reaches"),
        ("https://169.254.169.254/", "that only the node itself reaches"),
        ("http://files.example/1", "over a way that is not https"),
    ):
        with pytest.raises(SystemExit, match=why):
            redirected(to)
    found = redirected("https://store.example/1#a")
    assert found is not None


@pytest.mark.parametrize(
    "href",
    [
        "http://git.example/info/lfs", "ftp://git.example/x", "file:///etc/passwd", "", "https://[x", "https://",
        "https://127%2e0.0.1/x", "https://１２７.0.0.1/x", "https://git.example@127.0.0.1/x", "https://a\\@127.0.0.1/x",
        "https://git.example /x", "https://\t127.0.0.1/x",
    ],
)  # fmt: skip
def test_an_address_that_programs_could_read_otherwise_is_refused(href: str) -> None:
    with pytest.raises(SystemExit, match="over a way that is not https"):
        fetch(FAR_AWAY.text, href)


def test_a_repository_on_the_node_has_its_files_there(server: GitServer) -> None:
    fetch("ssh://git@localhost/shop.git", f"http://127.0.0.1:{server.port}/shop.git/info/lfs")
    assert Path("lfs", POINTER.oid).read_bytes() == CONTENT


def test_a_repository_on_the_node_leads_to_no_other_such_place() -> None:
    with pytest.raises(SystemExit, match="at an address that only the node itself reaches"):
        fetch("ssh://git@localhost/shop.git", "http://169.254.169.254/latest")


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:9200/x", "http://localhost:9200/x", "http://[::1]/x", "https://127.1/x", "https://0x7f.1/x",
        "git@localhost:x.git", "ssh://git@2130706433/x", "https://169.254.169.254/latest", "ssh://[::1]/x",
    ],
)  # fmt: skip
@pytest.mark.parametrize("parent", ["https://git.example/team/shop.git", "git@git.example:team/shop.git"])
def test_a_submodule_is_on_the_node_only_where_its_repository_is(parent: str, target: str) -> None:
    with pytest.raises(SystemExit, match="is one that only the node itself reaches"):
        expect_url(parent).beside(target)


def test_submodules_lie_elsewhere_and_of_a_repository_on_the_node_there() -> None:
    assert expect_url("https://git.example/shop.git").beside("https://lib.example/lib.git").host == "lib.example"
    assert expect_url("http://127.0.0.1:1/shop.git").beside("http://localhost:2/lib.git").host == "localhost"
    assert expect_url("http://127.0.0.1:1/shop.git").beside("../lib.git").text == "http://127.0.0.1:1/lib.git"
