"""Units on a real machine with systemd, asked for as on a node: by `bakery-agent` over SSH, through sudo."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from bakery.model.errors import CommandFailed
from bakery.model.names import UnitName
from bakery.model.secret import Secret
from bakery.model.unit import Limits, UnitSpec
from bakery.nodes.folders import ROOTS_FOLDER, NodeFolders
from bakery.nodes.helper_calls import Helper
from bakery.nodes.helper_units import HelperUnits
from bakery.nodes.units import UnitState
from tests.lab.agent import agent_of
from tests.lab.nodes import Node
from tests.support.waiting import wait_until

FOLDERS = NodeFolders(ROOTS_FOLDER)
NAME = UnitName("bakery-shop-production-blue")
OTHER = UnitName("bakery-shop-production-green-worker-2")
ACCOUNT = "bk-903fef0d5516b093"
HOME = ROOTS_FOLDER / "apps/shop/production"
RELEASE = HOME / "releases/1"
LOG = str(FOLDERS.unit_log(NAME))
UNIT_FILE = f"/etc/systemd/system/{NAME}.service"
ODD = 'it\'s 50% of $HOME, \\ `id` and "more" # here\n\tand there; é '
# Answers each request with what it runs with.
APP = """
import http.server, json, os, sys
def can_write(path):
    try:
        open(path, "w").close()
    except OSError as error:
        return os.strerror(error.errno)
    return True
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
        body = json.dumps({"argv": sys.argv[1:], "odd": os.environ["ODD"], "cwd": os.getcwd(),
                           "uids": status["Uid"].split(), "groups": status["Groups"].split(),
                           "caps": status["CapBnd"], "nnp": status["NoNewPrivs"], "pid": os.getpid(),
                           "writes": [can_write(path) for path in ("made", "../../made", "/tmp/made")]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
print("listening", flush=True)
http.server.HTTPServer(("127.0.0.1", 20001), Handler).serve_forever()
"""


@pytest.fixture
async def helper(node: Node) -> AsyncIterator[Helper]:
    async with agent_of(node) as helper:
        await helper.say("premises-make", "shop", "production")
        node.run("install", "--directory", f"--owner={ACCOUNT}", f"--group={ACCOUNT}", str(RELEASE))
        yield helper


def a_unit(*arguments: str) -> UnitSpec:
    return UnitSpec(
        name=NAME,
        argv=("/usr/bin/python3", "-c", APP, *arguments),
        folder=RELEASE,
        log_file=FOLDERS.unit_log(NAME),
        environment={"ODD": Secret(ODD)},
        account=ACCOUNT,
        writable=(RELEASE,),
        limits=Limits(memory_bytes=128 * 1024 * 1024, cpu_percent=150),
    )


def a_shell(script: str) -> UnitSpec:
    return replace(a_unit(), argv=("/bin/sh", "-c", script), stop_seconds=1)


async def test_units_of_a_node(node: Node, helper: Helper) -> None:
    units = HelperUnits(helper)
    await an_app_runs_apart(node, units)
    await a_check_runs_where_it_runs(node, units)
    await what_runs_like_this_goes_on_and_what_died_starts_again(node, units)
    await another_description_replaces_it(node, units)
    await what_cannot_start_says_why(units)
    await links_that_the_app_plants_lead_nowhere(node, helper, units)
    await two_who_want_different_things_take_turns(node, units)
    await one_that_was_ended_by_force_leaves_nothing(node, units)
    await after_a_reboot_only_what_shall_run_does(node, units)


async def an_app_runs_apart(node: Node, units: HelperUnits) -> None:
    await units.start(a_unit(ODD, ";", "-"))
    await until_listening(node, times=1)
    seen = await ask(node)
    uid, gid = node.run("id", "-u", ACCOUNT), node.run("id", "-g", ACCOUNT)
    assert seen["argv"] == [ODD, ";", "-"]
    assert seen["odd"] == ODD
    assert (seen["uids"], seen["groups"]) == ([uid] * 4, [gid])
    assert (seen["cwd"], seen["caps"], seen["nnp"]) == (str(RELEASE), "0" * 16, "1")
    assert seen["writes"] == [True, "Read-only file system", True]
    assert node.run("sh", "-c", "ls -A /tmp | grep made || true") == ""  # its own is another
    shown = node.run("systemctl", "show", "--property=MemoryMax,CPUQuotaPerSecUSec,UnitFileState", NAME)
    assert shown.splitlines() == ["CPUQuotaPerSecUSec=1.500000s", "MemoryMax=134217728", "UnitFileState=enabled"]
    assert node.run("stat", "--format=%a %U", str(FOLDERS.units), f"{FOLDERS.units}/{NAME}.env").splitlines() == [
        "700 root",
        "600 root",
    ]


CHECK = """
import json, os, subprocess, sys
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
groups = [line.split(":", 2) for line in open("/proc/self/cgroup").read().splitlines()]
subprocess.Popen(["sleep", "4712"], start_new_session=True)
print(json.dumps({"odd": os.environ["ODD"], "cwd": os.getcwd(), "uids": status["Uid"].split(),
                  "nnp": status["NoNewPrivs"], "sees": os.path.exists("/tmp/made"),
                  "groups": [path.rpartition("/")[2] for _, one, path in groups if one in ("", "memory")]}))
sys.exit(int(sys.argv[1]))
"""


async def a_check_runs_where_it_runs(node: Node, units: HelperUnits) -> None:
    """With its view of the files, and in its limits; it leaves nothing behind, and ends when its time is over."""
    end = await units.check(NAME, ("python3", "-c", CHECK, "3"), seconds=20)
    said = json.loads(end.written)
    assert (end.exit_status, set(said.pop("groups"))) == (3, {f"{NAME}.service"})
    uid = node.run("id", "-u", ACCOUNT)
    assert said == {"odd": ODD, "cwd": str(RELEASE), "uids": [uid] * 4, "nnp": "1", "sees": True}
    late = await units.check(NAME, ("sh", "-c", "echo waits; sleep 4712 & sleep 4712"), seconds=0.5)
    assert (late.exit_status, late.written) == (None, "waits\n")
    assert node.run("sh", "-c", "pgrep -f '^sleep 4712' || true") == ""
    missing = await units.check(NAME, ("no-such-program",), seconds=5)
    assert (missing.exit_status, missing.written) == (127, "no-such-program: No such file or directory\n")
    uses = await units.uses(NAME, OTHER)
    assert set(uses) == {NAME}
    assert 1024**2 < uses[NAME].memory_bytes < 128 * 1024**2
    assert uses[NAME].cpu_microseconds > 0
    with pytest.raises(CommandFailed, match=f"{OTHER} does not run"):
        await units.check(OTHER, ("true",), seconds=5)


async def what_runs_like_this_goes_on_and_what_died_starts_again(node: Node, units: HelperUnits) -> None:
    first = await ask(node)
    await units.start(a_unit(ODD, ";", "-"))
    assert await ask(node) == first
    node.run("kill", "-9", str(first["pid"]))
    await until_listening(node, times=2)
    state = await units.state(NAME)
    assert (state.is_running, state.restarts, state.last_exit) == (True, 1, "")
    assert await units.states(OTHER, NAME) == {NAME: state, OTHER: UnitState(is_running=False)}


async def another_description_replaces_it(node: Node, units: HelperUnits) -> None:
    await units.start(a_unit("two"))
    await until_listening(node, times=3)
    assert (await ask(node))["argv"] == ["two"]
    await units.start(replace(a_unit("two"), environment={"ODD": Secret("other\r\n")}))
    await until_listening(node, times=4)
    second = await ask(node)
    assert second["odd"] == "other\r\n"
    await units.start(replace(a_unit("two"), environment={"ODD": Secret("other\r\n")}))
    assert await ask(node) == second
    await units.stop(NAME)
    await units.stop(NAME)
    assert not (await units.state(NAME)).is_running
    assert node.run("systemctl", "show", "--property=UnitFileState", "--value", NAME) == "disabled"


async def what_cannot_start_says_why(units: HelperUnits) -> None:
    for unit, cause in (
        (replace(a_unit(), argv=("/no/such/program",)), "its program is not there, or cannot be run"),
        (replace(a_unit(), folder=HOME / "releases/2"), "its folder cannot be entered"),
    ):
        with pytest.raises(CommandFailed) as failed:
            await units.start(unit)
        assert failed.value.message == f"{NAME} did not start: {cause}."
    await units.remove(NAME)


async def links_that_the_app_plants_lead_nowhere(node: Node, helper: Helper, units: HelperUnits) -> None:
    """Its folder is its own, and so is what it enters; what systemd opens for it lies where it cannot put a link."""
    node.run("mkdir", "-m", "700", "/srv/closed")
    node.run("ln", "-s", "/srv/closed", f"{RELEASE}/link")
    with pytest.raises(CommandFailed, match="did not start: its folder cannot be entered"):
        await units.start(replace(a_unit(), folder=RELEASE / "link"))
    replaceable = f"writable has to lie where the app cannot replace it, but others may change {RELEASE}."
    for inside in ("link", "link/in", "own"):
        with pytest.raises(CommandFailed, match=replaceable):
            await units.start(replace(a_unit(), writable=(RELEASE / inside,)))
    for unit in (
        replace(a_unit(), folder=PurePosixPath("/etc")),
        replace(a_unit(), folder=HOME / "../../other/production"),
        replace(a_unit(), writable=(PurePosixPath("/etc"),)),
        replace(a_unit(), writable=(HOME,)),
    ):
        with pytest.raises(CommandFailed, match=f"has to be below {HOME}"):
            await units.start(unit)
    for words in (("unit-start", "sshd"), ("unit-stop", "ssh"), ("unit-remove", "../x"), ("unit-state", NAME, "ssh")):
        with pytest.raises(CommandFailed, match="This verb takes other words"):
            await helper.say(*words, told={})
    with pytest.raises(CommandFailed, match="There is no account bk-"):
        await helper.say("unit-start", "bakery-other-production-blue", told=told_for("other"))
    await units.remove(NAME)


async def two_who_want_different_things_take_turns(node: Node, units: HelperUnits) -> None:
    wanted = [a_shell(f"echo {number}; exec sleep 60") for number in range(4)]
    await asyncio.gather(*(units.start(unit) for unit in wanted))
    running = node.run("sh", "-c", f"tail -n1 {LOG}")
    assert f"echo {running}; exec" in node.run("cat", UNIT_FILE)
    await units.remove(NAME)


async def one_that_was_ended_by_force_leaves_nothing(node: Node, units: HelperUnits) -> None:
    await units.start(a_shell("trap '' TERM; sh -c 'trap \"\" TERM; echo $$; sleep 60'; sleep 60"))
    wait_until(lambda: node.run("tail", "-n1", LOG).isdigit(), what="the grandchild's start")
    grandchild = node.run("tail", "-n1", LOG)
    await units.remove(NAME)
    await units.remove(NAME)
    assert node.attempt("test", "-e", f"/proc/{grandchild}").returncode == 1
    assert await units.state(NAME) == UnitState(is_running=False)
    assert node.run("systemctl", "list-units", "--all", "--plain", "--no-legend", "bakery-*") == ""
    assert node.run("sh", "-c", f"ls {FOLDERS.units} /etc/systemd/system | grep bakery- || true") == ""
    assert node.run("ls", "/etc/systemd/system/multi-user.target.wants").count("bakery") == 0
    assert node.run("systemctl", "is-system-running") == "running"


async def after_a_reboot_only_what_shall_run_does(node: Node, units: HelperUnits) -> None:
    stopped = replace(a_shell("exec sleep 60"), name=OTHER, log_file=FOLDERS.unit_log(OTHER))
    await units.start(a_shell("exec sleep 60"))
    await units.start(stopped)
    await units.stop(OTHER)
    node.reboot()
    states = await units.states(NAME, OTHER)
    assert [state.is_running for state in states.values()] == [True, False]
    for name in (NAME, OTHER):
        await units.remove(name)
    assert node.run("ls", "-A", str(FOLDERS.units)) == ""


def told_for(app: str) -> dict[str, object]:
    return {
        "argv": ["/bin/true"], "folder": str(ROOTS_FOLDER / "apps" / app / "production/releases"), "environment": {},
        "writable": [], "memory_bytes": None, "cpu_percent": None, "stop_seconds": 1,
    }  # fmt: skip


async def ask(node: Node) -> dict[str, object]:
    return dict(json.loads(await asyncio.to_thread(node.run, "curl", "--silent", "--fail", "http://127.0.0.1:20001/")))


async def until_listening(node: Node, *, times: int) -> None:
    """Each start says so in the log."""
    async with asyncio.timeout(20):
        while node.run("sh", "-c", f"cat {LOG} || true").count("listening") < times:
            await asyncio.sleep(0.1)
