"""The manual in the product is docs/, whole: each chapter is listed, and each of its links leads somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bakery.web.manual import FOLDER, PARTS, anchor_of, chapter

LISTED = [key for part in PARTS for key in part.keys]
ELSEWHERE = {"permissions"}  # the page of roles shows it


def _html(key: str) -> str:
    found = chapter(key, "/help/{}")
    assert found
    return found.html


def test_every_file_of_the_manual_has_its_place() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == set(LISTED) | ELSEWHERE


@pytest.mark.parametrize("key", LISTED)
def test_a_chapters_links_lead_to_chapters_and_headings_that_are_there(key: str) -> None:
    for target in re.findall(r'href="([^"]+)"', _html(key)):
        path, _, anchor = target.partition("#")
        other = path.removeprefix("/help/") or key
        if path.startswith(("http://", "https://")):
            continue
        assert other in LISTED, target
        assert not anchor or f'id="{anchor}"' in _html(other), target


@pytest.mark.parametrize("key", LISTED)
def test_a_chapter_is_light_enough_for_a_page(key: str) -> None:
    assert len(_html(key).encode()) < 50_000


def test_what_looks_like_html_in_the_manual_is_text() -> None:
    assert "<!--" not in _html("cli")
    assert "<script" not in "".join(map(_html, LISTED))


def test_a_heading_is_named_as_links_in_the_source_name_it() -> None:
    assert anchor_of("What `plan` does, and why") == "what-plan-does-and-why"


def test_what_is_no_chapter_has_no_page() -> None:
    assert chapter("../README", "/help/{}") is None


def test_the_site_has_a_page_for_each_chapter_and_asks_nobody_else(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "scripts/manual_site.py", str(tmp_path)], check=True, capture_output=True)

    assert {page.stem for page in tmp_path.glob("*.html")} == {*LISTED, "index"}
    for page in tmp_path.glob("*.html"):
        for address in re.findall(r'(?:src|href)="([^"#]+)', re.sub(r"<a [^>]*http[^>]*>", "", page.read_text())):
            assert (tmp_path / address).is_file(), address
