"""A program that is sent to a node and visits an app through its nginx: `- PORT HOST PATH`.

Twenty times a second, until it is ended: a line for each visit, of milliseconds, or of “-” and what went wrong. Any
Python from 3.9 on; standard library only.
"""

from __future__ import annotations

import http.client
import sys
import threading
import time

EVERY = 0.05
WITHIN = 5.0
MOST_AT_ONCE = 100
SERVER_ERROR = 500


def visit(port: int, host: str, path: str) -> str:
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WITHIN)
    try:
        connection.request("GET", path, headers={"Host": host, "User-Agent": "bakery-proof", "Connection": "close"})
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException) as error:
        return f"- {type(error).__name__}: {error}"
    finally:
        connection.close()
    if answer.status >= SERVER_ERROR:
        return f"- it answered {answer.status}"
    return f"{(time.monotonic() - began) * 1000:.1f}"


def visit_and_tell(port: int, host: str, path: str, turns: threading.Semaphore) -> None:
    told = visit(port, host, path).replace("\n", " ")
    turns.release()
    sys.stdout.write(f"{told[:200]}\n")
    sys.stdout.flush()


def main(port: int, host: str, path: str) -> None:
    turns, at = threading.Semaphore(MOST_AT_ONCE), time.monotonic()
    while True:
        turns.acquire()
        threading.Thread(target=visit_and_tell, args=(port, host, path, turns), daemon=True).start()
        at += EVERY
        time.sleep(max(0.0, at - time.monotonic()))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
