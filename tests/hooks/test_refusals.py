"""What strangers send does not fill the log."""

from structlog.testing import capture_logs

from bakery.hooks.refusals import Refusals


def test_of_a_flood_one_line_a_minute_is_written_which_counts_the_others() -> None:
    refusals = Refusals()
    with capture_logs() as lines:
        for second in range(100, 200):
            refusals.tell("Its signature does not hold.", at=second)
    assert [(line["why"], line["times"]) for line in lines] == [
        ("Its signature does not hold.", 1), ("Its signature does not hold.", 60),
    ]  # fmt: skip
