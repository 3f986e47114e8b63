from datetime import UTC, datetime, timedelta

import pytest

from bakery.web.moments import moment

NOW = datetime(2026, 11, 21, 14, 2, 51, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "words"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 min ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago"),
        (timedelta(hours=23), "23 h ago"),
        (timedelta(days=1), "yesterday"),
        (timedelta(days=29), "29 days ago"),
        (timedelta(days=30), "2026-10-22"),
        (-timedelta(seconds=5), "in a moment"),
        (-timedelta(minutes=5), "in 5 min"),
        (-timedelta(days=1), "tomorrow"),
        (-timedelta(days=6, hours=23, minutes=59), "in 7 days"),
    ],
)
def test_how_long_ago_in_words(since: timedelta, words: str) -> None:
    assert moment(NOW - since, NOW).relative == words


def test_the_exact_time_is_kept_beside_the_words() -> None:
    shown = moment(NOW, NOW)

    assert (shown.iso, shown.exact) == ("2026-11-21T14:02:51+00:00", "2026-11-21 14:02:51 UTC")
