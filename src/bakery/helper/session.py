"""A conversation: one start of the helper for many calls, each in a child of its own.

    session    reads calls until its input ends; of each, what the verb wrote and how it ended

A call is a line of JSON, `{"words": [VERB, …], "told": BYTES}`, and as many bytes of input for the verb. The answer is
pieces of what it writes, as it comes: a letter (`o` output, `e` errors, `x` the end), four bytes of length, and so many
bytes; those of the end are the exit status. A child finds all as if it had been started alone. A start costs as much as
ten verbs, and nothing stays on the machine when Bakery stops talking.
"""

from __future__ import annotations

import json
import os
import select
import sys
from collections.abc import Callable, Iterator

from bakery.helper.children import status_of
from bakery.helper.words import LONGEST_INPUT, is_text, write_all

LONGEST_CALL = 256 * 1024  # a line of words
PIECE = 64 * 1024
OUTPUT, ERRORS, END = b"o", b"e", b"x"

Perform = Callable[["list[str]"], None]


def serve(prepare: Perform, perform: Perform) -> None:
    """`prepare` does what would be the same in each child, such as loading the verb's module."""
    for words, told in calls():
        prepare(words)
        child, output, errors = begin(perform, words, told)
        status = pass_on(child, {output: OUTPUT, errors: ERRORS})
        tell(END, str(status).encode())


def calls() -> Iterator[tuple[list[str], bytes]]:
    """Read past Python's own buffer, which a child would find full of the next call."""
    arrived = b""
    while True:
        while b"\n" not in arrived:
            more = os.read(0, PIECE)
            if not more or len(arrived) > LONGEST_CALL:
                return
            arrived += more
        line, _, arrived = arrived.partition(b"\n")
        words, length = told_call(line)
        while len(arrived) < length:
            more = os.read(0, PIECE)
            if not more:
                return
            arrived += more
        yield words, arrived[:length]
        arrived = arrived[length:]


def told_call(line: bytes) -> tuple[list[str], int]:
    try:
        told = json.loads(line)
        words, length = told["words"], told["told"]
    except (ValueError, RecursionError, KeyError, TypeError):
        sys.exit("A call is not described in JSON.")
    if not isinstance(words, list) or not all(map(is_text, words)):  # as an argument, none holds a NUL
        sys.exit("words has to be a list of texts.")
    if isinstance(length, bool) or not isinstance(length, int) or not 0 <= length <= LONGEST_INPUT:
        sys.exit(f"told has to be a number of bytes up to {LONGEST_INPUT}.")
    return words, length


def begin(perform: Perform, words: list[str], told: bytes) -> tuple[int, int, int]:
    """The child, and where its output and its errors are read."""
    given = os.memfd_create("told")
    write_all(given, told)
    os.lseek(given, 0, os.SEEK_SET)
    (output, writes), (errors, complains) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        for inner, outer in ((given, 0), (writes, 1), (complains, 2)):
            os.dup2(inner, outer)
        for one in (given, writes, complains, output, errors):
            os.close(one)
        os._exit(status_of(lambda: perform(words)))
    for one in (given, writes, complains):
        os.close(one)
    return child, output, errors


def pass_on(child: int, pipes: dict[int, bytes]) -> int:
    """How it ended, when all that it wrote is told. What it left running may hold its pipes for ever.

    Whoever talks to us says nothing before our answer is whole: anything there means that they are gone, and so are we.
    A child that writes then, or listens to its output's end, learns of it."""
    ended = os.pidfd_open(child)
    waiting = select.poll()
    for one in (0, ended, *pipes):
        waiting.register(one, select.POLLIN)
    while True:
        ready = {one for one, _ in waiting.poll()}
        for one in ready & pipes.keys():
            if not pass_piece(one, pipes[one]):
                waiting.unregister(one)
        if ended in ready and not ready & pipes.keys():  # what they still held comes first
            break
        if 0 in ready:
            os._exit(0)
    for one in (ended, *pipes):
        os.close(one)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def pass_piece(pipe: int, kind: bytes) -> bool:
    piece = os.read(pipe, PIECE)
    if piece:
        tell(kind, piece)
    return bool(piece)


def tell(kind: bytes, piece: bytes) -> None:
    write_all(1, kind + len(piece).to_bytes(4, "big") + piece)
