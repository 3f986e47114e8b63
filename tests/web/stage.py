"""The samples on a stage: served on loopback with the real headers, with events that a test sends."""

import gzip
import json
import mimetypes
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from bakery.web.edge import CONTENT_SECURITY_POLICY
from tests.web import samples
from tests.web.samples.frame import ASSETS, PREFIX

_END = None


class Stage:
    """Pages by path, and the one stream of events. A test may replace a page while the browser looks at it."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.asked: list[dict[str, list[str]]] = []  # the queries of the event streams so far
        self.posted: list[dict[str, list[str]]] = []
        self._streams: list[queue.Queue[str | None]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True

    def address(self, path: str) -> str:
        return f"http://127.0.0.1:{self._server.server_port}{PREFIX}{path}"

    def show(self, path: str, sample: str) -> str:
        """Puts a page of the samples at a path, and says its address."""
        template, page, shell = samples.shell_pages()[sample]
        self.pages[path] = samples.environment().get_template(template).render(page=page, shell=shell)
        return self.address(path)

    def send(self, event: str, event_id: str, **data: object) -> None:
        self._streams[-1].put(f"id: {event_id}\nevent: {event}\ndata: {json.dumps(data)}\n\n")

    def cut(self) -> None:
        self._streams[-1].put(_END)

    def stream(self, query: str) -> Iterator[str]:
        self.asked.append(parse_qs(query))
        mine: queue.Queue[str | None] = queue.Queue()
        self._streams.append(mine)
        yield "id: e=120\nevent: hello\ndata: {}\n\n"
        while (frame := mine.get()) is not _END:
            yield frame

    @contextmanager
    def open(self) -> Iterator["Stage"]:
        thread = threading.Thread(target=self._server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            for stream in self._streams:
                stream.put(_END)
            self._server.shutdown()
            thread.join()
            self._server.server_close()


def _handler(stage: Stage) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            path = parts.path.removeprefix(PREFIX)
            if path == "/events":
                self._answer("text/event-stream")
                for frame in stage.stream(parts.query):
                    self.wfile.write(frame.encode())
                    self.wfile.flush()
            elif path.startswith("/static/"):
                self._answer(mimetypes.guess_type(path)[0] or "text/plain")
                self.wfile.write(gzip.decompress(ASSETS[path.removeprefix("/static/")].compressed))
            else:
                self._answer("text/html; charset=utf-8", 200 if path in stage.pages else 404)
                self.wfile.write(stage.pages.get(path, "").encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            stage.posted.append(parse_qs(body))
            self._answer("text/html", 204)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

        def _answer(self, media_type: str, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("content-type", media_type)
            self.send_header("content-security-policy", CONTENT_SECURITY_POLICY)
            self.end_headers()

    return Handler
