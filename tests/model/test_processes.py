import pytest

from bakery.model.errors import BadInput
from bakery.model.processes import parse_counts


def test_a_process_may_be_many_or_none() -> None:
    assert parse_counts({"worker": 20, "mail": 0, "web": 1}) == {"worker": 20, "mail": 0, "web": 1}


@pytest.mark.parametrize(
    ("told", "message", "hint"),
    [
        ({}, "Say of which process, and how many.", "Like worker=2."),
        ({"web": 2}, "An app has one web process.", "Only the processes beside it can be counted."),
        ({"web": 0}, "An app without its web process answers nobody.", "Stop the app instead."),
        ({"worker": 21}, "Of worker there can be 0 to 20.", ""),
        ({"worker": -1}, "Of worker there can be 0 to 20.", ""),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(told: dict[str, int], message: str, hint: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_counts(told)
    assert (refused.value.message, refused.value.hint) == (message, hint)
