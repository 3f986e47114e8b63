"""The helper's units where no systemd is: what it does in which order, what it refuses, and what a kill leaves."""

import contextlib
import fcntl
import itertools
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bakery.helper.names import account_name
from bakery.nodes.helper_file import helper_file

PYTHON = "/usr/bin/python3"
NAME = "bakery-shop-production-blue"
SERVICE = f"{NAME}.service"
START, STOP, STATE, REMOVE = ((f"unit-{verb}", NAME) for verb in ("start", "stop", "state", "remove"))
ENABLE = f"--no-ask-password enable --now --quiet -- {SERVICE}"
DISABLE = f"--no-ask-password disable --now -- {SERVICE}"
PROPERTIES = "Id,ActiveState,MainPID,NRestarts,ExecMainCode,ExecMainStatus,Result"
SHOW = f"--no-ask-password show --property={PROPERTIES} -- {SERVICE}"
RELOAD = "--no-ask-password daemon-reload"
RESET = f"--no-ask-password reset-failed -- {SERVICE}"
# The packed helper, on a machine that has another systemd; killed at a line of its own, if so.
DRIVER = """
import os, signal, sys
from pathlib import Path
helper, folder, root, *words = sys.argv[1:]
sys.path.insert(0, helper)
sys.argv = [helper]
from bakery.helper import program, systemd
systemd.SYSTEMCTL, systemd.UNIT_FOLDER = f"{folder}/systemctl", Path(folder, "system")
systemd.ROOTS_FOLDER, systemd.has_systemd = Path(root), lambda: True
left = int(os.environ["LINES_TO_LIVE"])
FILES = ("/helper/units.py", "/helper/turns.py", "/helper/systemd.py", "/helper/files.py", "/helper/programs.py")
def trace(frame, event, arg):
    global left
    if not frame.f_code.co_filename.endswith(FILES):
        return None
    left -= event == "line"
    if event == "line" and left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return trace
sys.settrace(trace)
program.main(["--root", root, *words])
"""


@dataclass(frozen=True)
class Place:
    """`user` calls the helper, and is who root would be."""

    folder: Path
    user: int

    @property
    def root(self) -> Path:
        return self.folder / "node"

    @property
    def home(self) -> Path:
        return self.root / "apps/shop/production"

    @property
    def release(self) -> Path:
        return self.home / "releases/1"

    @property
    def unit_file(self) -> Path:
        return self.folder / "system" / SERVICE

    @property
    def environment_file(self) -> Path:
        return self.root / "units" / f"{NAME}.env"

    @property
    def lock(self) -> Path:
        return self.root / "units" / f"{NAME}.lock"

    def told(self, **more: object) -> dict[str, object]:
        return {
            "argv": ["/bin/true"], "folder": str(self.release), "environment": {"TOKEN": "hush"},
            "writable": [str(self.release)], "memory_bytes": None, "cpu_percent": None, "stop_seconds": 10, **more,
        }  # fmt: skip

    def popen(self, *words: str, lives: int = 0) -> subprocess.Popen[bytes]:
        argv = [PYTHON, "-ISc", DRIVER, str(self.folder / "helper"), str(self.folder), str(self.root), *words]
        return subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/",
            env={"LINES_TO_LIVE": str(lives)}, user=None if self.user == os.geteuid() else self.user,
        )  # fmt: skip

    def attempt(self, *words: str, told: object = None, lives: int = 0) -> tuple[int, str]:
        """Its status, and what it says."""
        with self.popen(*words, lives=lives) as process:
            output, errors = process.communicate(json.dumps(told).encode() + b"\n", timeout=60)
        return process.returncode, (output + errors).decode().strip()

    def start(self, **more: object) -> None:
        assert self.attempt(*START, told=self.told(**more)) == (0, "")

    def calls(self) -> list[str]:
        """Of `systemctl`, since this was asked."""
        file = self.folder / "calls"
        said = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return said

    def running(self) -> dict[str, list[str]]:
        state = self.folder / "state.json"
        found: dict[str, list[str]] = json.loads(state.read_text())["running"] if state.exists() else {}
        return found

    def written(self) -> list[str]:
        return [self.unit_file.read_text(), self.environment_file.read_bytes().decode()]

    def runs_as_written_or_not_at_all(self) -> bool:
        return not self.running() or self.running() == {SERVICE: self.written()}

    def leftovers(self) -> list[str]:
        folders = (self.folder / "system", self.root / "units", self.folder / "system/multi-user.target.wants")
        return sorted(path.name for folder in folders if folder.exists() for path in folder.glob("bakery-*"))

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """As another caller has it."""
        with self.lock.open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


