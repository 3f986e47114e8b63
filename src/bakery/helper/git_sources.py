"""Sources that are kept in Git: an environment's releases, made of commits.

    source-fetch KEY [--follow]       takes what to fetch as a line of JSON (see FETCH), and makes a job of it: when it
                                      has ended well, the release's folder holds the commit's files
    source-look APP ENVIRONMENT NUMBER
                                      prints of which commit a release was made
    source-check                      takes an address as a line of JSON (see CHECK); prints the branches that are there
    source-forget APP ENVIRONMENT     takes away what is kept of fetches for the next one, unless one is under way
    source-head                       takes an address and a branch as a line of JSON (see HEAD); prints its commit

A job of these is one like any other, for the verbs of `job`. Its program is this helper's own, as root; all that has to
do with a server, it does as the environment's account. What was fetched stays in the environment's home, so that the
next commit comes fast; credentials rest in memory, where none of the account's other processes sees them, while git
speaks to the server.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from bakery.helper.accounts import AGENT, account_of, ensure_account
from bakery.helper.files import remove_tree, sync_folder, write_over
from bakery.helper.git_fetch import (
    KNOWN,
    Fetched,
    expect_bounded,
    fetch,
    fetch_modules,
    head_of,
    list_branches,
    measure,
)
from bakery.helper.git_lfs import FOLDER, Pointer, find_pointers
from bakery.helper.git_program import Credentials, Git
from bakery.helper.git_tree import Writer
from bakery.helper.git_urls import COMMIT, Url, expect_url, is_ref, short
from bakery.helper.git_words import tell
from bakery.helper.job import KEY, LONGEST_JOB, Job, Work
from bakery.helper.jobs import start_job
from bakery.helper.names import APP, PLACE, RELEASE, WORD, Premises
from bakery.helper.premises import make
from bakery.helper.private_folder import private_folder
from bakery.helper.releases import as_account, making
from bakery.helper.sizes import sizes
from bakery.helper.verbs import Verb
from bakery.helper.words import is_text, say, told_object, whole_number

FETCH = {
    "app", "environment", "number", "url", "ref", "username", "token", "private_key", "host_keys", "submodules",
    "for_visitors", "memory_bytes", "seconds", "log_bytes",
}  # fmt: skip
CHECK = {"url", "username", "token", "private_key", "host_keys"}
HEAD = {*CHECK, "branch"}
HIGHEST_RELEASE = 9_999_999_999
PRIVATE = Path("/run/bakery/source")
ROOM = "64m"
LONGEST_KEY = 20_000
MOST_PACKS = 40  # fetched one by one; then all is fetched anew, as one
MOST_KEPT = 4 * 1024**3  # bytes of one environment; likewise
MOST_FETCHED = 2 * MOST_KEPT  # with what one fetch brings
MOST_BRANCHES = 500
LONGEST_NOTE = 280
HOST_KEY = re.compile(r"[A-Za-z0-9.\[\]:,-]{1,300} (?:ssh|ecdsa|sk)-[a-z0-9@.-]{1,60} [A-Za-z0-9+/=]{16,4000}")


class FetchWork(Work):
    """A job whose program is ours."""

    def __init__(self, text: bytes) -> None:
        told = json.loads(text)
        self.argv, self.own = [], work
        self.stdin = text
        self.account = pwd.getpwuid(os.geteuid())
        self.environment: dict[str, str] = {}
        self.folder = "/"
        self.memory_bytes, self.cpu_percent = told["told"]["memory_bytes"], None
        self.seconds, self.log_bytes = told["told"]["seconds"], told["told"]["log_bytes"]


class Kept:
    """What of an environment's fetches stays: objects, which its account owns, and root's notes about them."""

    def __init__(self, premises: Premises) -> None:
        self.objects = premises.source
        self.notes = premises.home / "fetched"
        self.shallow, self.tip = self.notes / "shallow", self.notes / "tip"

    def note(self, number: object) -> Path:
        return self.notes / str(number)

    def make(self, account: pwd.struct_passwd) -> None:
        self.notes.mkdir(mode=0o700, exist_ok=True)
        if len(list_names(self.objects / "pack", ".pack")) > MOST_PACKS or self.bytes() > MOST_KEPT:
            self.forget()
        if not self.objects.exists():
            self.objects.mkdir(mode=0o700)
            if os.geteuid() == 0:
                os.chown(self.objects, account.pw_uid, account.pw_gid)

    def bytes(self) -> int:
        found = sizes([self.objects])
        if not found and self.objects.exists():
            sys.exit("How much is kept of this repository could not be counted in time.")
        return found.get(str(self.objects), 0)

    def expect_bounded(self) -> None:
        """A server may send what is in no commit that was asked for."""
        if self.bytes() > MOST_FETCHED:
            sys.exit(f"The repository and its submodules bring more than {MOST_FETCHED // 1024**3} GB.")

    def names(self) -> set[str]:
        """Each is of something that came once."""
        return {*list_names(self.objects / "pack", ""), *list_names(self.objects / FOLDER, "")}

    @contextlib.contextmanager
    def forgotten_if_refused(self) -> Iterator[None]:
        """What a repository sends that is refused would be there for good, and more of it with the next one."""
        before = self.names()
        try:
            yield
        except BaseException:
            if self.names() != before:
                self.forget()
            raise

    def forget(self) -> None:
        """The notes first: of half of it nothing may be said to be there."""
        for path in (self.tip, self.shallow):
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
        remove_tree(self.objects)


# The verbs.


def start_fetch(root: Path, key: str, *follows: str) -> None:
    told = told_object(FETCH, what="The fetch")
    for name, pattern in (("app", APP), ("environment", WORD)):
        value = told[name]
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            sys.exit(f"{name} has to be the name of one.")
    whole_number(told, "number", 1, HIGHEST_RELEASE)
    told_server(told)
    if not is_ref(told["ref"]):
        sys.exit("ref has to be HEAD, a whole name like refs/heads/main, or a commit.")
    if not all(isinstance(told[name], bool) for name in ("submodules", "for_visitors")):
        sys.exit("submodules and for_visitors have to be true or false.")
    for name, least, most in (("seconds", 1, LONGEST_JOB), ("log_bytes", 0, 2**50)):
        whole_number(told, name, least, most)
    if told["memory_bytes"] is not None:
        whole_number(told, "memory_bytes", 16 * 1024**2, 2**50)
    work = FetchWork(json.dumps({"root": str(root), "key": key, "told": told}).encode())
    start_job(Job(root, key), work, *follows)


def look(root: Path, app: str, environment: str, number: str) -> None:
    note = Kept(Premises(root, app, environment)).note(number)
    if not note.exists():
        sys.exit(f"Release #{number} was made of no commit here.")
    say(json.loads(note.read_text()))


def forget(root: Path, app: str, environment: str) -> None:
    premises = Premises(root, app, environment)
    if premises.source.is_dir():
        with taking_turns(premises, waits=False):
            Kept(premises).forget()


def check(_root: Path) -> None:
    told = told_object(CHECK, what="The address")
    with asking(told) as (git, url):
        found = list_branches(git, url)
        known = [line for line in git.known_hosts() if HOST_KEY.fullmatch(line)]
    names = [name for name in found.names if is_ref(f"refs/heads/{name}") and is_text(name)]
    say({"branches": names[:MOST_BRANCHES], "default": found.default if found.default in names else None,
         "host_keys": known})  # fmt: skip


def head(_root: Path) -> None:
    """Null: there is no such branch."""
    told = told_object(HEAD, what="The branch")
    ref = f"refs/heads/{told['branch']}"
    if not is_text(told["branch"]) or not is_ref(ref):
        sys.exit("branch has to be the name of one.")
    with asking(told) as (git, url):
        say({"commit": head_of(git, url, ref)})


@contextlib.contextmanager
def asking(told: dict[str, object]) -> Iterator[tuple[Git, Url]]:
    """A server, as nobody who has anything here."""
    url = told_server(told)
    ensure_account(AGENT)
    credentials = Credentials(told)
    with private_folder(PRIVATE, size=ROOM) as private:
        learns = url.scheme == "ssh" and not credentials.host_keys
        yield Git(account_of(None), private.path, credentials, url, key="", objects=None, learns=learns), url


def work(_root: Path) -> None:
    """The job's program. Why it failed is kept with how it ended."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    given = json.loads(sys.stdin.buffer.read())
    root, key, told = Path(given["root"]), given["key"], given["told"]
    try:
        fetch_release(root, key, told)
    except SystemExit as refused:
        if isinstance(refused.code, str):
            write_over(Job(root, key).note, cut(refused.code).encode())
        raise


