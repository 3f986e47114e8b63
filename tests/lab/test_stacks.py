"""Apps of several languages, built and run from the Dockerfiles that are written for them: no more is known of them
than their files. What is not here has its golden file below tests/stacks.
"""

import os
from pathlib import Path

import pytest

from tests.lab.lab import Lab
from tests.lab.samples import NOW_AND_THEN, PROGRAMS, SAMPLES, SITES, prepare, remove_image

SERVERS = [name for name in SAMPLES if name not in SITES | PROGRAMS]
TRIED = [name for name in SERVERS if name not in NOW_AND_THEN or os.environ.get("BAKERY_TEST_ALL")]


@pytest.mark.timeout(600)  # the first to ask makes the images
@pytest.mark.parametrize("name", TRIED)
def test_an_app_is_built_and_run_from_its_files_alone(lab: Lab, tmp_path: Path, name: str) -> None:
    sample = prepare(lab.docker, tmp_path, name)
    sample.build()
    try:
        with sample.running() as app:
            assert app.says() == "one"
            assert app.user() != "0"
            assert app.ends_when_told()
        sample.change("one", "two")
        sample.build()
        with sample.running() as app:
            assert app.says() == "two"
    finally:
        remove_image(lab.docker, sample.image)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SITES)
def test_a_site_is_built_by_its_tool_and_its_files_are_served(lab: Lab, tmp_path: Path, name: str) -> None:
    sample = prepare(lab.docker, tmp_path / "site", name)
    sample.build()
    with sample.served() as site:
        assert site.says() == "one"
    sample.change("one", "two")
    sample.build()
    with sample.served() as site:
        assert site.says() == "two"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_built_from_its_files_alone_and_says_what_it_has_to(lab: Lab, tmp_path: Path, name: str) -> None:
    sample = prepare(lab.docker, tmp_path, name)
    sample.build()
    try:
        assert sample.printed() == "one"
        sample.change("one", "two")
        sample.build()
        assert sample.printed() == "two"
    finally:
        remove_image(lab.docker, sample.image)
