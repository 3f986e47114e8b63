import pytest

from bakery.delivery.image_choice import choose_port, expect_platform, told_digest
from bakery.model.errors import BadInput
from bakery.model.images import parse_image
from bakery.model.names import AppName, Port

SHOP = AppName("shop")
DIGEST = f"sha256:{'0a' * 32}"


@pytest.mark.parametrize(
    ("said", "exposed", "port"),
    [(8080, [3000], 8080), (8080, [], 8080), (None, [3000], 3000), (None, [22, 80, 443], 80)],
)
def test_the_port_is_what_a_person_said_or_the_image_exposes(said: int | None, exposed: list[int], port: int) -> None:
    assert choose_port("nginx:1", None if said is None else Port(said), exposed, SHOP) == port


@pytest.mark.parametrize(
    ("exposed", "why"),
    [
        ([], "nginx:1 does not say at which port it listens."),
        ([22, 3000, 9000], "nginx:1 exposes the ports 22, 3000 and 9000; which is the app's?"),
    ],
)
def test_a_port_that_nobody_knows_is_asked_for(exposed: list[int], why: str) -> None:
    with pytest.raises(BadInput, match=why.replace("?", r"\?")) as refused:
        choose_port("nginx:1", None, exposed, SHOP)
    assert "bakery source set shop --port PORT" in refused.value.hint


def test_an_image_for_other_machines_is_refused_with_how_to_build_it() -> None:
    with pytest.raises(BadInput) as refused:
        expect_platform("nginx:1", ["linux/s390x", "linux/arm64"], "linux/amd64")
    assert refused.value.message == "nginx:1 is for linux/arm64 and linux/s390x, and its node is linux/amd64."
    assert "--platform linux/amd64" in refused.value.hint


def test_an_image_for_this_machine_or_for_nobody_knows_which_is_taken() -> None:
    expect_platform("nginx:1", ["linux/arm64", "linux/amd64"], "linux/amd64")
    expect_platform("nginx:1", [], "linux/amd64")


def test_that_nothing_new_was_pushed_is_said() -> None:
    image = parse_image("nginx:1")
    assert told_digest(image, DIGEST, live=None) == f"nginx:1 is 0a0a0a0a0a0a ({DIGEST})."
    assert told_digest(image, DIGEST, live=4).endswith(
        "Release #4, which is live, has the same: nothing new was pushed."
    )
