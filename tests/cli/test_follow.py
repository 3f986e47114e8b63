"""Following a log over connections that break."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from bakery.cli.client.follow import Event, follow_log, read_events
from bakery.model.errors import Unavailable


class _Answer:
    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def iter_lines(self) -> Iterator[str]:
        for line in self._lines:
            if line == "CUT":
                raise Unavailable("Bakery did not answer.")
            yield line


class _Api:
    """Answers each connection with the next of its scripts; remembers from which byte each asked."""

    def __init__(self, *scripts: list[str]) -> None:
        self._scripts = list(scripts)
        self.asked: list[str] = []

    @contextmanager
    def stream(self, path: str, headers: Mapping[str, str]) -> Iterator[_Answer]:
        self.asked.append(headers["last-event-id"])
        yield _Answer(self._scripts.pop(0))

    def get(self, path: str) -> dict[str, Any]:
        return {"state": "succeeded"}


def _log(text: str, to: int) -> list[str]:
    return [f"id: {to}", "event: log", f'data: {{"text": "{text}"}}', ""]


_END = ["event: end", "data: {}", ""]


def test_a_connection_that_breaks_goes_on_at_the_byte_where_it_was() -> None:
    api = _Api([*_log("one ", 4), "CUT"], [": still here", "", *_log("two", 7)], _END)
    written: list[str] = []

    ended = follow_log(api, "/apps/shop/deployments/1", written.append, sleep=lambda _: None)  # type: ignore[arg-type]  # what it uses of an Api

    assert (ended, written) == ({"state": "succeeded"}, ["one ", "two"])
    assert api.asked == ["0", "4", "7"]


def test_a_server_that_stays_away_is_given_up() -> None:
    api = _Api(*[["CUT"]] * 40)
    with pytest.raises(Unavailable):
        follow_log(api, "/apps/shop", lambda _: None, sleep=lambda _: None)  # type: ignore[arg-type]  # likewise
    assert len(api.asked) == 31


def test_events_are_read_between_comments_and_half_ones() -> None:
    lines = [": hello", "", "retry: 2000", "", *_log("a: b", 3), "event: log", 'data: {"text": "cut']
    assert list(read_events(lines)) == [Event("log", "3", {"text": "a: b"})]
