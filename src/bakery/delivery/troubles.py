"""When an app that does badly is restarted, and when that is worth telling: decided from what was seen alone.

One that does not answer for a while is restarted, with longer and longer pauses. One whose program ends again and
again is started by its keeper anyway: it is told once that it does, and once that it recovered.
"""

from dataclasses import dataclass

from bakery.model.deployments import Health, Trouble

UNHEALTHY_AFTER = 60.0  # seconds
PAUSES = (60.0, 120.0, 240.0, 480.0, 960.0)  # before the next restart; the last one repeats
LOOP_ENDS, LOOP_WITHIN = 3, 600.0
CALM_FOR = 120.0  # healthy and without an end for as long: it has recovered


@dataclass(frozen=True, slots=True)
class Seen:
    """Of a live slot. `healthy_for` and `down_for` are seconds, of which one is 0; `ends` are those of its program that
    nobody asked for, within LOOP_WITHIN, and `last_end` how long ago the last was. `revived` is how long ago Bakery
    restarted it in this trouble."""

    health: Health
    healthy_for: float
    down_for: float
    ends: int
    last_end: float | None
    trouble: Trouble
    revivals: int
    revived: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    trouble: Trouble
    is_revived: bool = False


def judge(seen: Seen) -> Verdict:
    if seen.ends >= LOOP_ENDS:
        return Verdict(Trouble.CRASH_LOOP)
    if seen.health is Health.UNKNOWN:
        return Verdict(seen.trouble)
    if seen.health is Health.HEALTHY:
        has_recovered = seen.healthy_for >= CALM_FOR and (seen.last_end is None or seen.last_end >= CALM_FOR)
        return Verdict(Trouble.NONE if has_recovered else seen.trouble)
    if seen.down_for < UNHEALTHY_AFTER:
        return Verdict(seen.trouble)
    return Verdict(Trouble.UNHEALTHY, is_revived=seen.revived is None or seen.revived >= pause_before(seen.revivals))


def pause_before(revivals: int) -> float:
    """How long after the last restart the next may come, when there were so many."""
    return PAUSES[min(max(revivals, 1), len(PAUSES)) - 1]
