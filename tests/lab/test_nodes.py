"""A real machine becomes a node, and work on it survives what breaks in between.

One Bakery and one node for all of it: each test leaves them as it found them, and the last one removes the node.
"""

import hashlib
import os
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.lab import Lab
from tests.lab.nodes import Node
from tests.lab.oven import NAME, Oven, an_oven
from tests.support.serving import BAKERY
from tests.support.waiting import wait_until

EVERYTHING = bool(os.environ.get("BAKERY_TEST_ALL"))
SECONDS_CUT = [5.0, 120.0] if EVERYTHING else [5.0]
LINES = 200_000
KILLS = 20
BEGUN = "/tmp/begun"  # noqa: S108 - on the node


@pytest.fixture(scope="module")
def oven(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oven]:
    with an_oven(lab, tmp_path_factory.mktemp("bakery")) as made:
        yield made


def test_a_machine_becomes_a_node_with_a_line_for_everything_that_it_needs(oven: Oven) -> None:
    found = oven.get()
    assert [check for check in found["checks"] if not check["is_well"]] == []
    assert {check["name"] for check in found["checks"]} == {
        "SSH", "Helper", "Docker", "nginx", "certbot", "git", "psql", "curl", "Python", "systemd", "Disk", "Owner",
    }  # fmt: skip
    assert found["host_key"] == " ".join(oven.node.run("cat", "/etc/ssh/ssh_host_ed25519_key.pub").split()[:2])
    shown = oven.command("show", NAME)
    assert "✓ Docker: " in shown.stdout
    assert oven.command("verify", NAME).returncode == 0


def test_a_command_is_run_as_bakerys_own_user_and_its_end_is_the_commands(oven: Oven) -> None:
    done = oven.command("exec", NAME, "--", "sh", "-c", "id -un; echo to stderr >&2; exit 3")
    assert (done.returncode, done.stdout) == (1, "bakery-agent\nto stderr\n")
    assert "status 3" in done.stderr
    assert oven.node.run("ls", "/var/lib/bakery/node/jobs") == ""
    audit = oven.http.get("/api/audit").json()["items"]
    assert any(row["action"] == "job.requested" and row["after"]["command"].startswith("sh -c") for row in audit)


@pytest.mark.parametrize(
    "script",
    [
        "head -c 3000000 /dev/urandom > /tmp/out; cat /tmp/out",
        "head -c 10000000 /dev/zero | tr '\\0' x > /tmp/out; cat /tmp/out",
        r"printf 'no newline \033[31;1m\033]0;title\007\033[2J\r at the end' > /tmp/out; cat /tmp/out",
        "seq 3000000 > /tmp/out; cat /tmp/out",
    ],
    ids=["binary", "one line of 10 MB", "hostile", "three million lines"],
)
def test_whatever_a_command_writes_arrives_as_it_was_written(oven: Oven, script: str) -> None:
    number = oven.run("sh", "-c", script)
    assert oven.finish(number)["state"] == "succeeded"
    expected = oven.node.run("sha256sum", "/tmp/out").split()[0]  # noqa: S108 - on the node
    assert hashlib.sha256(oven.log(number)).hexdigest() == expected


def counting(lines: int, *, pause: str) -> tuple[str, ...]:
    """It says that it was begun in a file, so that a second beginning would show."""
    script = f"echo begun >> {BEGUN}-{lines}; for i in $(seq 1 {lines}); do echo line $i; sleep {pause}; done"
    return "sh", "-c", script


def counted(lines: int) -> bytes:
    return b"".join(b"line %d\n" % number for number in range(1, lines + 1))


def begun(oven: Oven, lines: int) -> int:
    return len(oven.node.run("cat", f"{BEGUN}-{lines}").splitlines())


