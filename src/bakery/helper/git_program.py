"""Git in its one form, run with no more power than it needs, and told nothing by what it fetches.

What it fetches goes to a folder that the app's own account may change at any time, so git finds only objects there; its
settings, its credentials and its references lie where no process of the account looks. It runs as that account, and as
a group that no other process of the account has: so none may trace it, nor read what it is given.
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import resource
import selectors
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bakery.helper.children import words_of_child
from bakery.helper.files import write_over
from bakery.helper.git_urls import Url
from bakery.helper.libc import LIBC, PR_SET_NO_NEW_PRIVS
from bakery.helper.processes import PATHS
from bakery.helper.programs import find_program
from bakery.helper.words import hinted

PR_SET_PDEATHSIG, SIGKILL = 1, 9
LARGEST_FILE = 4 * 1024**3
MOST_OUTPUT = 64 * 1024**2
KEPT_ERRORS = 16 * 1024
CHUNK = 64 * 1024
EMPTY_HEAD = "ref: refs/heads/none\n"
SETTINGS = """[core]
\trepositoryformatversion = 0
\tbare = {bare}
\thooksPath = /dev/null
\tfsmonitor = false
\tsymlinks = true
[gc]
\tauto = 0
[maintenance]
\tauto = false
[fetch]
\tunpackLimit = 1
\trecurseSubmodules = false
[http]
\tlowSpeedLimit = 1000
\tlowSpeedTime = 60
[protocol]
\tallow = user
[advice]
\tdetachedHead = false
"""
CREDENTIAL = """[credential "{server}"]
\thelper = "!f() {{ test \\"$1\\" = get && cat {file}; }}; f"
"""


class Credentials:
    """For one server. A token goes over HTTPS, a key over SSH."""

    def __init__(self, told: dict[str, object]) -> None:
        self.username, self.token = told["username"], told["token"]
        self.private_key = told["private_key"]
        lines = told["host_keys"]
        self.host_keys = [str(line) for line in lines] if isinstance(lines, list) else []


class Done:
    def __init__(self, status: int, output: bytes, errors: str) -> None:
        self.status, self.output, self.errors = status, output, errors

    @property
    def lines(self) -> list[str]:
        return self.output.decode(errors="replace").splitlines()


class Git:
    """`objects` is where what is fetched stays; None: nothing does. `learns`: a host key that is not known is taken."""

    def __init__(
        self,
        account: pwd.struct_passwd,
        private: Path,
        credentials: Credentials,
        url: Url,
        *,
        key: str,
        objects: Path | None,
        learns: bool = False,
    ) -> None:
        self.program = expect_git()
        self.account, self.private, self.objects = account, private, objects
        self.group = git_group() if os.geteuid() == 0 else os.getegid()
        self.url, self.credentials = url, credentials
        self.job = key
        self.learns = learns
        self.trees: dict[str, list[tuple[str, str, str, str]]] = {}  # of commits, as they were listed
        self.folder = private / "git"
        self._make_folder()
        self._place_credentials()

    def call(self, *words: str, url: Url | None = None, told: bytes = b"") -> Done:
        """`url` is the server that it may speak to."""
        folder = "/" if self.objects is None else str(self.objects)
        with subprocess.Popen(
            [self.program, *words],
            cwd=folder, env=self._environment(url),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=self._give_up_power,  # noqa: PLW1509 - nothing here has threads
        ) as process:  # fmt: skip
            return finish(process, told)

    def ask_server(self, url: Url, *words: str) -> Done:
        """By SSH, for what git itself has no words for. The words are ours or were checked."""
        port = ("-p", url.port) if url.port else ()
        where = f"{url.user}@{url.host}" if url.user else url.host
        with subprocess.Popen(
            [*self._ssh(url).split(), *port, "--", where, " ".join(words)],
            cwd="/", env=self._environment(url),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=self._give_up_power,  # noqa: PLW1509 - nothing here has threads
        ) as process:  # fmt: skip
            return finish(process, b"")

    def in_child(self, work: Callable[[], None]) -> None:
        """What we do ourselves, with no more power than git. A refusal becomes ours."""

        def give_up_power_and_work() -> str:
            os.chdir(self.objects or "/")
            self._give_up_power()
            work()
            return ""

        words_of_child(give_up_power_and_work, most=KEPT_ERRORS, otherwise="It was ended from outside.")

    def forget_credentials(self) -> None:
        for name in ("credential", "key"):
            with contextlib.suppress(FileNotFoundError):
                (self.private / name).unlink()

    def known_hosts(self) -> list[str]:
        """As they are now: with what was learned."""
        return (self.private / "known_hosts").read_text(errors="replace").splitlines()

    def place_shallow(self, text: str) -> None:
        """Which commits are here without those before them; git keeps that on."""
        self._place(self.folder / "shallow", text, mode=0o660)

    def shallow(self) -> str:
        file = self.folder / "shallow"
        return file.read_text(errors="replace") if file.exists() else ""

    def _make_folder(self) -> None:
        for folder in (self.folder, self.folder / "refs", self.folder / "objects"):
            folder.mkdir(mode=0o770)
            self._share(folder, 0o770)
        settings = SETTINGS.format(bare="true")
        if self.credentials.token is not None:
            settings += CREDENTIAL.format(server=self.url.server, file=self.private / "credential")
        self._place(self.folder / "config", settings)
        self._place(self.folder / "HEAD", EMPTY_HEAD, mode=0o660)

    def _place_credentials(self) -> None:
        given = self.credentials
        if given.token is not None:
            self._place(self.private / "credential", f"username={given.username}\npassword={given.token}\n")
        if given.private_key is not None:
            self._place(self.private / "key", f"{str(given.private_key).strip()}\n")
        lines = "".join(f"{line}\n" for line in given.host_keys)
        self._place(self.private / "known_hosts", lines, mode=0o660 if self.learns else 0o440)

    def _place(self, path: Path, text: str, *, mode: int = 0o440) -> None:
        """Root's, for git's group: ssh looks at a key's mode only when it is its own."""
        write_over(path, text.encode())
        self._share(path, mode)

    def _share(self, path: Path, mode: int) -> None:
        if os.geteuid() == 0:
            os.chown(path, 0, self.group)
            path.chmod(mode)

    def _environment(self, url: Url | None) -> dict[str, str]:
        environment = {
            **plain_environment(self.folder, self.job),
            "GIT_ALLOW_PROTOCOL": url.protocols if url else "none",
            "GIT_SSH_COMMAND": self._ssh(url) if url else "false",
            "GIT_SSH_VARIANT": "ssh",
        }
        return environment if self.objects is None else {**environment, "GIT_OBJECT_DIRECTORY": "."}

    def _ssh(self, url: Url) -> str:
        """Nothing in it is anybody else's text. The key is for its own server."""
        options = {
            "BatchMode": "yes", "StrictHostKeyChecking": "accept-new" if self.learns else "yes",
            "UserKnownHostsFile": self.private / "known_hosts", "GlobalKnownHostsFile": "/dev/null",
            "UpdateHostKeys": "no", "CheckHostIP": "no", "HashKnownHosts": "no", "IdentitiesOnly": "yes",
            "IdentityAgent": "none", "ConnectTimeout": 15, "ServerAliveInterval": 15, "ServerAliveCountMax": 4,
        }  # fmt: skip
        is_ours = self.credentials.private_key is not None and (url.host, url.port) == (self.url.host, self.url.port)
        options["PubkeyAuthentication"] = "yes" if is_ours else "no"
        words = ["ssh", "-F", "/dev/null", *(f"-o {name}={value}" for name, value in options.items())]
        return " ".join([*words, f"-i {self.private / 'key'}"] if is_ours else words)

    def _give_up_power(self) -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(self.group, self.group, self.group)
            os.setresuid(self.account.pw_uid, self.account.pw_uid, self.account.pw_uid)
        give_up_more()


