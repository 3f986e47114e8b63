"""What a container wrote, as Docker's frames tell it."""

import io
from typing import Any, cast

import pytest

from bakery.helper import container_logs
from bakery.helper.container_logs import Options
from bakery.helper.docker_api import Docker

TIME = b"2026-01-31T23:59:59.123456789Z "
OUTPUT, ERRORS = 1, 2


class Answering:
    """Docker, with one answer."""

    def __init__(self, *frames: tuple[int, bytes]) -> None:
        self._answer = io.BytesIO(
            b"".join(bytes([stream, 0, 0, 0]) + len(piece).to_bytes(4, "big") + piece for stream, piece in frames)
        )

    def open(self, *_: Any, **__: Any) -> io.BytesIO:  # noqa: ANN401 - whatever is asked
        return self._answer


def test_a_long_line_that_docker_keeps_in_pieces_is_one_line_again(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    docker = Answering(
        (OUTPUT, TIME + b"a sec"), (OUTPUT, TIME + b"ret in two"), (OUTPUT, TIME + b" pieces\n"),
        (ERRORS, TIME + b"a complaint\n"), (OUTPUT, TIME + b"the next\n"),
    )  # fmt: skip
    container_logs.copy(cast("Docker", docker), "bakery-shop-production-blue", Options(()))
    lines = (b"a secret in two pieces\n", b"a complaint\n", b"the next\n")
    assert capfdbinary.readouterr().out == b"".join(TIME + line for line in lines)
