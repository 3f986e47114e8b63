"""Who may hold one of the few channels to a node for long, beside deployments, which need some too."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator

from bakery.model.errors import TooMany

MOST_READ = 2  # programs of a node whose logs are read to their end
MOST_PLANS = 2  # commits that are fetched there only to look into them


class LogTurns:
    """By the node's id."""

    def __init__(self) -> None:
        self._reading: dict[int, asyncio.Semaphore] = {}

    def reading(self, node_id: int) -> asyncio.Semaphore:
        """For what comes to its end whoever takes it. The others wait."""
        return self._reading.setdefault(node_id, asyncio.Semaphore(MOST_READ))


class PlanTurns:
    """By the node's id."""

    def __init__(self) -> None:
        self._looking: Counter[int] = Counter()

    @contextlib.contextmanager
    def looking(self, node_id: int) -> Iterator[None]:
        if self._looking[node_id] >= MOST_PLANS:
            raise TooMany("Others are looking at what their deployments there would do.", retry_after=10)
        self._looking[node_id] += 1
        try:
            yield
        finally:
            self._looking[node_id] -= 1
