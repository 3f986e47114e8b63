"""The files of sites, and changing what nginx reads: of one site at a time, whole or not at all.

A site is tested in its place, for nginx tests only what it reads. Until then the old file waits beside it, as
NAME.conf.before, which is empty where there was none. What the node knows of a switch is its marker, FOLDER/sites/
NAME.json; that of one under way lies beside it as NAME.json.next, and its renaming is the moment that decides:

    .before and .next       nothing is decided: the old file is put back
    .before and a marker    it is decided: nginx has to take up what stands there, if it has not yet
    .before alone           of an older Bakery, or no app's: it stays when it passes nginx's test

Pages and passwords that a site has lie beside it as NAME.HASH.html and NAME.HASH.users, written before it and removed
when neither it nor an old file refers to them.

A marker's generation only grows. Who comes with an older one, as a Bakery that was away, changes nothing any more.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bakery.helper.files import let_group_read, make_folder, replace_with, write_beside
from bakery.helper.nginx import Nginx
from bakery.helper.nginx_seal import sealed
from bakery.helper.site_options_text import SiteFiles
from bakery.helper.words import hinted

MARKED = {"generation", "release", "slot", "port"}
LONGEST_TURN = 30.0
AS_BEFORE = "All sites are as they were before. If the line above is in a file of your own, correct it there."


class Site:
    """The files of one site."""

    def __init__(self, root: Path, nginx: Nginx, name: str) -> None:
        self.name = name
        self.conf = nginx.sites / f"{name}.conf"
        self.before = nginx.sites / f"{name}.conf.before"
        self.marker = root / "sites" / f"{name}.json"
        self.next = root / "sites" / f"{name}.json.next"

    def marked(self) -> dict[str, object] | None:
        """That of a site which is gone says nothing any more."""
        if not self.conf.exists():
            return None
        try:
            found = json.loads(self.marker.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError:
            found = None
        if not isinstance(found, dict) or set(found) != MARKED:
            sys.exit(hinted(f"{self.marker} is damaged.", "Remove it, then deploy again."))
        return found

    def put(self, text: str) -> None:
        """The old file is kept beside it first."""
        if self.conf.exists():
            os.link(self.conf, self.before)
        else:
            self.before.touch(mode=0o644)
        replace_with(self.conf, sealed(text))

    def has(self, text: str) -> bool:
        """As it is put, or was by an older Bakery."""
        return self.conf.exists() and self.conf.read_text() in {text, sealed(text)}

    def put_back(self) -> None:
        """Nothing was changed yet where no old file was kept."""
        if self.before.exists():
            if self.before.stat().st_size:
                self.before.replace(self.conf)  # of two names of one file it removes none
            else:
                self.conf.unlink(missing_ok=True)
            self.before.unlink(missing_ok=True)
        self.conf.with_name(f"{self.conf.name}.new").unlink(missing_ok=True)
        self.next.unlink(missing_ok=True)
        self.tidy()

    def put_files(self, files: SiteFiles, nginx: Nginx) -> None:
        """What its text refers to. Those of the old text stay beside them."""
        for name, content in files.open.items():
            replace_with(self.conf.with_name(name), content)
        for name, content in files.closed.items():
            self.put_closed(name, content, nginx)

    def put_closed(self, name: str, content: str, nginx: Nginx) -> None:
        path = self.conf.with_name(name)
        aside = write_beside(path, content, mode=0o600)
        if os.geteuid() == 0:
            let_group_read(aside, nginx.workers_group)
        aside.replace(path)

    def tidy(self) -> None:
        """Of what lies beside it, it keeps what its text refers to."""
        text = self.conf.read_text() if self.conf.exists() else ""
        for kind in ("html", "users"):
            for path in self.conf.parent.glob(f"{self.name}.*.{kind}"):
                if f"/{path.name}" not in text:
                    path.unlink()


@contextlib.contextmanager
def undone_by_faults(site: Site) -> Iterator[None]:
    """A disk that is full leaves no more behind than a refusal does."""
    try:
        yield
    except OSError:
        site.put_back()
        raise


@contextlib.contextmanager
def taking_turns(root: Path) -> Iterator[None]:
    """One changes sites at a time, whichever Bakery asks."""
    folder = root / "sites"
    make_folder(folder, 0o700)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + LONGEST_TURN
    while not is_locked(lock):
        if time.monotonic() > deadline:
            sys.exit("Somebody else has been changing sites here for too long.")
        time.sleep(0.002)
    try:
        yield
    finally:
        os.close(lock)


def is_locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def settle(root: Path, nginx: Nginx) -> None:
    """What others left half done, who were killed."""
    found = sorted(nginx.sites.glob("*.conf.before"))
    sites = [Site(root, nginx, before.name[: -len(".conf.before")]) for before in found]
    for site in sites:
        if site.next.exists() or (not site.marker.exists() and nginx.complaint()):
            site.put_back()
    for unfinished in [*nginx.sites.glob("*.new"), *(root / "sites").glob("*.json.next")]:
        unfinished.unlink()
    if sites:
        expect_good(nginx)
        nginx.take_up()
    for site in sites:
        site.before.unlink(missing_ok=True)


def take_away(site: Site, nginx: Nginx) -> None:
    """Harmless when it is not there."""
    if site.conf.exists():
        site.conf.replace(site.before)
        if nginx.workers():
            expect_good(nginx)
            nginx.take_up()
        site.before.unlink()


def refuse_bad(site: Site, nginx: Nginx) -> None:
    complaint = nginx.complaint()
    if complaint:
        site.put_back()
        sys.exit(hinted(f"nginx refused the site {site.name}: {complaint}", AS_BEFORE))


def expect_good(nginx: Nginx) -> None:
    complaint = nginx.complaint()
    if complaint:
        refuse_all(complaint)


def refuse_all(complaint: str) -> None:
    sys.exit(hinted(f"nginx cannot use its configuration: {complaint}", "Correct that line, then do this again."))
