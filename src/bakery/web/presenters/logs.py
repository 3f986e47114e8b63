"""The parts of a deployment's log that belong to its steps."""

from bakery.delivery.history import Step
from bakery.store.logs import Piece
from bakery.web.presenters.terminal import log_lines
from bakery.web.views.deployments import StepLog

MOST_LINES = 500  # of a log in a page; all of it is in the raw text


def log_of_step(step: Step, stream: int, log: Piece | None, raw: str) -> StepLog | None:
    """From the end of the log that was read. Lines are counted through the whole log, as its raw text shows them."""
    if step.from_byte is None:
        return None
    if log is None:
        return StepLog(str(stream), (), step.from_byte, raw)
    first = max(step.from_byte, _first_byte(log))
    end = log.to_byte if step.to_byte is None else step.to_byte
    before, part = log.bytes[: first - log.from_byte], log.bytes[first - log.from_byte : max(end - log.from_byte, 0)]
    return StepLog(
        stream=str(stream),
        lines=log_lines(part.decode("utf-8", "replace"), log.lines_before + before.count(b"\n") + 1),
        to=max(end, first),
        raw=raw,
        is_cut=first > step.from_byte,
    )


def _first_byte(log: Piece) -> int:
    """Where the last lines begin. What was read may begin in the middle of a line."""
    at = len(log.bytes)
    for _ in range(MOST_LINES + 1):
        at = log.bytes.rfind(b"\n", 0, at)
        if at < 0:
            return log.from_byte + (log.bytes.find(b"\n") + 1 if log.from_byte else 0)
    return log.from_byte + at + 1
