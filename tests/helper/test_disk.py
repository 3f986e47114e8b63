"""What of ours lies on a machine, and what is left alone there."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bakery.helper import disk, docker_api
from bakery.helper.docker_api import Docker, Refused, patiently

OURS = {"bakery.installation": "local:here"}


class SomeDocker(Docker):
    """With these images and containers."""

    def __init__(self, images: list[Mapping[str, Any]], containers: list[Mapping[str, Any]]) -> None:
        super().__init__()
        self.found = {"images": images, "containers": containers}

    def ask(self, method: str, *path: str, **_: object) -> Any:  # noqa: ANN401 - Docker's JSON
        return self.found[path[0]]


@pytest.mark.parametrize(
    ("images", "containers", "is_ours"),
    [
        ([], [], True),
        ([{"Labels": OURS, "RepoTags": ["bakery/shop:1"]}], [{"Labels": OURS}], True),
        ([{"Labels": OURS, "RepoTags": None}], [], True),
        ([{"Labels": None, "RepoTags": ["bakery/shop:2"]}], [], True),  # it was pulled
        ([{"Labels": None, "RepoTags": ["bakery/shop:2", "postgres:16"]}], [], False),
        ([{"Labels": {"bakery.installation": "another"}, "RepoTags": ["bakery/shop:2"]}], [], False),
        ([{"Labels": None, "RepoTags": ["<none>:<none>"]}], [], False),
        ([], [{"Labels": {}}], False),
    ],
)
def test_what_docker_keeps_of_builds_is_ours_where_nobody_else_has_an_image_or_a_container(
    tmp_path: Path, images: list[Mapping[str, Any]], containers: list[Mapping[str, Any]], *, is_ours: bool
) -> None:
    (tmp_path / "installation").write_text("local:here\n")
    assert disk.is_ours_alone(SomeDocker(images, containers), tmp_path) is is_ours


def test_docker_that_counts_or_prunes_for_somebody_else_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does one of a kind at a time, and refuses others, as when two people look at a disk."""
    monkeypatch.setattr(docker_api, "LOOK_AGAIN", 0)
    answers = iter(["a disk usage operation is already running", "a prune operation is already running", ""])

    def act() -> str:
        if answer := next(answers):
            raise Refused(500, answer)
        return "counted"

    assert patiently(act) == "counted"


def test_another_refusal_of_docker_is_final() -> None:
    def act() -> None:
        raise Refused(500, "no space left on device")

    with pytest.raises(SystemExit, match="Docker refused: no space left on device"):
        patiently(act)


def test_all_that_lies_there_is_told_with_its_size_and_no_link_is_followed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "SOCKET", tmp_path / "none")
    large = tmp_path / "large"
    large.write_bytes(b"x" * 1_000_000)
    for path in ("apps/shop/production/releases/3", "apps/shop/production/cache", "apps/Foreign/production", "sites"):
        (tmp_path / path).mkdir(parents=True)
    (tmp_path / "apps/shop/production/releases/3/link").symlink_to(large)
    (tmp_path / "apps/shop/production/releases/.4.making").mkdir()
    (tmp_path / "apps/shop/production/cache/wheel").write_bytes(b"x" * 200_000)
    (tmp_path / "apps/shop/production/source/pack").mkdir(parents=True)
    (tmp_path / "apps/shop/production/source/pack/one.pack").write_bytes(b"x" * 400_000)
    (tmp_path / "apps/linked").symlink_to(tmp_path / "apps/shop")
    (tmp_path / "sites/shop-production.json").write_text("{}")
    (tmp_path / "units/bakery-shop-production-blue").mkdir(parents=True)
    (tmp_path / "units/bakery-shop-production-green.env").write_text("")
    (tmp_path / "units/something").write_text("")
    disk.tell_all(tmp_path)
    told = json.loads(capfd.readouterr().out)
    (home,) = [one for one in told["homes"] if one["app"] == "shop"]
    assert list(home["releases"]) == ["3"]
    assert home["releases"]["3"] < 100_000
    assert 200_000 <= home["tools"] < 300_000
    assert 400_000 <= home["source"] < 500_000
    assert told["programs"] == ["bakery-shop-production-blue", "bakery-shop-production-green"]
    assert told["sites"] == ["shop-production"]
    disk.tell_all(tmp_path, "blog", "production")
    assert json.loads(capfd.readouterr().out)["homes"] == []
