"""The helper's sources: real repositories behind git's own server program, fetched as root and as an ordinary user."""

import contextlib
import json
import os
import pwd
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from bakery.helper import git_fetch, git_sources
from bakery.helper.git_lfs import Pointer
from bakery.helper.git_lfs_server import fetch_files
from bakery.helper.git_program import Git
from bakery.helper.git_sources import Kept, all_trees
from bakery.helper.git_urls import expect_url
from bakery.helper.names import Premises, account_name
from bakery.nodes.jobs import JobKey, new_job_key
from tests.nodes.job_machine import JobMachine, Status, job_machine
from tests.support.git_server import AUTHOR, WHEN, GitServer, a_git_server
from tests.support.waiting import wait_until

needs_root = pytest.mark.lab  # runs wherever the lab does, which is as root
CANARY = "canary-token-5d0c"
NO_GIT = cast("Git", None)  # for what asks none
NOTHING: dict[str, object] = {"username": None, "token": None, "private_key": None, "host_keys": []}


@pytest.fixture
def server() -> Iterator[GitServer]:
    with a_git_server() as server:
        yield server


@pytest.fixture(params=["an ordinary user", pytest.param("root", marks=needs_root)])
def machine(request: pytest.FixtureRequest) -> Iterator[JobMachine]:
    with job_machine(as_root=request.param == "root") as machine:
        yield machine
        machine.attempt("premises-remove", "shop", "production")


@pytest.fixture
def roots_machine() -> Iterator[JobMachine]:
    with job_machine(as_root=True) as machine:
        yield machine
        machine.attempt("premises-remove", "shop", "production")


@pytest.fixture
def users_machine() -> Iterator[JobMachine]:
    with job_machine(as_root=False) as machine:
        yield machine


def begin(machine: JobMachine, url: str, number: int = 1, **more: object) -> JobKey:
    key = new_job_key()
    told = {
        "app": "shop", "environment": "production", "number": number, "url": url, "ref": "refs/heads/main",
        "submodules": True,
        "for_visitors": False, "memory_bytes": None, "seconds": 60, "log_bytes": 10**6, **NOTHING, **more,
    }  # fmt: skip
    machine.ask("source-fetch", key, stdin=json.dumps(told).encode() + b"\n")
    return key


def fetch(machine: JobMachine, url: str, number: int = 1, **more: object) -> Status:
    key = begin(machine, url, number, **more)
    ended = machine.finish(key)
    assert ended["exit_status"] == 0, machine.log(key).decode()
    return machine.ask("source-look", "shop", "production", str(number))


def why_not(machine: JobMachine, url: str, **more: object) -> str:
    ended = machine.finish(begin(machine, url, 1, **more))
    assert ended["exit_status"] == 1
    return str(ended["reason"]).removeprefix("ended with status 1; ")


def where_is(text: str, machine: JobMachine) -> str:
    """On the disk and in folders in memory."""
    places = [str(machine.root), "/run/bakery", "/dev/shm"]  # noqa: S108 - looked through, not written to
    return subprocess.run(["grep", "-rlF", text, *places], check=False, capture_output=True, text=True).stdout


def home(machine: JobMachine) -> Path:
    return machine.root / "node" / "apps" / "shop" / "production"


