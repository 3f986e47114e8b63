"""Fetching a commit, and the submodules that belong to it, into an environment's store of objects."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator

from bakery.helper.git_program import Git
from bakery.helper.git_urls import COMMIT, Url, short
from bakery.helper.git_words import AWAY, MISSING, explain, meaning, plain, tell, unknown_branch
from bakery.helper.words import hinted

FETCHED, KNOWN = "refs/bakery/fetched", "refs/bakery/known"
PAUSES = (1.0, 3.0)  # seconds before a server that did not answer is asked again
MOST_MODULES, DEEPEST = 100, 5
MOST_FILES, MOST_BYTES = 200_000, 2 * 1024**3
LONGEST_TITLE = 200
MODULE = "160000"


class Fetched:
    """A tree that is here: of the commit, below a folder of the release; the top's is empty."""

    def __init__(self, folder: str, commit: str, url: Url) -> None:
        self.folder, self.commit, self.url = folder, commit, url


def fetch(git: Git, ref: str) -> dict[str, object]:
    """The commit that is now here, with all its files: what people want to know of it."""
    bring(git, git.url, ref)
    return describe(git, ref)


def bring(git: Git, url: Url, ref: str) -> None:
    """What it names is FETCHED then."""
    target = f"+{ref}:{FETCHED}"
    done = git.call(*fetching("--depth=1"), "--", url.text, target, url=url)
    for pause in PAUSES:
        if done.status == 0 or meaning(done.errors) != AWAY:
            break
        tell(f"{url.host} did not answer; trying again.")
        time.sleep(pause)
        done = git.call(*fetching("--depth=1"), "--", url.text, target, url=url)
    if done.status and COMMIT.fullmatch(ref):  # a server may give commits only with the branches that hold them
        every = git.call(*fetching(), "--", url.text, "+refs/heads/*:refs/bakery/heads/*", url=url)
        held = every.status == 0 and git.call("update-ref", FETCHED, ref).status == 0
        done = every if held else done
    if done.status:
        refuse(git, url, ref, done.errors)


def fetching(*more: str) -> tuple[str, ...]:
    return (
        "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-auto-maintenance", "--no-write-fetch-head",
        "--force", *more,
    )  # fmt: skip


def refuse(git: Git, url: Url, ref: str, errors: str) -> None:
    """Never returns."""
    if meaning(errors) == MISSING and (ref == "HEAD" or ref.startswith("refs/heads/")):
        listed = list_branches(git, url)
        sys.exit(unknown_branch(short(ref), listed.names))
    sys.exit(explain(errors, url=url.text, host=url.host, ref=short(ref)))


class Branches:
    def __init__(self, lines: list[str]) -> None:
        """As `ls-remote --symref` prints them."""
        self.names: list[str] = []
        self.default: str | None = None
        for line in lines:
            what, _, name = line.partition("\t")
            if what.startswith("ref: refs/heads/") and name == "HEAD":
                self.default = what[len("ref: refs/heads/") :]
            elif name.startswith("refs/heads/"):
                self.names.append(name[len("refs/heads/") :])


def list_branches(git: Git, url: Url) -> Branches:
    done = git.call("ls-remote", "--symref", "--", url.text, "HEAD", "refs/heads/*", url=url)
    if done.status:
        sys.exit(explain(done.errors, url=url.text, host=url.host, ref="HEAD"))
    return Branches(done.lines)


def head_of(git: Git, url: Url, ref: str) -> str | None:
    """None: its server has no such ref."""
    done = git.call("ls-remote", "--", url.text, ref, url=url)
    if done.status:
        sys.exit(explain(done.errors, url=url.text, host=url.host, ref=short(ref)))
    commits = [commit for commit, _, name in (line.partition("\t") for line in done.lines) if name == ref]
    return commits[0] if commits and COMMIT.fullmatch(commits[0]) else None