@pytest.mark.parametrize("seconds", SECONDS_CUT)
@pytest.mark.timeout(400)
def test_a_job_goes_on_while_its_connection_is_cut(oven: Oven, seconds: float) -> None:
    lines = int(seconds * 10 + 50)
    number = oven.run(*counting(lines, pause="0.1"))
    wait_until(lambda: oven.has_said(number, b"line 20\n"), what="it runs")
    cut_until = time.monotonic() + seconds
    oven.node.run("iptables", "-I", "INPUT", "-p", "tcp", "--dport", "22", "-j", "DROP")
    wait_until(lambda: time.monotonic() > cut_until, what="the cut's end", seconds=seconds + 1)
    oven.node.run("iptables", "-F", "INPUT")
    ended = oven.finish(number, seconds=200)
    assert (ended["state"], ended["exit_status"]) == ("succeeded", 0)
    assert oven.log(number) == counted(lines)
    assert begun(oven, lines) == 1
    oven.wait_for("online")


def test_a_job_goes_on_when_sshd_is_restarted_and_every_session_ends(oven: Oven) -> None:
    number = oven.run(*counting(81, pause="0.1"))
    wait_until(lambda: oven.has_said(number, b"line 20\n"), what="it runs")
    end_sessions(oven.node)
    assert oven.finish(number)["state"] == "succeeded"
    assert oven.log(number) == counted(81)
    assert begun(oven, 81) == 1