def release(machine: JobMachine, number: int = 1) -> dict[str, str]:
    """The files of one, and where its links lead."""
    folder = home(machine) / "releases" / str(number)
    return {
        str(path.relative_to(folder)): f"-> {path.readlink()}" if path.is_symlink() else path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def test_a_release_holds_the_files_of_the_commit_and_nothing_of_gits(machine: JobMachine, server: GitServer) -> None:
    repository = server.repository("shop")
    repository.commit("First", {"app.py": "1"})
    repository.work.joinpath("run.sh").write_text("#!/bin/sh\n")
    repository.work.joinpath("run.sh").chmod(0o755)
    commit = repository.commit("Fix the cart’s total\n\nIt was wrong.", {"web/index.html": "hi", "link": "-> app.py"})

    about = fetch(machine, repository.url)

    assert about == {
        "commit": commit, "title": "Fix the cart’s total", "author": AUTHOR, "committed_at": WHEN,
        "ref": "refs/heads/main",
    }  # fmt: skip
    assert release(machine) == {"app.py": "1", "link": "-> app.py", "run.sh": "#!/bin/sh\n", "web/index.html": "hi"}
    folder = home(machine) / "releases" / "1"
    assert os.access(folder / "run.sh", os.X_OK)
    owner = pwd.getpwnam(account_name(machine.root / "node", "shop", "production")).pw_uid if machine.account else None
    assert (folder / "app.py").stat().st_uid == (machine.user if owner is None else owner)


def test_the_next_commit_comes_on_top_of_what_is_here(machine: JobMachine, server: GitServer) -> None:
    repository = server.repository("shop")
    repository.commit("First", {"app.py": "1", "same.py": "same"})
    fetch(machine, repository.url)
    second = repository.commit("Second", {"app.py": "2"})

    about = fetch(machine, repository.url, 2)

    assert about["commit"] == second
    assert release(machine, 2) == {"app.py": "2", "same.py": "same"}
    assert release(machine, 1) == {"app.py": "1", "same.py": "same"}
    packs = [path for path in (home(machine) / "source" / "pack").iterdir() if path.suffix == ".pack"]
    assert len(packs) == 2


def test_said_again_it_finds_what_is_done(users_machine: JobMachine, server: GitServer) -> None:
    repository = server.repository("shop")
    first = repository.commit("First", {"app.py": "1"})
    fetch(users_machine, repository.url)
    repository.commit("Second", {"app.py": "2"})

    about = fetch(users_machine, repository.url)

    assert about["commit"] == first
    assert release(users_machine) == {"app.py": "1"}


def test_an_older_commit_is_fetched_by_its_name(users_machine: JobMachine, server: GitServer) -> None:
    repository = server.repository("shop")
    first = repository.commit("First", {"app.py": "1"})
    repository.commit("Second", {"app.py": "2"})

    about = fetch(users_machine, repository.url, ref=first)

    assert (about["commit"], release(users_machine)) == (first, {"app.py": "1"})


def test_a_token_opens_a_private_repository_and_is_nowhere_afterwards(machine: JobMachine, server: GitServer) -> None:
    repository = server.repository("shop")
    repository.commit("First", {"app.py": "1"})
    server.wants["shop"] = ("x-access-token", CANARY)

    key = begin(machine, repository.url, username="x-access-token", token=CANARY)

    assert machine.finish(key)["exit_status"] == 0, machine.log(key)
    assert where_is(CANARY, machine) == ""


def test_a_server_hears_no_credential_that_is_for_another(users_machine: JobMachine, server: GitServer) -> None:
    with a_git_server() as elsewhere:
        library, shop = elsewhere.repository("lib"), server.repository("shop")
        lib = library.commit("Library", {"lib.py": "lib"})
        shop.commit("First", {"app.py": "1"})
        shop.add_module("vendor/lib", library.url, lib)
        shop.push("With the library")
        server.wants["shop"] = ("ann", CANARY)

        fetch(users_machine, shop.url, username="ann", token=CANARY)

        assert release(users_machine)["vendor/lib/lib.py"] == "lib"
        assert {given for _, given in elsewhere.asked} == {""}


def test_a_submodule_of_the_same_server_is_fetched_with_the_same_token(machine: JobMachine, server: GitServer) -> None:
    library, shop = server.repository("lib"), server.repository("shop")
    lib = library.commit("Library", {"lib.py": "lib"})
    shop.commit("First", {"app.py": "1"})
    shop.add_module("vendor/lib", "../lib.git", lib)
    shop.push("With the library")
    server.wants |= {"shop": ("ann", CANARY), "lib": ("ann", CANARY)}

    fetch(machine, shop.url, username="ann", token=CANARY)

    assert {name: text for name, text in release(machine).items() if name != ".gitmodules"} == {
        "app.py": "1", "vendor/lib/lib.py": "lib",
    }  # fmt: skip


def test_files_in_git_lfs_take_the_place_of_their_pointers(machine: JobMachine, server: GitServer) -> None:
    repository = server.repository("shop")
    large = server.keep_large(b"a large picture" * 1000)
    attributes = "*.png filter=lfs diff=lfs merge=lfs -text\n"
    repository.commit("First", {".gitattributes": attributes, "web/a.png": large, "web/note.txt": "version"})
    server.wants["shop"] = ("ann", CANARY)

    fetch(machine, repository.url, 1, username="ann", token=CANARY)

    assert release(machine)["web/a.png"] == "a large picture" * 1000
    assert release(machine)["web/note.txt"] == "version"


def test_a_file_in_git_lfs_that_is_another_or_missing_is_refused(users_machine: JobMachine, server: GitServer) -> None:
    repository = server.repository("shop")
    pointer = server.keep_large(b"a large picture")
    repository.commit("First", {".gitattributes": "*.png filter=lfs\n", "a.png": pointer})
    (oid,) = server.large
    server.large[oid] = b"a large pictura"
    other = why_not(users_machine, repository.url)
    server.large.clear()
    missing = why_not(users_machine, repository.url)

    assert other == "A file came from Git LFS that is not the one that the repository names."
    assert missing == "A file in Git LFS cannot be had: the server has it not."
    assert not (home(users_machine) / "releases" / "1").exists()


@pytest.mark.parametrize("target", ["/etc/passwd", "../../secret"])
def test_a_link_out_of_the_repository_is_refused(users_machine: JobMachine, server: GitServer, target: str) -> None:
    repository = server.repository("shop")
    repository.commit("First", {"a/link": f"-> {'../' if target.startswith('.') else ''}{target}"})

    assert why_not(users_machine, repository.url) == "The link “a/link” leads out of the repository."
    assert not (home(users_machine) / "releases" / "1").exists()


def test_what_a_repository_sets_runs_no_program(users_machine: JobMachine, server: GitServer, tmp_path: Path) -> None:
    repository = server.repository("shop")
    repository.commit(
        "First",
        {".gitattributes": "* filter=evil diff=evil\n", ".gitconfig": "[core]\n\tfsmonitor = touch /tmp/x\n", "a": "1"},
    )

    fetch(users_machine, repository.url)

    assert release(users_machine)["a"] == "1"


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c touch% /tmp/x", "file:///etc", "/srv/shop.git", "-oProxyCommand=x", "http://example.com/shop.git",
        "https://ann:secret@example.com/shop.git", "https://example.com/-x", "ssh://-oProxyCommand=x/shop",
        "git@host:-x", "https://example.com/a b", "https://example.com/../x", "git://example.com/x",
    ],
)  # fmt: skip
def test_an_address_of_another_kind_is_refused(users_machine: JobMachine, url: str) -> None:
    told = json.dumps({"url": url, **NOTHING}).encode() + b"\n"

    refused = users_machine.attempt("source-check", stdin=told)

    assert (refused.returncode, refused.stderr.decode().splitlines()) == (
        1,
        ["A repository has an address like https://host/path, ssh://git@host/path or git@host:path."],
    )


