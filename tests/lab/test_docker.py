"""Docker on a real machine, asked for as on a node: by `bakery-agent`, through sudo."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import pytest

from bakery.commands.command import Command
from bakery.helper.names import account_name
from bakery.model.container import ContainerSpec, image_name
from bakery.model.errors import CommandFailed
from bakery.model.names import AppName, EnvironmentName, Port, UnitName
from bakery.model.secret import Secret
from bakery.model.unit import Limits
from bakery.nodes.containers import Containers
from bakery.nodes.folders import ROOTS_FOLDER
from bakery.nodes.helper_calls import ON_NODE, Helper
from bakery.nodes.homes import Place
from bakery.nodes.images import ImageBuild, ImagePull, Images, RegistryLogin
from bakery.nodes.jobs import JobKey, JobLimits, Jobs, JobState, JobStatus, new_job_key
from bakery.nodes.live_runs import Ended, LiveRuns, Said, Window, Written
from bakery.nodes.local import LocalTransport
from bakery.nodes.units import UnitState
from tests.lab.agent import agent_of
from tests.lab.base_image import BASE, make_base_image
from tests.lab.docker import SOCKET
from tests.lab.nodes import Node
from tests.lab.registry import IMAGE, PASSWORD, USER, start_registry
from tests.support.waiting import wait_until

PLACE = Place(AppName("shop"), EnvironmentName("production"))
NAME = UnitName("bakery-shop-production-blue")
OTHER = UnitName("bakery-shop-production-green-worker-2")
ACCOUNT = "bk-903fef0d5516b093"
FOLDER = ROOTS_FOLDER / "apps/shop/production/releases/1"
PORT = Port(20001)
MEGABYTE = 1024**2
ODD = 'it\'s 50% of $HOME, \\ `id` and "more" # here\r\n\tand there; é '
# Answers each request with what it runs with.
APP = """
import http.server, json, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
        body = json.dumps({"argv": sys.argv[1:], "odd": os.environ["ODD"], "version": open("/version").read(),
                           "caps": status["CapBnd"], "nnp": status["NoNewPrivs"], "uid": os.getuid(),
                           "kept": os.path.exists("/data/kept"), "host": os.uname().nodename}).encode()
        open("/data/kept", "w").close()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        print("asked for", self.path, flush=True)
print("listening", flush=True)
http.server.HTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
"""
DOCKERFILE = f"""
FROM {BASE}
ARG VERSION
RUN printf %s "$VERSION" >/version
RUN --mount=type=secret,id=variables cat /run/secrets/variables | python3 -c 'import sys; print(len(sys.stdin.read()))'
COPY app.py /app.py
RUN mkdir /data
CMD ["python3", "/app.py"]
"""
PLANTED = """
import os, shutil; os.chdir("/site"); shutil.copy("/bin/sh", "root"); os.link("root", "again");
os.chmod("root", 0o6755); os.symlink("index.html", "home")
""".strip().replace("\n", " ")
FILES_OF_A_BUILD = ("-rwxr-xr-x", "-rwxr-xr-x", "lrwxrwxrwx")  # two were one program with the bits that lend a group
# What the cgroup of a process says of its limits, whichever version it is of.
LIMITS = """
cgroup=$(sed -n 's,.*/,,; $p' "/proc/$1/cgroup")
for name in memory.limit_in_bytes memory.max cpu.cfs_quota_us cpu.max pids.max; do
  find /sys/fs/cgroup -path "*/$cgroup/$name" -exec cat {} ';'
