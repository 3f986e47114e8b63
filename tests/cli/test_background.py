"""Bakery in the background: what makes `scripts/up` start it anew."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bakery.cli.server import background
from bakery.cli.server.background import Detached
from bakery.cli.server.installed_code import fingerprint
from bakery.settings import read_settings

# What is started here outlives whoever started it: that is what it is for.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
_SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Detached]:
    """Something that runs until it is stopped, in place of Bakery."""
    (tmp_path / "control").mkdir()
    detached = Detached(read_settings({"BAKERY_DATA_DIR": str(tmp_path / "control")}), _SLEEP)
    yield detached
    detached.stop()


def pid_of(detached: Detached) -> str:
    return (detached.settings.data_dir / "bakery.pid").read_text().split()[0]


def test_what_runs_already_is_left_alone(sleeper: Detached) -> None:
    assert sleeper.start() is True
    first = pid_of(sleeper)
    assert sleeper.start() is False
    assert pid_of(sleeper) == first


def test_code_that_changed_is_started_in_place_of_the_old(sleeper: Detached, monkeypatch: pytest.MonkeyPatch) -> None:
    sleeper.start()
    first = pid_of(sleeper)
    monkeypatch.setattr(background, "fingerprint", lambda: "of the new code")
    assert sleeper.start() is True
    assert pid_of(sleeper) != first
    assert sleeper.start() is False


def test_a_process_whose_code_nobody_noted_is_started_anew(sleeper: Detached) -> None:
    sleeper.start()
    (sleeper.settings.data_dir / "bakery.code").unlink()
    assert sleeper.start() is True


def test_every_file_counts_and_what_python_makes_of_them_does_not(tmp_path: Path) -> None:
    code, venv = tmp_path / "code", tmp_path / "venv"
    code.mkdir()
    venv.mkdir()
    (code / "app.py").write_text("one")
    seen = [fingerprint(code, venv)]
    for path, text in ((code / "app.py", "two"), (code / "new.sql", ""), (venv / "installed.sha256", "x")):
        path.write_text(text)
        seen.append(fingerprint(code, venv))
    (code / "app.pyc").write_text("")
    assert len(set(seen)) == 4
    assert fingerprint(code, venv) == seen[-1]