# Failures.


def test_an_unknown_branch_is_named_with_those_that_are_near(users_machine: JobMachine, server: GitServer) -> None:
    repository = server.repository("shop")
    repository.commit("First", {"app.py": "1"})
    repository.commit("Other", {"app.py": "2"}, branch="next")

    reason = why_not(users_machine, repository.url, ref="refs/heads/mian")

    assert reason == "There is no branch “mian” in the repository.\nHint: Did you mean main?"


def test_an_empty_repository_says_so(users_machine: JobMachine, server: GitServer) -> None:
    reason = why_not(users_machine, server.repository("shop").url)

    assert reason == "The repository is empty.\nHint: Push a commit to it, and deploy again."


def test_a_wrong_token_says_so(users_machine: JobMachine, server: GitServer) -> None:
    repository = server.repository("shop")
    repository.commit("First", {"app.py": "1"})
    server.wants["shop"] = ("ann", "right")

    reason = why_not(users_machine, repository.url, username="ann", token=CANARY)

    assert reason == (
        f"127.0.0.1 does not let us in to {repository.url}.\n"
        "Hint: Give a token that may read it, or add the deploy key to the repository."
    )


def test_no_repository_at_the_address_says_so(users_machine: JobMachine, server: GitServer) -> None:
    reason = why_not(users_machine, server.url("shop"))

    assert (
        reason.splitlines()[0] == f"There is no repository at {server.url('shop')}, or it does not show itself to us."
    )