@pytest.fixture
def place() -> Iterator[Place]:
    folder = Path(tempfile.mkdtemp(prefix="bakery units "))
    user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()
    place = Place(folder, user)
    (folder / "helper").write_bytes(helper_file())
    (folder / "systemctl").write_text(f"#!{PYTHON} -IS\n" + Path(__file__).with_name("systemctl.py").read_text())
    (folder / "systemctl").chmod(0o755)
    (folder / "system").mkdir()
    place.release.mkdir(parents=True)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user, -1)
    yield place
    shutil.rmtree(folder)


# What is done, and in which order.


def test_a_unit_is_written_and_started(place: Place) -> None:
    place.start()
    assert place.calls() == [ENABLE]
    assert place.environment_file.read_text() == 'TOKEN="hush"\n'
    assert "hush" not in place.unit_file.read_text()
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (place.unit_file, place.environment_file)]
    assert modes == [0o644, 0o600]
    assert place.running() == {SERVICE: place.written()}


def test_whose_it_is_and_where_it_logs_follow_from_its_name(place: Place) -> None:
    place.start()
    account = account_name(place.root, "shop", "production")
    assert [
        line for line in place.unit_file.read_text().splitlines() if line.startswith(("User", "Group", "Stand"))
    ] == [
        f"User={account}",
        f"Group={account}",
        f"StandardOutput=append:{place.root}/logs/{NAME}.log",
        "StandardError=inherit",
    ]


def test_a_unit_that_runs_as_described_is_left_alone(place: Place) -> None:
    place.start(environment={"LINES": "one\r\ntwo\n"})
    place.calls()
    place.start(environment={"LINES": "one\r\ntwo\n"})
    assert place.calls() == [SHOW]


def test_a_unit_described_otherwise_is_stopped_before_it_is_written(place: Place) -> None:
    place.start()
    place.calls()
    place.start(environment={"TOKEN": "other"})
    assert place.calls() == [DISABLE, ENABLE]
    assert place.running()[SERVICE][1] == 'TOKEN="other"\n'


def test_a_stopped_unit_starts_again_as_it_was(place: Place) -> None:
    place.start()
    assert place.attempt(*STOP) == (0, "")
    assert place.running() == {}
    place.start()
    assert place.running() == {SERVICE: place.written()}


def test_stopping_and_removing_what_is_not_there_asks_systemd_nothing(place: Place) -> None:
    assert place.attempt(*STOP) == (0, "")
    assert place.attempt(*REMOVE) == (0, "")
    assert (place.calls(), place.leftovers()) == ([], [])


def test_a_removed_unit_leaves_no_file_and_is_no_failure_to_systemd(place: Place) -> None:
    place.start()
    place.calls()
    assert place.attempt(*REMOVE) == (0, "")
    assert place.calls() == [DISABLE, RELOAD, RESET]
    assert place.leftovers() == []
    assert place.attempt(*REMOVE) == (0, "")
    assert place.calls() == []


def test_states_of_many_are_one_call(place: Place) -> None:
    place.start()
    place.calls()
    green = "bakery-shop-production-green-worker-2"
    status, said = place.attempt("unit-state", green, NAME)
    idle = {"is_running": False, "process_id": None, "restarts": 0, "last_exit": ""}
    assert (status, json.loads(said)) == (
        0, {"units": {green: idle, NAME: {**idle, "is_running": True, "process_id": 7}}},
    )  # fmt: skip
    assert len(place.calls()) == 1


