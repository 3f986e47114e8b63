"""A small app: a page and a health check, with nothing but Python's standard library."""

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PAGE = Path(__file__).with_name("page.html").read_bytes()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        if self.path == "/health":
            self.answer(b"ok\n", "text/plain")
        elif self.path == "/":
            self.answer(PAGE, "text/html; charset=utf-8")
        else:
            self.answer(b"There is no such page.\n", "text/plain", status=404)

    def answer(self, body: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Health checks are not worth a line."""
        if self.path != "/health":
            super().log_request(code, size)


def stop(*_: object) -> None:
    sys.exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    port = int(os.environ.get("PORT", "8000"))
    print(f"Hello listens on port {port}.", flush=True)
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