done
"""
GREEDY = "import time; x = bytearray(200 * 1024 * 1024); print(len(x)); time.sleep(1)"


@dataclass(frozen=True)
class Agent:
    """What Bakery has of a node."""

    node: Node
    helper: Helper
    jobs: Jobs

    @property
    def containers(self) -> Containers:
        return Containers(self.helper)

    @property
    def images(self) -> Images:
        return Images(self.helper)

    async def finish(self, key: JobKey, begin: Command) -> tuple[JobStatus, str]:
        """With what was logged."""
        async with self.jobs.followed(begin) as following:
            log = b"".join([chunk async for chunk in following])
        return await self.jobs.status(key), log.decode()

    async def build(self, build: ImageBuild) -> tuple[JobStatus, str]:
        return await self.finish(build.key, self.images.building(build))


@pytest.fixture
async def agent(node: Node) -> AsyncIterator[Agent]:
    make_base_image(node)
    async with agent_of(node):
        exec_in = (node.docker.client, "--host", SOCKET, "exec", "--interactive", node.name)
        program = (*exec_in, "runuser", "-u", "bakery-agent", "--", *ON_NODE)
        helper = Helper(LocalTransport(), program)
        await helper.say("premises-make", "shop", "production")
        node.run("install", "--directory", f"--owner={ACCOUNT}", f"--group={ACCOUNT}", str(FOLDER))
        put(node, "app.py", APP)
        put(node, "Dockerfile", DOCKERFILE)
        yield Agent(node, helper, Jobs(LocalTransport(), program))


def put(node: Node, path: str, text: str) -> None:
    node.put(f"{FOLDER}/{path}", text.encode())


def a_build(number: int, text: str | None = None) -> ImageBuild:
    """From the app's own Dockerfile, or from such a text."""
    build = ImageBuild(new_job_key(), PLACE, number, FOLDER, args={"VERSION": f"v{number}"})
    return replace(build, dockerfile="Dockerfile") if text is None else replace(build, dockerfile_text=text)


def a_container(build: int = 1) -> ContainerSpec:
    return ContainerSpec(
        name=NAME,
        image=image_name(PLACE.app, build),
        build=build,
        host_port=PORT,
        port=Port(8080),
        environment={"ODD": Secret(ODD)},
        limits=Limits(memory_bytes=128 * MEGABYTE, cpu_percent=50),
        volumes={"data": PurePosixPath("/data")},
        stop_seconds=1,
    )


@pytest.mark.timeout(300)  # many waits of real programs, one after the other
async def test_images_of_a_node(agent: Agent) -> None:
    await an_image_is_built_and_its_secret_is_nowhere(agent)
    await a_site_is_left_as_files_for_visitors(agent)
    await a_pull_request_shares_no_cache_with_production(agent)
    await a_build_that_fails_says_why(agent)
    await limits_hold_for_each_step(agent)
    await cancelling_leaves_no_process_of_the_build(agent)
    await links_that_the_app_plants_lead_nowhere(agent)
    await an_image_is_pulled_from_a_private_registry(agent)
    await what_no_container_needs_is_pruned(agent)


async def an_image_is_built_and_its_secret_is_nowhere(agent: Agent) -> None:
    canary = "canary-4711" + "x" * 300_000
    build = replace(a_build(1), secrets={"variables": Secret(canary)})
    status, log = await agent.build(build)
    assert (status.state, status.exit_status, status.reason) == (JobState.EXITED, 0, ""), log
    assert str(len(canary)) in log
    (image,) = await agent.images.builds(PLACE.app)
    assert (image.build, image.id[:7]) == (1, "sha256:")
    shown = agent.node.run("docker", "inspect", "bakery/shop:1") + agent.node.run(
        "docker", "history", "--no-trunc", "bakery/shop:1"
    )
    assert "canary" not in shown + log
    assert str(build.key) not in shown
    labels = json.loads(agent.node.run("docker", "inspect", "--format={{json .Config.Labels}}", "bakery/shop:1"))
    assert labels == {
        "bakery.app": "shop",
        "bakery.build": "1",
        "bakery.environment": "production",
        "bakery.installation": "local",
    }
    assert agent.node.run("docker", "run", "--rm", "bakery/shop:1", "cat", "/version") == "v1"
    assert agent.node.attempt("grep", "-rl", "canary-4711", "/run/bakery", "/var/lib/bakery").stdout == b""
    second, log = await agent.build(replace(a_build(2), secrets={"variables": Secret(canary)}))
    assert second.exit_status == 0
    assert "CACHED" in log  # the secret does not count for the cache, and what marks a build does not either