def test_a_program_that_cannot_begin_is_told(place: Place) -> None:
    told = place.told(argv=["/no/such/program"])
    cause = "its program is not there, or cannot be run."
    assert place.attempt(*START, told=told) == (1, f"{NAME} did not start: {cause}")


def test_a_program_that_is_killed_at_once_did_begin(place: Place) -> None:
    """Where memory runs out: systemd starts it again, and its ends are counted as those of any other."""
    assert place.attempt(*START, told=place.told(argv=["/dies/at/once"])) == (0, "")
    _, said = place.attempt("unit-state", NAME)
    assert json.loads(said)["units"][NAME]["last_exit"] == "ended by SIGKILL"


def test_one_changes_a_unit_at_a_time(place: Place) -> None:
    place.start()
    with place.turn():
        waiting = place.popen(*STOP)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(0.5)
    assert waiting.communicate(timeout=10) == (b"", b"")
    assert place.running() == {}


def test_stopping_waits_for_a_first_start_that_has_written_nothing_yet(place: Place) -> None:
    place.start()
    assert place.attempt(*REMOVE) == (0, "")
    place.lock.touch()
    os.chown(place.lock, place.user, -1)
    with place.turn():
        waiting = place.popen(*STOP)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(0.5)
    assert waiting.communicate(timeout=10) == (b"", b"")


def test_who_has_gone_away_before_it_began_changes_nothing(place: Place) -> None:
    with place.popen(*START) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        process.stdin.write(json.dumps(place.told()).encode() + b"\n")
        process.stdin.close()
        assert (process.wait(10), process.stderr.read()) == (1, b"Nobody waits for this any more.\n")
    assert (place.calls(), place.running()) == ([], {})


def test_what_cannot_be_written_stops_nothing(place: Place) -> None:
    """As on a full disk."""
    place.start()
    place.calls()
    place.unit_file.parent.chmod(0o500)
    status, said = place.attempt(*START, told=place.told(environment={"TOKEN": "other"}))
    assert (status, said) == (1, f"Permission denied: {place.unit_file}.new")
    assert (place.calls(), place.running()) == ([], {SERVICE: place.written()})
    place.unit_file.parent.chmod(0o700)
    place.start(environment={"TOKEN": "other"})
    assert place.running()[SERVICE][1] == 'TOKEN="other"\n'


def test_what_runs_but_would_not_start_with_the_machine_does_again(place: Place) -> None:
    """As after a stop that was killed halfway."""
    place.start()
    place.calls()
    (place.folder / "system/multi-user.target.wants" / SERVICE).unlink()
    place.start()
    assert place.calls() == [ENABLE]


def test_who_goes_away_while_it_waits_changes_nothing(place: Place) -> None:
    place.start()
    with place.turn(), place.popen(*REMOVE) as waiting:
        assert waiting.stdout
        assert waiting.stderr
        waiting.stdout.close()
        assert (waiting.wait(10), waiting.stderr.read()) == (1, b"Nobody waits for this any more.\n")
    assert place.running() == {SERVICE: place.written()}


# A hostile caller.


@pytest.mark.parametrize(
    "words",
    [
        ("unit-start",),
        ("unit-state",),
        ("unit-remove", "ssh"),
        ("unit-stop", "bakery"),
        ("unit-start", "bakery-shop-blue"),
        ("unit-start", "bakery-shop-production-blue.service"),
        ("unit-start", "bakery-shop-production-blue\n"),
        ("unit-start", "bakery-../shop-production-blue"),
        ("unit-state", NAME, "--all"),
        ("unit-state", *[NAME] * 201),
        ("unit-remove", NAME, NAME),
        ("unit-restart", NAME),
    ],
)
def test_only_units_of_apps_are_named(place: Place, words: tuple[str, ...]) -> None:
    status, said = place.attempt(*words, told=place.told())
    assert (status, said) in [(1, "This verb takes other words."), (1, "There is no such verb.")]
    assert (place.calls(), place.leftovers()) == ([], [])


