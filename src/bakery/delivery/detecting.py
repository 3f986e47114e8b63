"""What a repository is, found out in time: strangers wrote its files, and whoever reads them does nothing else."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from bakery.model.errors import BadInput
from bakery.model.repository_paths import RepositoryPath
from bakery.model.runtimes import Runtime
from bakery.stacks.detect import detect
from bakery.stacks.plan import Detected
from bakery.stacks.tree import FileTree

LONGEST = 5.0  # seconds of a processor; usual ones take a hundredth of one


class _TooLong(BaseException):
    """Nothing on the way takes it for a fault of its own."""


def detect_in_time(
    tree: FileTree, *, base: RepositoryPath, runtime: Runtime | None, stack: str | None = None
) -> Detected:
    """As `detect`. Raises BadInput when that comes to no end."""
    try:
        with _no_longer_than(LONGEST):
            return detect(tree, base=base, runtime=runtime, stack=stack)
    except _TooLong as error:
        raise BadInput(
            f"What this repository is was not found out within {LONGEST:g} s.",
            field="url",
            hint="One of its build files is very long or odd. Mend that, or deploy an image that is built elsewhere.",
        ) from error


@contextmanager
def _no_longer_than(seconds: float) -> Iterator[None]:
    """The time of our own processor counts, not that of a machine that does other things. Python hears signals in the
    middle of a search in a text too, but in the main thread alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def give_up(_number: int, _frame: FrameType | None) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
