"""Repositories behind git's own server program, over HTTP on a loopback port: for who has a token, or for everybody."""

import base64
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

GIT = shutil.which("git") or "git"
BACKEND = "/usr/lib/git-core/git-http-backend"
AUTHOR = "Ann Baker"
WHEN = "2026-03-04T05:06:07+00:00"


@dataclass
class GitServer:
    """`wants` is the token that a private repository is shown for; `asked` holds what came as Authorization."""

    folder: Path
    port: int = 0
    wants: dict[str, tuple[str, str]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    is_away: int = 0  # so many requests more are answered 503
    large: dict[str, bytes] = field(default_factory=dict)  # what it keeps in Git LFS
    answers: threading.Event = field(default_factory=threading.Event)  # unless this is cleared

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{name}.git"

    def keep_large(self, content: bytes) -> str:
        """The pointer to it."""
        oid = hashlib.sha256(content).hexdigest()
        self.large[oid] = content
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n"

    def repository(self, name: str) -> "Repository":
        bare = self.folder / f"{name}.git"
        git(self.folder, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
        return Repository(self.url(name), bare, self.folder / f"{name}-work")


@dataclass(frozen=True)
class Repository:
    url: str
    bare: Path
    work: Path

    def commit(self, title: str, files: dict[str, str], *, branch: str = "main") -> str:
        """Pushed; its hash. A text that begins with “-> ” is a link."""
        if not self.work.exists():
            git(self.bare, "clone", "--quiet", str(self.bare), str(self.work))
        git(self.work, "checkout", "--quiet", "-B", branch)
        for name, text in files.items():
            path = self.work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text.startswith("-> "):
                path.symlink_to(text[3:])
            else:
                path.write_text(text)
        git(self.work, "add", "--all")
        return self.push(title, branch=branch)

    def push(self, title: str, *, branch: str = "main") -> str:
        git(self.work, "commit", "--quiet", "--allow-empty", "-m", title)
        git(self.work, "push", "--quiet", "--force", "origin", branch)
        return git(self.work, "rev-parse", "HEAD").strip()

    def add_module(self, path: str, url: str, commit: str) -> None:
        """Names a submodule, as somebody did who had it at that commit."""
        with (self.work / ".gitmodules").open("a") as file:
            file.write(f'[submodule "{path}"]\n\tpath = {path}\n\turl = {url}\n')
        git(self.work, "add", ".gitmodules")
        git(self.work, "update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")


def git(folder: Path, *words: str) -> str:
    environment = {
        "PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
        **{f"GIT_{who}_NAME": AUTHOR for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "ann@bakery.example" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_DATE": WHEN for who in ("AUTHOR", "COMMITTER")},
    }  # fmt: skip
    return subprocess.run([GIT, *words], cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout


def ask_backend(
    folder: Path, method: str, address: str, headers: Message, body: bytes
) -> tuple[int, dict[str, str], bytes]:
    """What git's own server program answers."""
    path, _, query = address.partition("?")
    done = subprocess.run(
        [BACKEND],
        input=body,
        env={
            "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(folder), "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": method,
            "CONTENT_TYPE": headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": headers.get("Git-Protocol", ""), "REMOTE_ADDR": "127.0.0.1",
            "GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
            "GIT_CONFIG_KEY_1": "uploadpack.allowReachableSHA1InWant", "GIT_CONFIG_VALUE_1": "true",
        },
        capture_output=True,
        check=False,
    )  # fmt: skip
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    told = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
    return int(told.pop("Status", "200").split()[0]), told, content


@contextlib.contextmanager
def a_git_server() -> Iterator[GitServer]:
    with tempfile.TemporaryDirectory(prefix="bakery-git-") as folder:
        server = GitServer(Path(folder))
        server.answers.set()

        class Handler(_Handler):
            of = server

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
            server.port = listening.server_port
            thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield server
            finally:
                server.answers.set()
                listening.shutdown()
                thread.join()


class _Handler(BaseHTTPRequestHandler):
    of: GitServer

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        path = self.path.partition("?")[0]
        name = path.split(".git/")[0].lstrip("/")
        given = self.headers.get("Authorization", "")
        self.of.asked.append((name, given))
        self.of.answers.wait(30)
        if self.of.is_away > 0:
            self.of.is_away -= 1
            self.send_error(503)
            return
        wanted = self.of.wants.get(name)
        if wanted and given != "Basic " + base64.b64encode(":".join(wanted).encode()).decode():
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if "/info/lfs/" in path:
            self._serve_lfs(path)
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = self._chunks()
        status, headers, content = ask_backend(self.of.folder, self.command, self.path, self.headers, body)
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _serve_lfs(self, path: str) -> None:
        """The batch API, and the objects themselves behind addresses that need what they are given with."""
        if path.endswith("/objects/batch"):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            objects = []
            for one in asked["objects"]:
                href = f"http://127.0.0.1:{self.of.port}{path.replace('/objects/batch', '')}/{one['oid']}"
                objects.append({**one, "actions": {"download": {"href": href}}} if one["oid"] in self.of.large else one)
            content = json.dumps({"transfer": "basic", "objects": objects}).encode()
        else:
            content = self.of.large[path.rpartition("/")[2]]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        return body

    def log_message(self, *_args: object) -> None:
        pass
