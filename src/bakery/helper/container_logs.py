"""What a container wrote, as Docker keeps it.

    container-logs NAME [--after SECONDS.NANOSECONDS] [--lines N] [--follow]

Each line stands after its time, as Docker writes it (2026-01-31T23:59:59.123456789Z). `--after` leaves out what came
until then, that moment included: so who names the time of the last line that they have goes on behind it. Docker keeps
a long line in pieces, each with a time; here it has only that of the first.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import select
import threading

from bakery.helper.docker_api import LONGEST_ANSWER, Docker, patiently
from bakery.helper.words import write_all

WORDS = "(\0--after\0[0-9]{1,12}\\.[0-9]{9})?(\0--lines\0[1-9][0-9]{0,4})?(\0--follow)?"
MOST_LINES = 2000
MOST_BYTES = 8 * 1024 * 1024  # of an answer that is not followed
HEADER = 8
NANO = 1_000_000_000


class Options:
    def __init__(self, words: tuple[str, ...]) -> None:
        said = dict(zip(words, (*words[1:], "")))  # noqa: B905 - Python 3.9 knows no strict
        self.after = said.get("--after")
        self.lines = int(said.get("--lines", MOST_LINES))
        self.follows = "--follow" in said

    def since(self) -> str:
        """Docker counts the moment in; a container writes no two lines in one of these."""
        seconds, _, nanos = (self.after or "0.0").partition(".")
        moment = int(seconds) * NANO + int(nanos) + 1
        return f"{moment // NANO}.{moment % NANO:09d}"


def copy(docker: Docker, name: str, options: Options) -> None:
    """A daemon that goes away ends what is followed: whoever reads asks again, and goes on behind the last line."""
    query = {"stdout": "1", "stderr": "1", "timestamps": "1", "tail": str(options.lines)}
    if options.after:
        query["since"] = options.since()
    if options.follows:
        query["follow"] = "1"
        threading.Thread(target=end_with_reader, daemon=True).start()
    within = None if options.follows else LONGEST_ANSWER
    answer = patiently(lambda: docker.open("GET", "containers", name, "logs", within=within, query=query))
    left = MOST_BYTES
    unfinished: set[int] = set()  # streams that are in the middle of a line
    with contextlib.suppress(OSError, http.client.HTTPException):
        while options.follows or left > 0:
            frame = next_frame(answer)
            if frame is None:
                return
            stream, piece = frame
            write_all(1, piece.partition(b" ")[2] if stream in unfinished else piece)
            (unfinished.discard if piece.endswith(b"\n") else unfinished.add)(stream)
            left -= len(piece)


def end_with_reader() -> None:
    """Also while the container is quiet."""
    poll = select.poll()
    poll.register(1, 0)  # that nobody reads any more is reported unasked
    poll.poll()
    os._exit(0)


def next_frame(answer: http.client.HTTPResponse) -> tuple[int, bytes] | None:
    """Docker frames what a program without a terminal writes: a byte for the stream, and the length."""
    header = answer.read(HEADER)
    if len(header) < HEADER:
        return None
    return header[0], answer.read(int.from_bytes(header[4:], "big"))


def next_piece(answer: http.client.HTTPResponse) -> bytes | None:
    frame = next_frame(answer)
    return None if frame is None else frame[1]