@pytest.mark.timeout(600)
def test_a_job_goes_on_when_bakery_is_killed_again_and_again(oven: Oven) -> None:
    chance = random.Random(1)  # noqa: S311 - the moments of a test
    script = f"echo begun >> {BEGUN}-kill; for i in $(seq 1 400); do seq {LINES // 400}; sleep 0.25; done; exit 7"
    number = oven.run("sh", "-c", script, seconds=900)
    wait_until(lambda: oven.has_said(number, b"500\n"), what="it runs")
    for _ in range(KILLS):
        moment = time.monotonic() + chance.uniform(0, 1.5)
        wait_until(lambda moment=moment: time.monotonic() > moment, what="a moment")  # type: ignore[misc]  # the moment of this turn
        oven.bakery.kill()
        oven.bakery.start()
    ended = oven.finish(number, seconds=300)
    assert (ended["state"], ended["exit_status"]) == ("failed", 7)
    expected = b"".join(b"%d\n" % line for line in range(1, LINES // 400 + 1)) * 400
    assert oven.log(number) == expected
    assert oven.node.run("cat", f"{BEGUN}-kill") == "begun"


def test_a_cancelled_job_leaves_no_process_within_ten_seconds(oven: Oven) -> None:
    stubborn = "trap '' TERM HUP; setsid sleep 4711 & sleep 4711; sleep 4711"
    number = oven.run("bash", "-c", stubborn)
    wait_until(lambda: sleepers(oven.node) == 2, what="it runs")
    began = time.monotonic()
    oven.http.post(f"/api/nodes/{NAME}/jobs/{number}/cancel").raise_for_status()
    assert oven.finish(number)["state"] == "cancelled"
    assert sleepers(oven.node) == 0
    assert time.monotonic() - began < 10


def test_a_job_that_a_reboot_took_is_lost_and_never_run_again(oven: Oven) -> None:
    lines = 6000
    number = oven.run(*counting(lines, pause="0.1"))
    wait_until(lambda: oven.has_said(number, b"line 5\n"), what="it runs")
    begun_before = oven.node.run("cat", f"{BEGUN}-{lines}")
    oven.node.reboot()
    ended = oven.finish(number)
    assert (ended["state"], ended["exit_status"]) == ("lost", None)
    assert begun_before == "begun"
    assert oven.node.attempt("cat", f"{BEGUN}-{lines}").returncode != 0  # /tmp is new, and nothing began again
    oven.wait_for("online")


def test_a_disk_that_fills_up_ends_no_job_and_what_is_missing_is_counted(oven: Oven) -> None:
    jobs = "/var/lib/bakery/node/jobs"
    oven.node.run("mount", "-t", "tmpfs", "-o", "size=1m,mode=711", "tmpfs", jobs)
    number = oven.run("sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x; exit 5")
    ended = oven.finish(number)
    oven.node.run("umount", jobs)
    assert (ended["state"], ended["exit_status"]) == ("failed", 5)
    assert "could not be written: No space left on device" in ended["reason"]


def test_a_key_that_was_removed_is_named_as_the_cause(oven: Oven) -> None:
    keys = "/var/lib/bakery/agent/.ssh/authorized_keys"
    oven.node.run("mv", keys, f"{keys}.away")
    end_sessions(oven.node)
    found = oven.wait_for("unreachable")
    assert "Permission denied (publickey)" in found["trouble"]
    oven.node.run("mv", f"{keys}.away", keys)
    oven.wait_for("online", seconds=90)


def test_a_changed_host_key_blocks_the_node_until_an_admin_accepts_it(oven: Oven) -> None:
    before = oven.get()["host_key_fingerprint"]
    oven.node.run("sh", "-c", "rm /etc/ssh/ssh_host_*; ssh-keygen -qA")
    end_sessions(oven.node)
    found = oven.wait_for("blocked")
    now = oven.node.run("ssh-keygen", "-lf", "/etc/ssh/ssh_host_ed25519_key.pub").split()[1]
    assert (found["host_key_fingerprint"], found["other_host_key_fingerprint"]) == (before, now)
    new_sshd = oven.node.run("systemctl", "show", "-P", "InvocationID", "ssh")
    told = oven.node.run("journalctl", f"_SYSTEMD_INVOCATION_ID={new_sshd}", "--no-pager")
    assert "publickey" not in told
    assert oven.command("accept-key", NAME, "--fingerprint", before).returncode == 1
    assert oven.command("accept-key", NAME, "--fingerprint", now).returncode == 0
    assert oven.wait_for("online", seconds=90)["host_key_fingerprint"] == now


def test_a_key_is_changed_without_losing_access(oven: Oven) -> None:
    before = oven.get()["key_public"]
    done = oven.command("rotate-key", NAME)
    assert done.returncode == 0, done.stderr
    now = oven.get()["key_public"]
    allowed = oven.node.run("cat", "/var/lib/bakery/agent/.ssh/authorized_keys")
    assert now != before
    assert now.split()[1] in allowed
    assert before.split()[1] not in allowed
    assert oven.command("exec", NAME, "--", "true").returncode == 0


def test_bootstrap_runs_the_same_installer_over_the_callers_own_ssh(oven: Oven, tmp_path: Path) -> None:
    shim = tmp_path / "ssh"
    shim.write_text(
        "#!/bin/sh\n"
        f"exec /usr/bin/ssh -F /dev/null -i {oven.node.key} -o StrictHostKeyChecking=no -o LogLevel=ERROR "
        '-o UserKnownHostsFile=/dev/null "$@"\n'
    )
    shim.chmod(0o755)
    environ = {
        **os.environ,
        "BAKERY_URL": oven.bakery.url,
        "BAKERY_TOKEN": oven.token,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
    }
    argv = [*BAKERY, "nodes", "bootstrap", NAME]
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "Nothing had to be changed." in done.stdout
    assert f"{NAME} is online." in done.stdout


def test_a_node_that_is_removed_is_forgotten(oven: Oven) -> None:
    assert oven.command("remove", NAME, "--yes").returncode == 0
    assert oven.http.get(f"/api/nodes/{NAME}").status_code == 404
    assert [node["slug"] for node in oven.http.get("/api/nodes").json()["items"]] == ["local"]


def sleepers(node: Node) -> int:
    return len(node.attempt("pgrep", "-fx", "sleep 4711").stdout.split())


def end_sessions(node: Node) -> None:
    node.run("systemctl", "restart", "ssh")
    node.attempt("pkill", "-f", "^sshd: bakery-agent")
