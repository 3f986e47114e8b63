"""Sites: host names whose requests nginx sends to an app, or answers with files. One an environment.

    site-ensure                   puts all in place that nginx needs, and starts it; prints notes
    site-apply APP ENVIRONMENT    takes the site as a line of JSON (see ToldSite), and returns when it answers;
                                  with is_refresh only a site that leads to the same, which stays what it was
    site-remove APP ENVIRONMENT   harmless when there is none
    site-show APP ENVIRONMENT     prints what was switched to last

How one is put in its place, and settled when somebody was killed meanwhile, is told in site_files.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from bakery.helper.certificate_files import NAME, Certificates, covers, make_nameless
from bakery.helper.files import sync_folder, write_over
from bakery.helper.names import COLOUR, PLACE, Premises
from bakery.helper.nginx import HIGHEST_PORT, Nginx
from bakery.helper.nginx_said import complaint_in, files_read, foreign_default_servers, has_server
from bakery.helper.nginx_text import (
    AccessLog,
    Listen,
    Place,
    SiteText,
    Tls,
    render_catch_all,
    render_catch_all_tls,
    render_proxy,
    render_static,
)
from bakery.helper.site_files import Site, refuse_all, refuse_bad, settle, take_away, taking_turns, undone_by_faults
from bakery.helper.site_options import told_options
from bakery.helper.site_options_text import SiteFiles, site_text
from bakery.helper.verbs import Verb
from bakery.helper.words import hinted, say, told_object, whole_number

FIELDS = {"hosts", "port", "folder", "generation", "release", "slot", "listen"}
OPTIONAL = frozenset({"is_refresh", "options", "listen_tls", "certificates"})
HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
ANY_BELOW = re.compile(r"\*\.(.+\..+)")
MOST_HOSTS = 200
APP_PORTS = (20000, 29999)
HIGHEST_NUMBER = 2**53
CATCH_ALL, CATCH_ALL_TLS = "00-catch-all", "00-catch-all-tls"  # no app's name begins with a digit
MOST_CERTIFICATES = 50


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
    wanted = ToldSite(root, nginx, app, environment, told)
    marker, site = wanted.marker, Site(root, nginx, name)
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
        text = wanted.text(has_tls=bool(wanted.certificates) and has_tls_port(root, nginx))
        with undone_by_faults(site):
            nginx.make_log(f"{name}.access.json")
            write_over(site.next, json.dumps(marker).encode())
            site.put_files(wanted.files, nginx)
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
        take_away(site, nginx)
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


class ToldSite:
    """A site as the caller tells it, checked; and as files. `files` has what its text refers to as soon as that is
    made."""

    def __init__(self, root: Path, nginx: Nginx, app: str, environment: str, told: dict[str, object]) -> None:
        self.root, self.nginx, self.name, self.told = root, nginx, f"{app}-{environment}", told
        self.premises = Premises(root, app, environment)
        self.marker = told_marker(told)
        self.hosts, self.options = told_hosts(told["hosts"]), told_options(told.get("options"))
        self.certificates = told_certificates(told)
        self.files = SiteFiles(nginx.sites, self.name)

    def text(self, *, has_tls: bool) -> str:
        tls = Tls(
            self.nginx.listen_tls if has_tls else None,
            certificates_for(self.root, self.certificates, self.hosts),
            is_forced=self.options.force_https,
            hsts_days=self.options.hsts_days,
        )
        log = AccessLog(self.nginx.logs, whole_number(self.told, "release", 0, HIGHEST_NUMBER), told_slot(self.told))
        at = Place(self.nginx.listening(), log, Certificates(self.root).webroot, tls)
        return self._rendered(site_text(self.options, self.hosts, self.files), at)

    def _rendered(self, said: SiteText, at: Place) -> str:
        if self.told["folder"] is None:
            least, most = APP_PORTS if self.nginx.is_machines else (1, HIGHEST_PORT)
            port = whole_number(self.told, "port", least, most)
            return render_proxy(self.name, self.hosts, port, at=at, said=said)
        if self.told["port"] is not None:
            sys.exit("A site has either a port or a folder.")
        folder = self.premises.expect_inside(self.told["folder"], what="folder")
        return render_static(self.name, self.hosts, folder, home=self.premises.home, at=at, said=said)


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


# What stands for names that no site has.


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
    if not site.has(text):
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


VERBS = {
    "ensure": Verb(ensure),
    "apply": Verb(apply, PLACE),
    "remove": Verb(remove, PLACE),
    "show": Verb(show, PLACE),
}
