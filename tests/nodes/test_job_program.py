"""The helper's jobs, with real programs: what it promises whoever calls it, and what it refuses."""

import ast
import contextlib
import hashlib
import itertools
import json
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bakery import helper
from bakery.helper.program import VERSION
from bakery.nodes.helper_file import helper_file
from bakery.nodes.jobs import JobKey, new_job_key
from tests.nodes.job_machine import PYTHON, JobMachine, Status, is_alive, job_machine, state_of
from tests.support.waiting import wait_until

needs_root = pytest.mark.lab  # runs wherever the lab does, which is as root
KEY = "j0123456789abcdef01234567"
CANARY = "canary-8c1f"


@pytest.fixture(params=["an ordinary user", pytest.param("root", marks=needs_root)])
def machine(request: pytest.FixtureRequest) -> Iterator[JobMachine]:
    with job_machine(as_root=request.param == "root") as machine:
        yield machine


@pytest.fixture
def users_machine() -> Iterator[JobMachine]:
    with job_machine(as_root=False) as machine:
        yield machine


@pytest.fixture
def roots_machine() -> Iterator[JobMachine]:
    with job_machine(as_root=True) as machine:
        yield machine


# How a job ends, and what its log holds.


@pytest.mark.parametrize(
    ("script", "exit_status", "reason"),
    [
        ("true", 0, ""),
        ("exit 3", 3, "ended with status 3"),
        ("kill -KILL $$", -9, "was ended by SIGKILL"),
        ("kill -TERM $$", -15, "was ended by SIGTERM"),
    ],
)
def test_a_job_ends_as_its_program_does(machine: JobMachine, script: str, exit_status: int, reason: str) -> None:
    key = machine.start("sh", "-c", script)
    assert machine.finish(key) == {"state": "exited", "exit_status": exit_status, "reason": reason, "log_bytes": 0}


def test_output_and_errors_are_one_log_in_the_order_in_which_they_were_written(machine: JobMachine) -> None:
    key = machine.start("sh", "-c", "for i in 1 2 3 4; do echo out $i; echo err $i >&2; done")
    assert machine.finish(key)["log_bytes"] == 48
    assert machine.log(key) == b"".join(b"out %d\nerr %d\n" % (i, i) for i in range(1, 5))


def test_a_log_holds_any_bytes_in_lines_of_any_length(machine: JobMachine) -> None:
    script = "import sys; sys.stdout.buffer.write(bytes(range(256)) * 40960 + b'no newline')"
    key = machine.start(str(PYTHON), "-c", script)
    machine.finish(key)
    assert machine.log(key) == bytes(range(256)) * 40960 + b"no newline"


def test_followed_from_any_offset_it_is_the_rest_of_the_log(machine: JobMachine) -> None:
    key = machine.start("sh", "-c", "seq 100000")
    machine.finish(key)
    whole = machine.log(key)
    for offset in (0, 1, 65536, 300_001, len(whole) - 1, len(whole), len(whole) + 5):
        assert machine.attempt("job-follow", key, str(offset)).stdout == whole[offset:]


def test_what_is_followed_comes_as_it_is_written(machine: JobMachine) -> None:
    key = machine.start("sh", "-c", "i=0; while sleep 0.2; do i=$((i+1)); date +%s.%N; [ $i = 8 ] && exit; done")
    with machine.popen("job-follow", key, "0") as following:
        assert following.stdout
        delays = [time.time() - float(line) for line in following.stdout]
    assert len(delays) == 8
    assert sorted(delays)[4] < 0.05  # of a machine with other things to do


def test_starting_and_following_tells_the_status_first_and_then_the_log(machine: JobMachine) -> None:
    key = new_job_key()
    done = machine.attempt("job-start", key, "--follow", stdin=machine.spec("sh", "-c", "sleep 0.3; printf a; exit 2"))
    assert done.stdout == b'{"state": "running", "exit_status": null, "reason": "", "log_bytes": 0}\na'
    assert machine.status(key)["exit_status"] == 2


def test_a_follower_of_a_quiet_job_does_nothing_and_ends_with_its_reader(machine: JobMachine) -> None:
    key = machine.start("sh", "-c", "echo ready; exec sleep 60")
    with machine.popen("job-follow", key, "0") as following:
        assert following.stdout
        assert following.stdout.readline() == b"ready\n"
        before = cpu_ticks(following.pid)
        with contextlib.suppress(subprocess.TimeoutExpired):
            following.wait(1)
        assert cpu_ticks(following.pid) - before <= 2
        following.stdout.close()
        assert following.wait(5) == 0


