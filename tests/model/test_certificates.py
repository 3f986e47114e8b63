"""When something is to be done about a certificate."""

from datetime import UTC, datetime, timedelta

import pytest

from bakery.model.certificates import (
    MOST_NAMES,
    Held,
    Refused,
    advice,
    alarm_due,
    covers,
    is_enough,
    next_alarm,
    next_try,
    orderable,
    renew_from,
)
from bakery.model.names import HostName

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
SHOP, WWW = HostName("shop.example.com"), HostName("www.shop.example.com")


def held(life: float, left: float, *names: HostName) -> Held:
    ends = NOW + timedelta(days=left)
    return Held("f" * 64, names or (SHOP,), ends - timedelta(days=life), ends, "Top")


@pytest.mark.parametrize(("life", "first", "last"), [(90, 31, 30), (365, 31, 30), (6, 2.1, 2)])
def test_it_is_renewed_thirty_days_before_its_end_or_when_a_third_of_a_short_life_is_left(
    life: float, first: float, last: float
) -> None:
    assert [renew_from(held(life, left)) <= NOW for left in (first, last)] == [False, True]


def test_it_is_enough_while_it_has_all_names_that_are_wanted() -> None:
    assert is_enough(held(90, 60, SHOP, WWW), (SHOP,), NOW)
    assert not is_enough(held(90, 60, SHOP), (SHOP, WWW), NOW)
    assert not is_enough(None, (SHOP,), NOW)


def test_a_name_with_a_star_is_not_asked_for_and_there_are_not_too_many() -> None:
    many = [HostName(f"a{number}.example.com") for number in range(150)]
    assert orderable([HostName("*.shop.example.com"), WWW, SHOP]) == (SHOP, WWW)
    assert len(orderable(many)) == MOST_NAMES


def test_a_star_stands_for_one_step() -> None:
    names = (HostName("*.example.com"),)
    assert [covers(names, host) for host in ("shop.example.com", "www.shop.example.com", "example.com")] == [
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("kind", "retry_after", "pauses"),
    [
        ("connection", None, [5, 20, 60, 180, 360, 720, 1440, 1440]),
        ("unreachable", None, [1, 2, 5, 15, 30, 60, 60, 60]),
        ("rate-limited", None, [60] * 8),
        ("rate-limited", 90, [1.5] * 8),
        ("connection", 7200, [120, 120, 120, 180, 360, 720, 1440, 1440]),
    ],
)
def test_it_is_asked_again_later_and_later_and_not_before_the_authority_says(
    kind: str, retry_after: int | None, pauses: list[float]
) -> None:
    refused = Refused(kind, "", "", retry_after)
    assert [(next_try(refused, tries, NOW) - NOW) / timedelta(minutes=1) for tries in range(1, 9)] == pauses


def test_alarms_are_given_once_each_at_fourteen_seven_and_one_days() -> None:
    given, told = [], None
    for left in (20, 14, 13, 8, 6.9, 3, 0.9, -1):
        due = alarm_due(NOW + timedelta(days=left), told, NOW)
        told = told if due is None else due
        given.append(due)
    assert given == [None, 14, None, None, 7, None, 1, None]
    assert next_alarm(NOW + timedelta(days=20), None, NOW) == NOW + timedelta(days=6)
    assert next_alarm(NOW + timedelta(days=10), 14, NOW) == NOW + timedelta(days=3)
    assert next_alarm(NOW + timedelta(days=0.5), 1, NOW) is None


def test_a_refusal_that_nobody_knew_has_an_advice_too() -> None:
    assert advice(Refused("new", "Words.")).said == "No certificate was issued."
    assert advice(Refused("connection", "Words.")).fix.startswith("Port 80")
