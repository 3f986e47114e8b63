"""Samples of processes."""

from bakery.delivery.scale import Process, RunningInstance
from bakery.model.actor import Actor
from bakery.model.names import ProcessName, UnitName
from bakery.model.permissions import Role
from bakery.web.presenters.processes import processes_view
from bakery.web.views.processes import ProcessesView
from tests.support.people import HERE


def some_processes(*, stopped: bool = False, allowed: bool = True) -> ProcessesView:
    unit = "bakery-shop-production-green"
    worker = [
        RunningInstance(UnitName(f"{unit}-worker-1"), is_running=True, restarts=0, last_exit=""),
        RunningInstance(UnitName(f"{unit}-worker-2"), is_running=False, restarts=4, last_exit="ended with status 1"),
    ]
    found = [
        Process(
            ProcessName("web"),
            ("npm", "start"),
            1,
            [RunningInstance(UnitName(unit), is_running=True, restarts=0, last_exit="")],
        ),
        Process(ProcessName("mail"), ("sh", "-c", "node mail.js --queue=outgoing"), 0, ()),
        Process(ProcessName("worker"), ("sh", "-c", "node worker.js"), 2, worker),
    ]
    actor = Actor(HERE, 1, role=Role.ADMIN if allowed else Role.VIEWER)
    return processes_view("shop", found, is_stopped=stopped, actor=actor)
