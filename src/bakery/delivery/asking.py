"""Is a release well? Asked as its terms say: for a page, whether its port is open, or by a command where it runs."""

import asyncio
import shlex
import time

from bakery.delivery.keeping import keeper
from bakery.delivery.premises import Premises, Release
from bakery.model.errors import CommandFailed
from bakery.model.health_kinds import HealthKind, Statuses
from bakery.model.names import Colour, Port, UnitName
from bakery.model.runtimes import Runtime
from bakery.model.terms import Terms
from bakery.nodes.health import (
    CALM_PAUSE,
    EAGER_PAUSE,
    Answer,
    CheckKind,
    Healthy,
    Pace,
    Unhealthy,
    ask_app,
    ask_port,
    wait_until_healthy,
)
from bakery.nodes.node import Node
from bakery.nodes.units import CheckEnd

EAGER_COMMANDS = 0.5  # seconds between two of them: each is a program that starts
_FRONT_PAGE = "/"
_SHOWN = 80


async def ask_release(node: Node, name: UnitName, runtime: Runtime, port: Port, terms: Terms) -> Answer:
    """`name` is that of its program. Raises NodeUnreachable when it is the machine that cannot be reached."""
    match terms.kind:
        case HealthKind.COMMAND:
            return await _run(node, name, runtime, terms)
        case HealthKind.TCP:
            return await ask_port(node.transport, port, within=terms.timeout)
        case _:
            is_http = terms.kind is HealthKind.HTTP
            path = terms.path or (_FRONT_PAGE if is_http and terms.status != Statuses() else None)
            return await ask_app(
                node.transport, port, path, good=terms.status, within=terms.timeout, speaks_http=is_http
            )


async def wait_for_release(
    node: Node, premises: Premises, colour: Colour, release: Release, port: Port, *, within: float
) -> Healthy | Unhealthy:
    """One that was started anew; a time that its terms add to what it has is added to `within`."""
    terms, name = release.terms(), premises.unit(colour)
    return await wait_until_healthy(
        lambda: ask_release(node, name, release.runtime, port, terms),
        deadline=within + terms.grace,
        clock=time.monotonic,
        sleep=asyncio.sleep,
        successes=terms.successes,
        pace=pace_of(terms),
    )


def pace_of(terms: Terms) -> Pace:
    """At its start it is asked more often than later."""
    eager = EAGER_COMMANDS if terms.kind is HealthKind.COMMAND else EAGER_PAUSE
    return Pace(eager=min(eager, terms.interval), calm=min(CALM_PAUSE, terms.interval))


def shown_check(terms: Terms) -> str:
    """What it is asked for, as a sentence."""
    match terms.kind:
        case HealthKind.COMMAND:
            return f"Runs {shlex.join(terms.command)} where it runs, which has to end with 0."
        case HealthKind.TCP:
            return "Looks whether its port is open."
        case HealthKind.HTTP if terms.path is None and terms.status == Statuses():
            return "Asks for /health, else for /."
        case HealthKind.HTTP:
            good = "well" if terms.status == Statuses() else f"with {terms.status}"
            return f"Asks for {terms.path or _FRONT_PAGE}, which has to answer {good}."
        case None:
            return "Asks for /health, else for /, else for an open port."


async def _run(node: Node, name: UnitName, runtime: Runtime, terms: Terms) -> Answer:
    """What it writes may hold a secret: it is told apart, for the log of a deployment, where those are masked."""
    try:
        end = await keeper(node, runtime).check(name, terms.command, seconds=terms.timeout)
    except CommandFailed as error:
        return Answer(CheckKind.COMMAND, is_well=False, said=error.message.rstrip("."))
    return judged(end, terms)


def judged(end: CheckEnd, terms: Terms) -> Answer:
    words = shlex.join(terms.command)
    words = words if len(words) <= _SHOWN else f"{words[:_SHOWN]}…"
    if end.exit_status is None:
        said = f"its check “{words}” did not end within {terms.timeout:g} s"
    elif end.exit_status < 0:
        said = f"its check “{words}” was ended by signal {-end.exit_status}"
    else:
        said = f"its check “{words}” ended with status {end.exit_status}"
    return Answer(CheckKind.COMMAND, end.exit_status == 0, said, end.written)