async def a_site_is_left_as_files_for_visitors(agent: Agent) -> None:
    made = f"RUN mkdir /site && echo hello >/site/index.html && python3 -c '{PLANTED}'"
    text = f"FROM {BASE} AS build\n{made}\nFROM scratch\nCOPY --from=build /site/ /\n"
    status, log = await agent.build(replace(a_build(40, text), output="web/dist"))
    assert (status.state, status.exit_status) == (JobState.EXITED, 0), log
    assert 40 not in [image.build for image in await agent.images.builds(PLACE.app)]
    site = f"{FOLDER}/web/dist"
    assert agent.node.run("cat", f"{site}/index.html") == "hello"
    names = ("", "/index.html", "/root", "/again", "/home")
    shown = agent.node.run("stat", "--format=%A %U %G", *(f"{site}{name}" for name in names)).splitlines()
    assert shown == [f"{mode} {ACCOUNT} {ACCOUNT}" for mode in ("drwxr-xr-x", "-rw-r--r--", *FILES_OF_A_BUILD)]
    assert agent.node.run("find", str(site), "-group", "docker", "-o", "-perm", "/7000") == ""
    out = 'python3 -c \'import os; os.symlink("/etc/shadow", "/site/out")\''
    for step, said in ((out, "refused. The link “out” leads out of the archive."), ("false", "exit code: 1")):
        text = f"FROM {BASE} AS build\nRUN mkdir /site && {step}\nFROM scratch\nCOPY --from=build /site/ /\n"
        status, log = await agent.build(replace(a_build(41, text), output="web/dist"))
        assert status.exit_status == 1, log
        assert said in log
    agent.node.run("rm", "--recursive", f"{FOLDER}/web")


async def a_pull_request_shares_no_cache_with_production(agent: Agent) -> None:
    """What a step mounts to keep, the next build has again, also of another app; that of a preview begins with none."""
    await agent.helper.say("premises-make", "shop", "pr42")
    account = account_name(ROOTS_FOLDER, "shop", "pr42")
    folder = ROOTS_FOLDER / "apps/shop/pr42/releases/1"
    agent.node.run("install", "--directory", f"--owner={account}", f"--group={account}", str(folder))
    seen = []
    for number, environment in ((50, "production"), (51, "production"), (52, "pr42"), (53, "pr42"), (54, "production")):
        step = f'cd /kept && for name in *; do echo "kept: $name"; done && : >{environment}{number}'
        build = a_build(number, f"FROM {BASE}\nRUN --mount=type=cache,target=/kept {step}\n")
        if environment == "pr42":
            build = replace(build, place=Place(AppName("shop"), EnvironmentName("pr42")), folder=folder)
        status, log = await agent.build(build)
        assert status.exit_status == 0, log
        seen.append(sorted(re.findall(r"[0-9] kept: (\w+)$", log, re.MULTILINE)))
        await agent.images.remove(PLACE.app, number)
    assert seen == [[], ["production50"], [], ["pr4252"], ["production50", "production51"]]


async def a_build_that_fails_says_why(agent: Agent) -> None:
    missing = "could not be done: There is no docker/web in this folder"
    for build, reason, said in (
        (a_build(3, f"FROM {BASE}\nRUN false\n"), "ended with status 1", "RUN false"),
        (a_build(3, "FROM missing.invalid/image:1\n"), "ended with status 1", "missing.invalid"),
        (replace(a_build(3), dockerfile="docker/web"), missing, "Hint: Set [build] dockerfile in bakery.toml."),
    ):
        ended, log = await agent.build(build)
        assert (ended.exit_status, ended.reason) == (1, reason), log
        assert said in log
    with pytest.raises(CommandFailed, match="Only Docker's own frontend can be named"):
        await agent.build(a_build(3, "# syntax=evil/frontend:1\nFROM base:1\n"))


async def limits_hold_for_each_step(agent: Agent) -> None:
    limits = JobLimits(memory_bytes=64 * MEGABYTE, cpu_percent=50)
    greedy = a_build(3, f"FROM {BASE}\nRUN python3 -c '{GREEDY}'\n")
    status, log = await agent.build(replace(greedy, limits=limits))
    reason = "a step of the build needed more memory than its limit of 64 MB"
    assert (status.exit_status, status.reason) == (137, f"ended: {reason}"), log
    assert f"[Bakery: {reason}.]" in log
    lasting = replace(a_build(3, f"FROM {BASE}\nRUN sleep 300\n"), limits=limits)
    async with agent.jobs.followed(agent.images.building(lasting)):
        await until_runs(agent.node, "sleep 300")
    process = agent.node.run("pgrep", "--full", "--exact", "sleep 300")
    found = agent.node.run("sh", "-c", LIMITS, "sh", process).splitlines()
    assert found in ([str(64 * MEGABYTE), "50000", "4096"], [str(64 * MEGABYTE), "50000 100000", "4096"])
    await agent.jobs.cancel(lasting.key)


