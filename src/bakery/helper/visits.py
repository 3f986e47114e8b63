"""Visits of ours to an app, through this machine's nginx.

    visit-begin APP ENVIRONMENT PORT HOST PATH
                               twenty times a second, until `visit-end` or until nobody listens any more; prints a line
                               for each visit: of milliseconds, or of “-” and what went wrong
    visit-end APP ENVIRONMENT  ends those to this environment; harmless when there are none

A visit waits for the head of an answer alone: some never end.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from bakery.helper.names import PLACE
from bakery.helper.verbs import Verb

EVERY = 0.05
WITHIN = 5.0
LIFETIME = 600.0
MOST_AT_ONCE = 100
LARGEST_HEAD = 64 * 1024
SERVER_ERROR = 500
END_OF_HEAD = b"\r\n\r\n"


# The verbs.


def begin(root: Path, app: str, environment: str, port: str, host: str, path: str) -> None:
    turns, at = threading.Semaphore(MOST_AT_ONCE), time.monotonic()
    until, is_left = at + LIFETIME, threading.Event()
    goes_on = root / f".visits-{app}-{environment}.{os.getpid()}"  # while it is there
    goes_on.touch()
    try:
        while at < until and goes_on.exists() and not is_left.is_set():
            turns.acquire()
            visiting = (int(port), host, path, turns, is_left)
            threading.Thread(target=visit_and_tell, args=visiting, daemon=True).start()
            at += EVERY
            time.sleep(max(0.0, at - time.monotonic()))
    finally:
        goes_on.unlink(missing_ok=True)


def end(root: Path, app: str, environment: str) -> None:
    for goes_on in root.glob(f".visits-{app}-{environment}.*"):
        goes_on.unlink(missing_ok=True)


# A visit.


def visit_and_tell(port: int, host: str, path: str, turns: threading.Semaphore, is_left: threading.Event) -> None:
    try:
        told = visit(port, host, path).replace("\n", " ")
        os.write(1, f"{told[:200]}\n".encode())
    except OSError:  # nobody listens
        is_left.set()
    finally:
        turns.release()


def visit(port: int, host: str, path: str) -> str:
    began = time.monotonic()
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: bakery-proof\r\nConnection: close\r\n\r\n"
    try:
        head = ask(port, request.encode(), began + WITHIN)
        status = int(head.split(b" ", 2)[1])
    except (IndexError, ValueError):
        return "- it answered something that is no HTTP"
    except OSError as error:
        return f"- {error.strerror or 'it did not answer in time'}"
    if status >= SERVER_ERROR:
        return f"- it answered {status}"
    return f"{(time.monotonic() - began) * 1000:.1f}"


def ask(port: int, request: bytes, deadline: float) -> bytes:
    """The head of the answer."""
    import socket  # noqa: PLC0415 - it takes long to load, and few verbs need it

    head = b""
    with socket.create_connection(("127.0.0.1", port), timeout=WITHIN) as connection:
        connection.sendall(request)
        while END_OF_HEAD not in head and len(head) < LARGEST_HEAD:
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            piece = connection.recv(8192)
            if not piece:
                break
            head += piece
    if not head:
        raise OSError(0, "the connection was closed without an answer")
    return head


VERBS = {
    "begin": Verb(begin, f"{PLACE}\0[0-9]{{1,5}}\0[a-z0-9.:-]{{1,255}}\0/[!-~]{{0,2000}}"),
    "end": Verb(end, PLACE),
}