def test_beyond_its_cap_the_log_is_counted_and_told(machine: JobMachine) -> None:
    key = machine.start("sh", "-c", "printf 0123456789; printf abcdef", log_bytes=12)
    status = machine.finish(key)
    expected = b"0123456789ab\n[Bakery: the log was longer than 12 bytes; 4 bytes were left out here.]\n"
    assert machine.log(key) == expected
    assert status["log_bytes"] == len(expected)


def test_a_log_of_exactly_its_cap_has_nothing_added(machine: JobMachine) -> None:
    key = machine.start("printf", "0123456789", log_bytes=10)
    machine.finish(key)
    assert machine.log(key) == b"0123456789"


def test_what_the_disk_refuses_is_counted_and_the_program_goes_on(users_machine: JobMachine) -> None:
    refusing = ("sh", "-c", 'ulimit -f 16; exec "$@"', "sh")  # no file grows beyond 8192 bytes
    key = users_machine.start("sh", "-c", "head -c 20000 /dev/zero; exit 5", before=refusing)
    assert users_machine.finish(key) == {
        "state": "exited",
        "exit_status": 5,
        "reason": "ended with status 5; 11808 bytes of its log could not be written: File too large",
        "log_bytes": 8192,
    }


def test_a_program_that_cannot_start_is_an_exit_with_its_reason(machine: JobMachine) -> None:
    key = machine.start("/no/such/program")
    status = machine.finish(key)
    assert (status["exit_status"], status["reason"]) == (
        127, "could not start /no/such/program: No such file or directory",
    )  # fmt: skip


def test_a_folder_is_entered_only_as_the_one_who_works_in_it(machine: JobMachine) -> None:
    closed = machine.root / "closed"
    (closed / "open").mkdir(parents=True)
    (closed / "open").chmod(0o777)
    closed.chmod(0o700)
    os.chown(closed, 0 if os.geteuid() == 0 else -1, -1)
    if os.geteuid() != 0:
        closed.chmod(0)
    key = machine.start("pwd", folder=str(closed / "open"))
    assert machine.finish(key)["reason"] == f"could not enter {closed}/open: Permission denied"
    closed.chmod(0o700)


def test_a_program_gets_a_small_environment_and_what_is_given_to_it(machine: JobMachine) -> None:
    script = (
        "env -0 | cut -zd= -f1 | sort -z | grep -vz PWD | tr '\\0' ' '; printf '%s %s ' \"$GREETING\" $BAKERY_JOB; cat"
    )
    given = {"GREETING": 'it\'s $5 & "more"\n', "BAKERY_JOB": "another"}
    key = machine.start("sh", "-c", script, environment=given, stdin="wörds\0", folder="/")
    machine.finish(key)
    names = "BAKERY_JOB GREETING HOME LANG LOGNAME PATH USER "
    assert machine.log(key).decode() == f'{names}it\'s $5 & "more"\n {key} wörds\0'


def test_a_program_can_gain_nothing_and_begins_afresh(machine: JobMachine) -> None:
    script = (
        "umask; grep -E '^(Uid|Groups|NoNewPrivs|SigBlk|SigIgn):' /proc/self/status;"
        " [ $(ps -o sid= -p $$) = $$ ] && echo 'own session'; ls /proc/self/fd"
    )
    key = machine.start("sh", "-c", script, folder="/")
    machine.finish(key)
    user = pwd.getpwnam(machine.account).pw_uid if machine.account else machine.user
    umask, uid, *groups, blocked, ignored, nnp, session, zero, one, two, _own = (
        machine.log(key).decode().split("\n")[:-1]
    )
    assert (umask, set(uid.split()[1:])) == ("0077", {str(user)})
    assert {blocked, ignored, nnp} == {"SigBlk:\t" + "0" * 16, "SigIgn:\t" + "0" * 16, "NoNewPrivs:\t1"}
    assert len(groups) == 1
    assert "0" not in groups[0].split()
    assert (session, zero, one, two) == ("own session", "0", "1", "2")


# Once, and never twice.


def test_a_job_that_is_started_again_runs_once(machine: JobMachine, tmp_path: Path) -> None:
    runs = a_counter(machine)
    key = machine.start("sh", "-c", f"echo run >> {runs}")
    machine.finish(key)
    again = machine.ask("job-start", key, stdin=machine.spec("sh", "-c", f"echo run >> {runs}"))
    assert again["state"] == "exited"
    assert runs.read_text() == "run\n"