def test_a_server_that_is_away_is_asked_again(users_machine: JobMachine, server: GitServer) -> None:
    repository = server.repository("shop")
    repository.commit("First", {"app.py": "1"})
    server.is_away = 1

    fetch(users_machine, repository.url)

    assert release(users_machine) == {"app.py": "1"}


def test_what_a_killed_fetch_left_is_no_hindrance(users_machine: JobMachine, server: GitServer) -> None:
    repository = server.repository("shop")
    repository.commit("First", {"app.py": "1"})
    fetch(users_machine, repository.url)
    source = home(users_machine) / "source" / "pack"
    (source / "tmp_pack_x").write_bytes(b"half")
    for pack in source.glob("*.pack"):
        pack.chmod(0o600)
        pack.write_bytes(b"")
    repository.commit("Second", {"app.py": "2"})

    fetch(users_machine, repository.url, 2)

    assert release(users_machine, 2) == {"app.py": "2"}
    assert not (source / "tmp_pack_x").exists()


# What stays for the next fetch.


def packs(machine: JobMachine) -> list[str]:
    return sorted(path.name for path in (home(machine) / "source").glob("pack/*.pack"))


def test_what_a_refused_repository_sent_is_gone(machine: JobMachine, server: GitServer) -> None:
    repository = server.repository("shop")
    repository.commit("First", {".gitattributes": "*.png filter=lfs\n", "app.py": "1"})
    fetch(machine, repository.url)
    repository.commit("Huge", {"a.png": server.keep_large(b"x").replace("size 1", f"size {3 * 1024**3}")})

    key = begin(machine, repository.url, 2)

    assert str(machine.finish(key)["reason"]).endswith("The files in Git LFS are larger than 2 GB.")
    assert not (home(machine) / "source").exists()
    repository.commit("Small", {"a.png": "x"})
    fetch(machine, repository.url, 3)
    assert (release(machine, 3)["a.png"], len(packs(machine))) == ("x", 1)


def test_a_file_in_git_lfs_of_a_refused_repository_is_gone(users_machine: JobMachine, server: GitServer) -> None:
    repository = server.repository("shop")
    good, bad = server.keep_large(b"a large picture"), server.keep_large(b"another")
    repository.commit("First", {".gitattributes": "*.png filter=lfs\n", "a.png": good, "b.png": bad})
    server.large[next(reversed(server.large))] = b"anothex"

    assert why_not(users_machine, repository.url) == (
        "A file came from Git LFS that is not the one that the repository names."
    )
    assert not (home(users_machine) / "source").exists()


def test_files_in_git_lfs_of_submodules_count_with_those_of_their_repository() -> None:
    url = expect_url("https://git.example/lib.git")
    of_repository, of_module = Pointer("a.png", "a" * 64, 2 * 1024**3), Pointer("lib/b.png", "b" * 64, 1)
    with pytest.raises(SystemExit, match="The files in Git LFS are larger than 2 GB"):
        fetch_files(NO_GIT, url, [of_module], of_all=[of_repository, of_module])


