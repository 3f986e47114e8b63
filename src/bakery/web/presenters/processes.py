"""The processes of an app as a table, with what each instance does."""

import shlex
from collections.abc import Sequence

from bakery.delivery.scale import Process, RunningInstance
from bakery.model.actor import Actor
from bakery.model.errors import BakeryError
from bakery.model.permissions import Permission
from bakery.model.processes import MOST_INSTANCES
from bakery.web.views.processes import InstanceView, ProcessesView, ProcessView
from bakery.web.views.status import StatusView

_RUNS = StatusView("ok", "s-ok", "Runs")
_ENDED = StatusView("bad", "s-bad", "Does not run")
_UNSEEN = StatusView("off", "s-unk", "Not looked at")
_STOPPED = StatusView("off", "s-off", "Stopped")
_SHELL = ("sh", "-c")


def processes_view(
    slug: str, found: Sequence[Process], *, is_stopped: bool, actor: Actor, refusal: BakeryError | None = None
) -> ProcessesView:
    """An app that is its web process alone needs no table."""
    shown = found if len(found) > 1 else ()
    may_scale = actor.may(Permission.DEPLOY)
    problem = f"{refusal.message} {refusal.hint}".strip() if refusal else ""
    return ProcessesView(
        slug, [_process(process, is_stopped=is_stopped, may_scale=may_scale) for process in shown], problem
    )


def _process(process: Process, *, is_stopped: bool, may_scale: bool) -> ProcessView:
    counts = may_scale and process.can_scale and bool(process.command)
    return ProcessView(
        name=process.name,
        command=_as_written(process.command),
        count=process.count,
        instances=[_instance(one, is_stopped=is_stopped) for one in process.instances],
        fewer=process.count - 1 if counts and process.count > 0 else None,
        more=process.count + 1 if counts and process.count < MOST_INSTANCES else None,
    )


def _as_written(command: tuple[str, ...]) -> str:
    """A line for a shell as its author wrote it."""
    if command[:2] == _SHELL and len(command) == len(_SHELL) + 1:
        return command[2]
    return shlex.join(command) or "as its image says"


def _instance(one: RunningInstance, *, is_stopped: bool) -> InstanceView:
    restarts = {0: "", 1: "restarted once"}.get(one.restarts, f"restarted {one.restarts:,} times")
    last = "" if one.is_running and not one.restarts else one.last_exit
    return InstanceView(one.name, _status(one, is_stopped=is_stopped), ", ".join(filter(None, (restarts, last))))


def _status(one: RunningInstance, *, is_stopped: bool) -> StatusView:
    if is_stopped:
        return _STOPPED
    return _UNSEEN if one.is_running is None else _RUNS if one.is_running else _ENDED
