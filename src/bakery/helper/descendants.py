"""What descends from a process, however it was begun: found, and told to end."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable

from bakery.helper.processes import processes, send


def descendants(ancestor: int) -> list[tuple[int, str]]:
    children: dict[int, list[tuple[int, str]]] = {}
    for process, parent, began in processes():
        children.setdefault(parent, []).append((process, began))
    found = children.get(ancestor, [])
    for process, _ in found:  # it grows while we walk it
        found.extend(children.get(process, []))
    return found


def signal_descendants(number: signal.Signals) -> None:
    """Ours stand still until each has the signal: so none is born that does not get it."""
    stopped: set[tuple[int, str]] = set()
    for _ in range(20):
        born = set(descendants(os.getpid())) - stopped
        if not born:
            break
        signal_all(born, signal.SIGSTOP)
        stopped |= born
    signal_all(stopped, number)
    signal_all(stopped, signal.SIGCONT)


def signal_all(those: Iterable[tuple[int, str]], number: signal.Signals) -> None:
    for process, began in those:
        send(process, began, number)
