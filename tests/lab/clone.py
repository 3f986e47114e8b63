"""A clone of this repository on a node, and its `scripts/up` as a user there runs it."""

import io
import re
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tests.lab.nodes import DOWNLOADS, Node

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ran:
    """What a run of `scripts/up` printed, and how it ended."""

    status: int
    said: str
    errors: str

    def fact(self, label: str) -> str:
        """What stands behind a label of the summary, a wrapped line as one."""
        found = re.search(rf"^{re.escape(label)} +(.+(?:\n {{13}}.+)*)", self.said, re.MULTILINE)
        assert found, f"no “{label}” in:\n{self.said}{self.errors}"
        return " ".join(found[1].split())

    @property
    def password(self) -> str:
        return self.fact("Sign in").split()[1]


@dataclass(frozen=True)
class Clone:
    node: Node
    user: str = "root"
    folder: str = "/srv/my apps/bakery"

    def unpack(self) -> None:
        """The files that git knows or would take, as they are here right now."""
        listed = subprocess.check_output(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True
        )
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for name in listed.split("\0")[:-1]:
                if (ROOT / name).is_file():
                    tar.add(ROOT / name, arcname=name)
        self.node.run("mkdir", "--parents", self.folder)
        self.node.run("tar", "-x", "--no-same-owner", "-C", self.folder, stdin=archive.getvalue())
        self.node.run("chown", "-R", f"{self.user}:", self.folder)

    def up(self, *options: str, **environ: str) -> Ran:
        return self.call("./scripts/up", *options, **environ)

    def up_well(self, *options: str, **environ: str) -> Ran:
        ran = self.up(*options, **environ)
        assert (ran.status, ran.errors) == (0, ""), ran
        return ran

    def call(self, *argv: str, **environ: str) -> Ran:
        done = self.node.attempt(*self.argv(*argv, **environ), timeout=150)
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    def argv(self, *argv: str, **environ: str) -> list[str]:
        home = "/root" if self.user == "root" else f"/home/{self.user}"
        variables = {
            "HOME": home,
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "PIP_CACHE_DIR": f"{DOWNLOADS}/{self.user}",
            **environ,
        }
        words = [f"{name}={value}" for name, value in variables.items()]
        return ["runuser", "-u", self.user, "--", "env", "-i", f"--chdir={self.folder}", *words, *argv]

    def get(self, url: str) -> str:
        """What a browser on the node sees at an address: its status and body."""
        done = self.node.attempt("curl", "--silent", "--max-time", "5", "--write-out", "\n%{http_code}", url)
        body, _, status = done.stdout.decode().rpartition("\n")
        return f"{status} {body}"
