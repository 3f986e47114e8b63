"""Samples of how slots do."""

from datetime import UTC, datetime, timedelta

from bakery.delivery.slot_figures import MinuteFigures, SlotFigures
from bakery.delivery.traffic import Traffic
from bakery.model.deployments import Health, SlotState, Trouble
from bakery.model.names import Colour
from bakery.model.unit import Limits
from bakery.web.presenters.slots import slots_view
from bakery.web.views.slots import SlotsView

_NOW = datetime(2026, 11, 21, 14, 2, 51, tzinfo=UTC)
_HOUR_AGO = _NOW.replace(second=0) - timedelta(hours=1)


def some_slots(*, troubled: bool = False) -> SlotsView:
    """A live one with visitors in all minutes but some, and one that stays warm."""
    minutes = [
        MinuteFigures(_HOUR_AGO + timedelta(minutes=step), 40 + step * step % 37, step % 9 // 8, 12.0 + step % 11)
        for step in range(60)
        if step not in (20, 21, 22)
    ]
    live = SlotFigures(
        environment_id=1,
        release_id=1,
        colour=Colour.GREEN,
        state=SlotState.LIVE,
        release=42,
        since=_NOW - timedelta(hours=2),
        health=Health.DOWN if troubled else Health.HEALTHY,
        health_note="GET /health answered 502." if troubled else "",
        health_since=_NOW - timedelta(minutes=9 if troubled else 110),
        check="health page",
        trouble=Trouble.CRASH_LOOP if troubled else Trouble.NONE,
        restarts=7 if troubled else 0,
        revivals=0,
        traffic=Traffic(3140, 6, 21.4),
        is_sampled=False,
        minutes=minutes,
        used_memory=92 * 1024**2,
        used_cpu=7,
        limits=Limits(512 * 1024**2),
    )
    return slots_view("shop", [live], now=_NOW)
