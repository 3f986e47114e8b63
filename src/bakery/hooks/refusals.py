"""Deliveries that nobody signed are told in the log, which strangers must not be able to fill."""

import structlog

log = structlog.get_logger()

_APART = 60.0  # seconds


class Refusals:
    """Of this process: a line a minute, which counts those since the one before."""

    def __init__(self) -> None:
        self._next = 0.0
        self._count = 0

    def tell(self, why: str, *, at: float) -> None:
        """`at` is of a clock that only goes on."""
        self._count += 1
        if at >= self._next:
            log.warning("github_app_delivery_refused", why=why, times=self._count)
            self._next, self._count = at + _APART, 0