async def cancelling_leaves_no_process_of_the_build(agent: Agent) -> None:
    """Those are no children of whoever asked for it: the daemon starts them."""
    build = a_build(4, f"FROM {BASE}\nRUN touch /begun && sleep 4711\n")
    for is_watched, output in ((True, None), (True, "web/dist"), (False, "web/dist")):
        build = replace(build, key=new_job_key(), output=output)
        async with agent.jobs.followed(agent.images.building(build)):
            await until_runs(agent.node, "sleep 4711")
        if not is_watched:  # somebody ended its watcher, and what that ran: the daemon goes on all the same
            process = agent.node.run("cat", f"{ROOTS_FOLDER}/jobs/{build.key}/process").split()[0]
            agent.node.run("kill", "-KILL", process)
        async with asyncio.timeout(10):
            status = await agent.jobs.cancel(build.key)
        assert status.state is (JobState.CANCELLED if is_watched else JobState.LOST)
        for pattern in ("sleep 4711", "docker build .*"):
            assert agent.node.attempt("pgrep", "--runstates=DRST", "--full", "--exact", pattern).stdout == b""
        assert [one.build for one in await agent.images.builds(PLACE.app)] == [1, 2]


async def links_that_the_app_plants_lead_nowhere(agent: Agent) -> None:
    """Its folder is its own: what the client of Docker reads there, it reads with no more right than the app."""
    agent.node.put("/srv/closed/Dockerfile", b"FROM base:1\n", mode=0o600)
    agent.node.run("ln", "-s", "/srv/closed", f"{FOLDER}/out")
    agent.node.run("ln", "-s", "/etc/shadow", f"{FOLDER}/shadow")
    for build, refused in (
        (replace(a_build(5), dockerfile="out/Dockerfile"), "out/Dockerfile leads out of the folder that is built"),
        (replace(a_build(5), dockerfile="shadow"), "shadow leads out of the folder that is built"),
        (replace(a_build(5), folder=FOLDER / "out"), "The folder to build has to be below"),
    ):
        status, log = await agent.build(build)
        assert status.exit_status == 1
        assert refused in log
    status, log = await agent.build(a_build(5, f"FROM {BASE}\nCOPY shadow /shadow\n"))
    assert status.exit_status == 1, log
    agent.node.run("rm", f"{FOLDER}/out", f"{FOLDER}/shadow")


async def an_image_is_pulled_from_a_private_registry(agent: Agent) -> None:
    """Its own name goes again, its layers are the builds' own from then on."""
    start_registry(agent.node, {"1": BASE})
    login = RegistryLogin("127.0.0.1:5000", USER, Secret(PASSWORD))
    pull = ImagePull(new_job_key(), PLACE, 6, f"{IMAGE}:1", login)
    status, log = await agent.finish(pull.key, agent.images.pulling(pull))
    assert (status.state, status.exit_status, status.reason) == (JobState.EXITED, 0, ""), log
    assert PASSWORD not in log
    assert [one.build for one in await agent.images.builds(PLACE.app)] == [1, 2, 6]
    assert agent.node.run("docker", "images", "--quiet", IMAGE) == ""
    for wrong, why in (
        (replace(pull, login=None), f"127.0.0.1:5000 does not let us have {IMAGE}:1.\nHint: Give the user"),
        (replace(pull, reference=f"{IMAGE}:2"), f"There is no {IMAGE}:2, or 127.0.0.1:5000 does not show it to us.\n"),
    ):
        key = new_job_key()
        status, log = await agent.finish(key, agent.images.pulling(replace(wrong, key=key)))
        assert status.exit_status == 1
        assert status.reason.startswith(why), status.reason
    from_private = replace(a_build(7, f"FROM {IMAGE}:1\nRUN true\n"), registries=(login,))
    status, log = await agent.build(from_private)
    assert status.exit_status == 0, log
    await agent.images.remove(PLACE.app, 6)
    await agent.images.remove(PLACE.app, 7)