def test_no_submodule_is_fetched_before_what_came_was_measured() -> None:
    trees = all_trees(NO_GIT, expect_url("https://git.example/shop.git"), "a" * 40, with_modules=True)
    assert next(trees).folder == ""


def test_a_fetch_that_brings_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept(Premises(tmp_path, "shop", "production"))
    (kept.objects / "pack").mkdir(parents=True)
    (kept.objects / "pack" / "one.pack").write_bytes(b"x" * 100_000)
    kept.expect_bounded()
    monkeypatch.setattr(git_sources, "MOST_FETCHED", 50_000)
    with pytest.raises(SystemExit, match="The repository and its submodules bring more than 0 GB"):
        kept.expect_bounded()


@pytest.mark.parametrize(
    ("files", "size", "refused"),
    [(200_001, 0, "holds more than 200,000 files"), (1, 2 * 1024**3 + 1, "are larger than 2 GB")],
)
def test_files_of_a_repository_are_bounded(files: int, size: int, refused: str) -> None:
    git_fetch.expect_bounded(200_000, 2 * 1024**3)
    with pytest.raises(SystemExit, match=refused):
        git_fetch.expect_bounded(files, size)


def test_what_is_here_stays_when_nothing_could_be_fetched(users_machine: JobMachine, server: GitServer) -> None:
    repository = server.repository("shop")
    repository.commit("First", {"app.py": "1"})
    fetch(users_machine, repository.url)
    before = packs(users_machine)

    ended = users_machine.finish(begin(users_machine, repository.url, 2, ref="refs/heads/none"))

    assert (ended["exit_status"], packs(users_machine)) == (1, before)


def test_what_stays_is_taken_away_before_it_is_more_than_a_node_should_keep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Kept(Premises(tmp_path, "shop", "production"))
    (kept.objects / "lfs").mkdir(parents=True)
    (kept.objects / "lfs" / ("a" * 64)).write_bytes(b"x" * 100_000)
    monkeypatch.setattr(git_sources, "MOST_KEPT", 200_000)
    kept.make(pwd.getpwuid(os.geteuid()))
    assert kept.names() == {"a" * 64}

    (kept.objects / "lfs" / ("b" * 64)).write_bytes(b"x" * 100_000)
    kept.make(pwd.getpwuid(os.geteuid()))

    assert list(kept.objects.iterdir()) == []


def test_it_is_forgotten_when_asked_to_but_not_while_it_is_fetched(machine: JobMachine, server: GitServer) -> None:
    assert machine.attempt("source-forget", "shop", "production").returncode == 0
    repository = server.repository("shop")
    repository.commit("First", {"app.py": "1"})
    fetch(machine, repository.url)
    repository.commit("Second", {"app.py": "2"})
    server.answers.clear()
    asked = len(server.asked)
    key = begin(machine, repository.url, 2)
    wait_until(lambda: len(server.asked) > asked, what="a request")

    refused = machine.attempt("source-forget", "shop", "production")

    server.answers.set()
    assert (refused.returncode, refused.stderr) == (1, b"A fetch is under way.\n")
    assert machine.finish(key)["exit_status"] == 0
    assert machine.attempt("source-forget", "shop", "production").returncode == 0
    assert not (home(machine) / "source").exists()
    fetch(machine, repository.url, 3)
    assert release(machine, 3) == {"app.py": "2"}


