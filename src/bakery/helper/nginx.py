"""Which nginx sends traffic to apps here, where its files are, and how it is told to read them anew.

The machine's, where root's node lies in its usual folder: run by systemd, or started by us where there is none. Else
one of the node's own below its folder: an ordinary user may neither write to /etc nor listen on port 80.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from pathlib import Path

from bakery.helper.files import let_agent_read, make_open_folder, replace_with
from bakery.helper.nginx_said import complaint_in
from bakery.helper.nginx_text import Listen, render_own_main_file, render_settings
from bakery.helper.processes import began_at, has_systemd, send
from bakery.helper.programs import Ended, call, find_program
from bakery.helper.verbs import ROOTS_FOLDER
from bakery.helper.words import hinted

SYSTEM_PORT, SYSTEM_TLS_PORT = 80, 443
LISTEN = re.compile(r"(\*|127\.0\.0\.1):([1-9][0-9]{0,4})")
HIGHEST_PORT = 65535
LOOK_AGAIN = 0.002
REJECTS_SINCE = (1, 19, 4)
LONGEST_RELOAD = 10.0


class Nginx:
    """`settings` is the file by which it reads the sites. `listen` None: the verb need not know. `listen_tls` None: one
    of the node's own has no port for TLS."""

    def __init__(self, root: Path, listen: object = None, listen_tls: object = None) -> None:
        self.program = find_program("nginx") or sys.exit("There is no nginx on this machine.")
        self.is_machines = os.geteuid() == 0 and root == ROOTS_FOLDER
        self.logs = root / "logs"
        self.home = root / "nginx"
        self.options: list[str] = []
        self.workers_group = "nogroup"  # an nginx that root starts without a word of whom its workers are to be
        if self.is_machines:
            if listen is not None or listen_tls is not None:
                sys.exit("Where the machine's nginx listens is not for Bakery to say.")
            folder = main_file_of(self.program).parent
            self.sites, self.settings = folder / "bakery.d", folder / "conf.d/bakery.conf"
            self.pid_file = Path("/run/nginx.pid")
            self.workers_group = "www-data"
            self.listen: Listen | None = Listen(SYSTEM_PORT, on_ipv6=has_ipv6())
            self.listen_tls: Listen | None = Listen(SYSTEM_TLS_PORT, on_ipv6=has_ipv6())
        else:
            self.sites, self.settings = self.home / "bakery.d", self.home / "bakery.conf"
            self.pid_file = self.home / "nginx.pid"
            self.listen = None if listen is None else told_listen(listen)
            self.listen_tls = None if listen_tls is None else told_listen(listen_tls)
            self.options = ["-p", str(self.home), "-c", str(self.home / "nginx.conf")]

    def listening(self) -> Listen:
        return self.listen or sys.exit("An nginx of the node's own has to be told where it listens.")

    def prepare(self) -> None:
        """Its folders, and all of its files but the sites."""
        for folder in (self.settings.parent, self.sites, self.logs):
            make_open_folder(folder)
        replace_with(self.settings, render_settings(self.sites))
        if not self.is_machines:
            make_open_folder(self.home / "temp")
            mime_types = main_file_of(self.program).parent / "mime.types"
            text = render_own_main_file(self.home, settings_file=self.settings, mime_types=mime_types)
            replace_with(self.home / "nginx.conf", text)

    def make_log(self, name: str) -> None:
        """Before nginx makes it, which does so when it tests too: the agent sums up what is noted there."""
        path = self.logs / name
        make_open_folder(self.logs)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600))
        let_agent_read(path, 0o640)

    def complaint(self) -> str:
        """What is wrong with its configuration; empty when nothing is."""
        tested = call(self.program, *self.options, "-t", "-q")
        return said(tested) if tested.status else ""

    def knows_how_to_reject(self) -> bool:
        """A handshake, for nobody's name: from 1.19.4 on."""
        found = re.search(r"nginx/(\d+)\.(\d+)\.(\d+)", call(self.program, "-v").errors)
        return found is not None and tuple(map(int, found.groups())) >= REJECTS_SINCE

    def dump(self) -> Ended:
        return call(self.program, *self.options, "-T")

    def take_up(self) -> None:
        """What stands in the files now answers, whether nginx ran or not."""
        workers = self.workers()
        if workers:
            self.reload(instead_of=workers)
        else:
            self.start()

    def start(self) -> None:
        if self.is_machines and has_systemd():
            started = call(find_program("systemctl") or "/usr/bin/systemctl", "enable", "--now", "nginx.service")
            if started.status:
                started = in_its_own_words(started)
        else:
            started = call(self.program, *self.options)
        if started.status:
            port = self.listen.port if self.listen else "its port"
            hint = f"Does another program listen on port {port}? See it with: ss -ltnp 'sport = :{port}'"
            sys.exit(hinted(f"nginx does not start: {said(started)}", hint))
        self.wait_for_workers(instead_of=set())

    def reload(self, *, instead_of: set[str]) -> None:
        """Returns when the new configuration answers: nginx itself only promises to begin."""
        master = int(self.master())
        send(master, began_at(master) or "", signal.SIGHUP)
        self.wait_for_workers(instead_of=instead_of)

    def wait_for_workers(self, *, instead_of: set[str]) -> None:
        deadline = time.monotonic() + LONGEST_RELOAD
        while time.monotonic() < deadline:
            workers = self.workers()
            if workers - instead_of and not any(map(accepts, workers & instead_of)):
                return
            time.sleep(LOOK_AGAIN)
        sentence = f"nginx did not take up its new configuration within {LONGEST_RELOAD:g} s."
        sys.exit(hinted(sentence, "Its error log says why."))

    def workers(self) -> set[str]:
        """The process ids of nginx's children; none when it does not run."""
        master = self.master()
        return set(read(f"/proc/{master}/task/{master}/children").split()) if master else set()

    def master(self) -> str:
        master = read(self.pid_file).strip()
        return master if master.isdigit() and read(f"/proc/{master}/comm") == "nginx\n" else ""


def main_file_of(program: str) -> Path:
    """The one that this nginx was built to read."""
    found = re.search(r"--conf-path=(\S+)", call(program, "-V").errors)
    return Path(found[1] if found else "/etc/nginx/nginx.conf")


def in_its_own_words(started: Ended) -> Ended:
    """systemd only says where nginx told why it does not start."""
    journal = find_program("journalctl") or "/usr/bin/journalctl"
    told = call(journal, "--unit=nginx.service", "--since=-1min", "--output=cat", "--quiet").output
    return Ended(started.status, "", told) if "[emerg]" in told else started


def told_listen(listen: object) -> Listen:
    found = LISTEN.fullmatch(listen) if isinstance(listen, str) else None
    if found is None or int(found[2]) > HIGHEST_PORT:
        sys.exit("listen has to be an address and a port, like *:8080.")
    return Listen(int(found[2]), found[1], on_ipv6=found[1] == "*" and has_ipv6())


def has_ipv6() -> bool:
    return Path("/proc/net/if_inet6").exists()


def accepts(worker: str) -> bool:
    """Whether it still takes new connections: a worker's title says when it no longer does."""
    title = read(f"/proc/{worker}/cmdline")
    return bool(title) and "shutting down" not in title


def said(ended: Ended) -> str:
    return complaint_in(ended.errors) or f"it ended with status {ended.status}"


def read(path: str | Path) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
