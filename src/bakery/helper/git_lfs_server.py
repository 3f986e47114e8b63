"""The server that has a repository's files in Git LFS.

What comes is asked of the repository's own server, with the repository's own credential; where that sends us for a
file, it goes along only when it is the same server. It can send us to no address that only the node itself reaches,
unless the repository itself is there; and plain http is for the node itself alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import sys
from collections.abc import Callable
from http.client import HTTPException, HTTPMessage
from typing import IO
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from bakery.helper.git_fetch import MOST_BYTES
from bakery.helper.git_lfs import CHUNK, FOLDER, Pointer
from bakery.helper.git_program import Git
from bakery.helper.git_urls import Url
from bakery.helper.git_words import explain, plain, tell
from bakery.helper.reach import NODE, may_lead, reach_of
from bakery.helper.words import hinted, sentence, write_all

LONGEST_ANSWER = 8 * 1024 * 1024
SILENCE = 60.0  # seconds
KIND = "application/vnd.git-lfs+json"
ADDRESS = re.compile(  # in which no program finds another host than we do
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:[/?#]\S*)?"
)


class Quiet(HTTPRedirectHandler):
    """A credential does not follow where a server leads."""

    def __init__(self, url: Url) -> None:
        self.url = url

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        found = super().redirect_request(req, fp, code, msg, headers, newurl)
        if found is not None:
            expect_same_way(self.url, req.full_url, newurl)
            found.headers.pop("Authorization", None)
        return found


def fetch_files(git: Git, url: Url, pointers: list[Pointer], *, of_all: list[Pointer]) -> None:
    """Those that are not here yet. `of_all`: with those of the repositories before it, whose submodules they are."""
    if sum(one.size for one in of_all) > MOST_BYTES:
        sys.exit(f"The files in Git LFS are larger than {MOST_BYTES // 1024**3} GB.")
    size = sum(one.size for one in pointers)
    tell(f"Fetching {len(pointers)} files in Git LFS, {size / 1024:,.0f} kB.")
    endpoint, headers = endpoint_of(git, url)
    git.in_child(lambda: download_all(url, endpoint, headers, {one.oid: one.size for one in pointers}))


def endpoint_of(git: Git, url: Url) -> tuple[str, dict[str, str]]:
    """Where it is asked, and what opens it."""
    if url.scheme == "ssh":
        return over_ssh(git, url)
    path = url.path if url.path.endswith(".git") else f"{url.path}.git"
    headers = {}
    given = git.credentials
    if given.token is not None and url.server == git.url.server:
        pair = base64.b64encode(f"{given.username}:{given.token}".encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    return f"{url.server}/{path}/info/lfs", headers


def over_ssh(git: Git, url: Url) -> tuple[str, dict[str, str]]:
    done = git.ask_server(url, "git-lfs-authenticate", url.path, "download")
    if done.status:
        sys.exit(explain(done.errors, url=url.text, host=url.host, ref=""))
    try:
        said = json.loads(done.output)
        headers = {str(name): str(value) for name, value in said.get("header", {}).items()}
        return str(said["href"]), headers
    except (ValueError, KeyError, AttributeError):
        sys.exit(f"{url.host} does not say where its files in Git LFS are.")


# As the account, in a child.


def download_all(url: Url, endpoint: str, headers: dict[str, str], wanted: dict[str, int]) -> None:
    """Into the folder of objects, in which we are."""
    os.makedirs(FOLDER, exist_ok=True)  # noqa: PTH103 - our own folder may be closed above us
    opener = build_opener(Quiet(url))
    expect_way(url, endpoint)
    missing = [oid for oid in wanted if not os.path.exists(f"{FOLDER}/{oid}")]  # noqa: PTH110 - likewise
    for begin in range(0, len(missing), 100):
        some = {oid: wanted[oid] for oid in missing[begin : begin + 100]}
        for oid, action in ask_batch(opener, endpoint, headers, some).items():
            expect_same_way(url, endpoint, str(action.get("href", "")))
            download(opener, oid, wanted[oid], action, endpoint, headers)


def ask_batch(
    opener: OpenerDirector, endpoint: str, headers: dict[str, str], wanted: dict[str, int]
) -> dict[str, dict[str, object]]:
    objects = [{"oid": oid, "size": size} for oid, size in wanted.items()]
    asked = {"operation": "download", "transfers": ["basic"], "objects": objects, "hash_algo": "sha256"}
    request = Request(  # noqa: S310 - the scheme was looked at
        f"{endpoint}/objects/batch",
        data=json.dumps(asked).encode(),
        headers={"Accept": KIND, "Content-Type": KIND, "User-Agent": "git-lfs/3 (Bakery)", **headers},
    )
    answer = asking(request, lambda: json.loads(opener.open(request, timeout=SILENCE).read(LONGEST_ANSWER)))
    found = {}
    for one in answer.get("objects", []) if isinstance(answer, dict) else []:
        action = (one.get("actions") or {}).get("download")
        if one.get("oid") not in wanted or action is None:
            why = plain(str((one.get("error") or {}).get("message", "the server has it not")))
            sys.exit(f"A file in Git LFS cannot be had: {why[:150]}.")
        found[one["oid"]] = action
    if set(found) != set(wanted):
        sys.exit("The server does not have all files that the repository keeps in Git LFS.")
    return found


def download(
    opener: OpenerDirector,
    oid: str,
    size: int,
    action: dict[str, object],
    endpoint: str,
    ours: dict[str, str],
) -> None:
    href, header = str(action.get("href", "")), action.get("header")
    given = {str(name): str(value) for name, value in header.items()} if isinstance(header, dict) else {}
    if urlsplit(href)[:2] == urlsplit(endpoint)[:2] and not any(name.lower() == "authorization" for name in given):
        given = {**ours, **given}
    request = Request(href, headers=given)  # noqa: S310 - the scheme was looked at
    digest = hashlib.sha256()
    aside = f"{FOLDER}/{oid}.{os.getpid()}"

    def copy() -> int:
        done = 0
        with opener.open(request, timeout=SILENCE) as answer, open(aside, "wb") as file:  # noqa: PTH123 - as above
            while done <= size:
                piece = answer.read(CHUNK)
                if not piece:
                    break
                done += len(piece)
                digest.update(piece)
                write_all(file.fileno(), piece)
        return done

    if asking(request, copy) != size or digest.hexdigest() != oid:
        os.unlink(aside)  # noqa: PTH108 - as above
        sys.exit("A file came from Git LFS that is not the one that the repository names.")
    os.rename(aside, f"{FOLDER}/{oid}")  # noqa: PTH104 - as above


def asking(request: Request, ask: Callable[[], object]) -> object:
    host = urlsplit(request.full_url).hostname
    try:
        return ask()
    except HTTPError as error:
        if error.code in (401, 403):
            hint = "Give a token that may read its files in Git LFS."
            sys.exit(hinted(f"{host} does not let us in to the files in Git LFS.", hint))
        sys.exit(f"{host} answered {error.code} when it was asked for files in Git LFS.")
    except ValueError:
        sys.exit(f"{host} does not speak as a server of Git LFS does.")
    except (OSError, HTTPException) as error:
        sys.exit(hinted(f"{host} does not give files in Git LFS: {plain(sentence(error))[:120]}.", "Try again."))


def expect_way(url: Url, to_url: str) -> None:
    """To what the repository's own address gives a right to."""
    found = ADDRESS.fullmatch(to_url)
    if found is None:
        sys.exit("The server leads to files in Git LFS over a way that is not https.")
    if not may_lead(url.host, found["host"]):
        sys.exit("The server leads to files in Git LFS at an address that only the node itself reaches.")
    if found["scheme"] == "http" and reach_of(found["host"]) != NODE:
        sys.exit("The server leads to files in Git LFS over a way that is not https.")


def expect_same_way(url: Url, from_url: str, to_url: str) -> None:
    expect_way(url, to_url)
    if urlsplit(from_url).scheme == "https" and urlsplit(to_url).scheme != "https":
        sys.exit("The server leads to files in Git LFS over a way that is not https.")