def cut(text: str) -> str:
    """The hint goes before the sentence is cut."""
    sentence = text.partition("\n")[0]
    return text if len(text) <= LONGEST_NOTE else sentence[:LONGEST_NOTE]


# What the caller says.


def told_server(told: dict[str, object]) -> Url:
    if not is_text(told["url"]):
        sys.exit("url has to be a text.")
    url = expect_url(str(told["url"]))
    if (told["username"] is None) != (told["token"] is None):
        sys.exit("A token comes with the name of a user.")
    for name in ("username", "token"):
        value = told[name]
        if value is not None and not (
            is_text(value) and 0 < len(str(value)) <= LONGEST_KEY and is_one_line(str(value))
        ):
            sys.exit(f"{name} has to be a line of text.")
    if told["token"] is not None and url.scheme == "ssh":
        sys.exit("A token is for an https address; ssh takes a key.")
    key = told["private_key"]
    if key is not None and not (is_text(key) and str(key).startswith("-----BEGIN ") and len(str(key)) <= LONGEST_KEY):
        sys.exit("private_key has to be one as ssh-keygen writes it.")
    lines = told["host_keys"]
    if not isinstance(lines, list) or len(lines) > 20 or not all(map(is_host_key, lines)):
        sys.exit("host_keys has to be a list of lines as of known_hosts.")
    return url


