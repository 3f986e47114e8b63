"""What nginx notes of requests, summed up on the machine."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from bakery.nodes import probe
from bakery.nodes.probe import Traffic, read_request


def a_request(**other: str) -> str:
    said = {
        "at": "1795573836.820", "release": "41", "slot": "blue", "client": "192.0.2.7", "path": "/", "status": "200",
        "seconds": "3.500", "first_byte_seconds": "0.012", "agent": "Mozilla/5.0",
    }  # fmt: skip
    return json.dumps({**said, **other}) + "\n"


def note(folder: Path, text: str, site: str = "shop-production") -> None:
    with (folder / f"{site}.access.json").open("a") as log:
        log.write(text)


def one(site: str, requests: int, errors: int, times: Mapping[str, int], **other: object) -> dict[str, object]:
    found = {
        "site": site, "release": 41, "slot": "blue", "requests": requests, "errors": errors, "times": times,
        "is_sampled": False,
    }  # fmt: skip
    return {**found, **other}


def test_a_request_counts_with_the_time_to_the_head_of_its_answer() -> None:
    assert read_request(a_request().encode()) == (41, "blue", False, 12.0)


@pytest.mark.parametrize(
    ("said", "milliseconds"),
    [
        ({"first_byte_seconds": ""}, 3500.0),
        ({"first_byte_seconds": "-"}, 3500.0),
        ({"first_byte_seconds": "5.001, 0.020"}, 20.0),
        ({"first_byte_seconds": "0.400 : 0.030"}, 30.0),
        ({"first_byte_seconds": "nan", "seconds": "-1"}, None),
        ({"status": "101"}, None),  # a connection that stays open
    ],
)
def test_the_time_of_a_request(said: Mapping[str, str], milliseconds: float | None) -> None:
    assert read_request(a_request(**said).encode()) == (41, "blue", False, milliseconds)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\xff\xfe",
        b"[1, 2]",
        b"null",
        b"[" * 100_000,
        a_request().encode()[:-20],
        a_request(release="").encode(),
        a_request(release="-1").encode(),
        a_request(release="9" * 4000).encode(),
        a_request(status="999").encode(),
        b'{"release":{},"status":200,"slot":[]}',
        a_request(agent="bakery-proof").encode(),
        a_request(status="501", upstream="").encode(),  # of nginx: fifty would have a release taken back
    ],
)
def test_what_is_nothing_of_ours_and_the_visits_of_a_switch_do_not_count(line: bytes) -> None:
    assert read_request(line) is None


def test_what_an_app_has_not_implemented_is_its_error() -> None:
    assert read_request(a_request(status="501", upstream="127.0.0.1:20001").encode()) == (41, "blue", True, 12.0)


def test_a_line_with_odd_bytes_in_its_path_counts_all_the_same() -> None:
    assert read_request(a_request(path="/odd").encode().replace(b"odd", b"\xc3\x28")) == (41, "blue", False, 12.0)


def test_what_is_new_since_the_look_before_is_summed_by_site_release_and_slot(tmp_path: Path) -> None:
    note(tmp_path, a_request() * 5)
    traffic = Traffic(tmp_path)
    note(tmp_path, a_request() * 2 + a_request(status="502") + a_request(release="42", slot="green"))
    note(tmp_path, a_request(), site="docs-production")  # a site that is new since
    traffic.look()
    assert sorted(traffic.news(), key=lambda said: (said["site"], said["release"])) == [
        one("docs-production", 1, 0, {"7": 1}),
        one("shop-production", 3, 1, {"7": 3}),
        one("shop-production", 1, 0, {"7": 1}, release=42, slot="green"),
    ]
    traffic.look()
    assert traffic.news() == []


def test_a_line_that_is_half_written_is_read_when_it_is_whole(tmp_path: Path) -> None:
    traffic = Traffic(tmp_path)
    note(tmp_path, a_request() + a_request()[:30])
    traffic.look()
    note(tmp_path, a_request()[30:])
    traffic.look()
    assert traffic.news() == [one("shop-production", 2, 0, {"7": 2})]


def test_a_log_that_is_moved_aside_is_read_to_its_end(tmp_path: Path) -> None:
    note(tmp_path, "")
    traffic = Traffic(tmp_path)
    note(tmp_path, a_request() * 2)
    (tmp_path / "shop-production.access.json").rename(tmp_path / "shop-production.access.json.1")
    note(tmp_path, a_request())
    traffic.look()
    assert traffic.news() == [one("shop-production", 3, 0, {"7": 3})]


def test_a_log_that_is_cut_begins_anew(tmp_path: Path) -> None:
    note(tmp_path, a_request() * 3)
    traffic = Traffic(tmp_path)
    (tmp_path / "shop-production.access.json").write_text("")
    note(tmp_path, a_request())
    traffic.look()
    assert traffic.news() == [one("shop-production", 1, 0, {"7": 1})]


def test_of_a_log_that_grew_too_much_the_end_counts_for_all_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "MOST_READ", 10 * len(a_request()))
    traffic = Traffic(tmp_path)
    note(tmp_path, a_request(status="500") * 1000)
    traffic.look()
    assert traffic.news() == [one("shop-production", 1000, 1000, {"7": 1000}, is_sampled=True)]


def test_a_machine_without_sites_has_no_traffic(tmp_path: Path) -> None:
    traffic = Traffic(tmp_path / "missing")
    traffic.look()
    assert traffic.news() == []


def test_what_does_not_fit_a_line_comes_with_the_next(tmp_path: Path) -> None:
    traffic = Traffic(tmp_path)
    for number in range(probe.MOST_SITES + 1):
        note(tmp_path, a_request(), site=f"app{number}-production")
    traffic.look()
    assert (len(traffic.news()), len(traffic.news()), len(traffic.news())) == (probe.MOST_SITES, 1, 0)