async def what_no_container_needs_is_pruned(agent: Agent) -> None:
    agent.node.run("docker", "tag", BASE, "foreign/image:1")
    status, log = await agent.build(a_build(3, f"FROM {BASE}\nRUN touch /third\n"))
    assert status.exit_status == 0, log
    await agent.containers.start(a_container(2))
    with pytest.raises(CommandFailed, match="A container still runs from bakery/shop:2"):
        await agent.images.remove(PLACE.app, 2)
    pruned = await agent.images.prune(PLACE.app, keep=(1,))
    assert (pruned.removed, pruned.in_use) == ((3,), (2,))
    await agent.containers.remove(NAME)
    await agent.images.remove(PLACE.app, 2)
    await agent.images.remove(PLACE.app, 2)
    assert [one.build for one in await agent.images.builds(PLACE.app)] == [1]
    assert agent.node.run("docker", "images", "--quiet", "foreign/image:1")


async def until_runs(node: Node, program: str) -> None:
    def runs() -> bool:
        return node.attempt("pgrep", "-f", "--exact", program).returncode == 0

    await asyncio.to_thread(wait_until, runs, what=f"{program} runs", seconds=20)


@pytest.mark.timeout(300)  # many waits of real programs, one after the other
async def test_containers_of_a_node(agent: Agent) -> None:
    for number in (1, 2):
        status, log = await agent.build(a_build(number))
        assert status.exit_status == 0, log
    await those_that_are_the_first_at_once_make_one_network(agent)
    await a_network_that_was_made_twice_is_one_again(agent)
    await an_app_runs_apart(agent)
    await a_check_runs_in_it_and_what_it_uses_is_told(agent)
    await what_runs_like_this_goes_on_and_what_died_starts_again(agent)
    await another_description_replaces_it(agent)
    await one_that_ends_again_and_again_is_told(agent)
    await what_cannot_start_says_why(agent)
    await a_command_runs_once_and_leaves_no_container(agent)
    await somebody_watches_one_and_it_goes_with_them(agent)
    await one_that_is_cancelled_or_killed_leaves_none_either(agent)
    await what_is_not_ours_is_left_alone(agent)
    await after_a_reboot_only_what_shall_run_does(agent)
    await nothing_is_left_but_volumes(agent)


async def those_that_are_the_first_at_once_make_one_network(agent: Agent) -> None:
    names = [UnitName(f"bakery-shop-production-green-worker-{number}") for number in range(1, 7)]
    others = [replace(a_container(), name=name, host_port=None, port=None, volumes={}) for name in names]
    states = await asyncio.gather(*map(agent.containers.start, others))
    assert all(state.is_running for state in states)
    assert networks(agent.node) == ["bakery"]
    await asyncio.gather(*map(agent.containers.remove, names))


async def a_network_that_was_made_twice_is_one_again(agent: Agent) -> None:
    (labels,) = json.loads(
        agent.node.run("docker", "network", "inspect", "--format={{json .Labels}}", "bakery").join("[]")
    )
    told = {"Name": "bakery", "Driver": "bridge", "Labels": labels}
    argv = "curl --silent --fail --unix-socket /run/docker.sock -H Content-Type:application/json --data @- "
    agent.node.run(*argv.split(), "http://docker/networks/create", stdin=json.dumps(told).encode())
    assert networks(agent.node) == ["bakery", "bakery"]
    state = await agent.containers.start(replace(a_container(), name=OTHER, host_port=None, port=None, volumes={}))
    assert (state.is_running, networks(agent.node)) == (True, ["bakery"])
    await agent.containers.remove(OTHER)


def networks(node: Node) -> list[str]:
    return node.run("docker", "network", "ls", "--format={{.Name}}", "--filter=name=bakery").split()


