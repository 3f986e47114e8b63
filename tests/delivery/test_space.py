"""Room for a build, before it begins."""

import pytest

from bakery.delivery.space import LEAST, RESERVE, Lack, needed_bytes, what_lacks
from bakery.model.runtimes import Runtime
from bakery.model.sizes import shown_bytes
from bakery.nodes.disk import Room, Space

GB, MB = 1024**3, 1024**2


def test_it_needs_what_the_largest_of_the_last_took_and_a_reserve() -> None:
    assert needed_bytes([GB, 3 * GB]) == 3 * GB + RESERVE
    assert needed_bytes([10]) == LEAST + RESERVE
    assert needed_bytes([]) == LEAST + RESERVE


def test_an_image_needs_its_room_where_docker_keeps_its_data() -> None:
    docker, node = Room("/var/lib/docker", 1, 300 * MB), Room("/var/lib/bakery/node", 2, GB)
    assert what_lacks(Space(node, docker), Runtime.DOCKER, [GB]) == Lack(GB + RESERVE, docker)
    assert what_lacks(Space(node, docker), Runtime.PROCESS, []) is None
    assert what_lacks(Space(node, Room("/var/lib/docker", 1, 2 * GB)), Runtime.DOCKER, [GB]) is None


def test_its_source_needs_some_too() -> None:
    node = Room("/var/lib/bakery/node", 2, 10 * MB)
    assert what_lacks(Space(node, Room("/data", 1, 9 * GB)), Runtime.DOCKER, []) == Lack(RESERVE, node)


def test_the_sentence_has_the_numbers() -> None:
    lack = Lack(1288490188, Room("/var/lib/docker", 1, 300 * MB))
    assert lack.said(0) == (
        "There is too little room for this deployment: it needs about 1.2 GB, 300 MB are free at /var/lib/docker."
    )
    assert "needs about 1.2 GB, 80 MB were freed by pruning, and 300 MB are free" in lack.said(80 * MB)


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 KB"),
        (2048, "2 KB"),
        (80 * MB, "80 MB"),
        (1288490188, "1.2 GB"),
        (40 * GB, "40 GB"),
        (2 * 1024 * GB, "2.0 TB"),
    ],
)
def test_bytes_are_shown_with_two_digits_that_count(count: int, shown: str) -> None:
    assert shown_bytes(count) == shown
