"""What a repository is, found out in time."""

import re
import signal
import threading

import pytest

from bakery.delivery import detecting
from bakery.delivery.detecting import detect_in_time
from bakery.model.errors import BadInput
from bakery.model.repository_paths import TOP
from tests.stacks.trees import a_tree

SITE = a_tree({"index.html": "<h1>Hello</h1>"})
ENDLESS = re.compile("(a|a)*b")


def test_a_search_that_comes_to_no_end_is_given_up_in_its_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detecting, "LONGEST", 0.1)
    monkeypatch.setattr(detecting, "detect", lambda *_, **__: ENDLESS.search("a" * 1000))
    with pytest.raises(BadInput, match=r"was not found out within 0\.1 s"):
        detect_in_time(SITE, base=TOP, runtime=None)


def test_nobody_is_interrupted_afterwards() -> None:
    before = signal.getsignal(signal.SIGVTALRM)
    detect_in_time(SITE, base=TOP, runtime=None)
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGVTALRM) is before


def test_a_thread_that_cannot_be_interrupted_finds_it_out_all_the_same() -> None:
    found: list[object] = []
    looking = threading.Thread(target=lambda: found.append(detect_in_time(SITE, base=TOP, runtime=None)))
    looking.start()
    looking.join()
    assert found == [detect_in_time(SITE, base=TOP, runtime=None)]