async def an_app_runs_apart(agent: Agent) -> None:
    state = await agent.containers.start(a_container())
    assert (state.is_running, state.restarts, state.last_exit) == (True, 0, "")
    seen = await ask(agent.node)
    assert (seen["odd"], seen["version"], seen["nnp"]) == (ODD, "v1", "1")
    assert int(str(seen["caps"]), 16).bit_count() == 7
    (shown,) = json.loads(agent.node.run("docker", "inspect", NAME))
    host = shown["HostConfig"]
    assert (host["Memory"], host["MemorySwap"], host["NanoCpus"]) == (128 * MEGABYTE, 128 * MEGABYTE, 500_000_000)
    assert (host["Privileged"], host["Binds"], host["PidsLimit"]) == (False, None, 4096)
    assert host["PortBindings"] == {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "20001"}]}
    assert [mount["Name"] for mount in shown["Mounts"]] == ["bakery-shop-production-data"]
    listening = agent.node.run("ss", "--listening", "--tcp", "--numeric", "--no-header", "sport = :20001")
    assert [line.split()[3] for line in listening.splitlines()] == ["127.0.0.1:20001"]
    others = replace(a_container(), name=OTHER, host_port=None, port=None, volumes={})
    await agent.containers.start(others)
    address = shown["NetworkSettings"]["Networks"]["bakery"]["IPAddress"]
    reach = f"import socket; socket.create_connection(('{address}', 8080), 1)"
    reached = await asyncio.to_thread(agent.node.attempt, "docker", "exec", OTHER, "python3", "-c", reach)
    assert b"timed out" in reached.stderr
    assert await agent.containers.names() == (NAME, OTHER)
    await agent.containers.remove(OTHER)


async def a_check_runs_in_it_and_what_it_uses_is_told(agent: Agent) -> None:
    end = await agent.containers.check(NAME, ("sh", "-c", 'cat /version; printf " %s" "$ODD" >&2; exit 3'), seconds=20)
    assert end.exit_status == 3
    assert end.written in {f"v1 {ODD}", f" {ODD}v1"}  # two streams, of which either may come first
    late = await agent.containers.check(NAME, ("sh", "-c", "echo waits; sleep 4712 & sleep 4712"), seconds=1)
    assert (late.exit_status, late.written) == (None, "waits\n")
    assert await asyncio.to_thread(agent.node.run, "sh", "-c", "pgrep -f '^sleep 4712' || true") == ""
    assert (await agent.containers.check(NAME, ("no-such-program",), seconds=5)).exit_status in {126, 127}
    with pytest.raises(CommandFailed, match="There is no container"):
        await agent.containers.check(UnitName("bakery-shop-production-green-worker-9"), ("true",), seconds=5)
    uses = await agent.containers.uses(NAME, OTHER)
    assert set(uses) == {NAME}
    assert 1 * MEGABYTE < uses[NAME].memory_bytes < 128 * MEGABYTE
    assert uses[NAME].cpu_microseconds > 0


async def what_runs_like_this_goes_on_and_what_died_starts_again(agent: Agent) -> None:
    first = await agent.containers.state(NAME)
    assert await agent.containers.start(a_container()) == first
    agent.node.run("kill", "-KILL", str(first.process_id))
    await until_restarted(agent, 1)
    assert (await ask(agent.node))["kept"] is True
    told = await agent.containers.states(OTHER, NAME)
    assert (told[NAME].restarts, told[OTHER]) == (1, UnitState(is_running=False))
    assert "asked for /" in await agent.containers.last_lines(NAME, count=20)
    listed = agent.node.run(*ON_NODE, "container-logs", NAME, "--lines", "1")
    seconds, _, text = listed.partition("Z ")
    assert (len(seconds), text) == (len("2026-01-31T23:59:59.123456789"), "asked for /")


async def another_description_replaces_it(agent: Agent) -> None:
    before = await ask(agent.node)
    await agent.containers.start(a_container(2))
    after = await ask(agent.node)
    assert (before["version"], after["version"], after["kept"]) == ("v1", "v2", True)
    await agent.containers.start(
        replace(a_container(2), command=("python3", "/app.py", "it's", ODD), user="1000:1000", volumes={})
    )
    await agent.containers.stop(NAME)
    await agent.containers.stop(NAME)
    state = await agent.containers.state(NAME)
    assert (state.is_running, state.process_id, state.last_exit) == (False, None, "ended by SIGTERM")  # at once


