"""A state as a person sees it: always a colour, a shape and a word together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Tone = Literal["ok", "run", "warn", "bad", "off", "wait"]
Shape = Literal[
    "s-ok", "s-run", "s-warn", "s-bad", "s-zap", "s-off", "s-unk", "s-clock", "s-wait", "s-skip", "s-cancel"
]


@dataclass(frozen=True, slots=True)
class StatusView:
    """`tone` picks the colours, `shape` a symbol of the sprite, `word` says it."""

    tone: Tone
    shape: Shape
    word: str

    def saying(self, word: str) -> "StatusView":
        """The same state in more exact words: “Failed in Test”."""
        return StatusView(self.tone, self.shape, word)


_APP: Mapping[str, StatusView] = {
    "healthy": StatusView("ok", "s-ok", "Healthy"),
    "deploying": StatusView("run", "s-run", "Deploying"),
    "degraded": StatusView("warn", "s-warn", "Degraded"),
    "down": StatusView("bad", "s-bad", "Down"),
    "stopped": StatusView("off", "s-off", "Stopped"),
    "offline": StatusView("off", "s-unk", "Offline"),
    "failed": StatusView("bad", "s-bad", "Failed"),
    "never_deployed": StatusView("off", "s-wait", "Never deployed"),
}

_DEPLOYMENT: Mapping[str, StatusView] = {
    "scheduled": StatusView("off", "s-clock", "Scheduled"),
    "queued": StatusView("run", "s-run", "Queued"),
    "running": StatusView("run", "s-run", "Running"),
    "succeeded": StatusView("ok", "s-ok", "Succeeded"),
    "failed": StatusView("bad", "s-bad", "Failed"),
    "cancelled": StatusView("off", "s-cancel", "Cancelled"),
    "superseded": StatusView("off", "s-skip", "Superseded"),
    "rolled_back": StatusView("warn", "s-warn", "Rolled back"),
    "interrupted": StatusView("bad", "s-zap", "Interrupted"),
}

_STEP: Mapping[str, StatusView] = {
    "waiting": StatusView("wait", "s-wait", "Waiting"),
    "running": StatusView("run", "s-run", "Running"),
    "done": StatusView("ok", "s-ok", "Done"),
    "failed": StatusView("bad", "s-bad", "Failed"),
    "skipped": StatusView("wait", "s-skip", "Skipped"),
    "cancelled": StatusView("off", "s-cancel", "Cancelled"),
    "interrupted": StatusView("bad", "s-zap", "Interrupted"),
}

_NODE: Mapping[str, StatusView] = {
    "online": StatusView("ok", "s-ok", "Online"),
    "verifying": StatusView("run", "s-run", "Verifying"),
    "offline": StatusView("off", "s-unk", "Offline"),
    "new": StatusView("wait", "s-wait", "Waiting for its first handshake"),
    "unreachable": StatusView("off", "s-unk", "Unreachable"),
    "blocked": StatusView("bad", "s-bad", "Blocked"),
}

_JOB: Mapping[str, StatusView] = {
    "queued": StatusView("run", "s-run", "Queued"),
    "running": StatusView("run", "s-run", "Running"),
    "succeeded": StatusView("ok", "s-ok", "Succeeded"),
    "failed": StatusView("bad", "s-bad", "Failed"),
    "cancelled": StatusView("off", "s-cancel", "Cancelled"),
    "lost": StatusView("bad", "s-zap", "Lost"),
    "interrupted": StatusView("bad", "s-zap", "Interrupted"),
}

_PERSON: Mapping[str, StatusView] = {
    "active": StatusView("ok", "s-ok", "Active"),
    "suspended": StatusView("off", "s-off", "Suspended"),
}

_INVITE: Mapping[str, StatusView] = {
    "open": StatusView("run", "s-run", "Waiting"),
    "accepted": StatusView("ok", "s-ok", "Accepted"),
    "expired": StatusView("off", "s-clock", "Expired"),
    "revoked": StatusView("off", "s-cancel", "Revoked"),
}


def app_status(state: str) -> StatusView:
    return _APP[state]


def deployment_status(state: str) -> StatusView:
    return _DEPLOYMENT[state]


def step_status(state: str) -> StatusView:
    return _STEP[state]


def node_status(state: str) -> StatusView:
    return _NODE[state]


def job_status(state: str) -> StatusView:
    return _JOB[state]


def person_status(state: str) -> StatusView:
    return _PERSON[state]


def invite_status(state: str) -> StatusView:
    return _INVITE[state]


def check_status(word: str, *, is_well: bool) -> StatusView:
    """Of what was looked at: `word` names it."""
    return StatusView("ok", "s-ok", word) if is_well else StatusView("bad", "s-bad", word)


def every_status() -> Mapping[str, tuple[StatusView, ...]]:
    """All of them, by what they are a state of: for the style guide."""
    tables = {
        "Apps": _APP,
        "Deployments": _DEPLOYMENT,
        "Steps": _STEP,
        "Nodes": _NODE,
        "Jobs": _JOB,
        "People": _PERSON,
        "Invitations": _INVITE,
    }
    return {title: tuple(table.values()) for title, table in tables.items()}