ARGV = "argv has to be a list of texts that begins with the absolute path of a program."
NOT_IN_A_UNIT = "cannot be used in a systemd unit."


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        *(({"argv": argv}, ARGV) for argv in ([], "/bin/true", ["true"], ["+/bin/sh"], ["!!/bin/sh"], ["/a", 7], [7])),
        ({"argv": ["/bin/echo", "\ud800"]}, ARGV),
        ({"argv": ["/bin/echo", "\0"]}, ARGV),
        ({"argv": ["/bin/echo", "x" * 128 * 1024]}, "argv has to have at most 131072 bytes."),
        ({"argv": ["/bin/echo", "\ufffe"]}, "argv holds a character that systemd does not take."),
        *(({"argv": [path]}, NOT_IN_A_UNIT) for path in ("/bin/a b\nUser=root", "/bin/*", '/bin/"', "/bin/a\\x2f")),
        ({"environment": ["TOKEN"]}, "environment has to be an object whose names are those of variables."),
        *(
            ({"environment": {name: "1"}}, "environment has to be an object whose names are those of variables.")
            for name in ("", "1A", "A B", "A=B", "A\n", "Ä", "A" * 202)
        ),
        ({"environment": {"A": 1}}, "The value of A has to be a text without NUL."),
        ({"environment": {"A": "\0"}}, "The value of A has to be a text without NUL."),
        ({"environment": {"A": "\udfff"}}, "The value of A has to be a text without NUL."),
        ({"environment": {"A": "ä" * 64_001}}, "The value of A has to have at most 128000 bytes."),
        ({"environment": {"A": "\U0010ffff"}}, "The value of A holds a character that systemd does not take."),
        (
            {"environment": {f"A{number}": "x" * 120_000 for number in range(9)}},
            "environment has to have at most 1048576 bytes.",
        ),
        *(({"folder": folder}, "folder has to be a path.") for folder in (None, 7, "HOME/\0", "HOME/\ud800")),
        *(
            ({"folder": folder}, "folder has to be below HOME.")
            for folder in ("/", "/etc", "HOME", "HOME/../../other/production", "HOMEx/1", "releases/1", "")
        ),
        *(({"folder": f"HOME/{name}"}, NOT_IN_A_UNIT) for name in ("a\nUser=root", "a\r", "*", "a\\", "a ", "\ufdd0")),
        ({"writable": "HOME/releases/1"}, "writable has to be a list of at most 50 paths."),
        ({"writable": ["HOME/releases/1"] * 51}, "writable has to be a list of at most 50 paths."),
        ({"writable": [7]}, "writable has to be a path."),
        *(({"writable": [path]}, "writable has to be below HOME.") for path in ("/etc", "HOME", "HOME/..", "-/etc")),
        ({"writable": ["HOME/none"]}, "No such file or directory: HOME/none"),
        *(
            ({name: value}, f"{name} has to be a whole number from {least} to {most}.")
            for name, least, most, value in (
                ("memory_bytes", 2**20, 2**50, 0),
                ("memory_bytes", 2**20, 2**50, 2**50 + 1),
                ("memory_bytes", 2**20, 2**50, "1\nUser=root"),
                ("cpu_percent", 1, 100_000, 1.5),
                ("cpu_percent", 1, 100_000, True),
                ("stop_seconds", 1, 300, None),
                ("stop_seconds", 1, 300, 0),
                ("stop_seconds", 1, 300, 301),
            )
        ),
        ({"account": "root"}, "The unit is described by exactly these: argv, cpu_percent, environment, folder,"),
    ],
)
def test_what_is_told_is_checked(place: Place, said: dict[str, object], refusal: str) -> None:
    told = json.loads(json.dumps(place.told(**said)).replace("HOME", str(place.home)))
    status, words = place.attempt(*START, told=told)
    assert (status, refusal.replace("HOME", str(place.home)) in words, "Traceback" in words) == (1, True, False), words
    assert (place.calls(), place.leftovers()) == ([], [])


