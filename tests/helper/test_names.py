"""What follows from a name: whose it is, and where it lies."""

from pathlib import Path

import pytest

from bakery.helper.names import account_name, premises_of_unit
from bakery.helper.verbs import ROOTS_FOLDER


def test_an_environments_account_is_stable_short_and_its_own() -> None:
    longest = account_name(ROOTS_FOLDER, "x" * 40, "y" * 16)
    assert account_name(ROOTS_FOLDER, "shop", "production") == "bk-903fef0d5516b093"
    assert len(longest) == 19
    assert longest != account_name(ROOTS_FOLDER, "x" * 40, "y" * 15)


def test_two_bakeries_on_one_machine_share_no_account() -> None:
    accounts = {account_name(Path(root), "shop", "production") for root in (ROOTS_FOLDER, "/srv/one", "/srv/two")}
    assert len(accounts) == 3


@pytest.mark.parametrize(
    ("name", "home"),
    [
        ("bakery-shop-production-blue", "shop/production"),
        ("bakery-my-shop-staging-green-worker", "my-shop/staging"),
        ("bakery-my-shop-staging-green-worker-2", "my-shop/staging"),
        ("bakery-x-prod-blue-prod-green", "x-prod-blue/prod"),
    ],
)
def test_a_units_name_tells_whose_it_is(name: str, home: str) -> None:
    assert premises_of_unit(Path("/node"), name).home == Path("/node/apps") / home


@pytest.mark.parametrize(
    "name", ["bakery-shop-blue", "bakery-shop-blue-green", "bakery-shop-production", "bakery--a-blue", "nginx", ""]
)
def test_what_is_no_name_of_a_unit_is_refused(name: str) -> None:
    with pytest.raises(SystemExit, match="not the name of a unit"):
        premises_of_unit(Path("/node"), name)
