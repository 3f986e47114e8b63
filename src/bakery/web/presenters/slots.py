"""How the slots of an app are doing: health, restarts, and the last hour of visitors as small charts."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from bakery.delivery.slot_figures import SPAN, MinuteFigures, SlotFigures
from bakery.model.deployments import Health, Trouble
from bakery.model.sizes import shown_bytes, shown_cpus, shown_megabytes
from bakery.web.moments import moment
from bakery.web.presenters.charts import small_chart
from bakery.web.views.figures import Chart
from bakery.web.views.slots import SlotsView, SlotView
from bakery.web.views.status import StatusView

_MINUTE = timedelta(minutes=1)
_HEALTH: Mapping[Health, StatusView] = {
    Health.HEALTHY: StatusView("ok", "s-ok", "Healthy"),
    Health.DOWN: StatusView("bad", "s-bad", "Down"),
    Health.UNKNOWN: StatusView("off", "s-unk", "Not checked"),
}
_TROUBLES: Mapping[Trouble, StatusView] = {
    Trouble.UNHEALTHY: StatusView("bad", "s-bad", "Unhealthy"),
    Trouble.CRASH_LOOP: StatusView("bad", "s-zap", "Ends again and again"),
}
_CHECKS: Mapping[str, str] = {
    "health page": "Asked for its health page",
    "front page": "Asked for its front page",
    "command": "Ran its command",
    "open port": "Looked whether its port is open",
}


def slots_view(slug: str, found: Sequence[SlotFigures], *, now: datetime) -> SlotsView:
    """The minute that has not ended is left out: it looks like a fall."""
    begin = (now - SPAN).astimezone(UTC).replace(second=0, microsecond=0)
    return SlotsView(
        slug=slug,
        since=begin.isoformat(timespec="seconds"),
        begin=f"{begin:%H:%M}",
        slots=[_slot(figures, begin, now) for figures in found],
    )


def _slot(figures: SlotFigures, begin: datetime, now: datetime) -> SlotView:
    known = _TROUBLES.get(figures.trouble, _HEALTH[figures.health])
    return SlotView(
        colour=figures.colour,
        state=figures.state,
        release=figures.release,
        status=known,
        since=moment(figures.health_since, now),
        check=_CHECKS.get(figures.check, figures.check),
        note=figures.health_note,
        restarts=_restarts(figures),
        traffic=_traffic(figures),
        charts=_charts(figures.minutes, begin) if figures.minutes else (),
        memory=_memory(figures),
        cpu=_cpu(figures),
    )


def _memory(figures: SlotFigures) -> str:
    if figures.used_memory is None:
        return ""
    limit = figures.limits.memory_bytes
    return (
        f"{shown_bytes(figures.used_memory)} {'without a limit' if limit is None else f'of {shown_megabytes(limit)}'}"
    )


def _cpu(figures: SlotFigures) -> str:
    if figures.used_cpu is None:
        return ""
    limit = figures.limits.cpu_percent
    return f"{figures.used_cpu / 100:.2f} {'without a limit' if limit is None else f'of {shown_cpus(limit)}'}"


def _restarts(figures: SlotFigures) -> str:
    by_us = f"Bakery restarted it {_times(figures.revivals)}" if figures.revivals else ""
    ended = f"It ended {_times(figures.restarts)} by itself" if figures.restarts else ""
    return ", ".join(part for part in (ended, by_us) if part) or "None"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")


def _traffic(figures: SlotFigures) -> str:
    traffic = figures.traffic
    if not traffic.requests:
        return "No visitor in the last hour"
    about = "about " if figures.is_sampled else ""
    requests = "1 request" if traffic.requests == 1 else f"{about}{traffic.requests:,} requests"
    p95 = f", p95 {traffic.p95:,.0f} ms" if traffic.p95 is not None else ""
    return f"{requests} in the last hour, {traffic.error_share:.1%} answered with 5xx{p95}"


def _charts(minutes: Sequence[MinuteFigures], begin: datetime) -> Sequence[Chart]:
    by_time = {minute.at: minute for minute in minutes}
    each = [by_time.get(begin + _MINUTE * step) for step in range(round(SPAN / _MINUTE))]
    when = "the last hour"
    return (
        small_chart("Requests a minute", "", [float(minute.requests) if minute else 0.0 for minute in each], when),
        small_chart(
            "5xx",
            " %",
            [100 * minute.errors / minute.requests if minute and minute.requests else None for minute in each],
            when,
        ),
        small_chart("p95", " ms", [minute.p95 if minute else None for minute in each], when),
    )
