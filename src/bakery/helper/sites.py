"""Sites: host names whose requests nginx sends to an app, or answers with files. One an environment.

    site-ensure                   puts all in place that nginx needs, and starts it; prints notes
    site-apply APP ENVIRONMENT    takes the site as a line of JSON (see told_site), and returns when it answers;
                                  with is_refresh only a site that leads to the same, which stays what it was
    site-remove APP ENVIRONMENT   harmless when there is none
    site-show APP ENVIRONMENT     prints what was switched to last

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
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bakery.helper.certificate_files import NAME, Certificates, covers, make_nameless
from bakery.helper.files import let_group_read, make_folder, replace_with, sync_folder, write_beside, write_over
from bakery.helper.names import COLOUR, PLACE, Premises
from bakery.helper.nginx import HIGHEST_PORT, Nginx
from bakery.helper.nginx_text import (
    AccessLog,
    Listen,
    Place,
    SiteText,
    Tls,
    complaint_in,
    files_read,
    foreign_default_servers,
    has_server,
    render_catch_all,
    render_catch_all_tls,
    render_proxy,
    render_static,
)
from bakery.helper.site_options import told_options
from bakery.helper.site_options_text import SiteFiles, site_text
from bakery.helper.verbs import Verb
from bakery.helper.words import hinted, say, told_object, whole_number

FIELDS = {"hosts", "port", "folder", "generation", "release", "slot", "listen"}
OPTIONAL = frozenset({"is_refresh", "options", "listen_tls", "certificates"})
MARKED = {"generation", "release", "slot", "port"}
HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
ANY_BELOW = re.compile(r"\*\.(.+\..+)")
MOST_HOSTS = 200
APP_PORTS = (20000, 29999)
HIGHEST_NUMBER = 2**53
LONGEST_TURN = 30.0
CATCH_ALL, CATCH_ALL_TLS = "00-catch-all", "00-catch-all-tls"  # no app's name begins with a digit
MOST_CERTIFICATES = 50
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
        replace_with(self.conf, text)

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


# The verbs.


def ensure(root: Path) -> None:
    told = told_object({"listen"}, what="nginx", may=frozenset({"listen_tls"}))
    nginx = Nginx(root, told["listen"], told.get("listen_tls"))
    nginx.listening()
    Certificates(root).prepare()
    with taking_turns(root):
        nginx.prepare()
        settle(root, nginx)
        notes = place_catch_all(root, nginx)
        nginx.take_up()
    say({"notes": notes})


def apply(root: Path, app: str, environment: str) -> None:
    name = f"{app}-{environment}"
    told = told_object(FIELDS, what="The site", may=OPTIONAL)
    nginx = Nginx(root, told["listen"], told.get("listen_tls"))
    marker = told_marker(told)
    log = AccessLog(nginx.logs, whole_number(told, "release", 0, HIGHEST_NUMBER), told_slot(told))
    files = SiteFiles(nginx.sites, name)
    hosts, options, named = told_hosts(told["hosts"]), told_options(told.get("options")), told_certificates(told)
    site = Site(root, nginx, name)
    with taking_turns(root):
        if not nginx.settings.exists():
            nginx.prepare()
        settle(root, nginx)
        if told.get("is_refresh") is True:
            old = site.marked()
            if not leads_to_the_same(old, marker):
                say(shown(site))
                return
            marker = old or marker
        expect_newest(site, marker)
        tls = Tls(
            nginx.listen_tls if named and has_tls_port(root, nginx) else None,
            certificates_for(root, named, hosts),
            is_forced=options.force_https,
            hsts_days=options.hsts_days,
        )
        at = Place(nginx.listening(), log, Certificates(root).webroot, tls)
        premises, said = Premises(root, app, environment), site_text(options, hosts, files)
        text = told_site(told, said, name, at, premises, is_machines=nginx.is_machines)
        with undone_by_faults(site):
            nginx.make_log(f"{name}.access.json")
            write_over(site.next, json.dumps(marker).encode())
            site.put_files(files, nginx)
            site.put(text)
            refuse_bad(site, nginx)
            sync_folder(nginx.sites)
            site.next.replace(site.marker)
        sync_folder(site.marker.parent)
        nginx.take_up()
        site.before.unlink()
        site.tidy()
        answer = shown(site)
    say(answer)


def remove(root: Path, app: str, environment: str) -> None:
    nginx = Nginx(root)
    site = Site(root, nginx, f"{app}-{environment}")
    with taking_turns(root):
        settle(root, nginx)
        if site.conf.exists():
            site.conf.replace(site.before)
            if nginx.workers():
                expect_good(nginx)
                nginx.take_up()
            site.before.unlink()
        site.tidy()
        site.marker.unlink(missing_ok=True)


def show(root: Path, app: str, environment: str) -> None:
    """A switch that is under way ends first, whoever asked for it."""
    with taking_turns(root):
        say(shown(Site(root, Nginx(root), f"{app}-{environment}")))


def shown(site: Site) -> dict[str, object]:
    marker = site.marked()
    return {"site": None if marker is None else {**marker, "is_taken_up": not site.before.exists()}}


# What the caller says.


def told_site(
    told: dict[str, object], said: SiteText, name: str, at: Place, premises: Premises, *, is_machines: bool
) -> str:
    hosts = told_hosts(told["hosts"])
    if told["folder"] is None:
        least, most = APP_PORTS if is_machines else (1, HIGHEST_PORT)
        port = whole_number(told, "port", least, most)
        return render_proxy(name, hosts, port, at=at, said=said)
    if told["port"] is not None:
        sys.exit("A site has either a port or a folder.")
    folder = premises.expect_inside(told["folder"], what="folder")
    return render_static(name, hosts, folder, home=premises.home, at=at, said=said)


def told_certificates(told: dict[str, object]) -> list[str]:
    named = told.get("certificates", [])
    if not isinstance(named, list) or len(named) > MOST_CERTIFICATES:
        sys.exit(f"certificates has to be a list of at most {MOST_CERTIFICATES}.")
    for one in named:
        if not isinstance(one, str) or not re.fullmatch(NAME, one):
            sys.exit("certificates has to hold names of certificates.")
    return named


def certificates_for(root: Path, named: list[str], hosts: list[str]) -> list[tuple[list[str], Path, Path]]:
    """Each host has the first of them that is for it. One that is gone is no reason to have no site."""
    certificates, found, left = Certificates(root), [], list(hosts)
    for name in named:
        current = certificates.current(name)
        names = current["names"] if current else []
        mine = [host for host in left if isinstance(names, list) and covers(names, host)]
        if current and mine:
            found.append((mine, certificates.chain(name, current), certificates.key(name, current)))
            left = [host for host in left if host not in mine]
    return found


def told_hosts(hosts: object) -> list[str]:
    if not isinstance(hosts, list) or not 1 <= len(hosts) <= MOST_HOSTS:
        sys.exit(f"hosts has to be a list of 1 to {MOST_HOSTS} host names.")
    for host in hosts:
        below = ANY_BELOW.fullmatch(host) if isinstance(host, str) else None
        if not isinstance(host, str) or not HOST.fullmatch(below[1] if below else host):
            sys.exit("hosts has to hold host names in lower case, without port and path.")
    return list(dict.fromkeys(hosts))


def told_marker(told: dict[str, object]) -> dict[str, object]:
    numbers = {name: whole_number(told, name, 0, HIGHEST_NUMBER) for name in ("generation", "release")}
    return {**numbers, "slot": told_slot(told), "port": told["port"]}


def told_slot(told: dict[str, object]) -> str | None:
    slot = told["slot"]
    if slot is None or (isinstance(slot, str) and re.fullmatch(COLOUR, slot)):
        return slot
    sys.exit("slot has to be blue or green.")


def expect_newest(site: Site, marker: dict[str, object]) -> None:
    old = site.marked() or marker
    if whole_number(marker, "generation", 0, HIGHEST_NUMBER) < whole_number(old, "generation", 0, HIGHEST_NUMBER):
        sys.exit("A newer deployment has switched this site already.")


def leads_to_the_same(old: dict[str, object] | None, marker: dict[str, object]) -> bool:
    return old is not None and all(old[name] == marker[name] for name in ("release", "slot", "port"))


# Changing what nginx reads.


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


def place_catch_all(root: Path, nginx: Nginx) -> list[str]:
    """Ours is the default server unless somebody else's is: two are an error, and theirs came first."""
    site, port = Site(root, nginx, CATCH_ALL), nginx.listening().port
    text, dumped = render_catch_all(nginx.listening(), Certificates(root).webroot), nginx.dump()
    if dumped.status and site.conf.exists():
        site.conf.replace(site.before)
        dumped = nginx.dump()
        if dumped.status:
            site.put_back()
        site.before.unlink(missing_ok=True)
    if dumped.status:
        refuse_all(complaint_in(dumped.errors))
    if str(nginx.settings) not in files_read(dumped.output):
        hint = f"Add this to the http block of its main file: include {nginx.settings.parent}/*.conf;"
        sys.exit(hinted(f"nginx does not read {nginx.settings}.", hint))
    others = foreign_default_servers(dumped.output, port=port, ours=nginx.sites)
    if others:
        site.conf.unlink(missing_ok=True)
        return [f"Requests for unknown host names are answered by {others[0]}, which was here before Bakery."]
    if not site.conf.exists() or site.conf.read_text() != text:
        site.put(text)
        refuse_bad(site, nginx)
        site.before.unlink()
    return []


def has_tls_port(root: Path, nginx: Nginx) -> bool:
    """Before the first site that has TLS: for names without a certificate something has to stand, and where another
    program has the port, nginx would not take up anything any more."""
    site, listen = Site(root, nginx, CATCH_ALL_TLS), nginx.listen_tls
    if listen is None or site.conf.exists():
        return listen is not None
    dumped = nginx.dump().output
    if not foreign_default_servers(dumped, port=listen.port, ours=nginx.sites):
        if not has_server(dumped, port=listen.port) and not is_free(listen):
            return False
        instead = None if nginx.knows_how_to_reject() else make_nameless(root)
        site.put(render_catch_all_tls(listen, instead))
        refuse_bad(site, nginx)
        site.before.unlink()
    return True


def is_free(listen: Listen) -> bool:
    import socket  # noqa: PLC0415 - it takes long to load, and this is asked once

    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("" if listen.address == "*" else listen.address, listen.port))
        except OSError:
            return False
    return True


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


VERBS = {
    "ensure": Verb(ensure),
    "apply": Verb(apply, PLACE),
    "remove": Verb(remove, PLACE),
    "show": Verb(show, PLACE),
}