def test_of_many_starts_at_once_one_runs_and_all_answer(machine: JobMachine) -> None:
    runs, key = a_counter(machine), new_job_key()
    starts = [machine.popen("job-start", key) for _ in range(6)]
    for start in starts:
        assert start.stdin
        start.stdin.write(machine.spec("sh", "-c", f"echo run >> {runs}; sleep 2"))
        start.stdin.flush()
    answers = [start.communicate(timeout=30)[0] for start in starts]
    assert all(b'"state": "running"' in answer for answer in answers)
    machine.finish(key)
    assert runs.read_text() == "run\n"


KILLED_AT_A_LINE = """
import os, runpy, signal, sys
left = int(os.environ["LINES_TO_LIVE"])
def trace(frame, event, arg):
    global left
    if frame.f_code.co_filename.rpartition("/helper/")[2] not in (
        "jobs.py", "job.py", "job_watch.py", "job_log.py", "descendants.py"
    ):
        return None
    left -= event == "line"
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return trace
sys.argv = sys.argv[1:]
sys.settrace(trace)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_killed_at_any_line_a_job_never_runs_twice_and_is_never_stuck(users_machine: JobMachine) -> None:
    """The starter dies there, and so does the watcher when it comes as far."""
    machine = users_machine
    python, *options, program, root_option, root = machine.program
    for lines_to_live in itertools.count(100, 11):
        runs, key = a_counter(machine), new_job_key()
        spec = machine.spec("sh", "-c", f"echo run >> {runs}", seconds=10)
        killed = subprocess.run(
            [python, *options, "-c", KILLED_AT_A_LINE, program, root_option, root, "job-start", key],
            input=spec, capture_output=True, cwd="/", check=False, timeout=60,
            env={"LINES_TO_LIVE": str(lines_to_live)},
            user=None if machine.user == os.geteuid() else machine.user,
        )  # fmt: skip
        assert killed.returncode in (0, -signal.SIGKILL)
        machine.ask("job-start", key, stdin=spec)
        state = ended(machine, key)["state"]
        assert (state, runs.read_text()) in {("exited", "run\n"), ("lost", ""), ("lost", "run\n")}, lines_to_live
        if killed.returncode == 0 and state == "exited":
            return  # both came to their end


# Ending early.

STUBBORN_DAEMON = """
import os, signal, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.environ.clear()
        print("daemon", os.getpid(), flush=True)
        time.sleep(300)
    os._exit(0)
