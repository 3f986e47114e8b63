"""How the slots of an app are doing, in figures."""

from datetime import datetime

import msgspec
from litestar import get

from bakery.delivery.slot_figures import SPAN, SlotFigures, slot_figures
from bakery.delivery.traffic import Traffic, traffic_of
from bakery.model.actor import Actor
from bakery.model.deployments import Health, SlotState, Trouble
from bakery.model.names import AppAt, Colour
from bakery.model.permissions import Permission
from bakery.store.store import Store
from bakery.web.api.listing import shown
from bakery.web.api.problems import problems
from bakery.web.context import Parts
from bakery.web.moments import now


class Minute(msgspec.Struct, kw_only=True):
    """`errors` are answers of 500 and more; `p95` is in milliseconds."""

    at: datetime
    requests: int
    errors: int
    p95: float | None


class Sum(msgspec.Struct, kw_only=True):
    requests: int
    errors: int
    p95: float | None


class SlotMetrics(msgspec.Struct, kw_only=True):
    """A slot in which `release` runs. `check` is what was looked at last, and `health_since` since when it is so.
    `restarts` counts the ends of its program that nobody asked for, `revivals` how often Bakery restarted it since it
    is in `trouble`. `error_share` is from 0 to 1. `is_sampled`: more requests came than were read, and some stand for
    all. `used_memory` is in bytes and `used_cpu` in percent of one CPU, as are the limits of its program; null: nobody
    counted it, there is none. `minutes` are those with a visitor; `in_this_slot` counts since the release has it, of
    the last three days."""

    colour: Colour
    state: SlotState
    release: int
    since: datetime
    health: Health
    health_note: str
    health_since: datetime
    check: str
    trouble: Trouble
    restarts: int
    revivals: int
    used_memory: int | None
    memory_limit: int | None
    used_cpu: int | None
    cpu_limit: int | None
    requests: int
    errors: int
    error_share: float
    p95: float | None
    is_sampled: bool
    minutes: list[Minute]
    in_this_slot: Sum


class Metrics(msgspec.Struct, kw_only=True):
    """From `since` until now."""

    since: datetime
    slots: list[SlotMetrics]


@get(
    "/apps/{app:str}/metrics",
    operation_id="showMetrics",
    summary="Show the health and traffic of an app",
    opt={"permission": Permission.READ},
    responses=problems(),
    tags=["Apps"],
)
async def get_metrics(parts: Parts, actor: Actor, where: AppAt) -> Metrics:
    """Of each slot in which something runs, in the last hour. What Bakery did not hear of is missing: requests while it
    had no connection to the node."""
    at = now()
    found = await slot_figures(parts.store, where, actor=actor, now=at)
    return Metrics(since=at - SPAN, slots=[_slot(each, await _in_slot(parts.store, each)) for each in found])


async def _in_slot(store: Store, figures: SlotFigures) -> Traffic:
    return await traffic_of(store, figures.environment_id, figures.release_id, figures.since)


def _slot(figures: SlotFigures, in_this_slot: Traffic) -> SlotMetrics:
    return SlotMetrics(
        colour=figures.colour,
        state=figures.state,
        release=figures.release,
        since=figures.since,
        health=figures.health,
        health_note=figures.health_note,
        health_since=figures.health_since,
        check=figures.check,
        trouble=figures.trouble,
        restarts=figures.restarts,
        revivals=figures.revivals,
        used_memory=figures.used_memory,
        memory_limit=figures.limits.memory_bytes,
        used_cpu=figures.used_cpu,
        cpu_limit=figures.limits.cpu_percent,
        requests=figures.traffic.requests,
        errors=figures.traffic.errors,
        error_share=figures.traffic.error_share,
        p95=figures.traffic.p95,
        is_sampled=figures.is_sampled,
        minutes=[shown(Minute, minute) for minute in figures.minutes],
        in_this_slot=shown(Sum, in_this_slot),
    )


ROUTES = (get_metrics,)
