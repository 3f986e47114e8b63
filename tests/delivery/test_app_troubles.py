"""When an app that does badly is restarted, and when that is told."""

from dataclasses import replace

import pytest

from bakery.delivery.troubles import Seen, Verdict, judge, pause_before
from bakery.model.deployments import Health, Trouble

WELL = Seen(
    health=Health.HEALTHY,
    healthy_for=1000.0,
    down_for=0.0,
    ends=0,
    last_end=None,
    trouble=Trouble.NONE,
    revivals=0,
    revived=None,
)
DOWN = replace(WELL, health=Health.DOWN, healthy_for=0.0, down_for=30.0)
LONG_DOWN = replace(DOWN, down_for=60.0)
ILL = replace(LONG_DOWN, trouble=Trouble.UNHEALTHY)
LOOPING = replace(WELL, trouble=Trouble.CRASH_LOOP, healthy_for=5.0)


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        (WELL, Verdict(Trouble.NONE)),
        (DOWN, Verdict(Trouble.NONE)),  # a moment is no trouble
        (LONG_DOWN, Verdict(Trouble.UNHEALTHY, is_revived=True)),
        (replace(ILL, revivals=1, revived=59.0), Verdict(Trouble.UNHEALTHY)),
        (replace(ILL, revivals=1, revived=60.0), Verdict(Trouble.UNHEALTHY, is_revived=True)),
        (replace(ILL, revivals=2, revived=60.0), Verdict(Trouble.UNHEALTHY)),
        (replace(ILL, revivals=9, revived=960.0), Verdict(Trouble.UNHEALTHY, is_revived=True)),
        (replace(ILL, health=Health.UNKNOWN, down_for=0.0), Verdict(Trouble.UNHEALTHY)),  # its node is away
        (replace(WELL, trouble=Trouble.UNHEALTHY, healthy_for=119.0), Verdict(Trouble.UNHEALTHY)),
        (replace(WELL, trouble=Trouble.UNHEALTHY, healthy_for=120.0), Verdict(Trouble.NONE)),
        (replace(WELL, ends=2, last_end=1.0), Verdict(Trouble.NONE)),
        (replace(WELL, ends=3, last_end=1.0), Verdict(Trouble.CRASH_LOOP)),
        (replace(LONG_DOWN, ends=3, last_end=1.0), Verdict(Trouble.CRASH_LOOP)),  # its keeper starts it anyway
        (replace(LOOPING, ends=2, last_end=119.0, healthy_for=500.0), Verdict(Trouble.CRASH_LOOP)),
        (replace(LOOPING, ends=2, last_end=120.0, healthy_for=500.0), Verdict(Trouble.NONE)),
        (replace(LOOPING, healthy_for=119.0), Verdict(Trouble.CRASH_LOOP)),
    ],
)
def test_what_becomes_of_what_is_seen(seen: Seen, verdict: Verdict) -> None:
    assert judge(seen) == verdict


def test_pauses_between_restarts_grow_up_to_a_quarter_of_an_hour() -> None:
    assert [pause_before(revivals) for revivals in range(7)] == [60, 60, 120, 240, 480, 960, 960]
