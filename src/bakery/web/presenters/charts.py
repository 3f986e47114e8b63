"""The figures of a machine over an hour, a day, a week or a month: drawn, or as a table."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from bakery.store.series import Band, Point, Series, Span
from bakery.web.presenters.figures import size
from bakery.web.presenters.links import Url
from bakery.web.views.figures import Chart, ChartRow, Charts, Range

_TITLES: Mapping[Span, tuple[str, str]] = {
    Span.HOUR: ("1 h", "The last hour"),
    Span.DAY: ("24 h", "The last 24 hours"),
    Span.WEEK: ("7 d", "The last 7 days"),
    Span.MONTH: ("30 d", "The last 30 days"),
}
_HIGH = 100
MOST_ROWS = 100
_GIGABYTE = 1024**3
_COLUMNS = ("From (UTC)", "Processor", "most", "Memory", "Disk", "Load", "most")


def charts_view(series: Series, span: Span, path: str, *, url: Url, as_table: bool) -> Charts:
    """`path` is the page that shows them."""
    _, title = _TITLES[span]
    ranged = None if span is Span.HOUR else str(span)
    table = "1" if as_table else None
    return Charts(
        title=title,
        here=url(path, range=ranged, table=table),
        other=url(path, range=ranged, table=None if as_table else "1"),
        ranges=[
            Range(short, url(path, range=None if each is Span.HOUR else str(each), table=table), current=each is span)
            for each, (short, _) in _TITLES.items()
        ],
        since=series.since.isoformat(timespec="seconds"),
        step=round(series.step.total_seconds()),
        begin=_moment(series.since, series.step),
        charts=() if as_table or not any(series.points) else _charts(series, title.lower()),
        columns=_COLUMNS if as_table else (),
        rows=_rows(_folded(series)) if as_table else (),
    )


def small_chart(title: str, unit: str, values: Sequence[float | None], when: str) -> Chart:
    """Of single values, a gap where there is none; as high as the highest needs."""
    most = _round_up(max((value for value in values if value is not None), default=0.0))
    bands = [None if value is None else Band(value, value, value) for value in values]
    return _chart(title, unit, most, bands, when, per=1)


def _charts(series: Series, when: str) -> Sequence[Chart]:
    known = [point for point in series.points if point]
    busiest = max((point.load.high for point in known), default=0.0)
    memory = max((point.memory_total for point in known), default=0) / _GIGABYTE
    disk = max((point.disk_total for point in known), default=0) / _GIGABYTE

    def chart(title: str, unit: str, most: float, band: Callable[[Point], Band], *, per: int = 1) -> Chart:
        return _chart(title, unit, most, [band(point) if point else None for point in series.points], when, per=per)

    return (
        chart("Processor", " %", 100, lambda point: point.cpu),
        chart("Memory", " GB", memory, lambda point: point.memory, per=_GIGABYTE),
        chart("Disk", " GB", disk, lambda point: point.disk, per=_GIGABYTE),
        chart("Load", "", _round_up(busiest), lambda point: point.load),
    )


def _chart(title: str, unit: str, most: float, bands: Sequence[Band | None], when: str, *, per: int) -> Chart:
    """Zero is always at the bottom; a gap is a gap."""

    def height(value: float) -> int:
        return round(_HIGH - _HIGH * min(max(value / per / most, 0), 1)) if most else _HIGH

    pieces = _pieces(bands)
    means = [band.mean / per for band in bands if band]
    return Chart(
        title=title,
        label=_label(title, means, unit, when),
        width=len(bands) - 1,
        line="".join(_line(start, [height(band.mean) for band in piece]) for start, piece in pieces),
        band="".join(
            _area(start, [height(band.high) for band in piece], [height(band.low) for band in piece])
            for start, piece in pieces
        ),
        top=_number(most),
        unit=unit,
        values=" ".join(_number(band.mean / per) if band else "-" for band in bands),
    )


def _pieces(bands: Sequence[Band | None]) -> list[tuple[int, list[Band]]]:
    """What is between gaps, with where it begins."""
    pieces: list[tuple[int, list[Band]]] = []
    for index, band in enumerate(bands):
        if band is None:
            continue
        if not index or bands[index - 1] is None:
            pieces.append((index, []))
        pieces[-1][1].append(band)
    return pieces


def _line(start: int, heights: Sequence[int]) -> str:
    """Each step one to the right. One alone is a dot."""
    moves = "".join(f" 1 {then - now}" for now, then in pairwise(heights))
    return f"M{start} {heights[0]}l{moves or ' 0 0'}"


def _area(start: int, above: Sequence[int], below: Sequence[int]) -> str:
    if len(above) < 2:
        return ""
    back = "".join(f" -1 {then - now}" for now, then in pairwise(reversed(below)))
    return f"{_line(start, above)}v{below[-1] - above[-1]}l{back}z"


def _label(title: str, means: Sequence[float], unit: str, when: str) -> str:
    if not means:
        return f"{title}: nothing was heard in {when}"
    least, most = _number(min(means)), _number(max(means))
    return f"{title} in {when}: from {least} to {most}{unit}, at last {_number(means[-1])}{unit}"


def _folded(series: Series) -> Series:
    """Several steps to one, so that a table has at most MOST_ROWS."""
    by = math.ceil(len(series.points) / MOST_ROWS)
    parts = [series.points[at : at + by] for at in range(0, len(series.points), by)]
    return Series(
        series.since, series.step * by, tuple(_together([point for point in part if point]) for part in parts)
    )


def _together(points: Sequence[Point]) -> Point | None:
    if len(points) < 2:
        return points[0] if points else None
    samples = sum(point.samples for point in points)

    def band(of: Callable[[Point], Band]) -> Band:
        return Band(
            min(of(point).low for point in points),
            sum(of(point).mean * point.samples for point in points) / samples,
            max(of(point).high for point in points),
        )

    return replace(
        points[-1],
        at=points[0].at,
        samples=samples,
        cpu=band(lambda point: point.cpu),
        memory=band(lambda point: point.memory),
        disk=band(lambda point: point.disk),
        load=band(lambda point: point.load),
    )


def _rows(series: Series) -> Sequence[ChartRow]:
    """The newest first."""
    rows: list[ChartRow] = []
    silent: list[datetime] = []
    for index in reversed(range(len(series.points))):
        at, point = series.since + series.step * index, series.points[index]
        if point is None:
            silent.append(at)
            continue
        rows += _silence(silent, series.step)
        silent = []
        rows.append(ChartRow(_moment(at, series.step), _cells(point)))
    return [*rows, *_silence(silent, series.step)]


def _silence(silent: Sequence[datetime], step: timedelta) -> Sequence[ChartRow]:
    return [ChartRow(f"{_moment(silent[-1], step)} to {_moment(silent[0] + step, step)}")] if silent else ()


def _cells(point: Point) -> Sequence[str]:
    return (
        f"{point.cpu.mean:.0f} %",
        f"{point.cpu.high:.0f} %",
        size(point.memory.mean),
        size(point.disk.mean),
        f"{point.load.mean:.1f}",
        f"{point.load.high:.1f}",
    )


def _moment(at: datetime, step: timedelta) -> str:
    utc = at.astimezone(UTC)
    return f"{utc:%H:%M}" if step < timedelta(minutes=5) else f"{utc:%m-%d %H:%M}"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 10 or value == round(value) else f"{value:.1f}"


def _round_up(value: float) -> float:
    """To 1, 2 or 5 of its size, and at least 1."""
    size = 10.0 ** math.floor(math.log10(max(value, 1)))
    return next(step * size for step in (1, 2, 5, 10) if step * size >= value)