async def one_that_ends_again_and_again_is_told(agent: Agent) -> None:
    await agent.containers.start(replace(a_container(), command=("sh", "-c", "echo dying; exit 3")))
    await until_restarted(agent, 2)
    assert (await agent.containers.last_lines(NAME, count=2)) == ["dying", "dying"]
    await until_told(agent, "ended with status 3")
    await agent.containers.start(
        replace(a_container(), command=("python3", "-c", GREEDY), limits=Limits(memory_bytes=64 * MEGABYTE))
    )
    await until_told(agent, "ended by SIGKILL, out of memory")


def once(key: JobKey, *command: str) -> ContainerSpec:
    name = UnitName(f"bakery-{key}")
    return replace(a_container(), name=name, host_port=None, port=None, command=command)


async def run_once(agent: Agent, *command: str, seconds: int = 60) -> tuple[JobStatus, str]:
    key = new_job_key()
    limits = JobLimits(seconds=seconds)
    return await agent.finish(key, agent.containers.running_once(key, PLACE, once(key, *command), limits))


async def a_command_runs_once_and_leaves_no_container(agent: Agent) -> None:
    said = 'printf "%s" "$ODD"; cat /version >&2; cat /proc/self/status | grep -c NoNewPrivs; exit 3'
    status, log = await run_once(agent, "sh", "-c", said)
    assert (status.state, status.exit_status, status.reason) == (JobState.EXITED, 3, "ended with status 3")
    assert ODD in log
    assert "v1" in log  # of another stream, which may come before
    status, log = await run_once(agent, "python3", "-c", GREEDY.replace("200", "400"))
    assert (status.exit_status, log) == (137, "")
    status, log = await run_once(agent, "/no/such/program")
    assert status.exit_status == 127
    assert "exec /no/such/program failed: No such file or directory" in log
    assert of_jobs(agent) == ""


async def somebody_watches_one_and_it_goes_with_them(agent: Agent) -> None:
    runs, key = LiveRuns(LocalTransport(), agent.helper), new_job_key()
    size = "import os; print(*(os.get_terminal_size() if os.isatty(0) else ['no terminal']))"
    script = f'cat; python3 -c "{size}"; echo begun >&2; trap "exit 6" INT TERM; while :; do sleep 0.1; done'
    async with runs.container(key, PLACE, once(key, "sh", "-c", script), JobLimits(), None) as talk:
        await talk.write(b"typed\n")
        await talk.end_input()
        hearing = talk.hear()
        assert await anext(hearing) == Written(Said.OUTPUT, b"typed\n")
        assert await anext(hearing) == Written(Said.OUTPUT, b"no terminal\n")
        assert await anext(hearing) == Written(Said.ERRORS, b"begun\n")
    await asyncio.to_thread(wait_until, lambda: of_jobs(agent) == "", what="it has gone with them", seconds=10)
    key = new_job_key()
    async with runs.container(key, PLACE, once(key, "sh", "-c", script), JobLimits(), Window(90, 30)) as talk:
        await talk.write(b"typed\n\x04")
        hearing, seen = talk.hear(), b""
        while b"begun\r\n" not in seen:
            said = await anext(hearing)
            assert isinstance(said, Written)
            seen += said.data
        assert seen == b"typed\r\ntyped\r\n90 30\r\nbegun\r\n"
        await talk.write(b"\x03")
        heard = [said async for said in hearing]
        assert heard[-1] == Ended(6, "ended with status 6")
    assert of_jobs(agent) == ""


def of_jobs(agent: Agent) -> str:
    return agent.node.run("docker", "ps", "--all", "--quiet", "--filter", "label=bakery.job")


async def one_that_is_cancelled_or_killed_leaves_none_either(agent: Agent) -> None:
    """However its end comes: in time, by a person, or with the program and the watcher that were to see to it."""

    def none_is_left() -> bool:
        return of_jobs(agent) == ""

    status, log = await run_once(agent, "sh", "-c", "echo begun; sleep 4716", seconds=2)
    assert (status.state, log) == (JobState.TIMED_OUT, "begun\n")
    assert none_is_left()
    for killed in ("bakery-work", "bakery-watch", ""):
        key = new_job_key()
        starting = agent.containers.running_once(key, PLACE, once(key, "sh", "-c", "sleep 4716; true"), JobLimits())
        running = asyncio.create_task(agent.finish(key, starting))
        await until_runs(agent.node, "sleep 4716")
        if killed:
            agent.node.run("pkill", "-KILL", "--exact", killed)
        else:
            assert (await agent.jobs.cancel(key)).state is JobState.CANCELLED
        status, _ = await running
        if killed == "bakery-watch":
            assert status.state is JobState.LOST
            await agent.jobs.cancel(key)
        await asyncio.to_thread(wait_until, none_is_left, what="no container is left", seconds=10)
        assert agent.node.attempt("pgrep", "-f", "sleep 4716").returncode != 0
        await agent.jobs.remove(key)