def is_one_line(text: str) -> bool:
    return not re.search(r"[\r\n]", text)


def is_host_key(line: object) -> bool:
    return isinstance(line, str) and HOST_KEY.fullmatch(line) is not None


# Fetching.


def fetch_release(root: Path, key: str, told: dict[str, object]) -> None:
    app, environment, number = str(told["app"]), str(told["environment"]), str(told["number"])
    make(root, app, environment)
    premises = Premises(root, app, environment)
    account = account_of(premises.account) if os.geteuid() == 0 else account_of(None)
    kept = Kept(premises)
    with taking_turns(premises):
        if (premises.releases / number).exists() and kept.note(number).exists():
            tell("It is fetched already.")
            return
        kept.make(account)
        with private_folder(PRIVATE, size=ROOM) as private:
            with kept.forgotten_if_refused():
                about, trees, pointers = bring(private.path, kept, account, key, told)
            writer = Writer(private.path / "tree", (account.pw_uid, account.pw_gid), key=key)
            with making(root, app, environment, number, mode=0o755 if told["for_visitors"] else 0o750) as making_it:
                if making_it is not None:
                    owner, folder = making_it
                    ways = private.show("release", folder), private.show("objects", kept.objects)
                    as_account(owner, folder, lambda: writer.write(*ways, trees, pointers))
                note = {**about, "ref": told["ref"]}
                write_over(kept.note(number), json.dumps(note).encode())
                sync_folder(kept.notes)


def bring(
    private: Path, kept: Kept, account: pwd.struct_passwd, key: str, told: dict[str, object]
) -> tuple[dict[str, object], list[Fetched], list[Pointer]]:
    """The commit, and it with its submodules and with what is in Git LFS. When this returns, git has no credential any
    more."""
    url, ref = expect_url(str(told["url"])), str(told["ref"])
    git = Git(account, private, Credentials(told), url, key=key, objects=kept.objects)
    begin_with(git, kept)
    tell(f"Fetching {short(ref)} of {url.text}")
    about = fetch(git, ref)
    commit = str(about["commit"])
    files = size = 0
    trees: list[Fetched] = []
    for one in all_trees(git, url, commit, with_modules=bool(told["submodules"])):
        some, some_size = measure(git, one.commit)
        files, size = files + some, size + some_size
        expect_bounded(files, size)
        kept.expect_bounded()
        trees.append(one)
    pointers: list[Pointer] = []
    for one in trees:
        found = find_pointers(git, one)
        if found:
            from bakery.helper.git_lfs_server import fetch_files  # noqa: PLC0415 - it takes long to load, and few need it

            pointers += found
            fetch_files(git, one.url, found, of_all=pointers)
    git.forget_credentials()
    keep(git, kept, commit)
    size += sum(one.size for one in pointers)
    tell(f"{files} {'file' if files == 1 else 'files'}, {size / 1024:,.0f} kB.")
    return about, trees, pointers


def all_trees(git: Git, url: Url, commit: str, *, with_modules: bool) -> Iterator[Fetched]:
    yield Fetched("", commit, url)
    if with_modules:
        yield from fetch_modules(git, url, commit)


def begin_with(git: Git, kept: Kept) -> None:
    """What came before is named, so that only what is new has to come. What an ended fetch left half is away."""
    for name in list_names(kept.objects / "pack", ""):
        if name.startswith("tmp_"):
            kept.forget()
            kept.make(git.account)
            return
    if not (kept.tip.exists() and kept.shallow.exists()):
        return
    tip = kept.tip.read_text()
    git.place_shallow(kept.shallow.read_text())
    if not COMMIT.fullmatch(tip) or git.call("update-ref", KNOWN, tip).status:
        kept.forget()
        kept.make(git.account)
        git.place_shallow("")


def keep(git: Git, kept: Kept, commit: str) -> None:
    write_over(kept.shallow, git.shallow().encode())
    write_over(kept.tip, commit.encode())


def list_names(folder: Path, end: str) -> list[str]:
    return [entry.name for entry in folder.iterdir() if entry.name.endswith(end)] if folder.is_dir() else []


@contextlib.contextmanager
def taking_turns(premises: Premises, *, waits: bool = True) -> Iterator[None]:
    """Fetches of one environment."""
    lock = os.open(premises.home / "fetch.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX if waits else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("A fetch is under way.")
        yield
    finally:
        os.close(lock)


VERBS = {
    "fetch": Verb(start_fetch, f"{KEY}(\0--follow)?"),
    "look": Verb(look, f"{PLACE}\0{RELEASE}"),
    "forget": Verb(forget, PLACE),
    "check": Verb(check),
    "head": Verb(head),
}