@pytest.mark.parametrize("end", ["cancelled", "killed"])
def test_a_fetch_that_was_ended_leaves_no_credential_and_can_be_said_again(
    machine: JobMachine, server: GitServer, end: str
) -> None:
    repository = server.repository("shop")
    repository.commit("First", {"app.py": "1"})
    server.wants["shop"] = ("ann", CANARY)
    given = {"username": "ann", "token": CANARY}
    server.answers.clear()
    key = begin(machine, repository.url, 1, **given)
    wait_until(lambda: bool(server.asked), what="a request")
    if end == "killed":
        os.kill(machine.watcher(key), signal.SIGKILL)
    assert machine.ask("job-cancel", key)["state"] in {"cancelled", "lost"}
    server.answers.set()

    fetch(machine, repository.url, 1, **given)

    assert release(machine) == {"app.py": "1"}
    assert where_is(CANARY, machine) == ""


@needs_root
def test_the_app_itself_cannot_look_into_what_fetches_for_it(roots_machine: JobMachine, server: GitServer) -> None:
    repository = server.repository("shop")
    repository.commit("First", {"app.py": "1"})
    server.answers.clear()
    key = begin(roots_machine, repository.url, username="ann", token=CANARY)
    wait_until(lambda: bool(server.asked), what="a request")
    account = pwd.getpwnam(account_name(roots_machine.root / "node", "shop", "production"))
    theirs = [one for one in processes_of(account.pw_uid) if "git" in one.read_text()]

    tried = subprocess.run(
        [
            "cat",
            *(f"{one.parent}/{name}" for one in theirs for name in ("environ", "root/run/bakery/source/credential")),
        ],
        user=account.pw_uid,
        group=account.pw_gid,
        extra_groups=[],
        check=False,
        capture_output=True,
        text=True,
    )

    server.answers.set()
    assert theirs
    assert tried.stdout == ""
    assert tried.stderr.count("Permission denied") == 2 * len(theirs)
    assert roots_machine.finish(key)["exit_status"] == 0


def processes_of(user: int) -> Iterator[Path]:
    """What the kernel says of their names."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError):
            if entry.stat().st_uid == user:
                yield entry / "comm"


# Looking at a server.


def test_a_check_says_which_branches_there_are(machine: JobMachine, server: GitServer) -> None:
    repository = server.repository("shop")
    repository.commit("First", {"app.py": "1"})
    repository.commit("Other", {"app.py": "2"}, branch="feature/cart")

    told = json.dumps({"url": repository.url, **NOTHING}).encode() + b"\n"

    assert machine.ask("source-check", stdin=told) == {
        "branches": ["feature/cart", "main"], "default": "main", "host_keys": [],
    }  # fmt: skip


def test_a_branch_is_seen_where_it_is(machine: JobMachine, server: GitServer) -> None:
    repository = server.repository("shop")
    commit = repository.commit("First", {"app.py": "1"})
    repository.commit("Other", {"app.py": "2"}, branch="main-2")

    def ask(branch: str) -> dict[str, object]:
        told = json.dumps({"url": repository.url, "branch": branch, **NOTHING}).encode() + b"\n"
        return machine.ask("source-head", stdin=told)

    assert ask("main") == {"commit": commit}
    assert ask("mai") == {"commit": None}
    told = json.dumps({"url": repository.url, "branch": "--upload-pack=x", **NOTHING}).encode() + b"\n"
    assert machine.attempt("source-head", stdin=told).returncode == 1


def test_a_check_of_a_private_repository_needs_its_token(users_machine: JobMachine, server: GitServer) -> None:
    repository = server.repository("shop")
    repository.commit("First", {"app.py": "1"})
    server.wants["shop"] = ("ann", CANARY)
    url: dict[str, object] = {"url": repository.url}

    refused = users_machine.attempt("source-check", stdin=json.dumps({**url, **NOTHING}).encode() + b"\n")
    told = {**url, **NOTHING, "username": "ann", "token": CANARY}
    found = users_machine.ask("source-check", stdin=json.dumps(told).encode() + b"\n")

    assert (refused.returncode, refused.stderr.decode().splitlines()[0]) == (
        1,
        f"127.0.0.1 does not let us in to {repository.url}.",
    )
    assert cast("list[str]", found["branches"]) == ["main"]
