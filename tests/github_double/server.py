"""GitHub on a loopback port: its pages at the root and its API below /api/v3, as GitHub Enterprise has them."""

import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.github_double import oauth, rest, tokens
from tests.github_double.world import AS_USUAL, LIMIT, Refused, World
from tests.support.git_server import ask_backend

API = "/api/v3"


@dataclass
class GitHubDouble:
    url: str
    world: World = field(default_factory=World)

    @property
    def api(self) -> str:
        return f"{self.url}{API}"


@contextlib.contextmanager
def a_github() -> Iterator[GitHubDouble]:
    double = GitHubDouble("")
    double.world.answers.set()

    class Handler(_Handler):
        of = double

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        double.url = f"http://127.0.0.1:{listening.server_port}"
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield double
        finally:
            double.world.answers.set()
            listening.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    of: GitHubDouble

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        self.of.world.answers.wait()
        sent = self.rfile.read(int(self.headers.get("content-length", "0")))
        with self.of.world.lock:
            try:
                self._respond(sent)
            except Refused as refused:
                self._tell(refused.status, refused.body, self._limits())

    def _respond(self, sent: bytes) -> None:
        world, where = self.of.world, urlsplit(self.path)
        status, headers = world.faults.pop(0) if world.faults else AS_USUAL
        if status:
            body = {"message": "You have exceeded a secondary rate limit." if status == 429 else "Server Error"}
            self._tell(status, body, headers)
            return
        query = dict(parse_qsl(where.query))
        match self.command, where.path:
            case "GET", "/login/oauth/authorize":
                self._tell(302, None, {"location": oauth.authorize(world, query)})
            case "POST", "/login/oauth/access_token":
                self._give_token(dict(parse_qsl(sent.decode())))
            case "POST", "/settings/apps/new":
                form = dict(parse_qsl(sent.decode()))
                self._tell(302, None, {"location": oauth.register(world, form["manifest"], query.get("state", ""))})
            case "POST", path if found := re.fullmatch(r"/organizations/([\w-]+)/settings/apps/new", path):
                form = dict(parse_qsl(sent.decode()))
                back = oauth.register(world, form["manifest"], query.get("state", ""), found[1])
                self._tell(302, None, {"location": back})
            case _, path if found := re.fullmatch(r"/([\w-]+/[\w.-]+)\.git/.*", path):
                self._serve_git(found[1], sent)
            case _, path if path.startswith(f"{API}/"):
                self._answer_api(path.removeprefix(API), query, sent)
            case _:
                raise Refused(404, "Not Found")

    def _serve_git(self, full_name: str, sent: bytes) -> None:
        """Over https with a token as the password, which has to show the repository and read its contents."""
        world, found = self.of.world, self.of.world.repositories.get(full_name)
        if (
            found is None
            or world.git is None
            or not tokens.may_fetch(world, self.headers.get("authorization", ""), found)
        ):
            self._send(401, b"", {"www-authenticate": 'Basic realm="GitHub"'})
            return
        status, headers, content = ask_backend(world.git, self.command, self.path, self.headers, sent)
        self._send(status, content, headers)

    def _give_token(self, form: Mapping[str, str]) -> None:
        told = oauth.give_token(self.of.world, form)
        if "json" in self.headers.get("accept", ""):
            self._tell(200, told, {})
        else:
            self._send(200, urlencode(told).encode(), {"content-type": "application/x-www-form-urlencoded"})

    def _answer_api(self, path: str, query: Mapping[str, str], sent: bytes) -> None:
        world = self.of.world
        if not self.headers.get("user-agent"):
            raise Refused(403, "Request forbidden by administrative rules. Please make sure you send a User-Agent.")
        if world.remaining <= 0:
            raise Refused(403, "API rate limit exceeded")
        found = rest.answer(
            self.command, path,
            rest.Request(world, self.of.url, self.headers.get("authorization", ""), query, _parsed(sent), ()),
        )  # fmt: skip
        content, links = self._page(found, query, path)
        tag = f'W/"{hashlib.sha256(json.dumps([content, links], sort_keys=True).encode()).hexdigest()}"'
        if self.command == "GET" and self.headers.get("if-none-match") == tag:
            self._tell(304, None, {"etag": tag, **links, **self._limits()})  # which costs nothing
            return
        world.remaining -= 1
        self._tell(found.status, content, {"etag": tag, **links, **self._limits()})

    def _page(self, found: rest.Answer, query: Mapping[str, str], path: str) -> tuple[Any, dict[str, str]]:
        """A hundred rows at most; the first and the last page have fewer links."""
        if found.rows is None:
            return found.content, {}
        size = min(max(int(query.get("per_page", "30")), 1), 100)
        last = max(-(-len(found.rows) // size), 1)
        page = max(int(query.get("page", "1")), 1)
        others = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
        wanted = [name for name, _ in others.items() if (page > 1 if name in {"prev", "first"} else page < last)]
        links = ", ".join(
            f'<{self.of.api}{path}?{urlencode({**query, "page": others[name]})}>; rel="{name}"' for name in wanted
        )
        rows = found.rows[(page - 1) * size : page * size]
        content = {"total_count": len(found.rows), found.under: rows} if found.under else rows
        return content, {"link": links} if links else {}

    def _limits(self) -> dict[str, str]:
        world = self.of.world
        return {
            "x-ratelimit-limit": str(LIMIT), "x-ratelimit-remaining": str(max(world.remaining, 0)),
            "x-ratelimit-used": str(LIMIT - max(world.remaining, 0)), "x-ratelimit-resource": "core",
            "x-ratelimit-reset": str(int(world.now()) // 3600 * 3600 + 3600),
        }  # fmt: skip

    def _tell(self, status: int, content: object, headers: Mapping[str, str]) -> None:
        if content is None:
            self._send(status, b"", headers)
        else:
            kind = {"content-type": "application/json; charset=utf-8"}
            self._send(status, json.dumps(content).encode(), {**kind, **headers})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.of.world.asked.append((self.command, urlsplit(self.path).path, status))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """By the clock of this world."""
        return super().date_time_string(self.of.world.now() if timestamp is None else timestamp)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def _parsed(sent: bytes) -> dict[str, Any]:
    if not sent:
        return {}
    try:
        found = json.loads(sent)
    except ValueError as error:
        raise Refused(400, "Problems parsing JSON") from error
    if not isinstance(found, dict):
        raise Refused(400, "Body should be a JSON object")
    return found