def describe(git: Git, ref: str) -> dict[str, object]:
    shown = git.call(
        "show", "--no-patch", "--no-mailmap", "--no-notes", "--format=%H%x00%s%x00%an%x00%cI", f"{FETCHED}^{{commit}}"
    )
    parts = shown.output.decode(errors="replace").rstrip("\n").split("\0")
    if shown.status or not COMMIT.fullmatch(parts[0]):
        sys.exit(f"{short(ref)} names no commit.")
    if len(parts) != 4:
        sys.exit(f"The commit {parts[0][:7]} cannot be read: {plain(shown.errors)}")
    commit, title, author, when = map(plain, parts)
    return {"commit": commit, "title": title[:LONGEST_TITLE], "author": author[:LONGEST_TITLE], "committed_at": when}


def measure(git: Git, commit: str) -> tuple[int, int]:
    """How many files, and bytes of them, its tree has."""
    entries = tree_of(git, commit)
    return len(entries), sum(int(one[2]) for one in entries if one[2].isdigit())


def expect_bounded(files: int, size: int) -> None:
    """Of a repository with all its submodules, as far as they came."""
    if files > MOST_FILES:
        sys.exit(f"The repository holds more than {MOST_FILES:,} files.")
    if size > MOST_BYTES:
        sys.exit(f"The files of the repository are larger than {MOST_BYTES // 1024**3} GB.")


def tree_of(git: Git, commit: str) -> list[tuple[str, str, str, str]]:
    """Each entry's mode, object, size and path. Asked for again and again, git lists it once."""
    if commit not in git.trees:
        git.trees[commit] = list_tree(git, commit)
    return git.trees[commit]


def list_tree(git: Git, commit: str) -> list[tuple[str, str, str, str]]:
    done = git.call("ls-tree", "-r", "-l", "-z", "--full-tree", commit)
    if done.status:
        sys.exit(f"The files of {commit[:7]} cannot be listed: {plain(done.errors)}")
    found = []
    for entry in filter(None, done.output.split(b"\0")):
        about, _, path = entry.partition(b"\t")
        mode, _, name, size = about.decode().split()
        found.append((mode, name, size, path.decode(errors="surrogateescape")))
    return found


# Submodules.


def fetch_modules(git: Git, url: Url, commit: str, *, folder: str = "", depth: int = 0) -> Iterator[Fetched]:
    """Those of a commit, and theirs: each from its own server, which hears of our credential only when it is ours. One
    comes when it is asked for."""
    wanted = [(path, name) for mode, name, _, path in tree_of(git, commit) if mode == MODULE]
    if not wanted:
        return
    if depth == DEEPEST or len(wanted) > MOST_MODULES:
        sys.exit("The repository has more submodules than Bakery fetches.")
    urls = urls_of_modules(git, commit)
    for path, name in wanted:
        if path not in urls:
            tell(f"The submodule {plain(path)} has no address in .gitmodules, and stays empty.")
            continue
        where = url.beside(urls[path]).through(git.url)
        tell(f"Fetching the submodule {plain(path)} of {where.text}")
        fetch_module(git, where, name, path)
        below = f"{folder}{path}/"
        yield Fetched(below, name, where)
        yield from fetch_modules(git, where, name, folder=below, depth=depth + 1)


def fetch_module(git: Git, url: Url, commit: str, path: str) -> None:
    try:
        bring(git, url, commit)
    except SystemExit as refused:
        sentence, _, hint = str(refused).partition("\nHint: ")
        raise SystemExit(hinted(f"The submodule {plain(path)} is missing. {sentence}", hint)) from None


def urls_of_modules(git: Git, commit: str) -> dict[str, str]:
    """By path."""
    done = git.call("config", "--blob", f"{commit}:.gitmodules", "--null", "--list")
    paths: dict[str, str] = {}
    urls: dict[str, str] = {}
    for entry in done.output.decode(errors="surrogateescape").split("\0"):
        key, _, value = entry.partition("\n")
        found = re.fullmatch(r"submodule\.(.+)\.(path|url)", key, re.DOTALL)
        if found:
            (paths if found[2] == "path" else urls)[found[1]] = value
    return {path: urls[name] for name, path in paths.items() if name in urls}