async def what_cannot_start_says_why(agent: Agent) -> None:
    await agent.containers.start(replace(a_container(), command=("/no/such/program",)))
    await until_told(agent, "ended with status 127: its command was not found")
    said = await agent.containers.last_lines(NAME, count=1)
    assert "/no/such/program failed: No such file or directory" in said[0]
    await agent.containers.remove(NAME)
    with pytest.raises(CommandFailed, match=rf"Docker could not start {NAME}: unable to find user nobody-at-all"):
        await agent.containers.start(replace(a_container(), user="nobody-at-all"))
    assert await agent.containers.names() == ()
    with pytest.raises(CommandFailed, match="The image bakery/shop:7 is not on this machine any more"):
        await agent.containers.start(a_container(7))
    occupied = agent.node.run("docker", "run", "--detach", "--publish=127.0.0.1:20001:80", BASE, "sleep", "300")
    with pytest.raises(CommandFailed, match="port is already allocated"):
        await agent.containers.start(a_container())
    agent.node.run("docker", "rm", "--force", occupied)


async def what_is_not_ours_is_left_alone(agent: Agent) -> None:
    theirs = agent.node.run("docker", "run", "--detach", f"--name={NAME}", BASE, "sleep", "300")
    image = agent.node.run("docker", "inspect", "--format={{.Id}}", BASE)
    for verb in (agent.containers.stop(NAME), agent.containers.remove(NAME), agent.containers.start(a_container())):
        with pytest.raises(CommandFailed, match="is not this Bakery's"):
            await verb
    assert await agent.containers.names() == ()
    agent.node.run("docker", "rm", "--force", theirs)
    with pytest.raises(CommandFailed, match="is not a build of shop"):
        await agent.containers.start(replace(a_container(), image=image))


async def after_a_reboot_only_what_shall_run_does(agent: Agent) -> None:
    await agent.containers.start(a_container())
    await agent.containers.start(replace(a_container(), name=OTHER, host_port=None, port=None, volumes={}))
    await agent.containers.stop(OTHER)
    agent.node.reboot()
    states = await agent.containers.states(NAME, OTHER)
    assert [states[name].is_running for name in (NAME, OTHER)] == [True, False]
    assert (await ask(agent.node))["version"] == "v1"
    agent.node.run("systemctl", "stop", "docker.socket", "docker")
    starting = asyncio.create_task(agent.containers.start(a_container()))
    agent.node.run("systemctl", "start", "docker")
    assert (await starting).is_running


async def nothing_is_left_but_volumes(agent: Agent) -> None:
    for name in (NAME, NAME, OTHER):
        await agent.containers.remove(name)
    assert agent.node.run("docker", "ps", "--all", "--quiet") == ""
    assert agent.node.run("docker", "volume", "ls", "--quiet") == "bakery-shop-production-data"
    assert agent.node.run("ls", "-A", f"{ROOTS_FOLDER}/containers") == ""
    assert await agent.containers.state(NAME) == UnitState(is_running=False)


async def until_restarted(agent: Agent, times: int) -> None:
    def restarted() -> bool:
        return int(agent.node.run("docker", "inspect", "--format={{.RestartCount}}", NAME)) >= times

    await asyncio.to_thread(wait_until, restarted, what="Docker starts it again", seconds=20)


async def until_told(agent: Agent, word: str) -> None:
    """Between two attempts."""
    async with asyncio.timeout(20):
        while (state := await agent.containers.state(NAME)).last_exit != word:
            pass
    assert not state.is_running


async def ask(node: Node) -> dict[str, object]:
    argv = f"curl --silent --fail --retry 40 --retry-delay 1 --retry-all-errors http://127.0.0.1:{PORT}/".split()
    answer: dict[str, object] = json.loads(await asyncio.to_thread(node.run, *argv))
    return answer
