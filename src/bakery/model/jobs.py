"""The life of a job, as its row tells it: the allowed moves are a table."""

import re
from collections.abc import Mapping
from enum import StrEnum

from bakery.model.errors import BadInput

LONGEST_COMMAND = 8000
LONGEST_JOB = 7 * 24 * 3600
_MOST_WORDS = 500
_CONTROL = re.compile(r"[\x00]")


class JobState(StrEnum):
    """`lost`: it was begun, and nobody can tell how it ended. It is never begun again by itself."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"

    @property
    def is_over(self) -> bool:
        return self not in NEXT_STATES


# A state without a row is final.
NEXT_STATES: Mapping[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
    JobState.RUNNING: frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.LOST}),
}


def parse_words(words: list[str]) -> tuple[str, ...]:
    """The words of a command, each as it is: nothing in them means anything to a shell."""
    if not words or not words[0]:
        raise BadInput("Say which command to run.", field="command", hint="Like: df -h")
    if len(words) > _MOST_WORDS:
        raise BadInput(
            f"Use up to {_MOST_WORDS} words.", field="command", hint="Put more into a script or a file there."
        )
    if sum(map(len, words)) > LONGEST_COMMAND:
        raise BadInput(
            f"Use up to {LONGEST_COMMAND} characters.", field="command", hint="Put more into a script or a file there."
        )
    if any(_CONTROL.search(word) for word in words):
        raise BadInput("A command cannot hold a NUL character.", field="command")
    return tuple(words)


def parse_seconds(seconds: int) -> int:
    if 1 <= seconds <= LONGEST_JOB:
        return seconds
    raise BadInput("A command may take from one second to a week.", field="seconds", hint="Like 3600.")