os.wait()
"""


def test_cancelling_ends_even_a_daemon_that_does_not_want_to(machine: JobMachine) -> None:
    key = machine.start(str(PYTHON), "-c", STUBBORN_DAEMON + "time.sleep(300)")
    daemon = daemon_in(machine, key)
    began = time.monotonic()
    status = machine.ask("job-cancel", key)
    assert time.monotonic() - began < 10
    assert (status["state"], status["exit_status"], status["reason"]) == ("cancelled", -15, "was cancelled")
    assert not is_alive(daemon)
    assert machine.ask("job-cancel", key) == status


def test_cancelling_what_is_over_or_was_never_begun_changes_nothing(machine: JobMachine) -> None:
    key = machine.start("true")
    ended = machine.finish(key)
    assert machine.ask("job-cancel", key) == ended
    assert machine.ask("job-cancel", KEY)["state"] == "unknown"


def test_a_cancelled_program_may_finish_what_it_does(machine: JobMachine) -> None:
    key = machine.start("sh", "-c", "trap 'echo done; exit 7' TERM; echo ready; sleep 300 & wait")
    machine.in_log(key, b"ready\n")
    assert machine.ask("job-cancel", key)["exit_status"] == 7
    assert machine.log(key) == b"ready\ndone\n"


def test_cancelling_does_not_depend_on_the_watcher(users_machine: JobMachine) -> None:
    """A job of the same user may have stopped it."""
    key = users_machine.start("sh", "-c", "kill -STOP $PPID; echo stopped; exec sleep 300")
    wait_until(lambda: state_of(users_machine.watcher(key)) == "T", what="the watcher stands still")
    began = time.monotonic()
    status = users_machine.ask("job-cancel", key)
    assert time.monotonic() - began < 10
    assert (status["state"], status["reason"]) == ("cancelled", "was cancelled by force")
    assert bearers_of(key) == []


def test_a_job_ends_at_its_deadline(machine: JobMachine) -> None:
    key = machine.start("sh", "-c", "echo begun; exec sleep 300", seconds=1)
    status = machine.finish(key)
    assert (status["state"], status["exit_status"]) == ("timed_out", -15)
    assert status["reason"] == "did not end within 1 s and was stopped"
    assert machine.log(key) == b"begun\n"


def test_what_a_program_leaves_running_ends_soon_after_it(machine: JobMachine) -> None:
    key = machine.start("sh", "-c", "sleep 300 & echo daemon $!")
    daemon = daemon_in(machine, key)
    assert machine.finish(key)["state"] == "exited"
    assert not is_alive(daemon)


def test_the_last_words_of_what_a_program_leaves_running_are_kept(machine: JobMachine) -> None:
    key = machine.start("sh", "-c", "(sleep 0.1; echo last) & echo first")
    machine.finish(key)
    assert machine.log(key) == b"first\nlast\n"


def test_closing_its_output_does_not_end_a_job(machine: JobMachine) -> None:
    key = machine.start("sh", "-c", "echo out; exec >&- 2>&-; sleep 0.3; exit 4")
    assert machine.finish(key)["exit_status"] == 4


# Lost.


def test_a_job_whose_watcher_was_killed_is_lost_and_not_begun_again(machine: JobMachine) -> None:
    key = machine.start(str(PYTHON), "-c", "import subprocess; subprocess.run(['sleep', '300'])")
    wait_until(lambda: len(bearers_of(key)) == 2, what="the program's child")
    os.kill(machine.watcher(key), signal.SIGKILL)
    lost = {"state": "lost", "exit_status": None, "reason": "the process that watched over it is gone", "log_bytes": 0}
    wait_until(lambda: machine.status(key) == lost, what="the loss")
    assert machine.ask("job-start", key, stdin=machine.spec("true")) == lost
    assert machine.ask("job-cancel", key) == lost
    assert bearers_of(key) == []


def test_a_follower_of_a_lost_job_brings_what_there_is_and_ends_with_the_status(machine: JobMachine) -> None:
    key = machine.start("sh", "-c", "echo words; exec sleep 300")
    machine.in_log(key, b"words\n")
    with machine.popen("job-follow", key, "0") as following:
        os.kill(machine.watcher(key), signal.SIGKILL)
        log, status = following.communicate(timeout=10)
        assert (log, json.loads(status)) == (b"words\n", machine.status(key))


def test_forgetting_ends_what_runs_and_leaves_nothing(machine: JobMachine) -> None:
    over, running, unknown = machine.start("true"), machine.start("sleep", "300"), new_job_key()
    machine.finish(over)
    machine.attempt("job-forget", over, running, unknown).check_returncode()
    assert machine.ask("job-list") == {"jobs": {}}
    assert bearers_of(running) == []


def test_a_job_of_another_boot_is_lost(machine: JobMachine) -> None:
    key = machine.start("sleep", "300")
    boot = (machine.folder(key) / "boot").read_text()
    (machine.folder(key) / "boot").write_text("00000000-0000-0000-0000-000000000000\n")
    status = machine.status(key)
    assert (status["state"], status["reason"]) == ("lost", "the machine was started anew while it ran")
    (machine.folder(key) / "boot").write_text(boot)


def test_a_job_that_a_shutdown_ends_is_lost_and_not_failed(machine: JobMachine) -> None:
    key = machine.start("sleep", "300")
    os.kill(machine.watcher(key), signal.SIGTERM)
    status = machine.finish(key)
    assert (status["state"], status["exit_status"]) == ("lost", None)
    assert status["reason"] == "was ended from outside: the machine was shut down, or somebody stopped its unit"


# Keeping and forgetting.


def test_only_a_job_that_is_over_can_be_removed(machine: JobMachine) -> None:
    key = machine.start("sleep", "300")
    refused = machine.attempt("job-remove", key)
    assert (refused.returncode, refused.stderr) == (1, b"The job still runs. Cancel it first.\n")
    machine.ask("job-cancel", key)
    for _ in range(2):
        assert machine.attempt("job-remove", key).returncode == 0
    assert machine.status(key)["state"] == "unknown"
    assert list(machine.folder(key).parent.iterdir()) == []


def test_the_list_names_every_job_with_its_state(machine: JobMachine) -> None:
    assert machine.ask("job-list") == {"jobs": {}}
    running, over = machine.start("sleep", "300"), machine.start("true")
    machine.finish(over)
    assert machine.ask("job-list") == {"jobs": {running: "running", over: "exited"}}


def test_a_secret_is_seen_by_the_program_alone(machine: JobMachine) -> None:
    key = machine.start(
        "sh", "-c", 'read -r word; echo "${#word} ${#TOKEN}"; exec sleep 300', stdin=f"{CANARY}\n",
        environment={"TOKEN": CANARY},
    )  # fmt: skip
    machine.in_log(key, b"11 11\n")
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            assert CANARY.encode() not in (process / "cmdline").read_bytes()
    assert CANARY.encode() not in Path(f"/proc/{machine.watcher(key)}/environ").read_bytes()
    assert {bytes(f.read_bytes()) for f in machine.folder(key).iterdir() if CANARY.encode() in f.read_bytes()} == set()


def test_folders_are_closed_to_others(machine: JobMachine) -> None:
    key = machine.start("true")
    machine.finish(key)
    owner = "root" if machine.account else pwd.getpwuid(machine.user).pw_name
    assert {path.owner() for path in (machine.folder(key), *machine.folder(key).iterdir())} == {owner}
    assert machine.folder(key).stat().st_mode & 0o007 == 0
    assert all(path.stat().st_mode & 0o037 == 0 for path in machine.folder(key).iterdir())


def test_the_helper_says_which_one_it_is(machine: JobMachine) -> None:
    digest = hashlib.sha256(helper_file()).hexdigest()
    assert machine.ask("version") == {"version": VERSION, "sha256": digest}


def test_the_helper_is_written_for_the_oldest_python_that_a_node_may_have() -> None:
    for module in Path(helper.__file__).parent.glob("*.py"):
        ast.parse(module.read_text(), feature_version=(3, 9))


def test_the_helper_imports_nothing_that_a_node_may_not_have() -> None:
    for module in Path(helper.__file__).parent.glob("*.py"):
        for line in ast.walk(ast.parse(module.read_text())):
            imported = [line.module] if isinstance(line, ast.ImportFrom) else []
            imported += [name.name for name in line.names] if isinstance(line, ast.Import) else []
            for name in filter(None, imported):
                is_ours = f"{name}.".startswith("bakery.helper.")
                assert is_ours or name.partition(".")[0] in sys.stdlib_module_names, module


# A hostile caller.


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("",),
        ("sh",),
        ("job-start",),
        ("job-start", "../../../etc"),
        ("job-start", KEY.upper()),
        ("job-start", KEY + "/.."),
        ("job-start", KEY + "\n"),
        ("job-start", KEY[:-1] + "٣"),
        ("job-start", KEY, "--root", "/"),
        ("job-start", f"{KEY} --follow"),
        ("job-follow", KEY),
        ("job-follow", KEY, "-1"),
        ("job-follow", KEY, "0x10"),
        ("job-follow", KEY, "9" * 19),
        ("job-follow", "..", "0"),
        ("job-status", "."),
        ("job-status", KEY, KEY),
        ("job-cancel", "1"),
        ("job-cancel", "-1"),
        ("job-remove", "/"),
        ("job-remove", "*"),
        ("job-list", "/"),
        ("version", KEY),
        ("--root",),
        ("--root", "/", "job-list"),
    ],
)
def test_words_that_are_not_expected_are_refused(machine: JobMachine, words: tuple[str, ...]) -> None:
    refused = machine.attempt(*words, stdin=machine.spec("true"))
    assert (refused.returncode, refused.stdout) == (1, b"")
    assert refused.stderr in (b"There is no such verb.\n", b"This verb takes other words.\n")
    assert list((machine.root / "node").iterdir()) == []


@pytest.mark.parametrize("verb", [("job-list",), ("run-hold", KEY)])
def test_through_sudo_nobody_says_where_jobs_lie_or_what_a_unit_says(
    machine: JobMachine, verb: tuple[str, ...]
) -> None:
    python, *options, program, _root_option, root = machine.program
    for words in (("--root", root, *verb), ("run-hold", KEY)):
        refused = subprocess.run(
            [python, *options, program, *words], env={"SUDO_UID": "1000"}, capture_output=True, check=False
        )
        assert (refused.returncode, refused.stdout, refused.stderr) == (1, b"", b"There is no such verb.\n")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"argv": []}, "argv has to be"),
        ({"argv": [""]}, "argv has to be"),
        ({"argv": "true"}, "argv has to be"),
        ({"argv": ["true", 1]}, "argv has to be"),
        ({"argv": ["true", "a\0b"]}, "argv has to be"),
        ({"argv": ["true", "\ud800"]}, "argv has to be"),
        ({"environment": {"A B": ""}}, "environment has to be"),
        ({"environment": {"": ""}}, "environment has to be"),
        ({"environment": ["A"]}, "environment has to be"),
        ({"environment": {"A": None}}, "The values of environment"),
        ({"environment": {"A": "\0"}}, "The values of environment"),
        ({"folder": "relative"}, "folder has to be"),
        ({"folder": 1}, "folder has to be"),
        ({"stdin": 1}, "stdin has to be"),
        ({"stdin": "\udfff"}, "stdin has to be"),
        ({"seconds": 0}, "seconds has to be"),
        ({"seconds": True}, "seconds has to be"),
        ({"seconds": 10**9}, "seconds has to be"),
        ({"seconds": "60"}, "seconds has to be"),
        ({"log_bytes": -1}, "log_bytes has to be"),
        ({"memory_bytes": -1}, "memory_bytes has to be"),
        ({"memory_bytes": "1\nUser=root"}, "memory_bytes has to be"),
        ({"memory_bytes": 0}, "memory_bytes has to be"),
        ({"memory_bytes": ""}, "memory_bytes has to be"),
        ({"cpu_percent": 1.5}, "cpu_percent has to be"),
        ({"cpu_percent": []}, "cpu_percent has to be"),
        ({"user": "root"}, "A job is described by exactly these"),
    ],
)
def test_a_job_that_is_described_otherwise_is_refused(
    users_machine: JobMachine, more: dict[str, object], said: str
) -> None:
    refused = users_machine.attempt("job-start", KEY, stdin=users_machine.spec("true", **more))
    assert (refused.returncode, refused.stdout) == (1, b"")
    assert refused.stderr.decode().startswith(said)
    assert list((users_machine.root / "node").iterdir()) == []


@pytest.mark.parametrize("text", [b"", b"{", b"[]\n", b"null\n", b"[" * 100_000, b"\xff\n"])
def test_what_is_no_job_is_refused(users_machine: JobMachine, text: bytes) -> None:
    refused = users_machine.attempt("job-start", KEY, stdin=text)
    assert refused.returncode == 1
    assert refused.stderr.startswith((b"The job is not described in JSON.", b"A job is described by exactly these"))


@pytest.mark.parametrize("account", ["root", "daemon", "bk-1", "bk-0123456789abcdeg", "bakery-agent\n", "", 0, ["a"]])
@needs_root
def test_root_runs_jobs_only_as_accounts_of_bakery(roots_machine: JobMachine, account: object) -> None:
    refused = roots_machine.attempt("job-start", KEY, stdin=roots_machine.spec("true", account=account))
    assert (refused.returncode, refused.stderr) == (1, b"A job can only run as an account of Bakery's.\n")


@needs_root
def test_root_runs_nothing_without_an_account_that_exists(roots_machine: JobMachine) -> None:
    account = "bk-" + "0" * 16
    refused = roots_machine.attempt("job-start", KEY, stdin=roots_machine.spec("true", account=account))
    assert (refused.returncode, refused.stderr) == (1, f"There is no account {account} here.\n".encode())


def test_an_ordinary_user_runs_jobs_only_as_that_user(users_machine: JobMachine) -> None:
    key = new_job_key()
    users_machine.ask("job-start", key, stdin=users_machine.spec("id -un", account=f"bk-{'0' * 16}"))
    ended(users_machine, key)
    assert users_machine.log(key).decode().strip() != f"bk-{'0' * 16}"
    refused = users_machine.attempt("job-start", KEY, stdin=users_machine.spec("true", account="root"))
    assert (refused.returncode, refused.stderr) == (1, b"Only root can run a job as another user.\n")


def ended(machine: JobMachine, key: JobKey) -> Status:
    wait_until(lambda: machine.status(key)["state"] != "running", what="an end")
    return machine.status(key)


def a_counter(machine: JobMachine) -> Path:
    """A file that any account may write to."""
    path = machine.root / f"runs-{new_job_key()}"
    path.touch()
    path.chmod(0o666)
    return path


def daemon_in(machine: JobMachine, key: str) -> int:
    """The process that the log names."""
    log = machine.folder(new_job_key()).with_name(key) / "log"
    wait_until(lambda: log.read_bytes().endswith(b"\n"), what="the daemon's start")
    return int(log.read_text().split()[1])


def bearers_of(key: str) -> list[int]:
    """The living processes that have the job's key in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if key.encode() in (process / "environ").read_bytes() and is_alive(int(process.name)):
                found.append(int(process.name))
    return found


def cpu_ticks(process: int) -> int:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