def plain_environment(folder: Path, job: str) -> dict[str, str]:
    return {
        "PATH": PATHS, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "LANGUAGE": "C", "HOME": "/nonexistent",
        "GIT_DIR": str(folder), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "false", "SSH_ASKPASS_REQUIRE": "never",
        "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_REPLACE_OBJECTS": "1", "GIT_PAGER": "cat", "BAKERY_JOB": job,
    }  # fmt: skip


def give_up_more() -> None:
    os.umask(0o022)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    LIBC.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)


def finish(process: subprocess.Popen[bytes], told: bytes) -> Done:
    """Its output as far as anybody could mean it, and the end of its complaints: a server chooses how long both are."""
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise LookupError("a process without pipes")
    output, errors = bytearray(), bytearray()
    with selectors.DefaultSelector() as watching:
        watching.register(process.stdout, selectors.EVENT_READ, output)
        watching.register(process.stderr, selectors.EVENT_READ, errors)
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(told)
            process.stdin.close()
        while watching.get_map():
            for ready, _ in watching.select():
                piece = os.read(ready.fd, CHUNK)
                if not piece:
                    watching.unregister(ready.fileobj)
                ready.data.extend(piece)
            del errors[:-KEPT_ERRORS]
            if len(output) > MOST_OUTPUT:
                process.kill()
                sys.exit("The repository has more names in it than anything could use.")
    return Done(process.wait(), bytes(output), errors.decode(errors="replace"))


def expect_git() -> str:
    program = find_program("git")
    if program is None:
        sys.exit(hinted("There is no git on this node.", "Install it: apt-get install git"))
    return program


def git_group() -> int:
    """One that no account of Bakery's is in."""
    try:
        return grp.getgrnam("nogroup").gr_gid
    except KeyError:
        return 65534
