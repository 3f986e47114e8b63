"""Figures of machines in few characters, and the line of the last hour beside them."""

from collections.abc import Sequence
from typing import Literal

from bakery.web.views.figures import Spark

Tone = Literal["", "warn", "bad"]

_FULL, _NEARLY_FULL = 95, 85  # percent
_WIDTH, _HEIGHT, _LOWEST = 96.0, 24.0, 21.0


def size(count: float) -> str:
    gigabytes = count / 1024**3
    return f"{gigabytes:.0f} GB" if gigabytes >= 10 else f"{gigabytes:.1f} GB"


def cores(count: int) -> str:
    return "1 core" if count == 1 else f"{count} cores"


def fullness(percent: float) -> Tone:
    """Of a disk."""
    return "bad" if percent >= _FULL else "warn" if percent >= _NEARLY_FULL else ""


def spark(values: Sequence[float | None], label: str, *, most: float) -> Spark | None:
    """Paths over the last hour. A gap is a gap."""
    known = [value for value in values if value is not None]
    if len(known) < 2 or most <= 0:
        return None
    step = _WIDTH / (len(values) - 1)
    pieces: list[list[tuple[float, float]]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append((index * step, _HEIGHT - min(value / most, 1) * _LOWEST - 1))
    drawn = [piece for piece in pieces if len(piece) > 1]
    line = "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in piece) for piece in drawn)
    area = "".join(
        f"M{piece[0][0]:.1f} {_HEIGHT:.0f}L"
        + "L".join(f"{x:.1f} {y:.1f}" for x, y in piece)
        + f"L{piece[-1][0]:.1f} {_HEIGHT:.0f}Z"
        for piece in drawn
    )
    return Spark(line, area, label)
