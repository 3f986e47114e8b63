"""A program that is sent to a node and visits an app through its nginx: `- PORT HOST PATH`.

Twenty times a second, until nobody listens any more: a line for each visit, of milliseconds, or of “-” and what went
wrong. It waits for the head of an answer alone: some never end. Any Python from 3.9 on; standard library only.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time

EVERY = 0.05
WITHIN = 5.0
LIFETIME = 600.0
MOST_AT_ONCE = 100
LARGEST_HEAD = 64 * 1024
SERVER_ERROR = 500
END_OF_HEAD = b"\r\n\r\n"


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


def visit_and_tell(port: int, host: str, path: str, turns: threading.Semaphore) -> None:
    try:
        told = visit(port, host, path).replace("\n", " ")
        os.write(1, f"{told[:200]}\n".encode())
    except OSError:  # nobody listens
        os._exit(0)
    finally:
        turns.release()


def main(port: int, host: str, path: str) -> None:
    turns, at = threading.Semaphore(MOST_AT_ONCE), time.monotonic()
    end = at + LIFETIME
    while time.monotonic() < end:
        turns.acquire()
        threading.Thread(target=visit_and_tell, args=(port, host, path, turns), daemon=True).start()
        at += EVERY
        time.sleep(max(0.0, at - time.monotonic()))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