def test_no_value_becomes_a_line_of_its_own(place: Place) -> None:
    hostile = '\nUser=root\n[Service]\r\nExecStartPre=+/bin/sh\\\n" %n ${HOME} \x0b\x85\u2028'
    place.start()
    plain, environment = place.written()
    place.start(argv=["/bin/true", hostile, "%h"], environment={"TOKEN": hostile, "B": "%h\\"})
    text, _ = place.written()
    assert [line.partition("=")[0] for line in text.split("\n")] == [
        line.partition("=")[0] for line in plain.split("\n")
    ]
    assert 'ExecStart=":/bin/true" "\\nUser=root\\n[Service]\\r\\nExecStartPre=+/bin/sh\\\\\\n\\" %%n ${HOME}' in text
    assert "User=root\n" not in text
    assert environment.count("\n") == 1


def test_what_systemd_opens_to_an_app_cannot_be_a_link_of_the_apps(place: Place) -> None:
    """Now or at a later start: whoever may change the folder that it lies in could put one there."""
    (place.release / "own").mkdir()
    (place.home / "link").symlink_to("/etc")
    place.release.chmod(0o777)
    may_change = f"writable has to lie where the app cannot replace it, but others may change {place.release}."
    for path, refusal in (
        (place.release / "own", may_change),
        (place.release / "none", may_change),
        (place.home / "link", f"writable has to be a folder: {place.home}/link is none."),
        (place.home / "link/ssh", f"writable has to be a folder: {place.home}/link is none."),
    ):
        assert place.attempt(*START, told=place.told(writable=[str(path)])) == (1, refusal)
    assert place.leftovers() == []


def test_a_unit_is_described_on_one_line_of_bounded_length(place: Place) -> None:
    for line in (b"", b"{", b"[]\n", b"7\n", b"[" * 100_000, b'"' + b"x" * 9 * 1024 * 1024, b"\xff\n"):
        with place.popen(*START) as process:
            with contextlib.suppress(BrokenPipeError):
                _, errors = process.communicate(line, timeout=60)
            assert (process.returncode, errors.startswith(b"The unit is ")) == (1, True)
    assert (place.calls(), place.leftovers()) == ([], [])


# Killed.


def test_killed_at_any_line_a_start_runs_what_the_files_say_and_is_finished_by_saying_it_again(place: Place) -> None:
    for lives in itertools.count(1, STEP):
        place.start(environment={"TOKEN": f"before {lives}"})
        wanted = place.told(environment={"TOKEN": f"after {lives}"})
        was_killed = killed(place, *START, told=wanted, lives=lives)
        assert place.runs_as_written_or_not_at_all()
        assert place.attempt(*START, told=wanted) == (0, "")
        assert place.running() == {SERVICE: place.written()}
        assert place.running()[SERVICE][1] == f'TOKEN="after {lives}"\n'
        assert place.leftovers() == SETTLED
        if not was_killed:
            break


def test_killed_at_any_line_a_removal_is_finished_by_saying_it_again(place: Place) -> None:
    for lives in itertools.count(1, STEP):
        place.start()
        was_killed = killed(place, *REMOVE, told=None, lives=lives)
        assert place.runs_as_written_or_not_at_all()
        assert place.attempt(*REMOVE) == (0, "")
        assert (place.running(), place.leftovers(), loaded(place)) == ({}, [], [])
        if not was_killed:
            break


def test_killed_at_any_line_a_first_start_can_be_taken_away(place: Place) -> None:
    for lives in itertools.count(1, STEP):
        was_killed = killed(place, *START, told=place.told(), lives=lives)
        assert place.attempt(*REMOVE) == (0, "")
        assert (place.running(), place.leftovers(), loaded(place)) == ({}, [], [])
        if not was_killed:
            break


STEP = 7  # lines from one kill to the next
SETTLED = [f"{NAME}.env", f"{NAME}.lock", SERVICE, SERVICE]  # the last is that it starts with the machine


def killed(place: Place, *words: str, told: object, lives: int) -> bool:
    status, said = place.attempt(*words, told=told, lives=lives)
    assert "Traceback" not in said
    if place.lock.exists():
        with place.turn():  # what it has left behind may still be at it
            pass
    return status == -signal.SIGKILL


def loaded(place: Place) -> list[str]:
    file = place.folder / "state.json"
    return sorted(json.loads(file.read_text())["loaded"]) if file.exists() else []
