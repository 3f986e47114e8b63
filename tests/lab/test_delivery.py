"""Apps live on a node that is reached over SSH, as they do on the machine that Bakery runs on: a real one, through its
helper, systemd and nginx. One Bakery and one node for all of it; each test leaves the node as it found it."""

import json
import time
from base64 import b64decode
from collections.abc import Iterator, Mapping

import httpx
import pytest

from tests.delivery.fleet import an_app
from tests.faults.site import deploy, wait_for_end, wait_for_step
from tests.lab.base_image import BASE, make_base_image
from tests.lab.lab import Lab
from tests.lab.nodes import HTTP
from tests.lab.oven import NAME, Oven, an_oven
from tests.lab.registry import IMAGE, PASSWORD, USER, start_registry
from tests.support.waiting import wait_until

UNITS = "bakery-shop-production-*"
DOCKERFILE = f"""
FROM {BASE}
EXPOSE 9000
COPY app.py /app.py
CMD ["python3", "/app.py"]
"""
EVERYTHING_OF_APPS = (
    "find /var/lib/bakery/node/apps /var/lib/bakery/node/uploads /var/lib/bakery/node/sites /var/lib/bakery/node/logs"
    " /var/lib/bakery/node/jobs /var/lib/bakery/node/units"
    " /etc/nginx/bakery.d /etc/systemd/system -mindepth 1 2>/dev/null | sort; getent passwd | grep ^bk-;"
    " systemctl list-units --all --plain --no-legend 'bakery-*'"
)


@pytest.fixture(scope="module")
def oven(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oven]:
    with an_oven(lab, tmp_path_factory.mktemp("bakery")) as made:
        yield made


@pytest.mark.timeout(400)
def test_an_app_is_deployed_to_a_node_over_ssh_and_leaves_nothing_there(oven: Oven) -> None:
    before = all_of_apps(oven)
    made = make_app(oven, "shop", command="python3 app.py")
    assert (made["node"], made["address"]) == (NAME, f"http://shop.{NAME}.localhost")

    assert wait_for_end(oven.http, "shop", deploy(oven.http, "shop", an_app("one")))["state"] == "succeeded"
    assert visit(oven, "shop") == (200, "one")
    assert wait_for_end(oven.http, "shop", deploy(oven.http, "shop", an_app("two")))["state"] == "succeeded"
    assert visit(oven, "shop") == (200, "two")
    watched(oven, "shop", release=2, log="starting two\n")
    commands_run_in_what_is_live(oven)

    failed = wait_for_end(oven.http, "shop", deploy(oven.http, "shop", an_app("three", before="sys.exit(4)")))
    assert failed["state"] == "failed"
    assert visit(oven, "shop") == (200, "two")
    assert units(oven) == {"bakery-shop-production-green.service": "running"}

    number = deploy(oven.http, "shop", an_app("four", before="time.sleep(6)"))
    wait_for_step(oven.http, "shop", number, "check")
    cut(oven, seconds=5)
    ended = wait_for_end(oven.http, "shop", number, seconds=90)
    assert ended["state"] == "succeeded", ended["failure"]
    assert visit(oven, "shop") == (200, "four")

    act(oven, "shop", "stop", status="stopped")
    wait_until(lambda: "running" not in units(oven).values(), what="it is stopped")
    assert visit(oven, "shop")[1] != "four"
    act(oven, "shop", "start", status="healthy")
    wait_until(lambda: visit(oven, "shop") == (200, "four"), what="it is started")
    process = main_process(oven)
    act(oven, "shop", "restart", status="healthy")
    wait_until(lambda: main_process(oven) not in {process, "0"}, what="it is restarted")
    wait_until(lambda: visit(oven, "shop") == (200, "four"), what="it answers again")

    removed = oven.command("remove", NAME, "--yes")
    assert "shop lives on oven-1." in removed.stderr

    oven.http.delete("/api/apps/shop").raise_for_status()
    wait_until(lambda: all_of_apps(oven) == before, what="nothing of it is left", seconds=30)


@pytest.mark.timeout(200)
def test_static_files_are_served_by_the_nodes_nginx_and_an_app_is_deleted_when_its_node_is_back(oven: Oven) -> None:
    before = all_of_apps(oven)
    make_app(oven, "pages", runtime="static")
    first = deploy(oven.http, "pages", {"index.html": "<h1>Hello</h1>"})
    assert wait_for_end(oven.http, "pages", first)["state"] == "succeeded"
    assert visit(oven, "pages") == (200, "<h1>Hello</h1>")

    stop_listening(oven)
    assert oven.wait_for("unreachable", seconds=90)["state"] == "unreachable"
    refused = oven.http.post("/api/apps/pages/sources", content=b"\x1f\x8b")
    assert refused.status_code == 502
    assert "oven-1" in refused.json()["detail"]
    assert oven.http.get("/api/apps/pages").json()["node_state"] == "unreachable"
    oven.http.delete("/api/apps/pages").raise_for_status()
    oven.node.run("systemctl", "start", "ssh")
    oven.wait_for("online", seconds=90)
    wait_until(lambda: all_of_apps(oven) == before, what="nothing of it is left", seconds=70)


# As far as a site's Dockerfile calls it: no registry can be reached.
NPM = """
FROM base:1
RUN printf '#!/bin/sh\\n[ "$1" != run ] || { mkdir -p dist && echo built >dist/index.html; }\\n' >/bin/npm
RUN python3 -c "__import__('os').chmod('/bin/npm', 0o755)"
"""


@pytest.mark.timeout(200)
def test_a_site_is_built_by_docker_and_its_files_are_served(oven: Oven) -> None:
    make_base_image(oven.node)
    oven.node.put("/srv/npm/Dockerfile", NPM.encode())
    oven.node.run("docker", "build", "--tag=node:24-slim", "/srv/npm", timeout=60)
    before = all_of_apps(oven)
    make_app(oven, "site", runtime="static")
    package = '{"scripts": {"build": "vite build"}, "devDependencies": {"vite": "5"}}'
    source = {"web/package.json": package, "web/index.html": "not built"}
    ended = wait_for_end(oven.http, "site", deploy(oven.http, "site", source), seconds=120)
    assert ended["state"] == "succeeded", log_of(oven, "site", 1)
    assert steps_of(oven, "site", 1) == ["unpack", "detect", "test", "build", "switch"]
    assert visit(oven, "site") == (200, "built\n")
    oven.http.delete("/api/apps/site").raise_for_status()
    wait_until(lambda: all_of_apps(oven) == before, what="nothing of it is left", seconds=70)


@pytest.mark.timeout(400)
def test_what_was_changed_by_hand_on_a_node_is_told_and_put_right_over_the_api(oven: Oven) -> None:
    make_base_image(oven.node)
    before = all_of_apps(oven)
    make_app(oven, "shop", command="python3 app.py")
    assert wait_for_end(oven.http, "shop", deploy(oven.http, "shop", an_app("one")))["state"] == "succeeded"
    make_app(oven, "box", runtime="docker")
    ended = wait_for_end(oven.http, "box", deploy(oven.http, "box", in_a_box("one")), seconds=120)
    assert ended["state"] == "succeeded", log_of(oven, "box", 1)
    wait_until(lambda: drift(oven) == {}, what="nothing differs", seconds=30)

    unit, container, site = "bakery-shop-production-blue", "bakery-box-production-blue", "site:shop-production"
    oven.node.run("sh", "-c", f"echo '# By hand.' >> /etc/systemd/system/{unit}.service; systemctl daemon-reload")
    oven.node.run("sh", "-c", "echo '# By hand.' >> /etc/nginx/bakery.d/shop-production.conf")
    oven.node.run("docker", "rm", "--force", container)
    found = drift(oven)
    assert set(found) >= {f"unit:{unit}", site}
    assert found.get(f"container:{container}", "It is not there.").startswith("It is not there.")
    oven.http.post(f"/api/nodes/{NAME}/repair", json={}).raise_for_status()
    wait_until(lambda: drift(oven) == {}, what="all is right again", seconds=90)
    wait_until(lambda: visit(oven, "box") == (200, "one"), what="the container answers again", seconds=60)
    wait_until(lambda: visit(oven, "shop") == (200, "one"), what="the program answers again", seconds=60)
    assert "By hand" not in oven.node.run("cat", f"/etc/systemd/system/{unit}.service")

    for app in ("shop", "box"):
        oven.http.delete(f"/api/apps/{app}").raise_for_status()
    wait_until(lambda: all_of_apps(oven) == before, what="nothing of it is left", seconds=60)


def drift(oven: Oven) -> Mapping[str, str]:
    """What differs, once nothing is left out because it is being changed."""

    def look() -> dict[str, object]:
        found: dict[str, object] = oven.get("/drift")
        return found

    wait_until(lambda: not look()["notes"], what="nothing is left out", seconds=60)
    return {one["key"]: one["said"] for one in oven.get("/drift")["differences"]}


def make_app(oven: Oven, slug: str, **wanted: str) -> dict[str, object]:
    made: dict[str, object] = (
        oven.http.post("/api/apps", json={"slug": slug, "node": NAME, **wanted}).raise_for_status().json()
    )
    return made


def visit(oven: Oven, slug: str) -> tuple[int, str]:
    """As a visitor, through the node's nginx."""
    address = f"http://127.0.0.1:{oven.node.ports[HTTP]}/"
    answer = httpx.get(address, headers={"Host": f"{slug}.{NAME}.localhost"}, trust_env=False, timeout=10)
    return answer.status_code, answer.text


def watched(oven: Oven, slug: str, *, release: int, log: str) -> None:
    """Of visitors and of the program that answers them the node tells."""

    def figures() -> dict[str, object]:
        slots = oven.http.get(f"/api/apps/{slug}/metrics").raise_for_status().json()["slots"]
        found: dict[str, object] = next((slot for slot in slots if slot["release"] == release), {})
        return found

    def is_heard() -> bool:
        visit(oven, slug)
        return bool(figures().get("requests")) and figures()["health"] == "healthy"

    wait_until(is_heard, what="its visitors are counted", seconds=30)
    assert f"\n{log}" in "\n" + oven.http.get(f"/api/apps/{slug}/logs", params={"lines": 200}).text


def act(oven: Oven, slug: str, verb: str, *, status: str) -> None:
    oven.http.post(f"/api/apps/{slug}/{verb}").raise_for_status()
    wait_until(lambda: oven.http.get(f"/api/apps/{slug}").json()["status"] == status, what=status, seconds=30)


def units(oven: Oven) -> Mapping[str, str]:
    listed = oven.node.run("systemctl", "list-units", "--all", "--plain", "--no-legend", UNITS)
    return {words[0]: words[3] for words in map(str.split, listed.splitlines())}


def main_process(oven: Oven) -> str:
    return oven.node.run("systemctl", "show", "--property=MainPID", "--value", *units(oven))


def all_of_apps(oven: Oven) -> str:
    """Files, accounts and units."""
    return oven.node.run("sh", "-c", f"{EVERYTHING_OF_APPS}; true")


def cut(oven: Oven, *, seconds: float) -> None:
    until = time.monotonic() + seconds
    oven.node.run("iptables", "-I", "INPUT", "-p", "tcp", "--dport", "22", "-j", "DROP")
    wait_until(lambda: time.monotonic() > until, what="the cut's end", seconds=seconds + 1)
    oven.node.run("iptables", "-F", "INPUT")


def stop_listening(oven: Oven) -> None:
    oven.node.run("systemctl", "stop", "ssh")
    oven.node.attempt("pkill", "-f", "^sshd: bakery-agent")


@pytest.mark.timeout(400)
def test_an_image_is_built_on_its_node_and_replaced_without_a_lost_visit(oven: Oven) -> None:
    make_base_image(oven.node)
    before, before_docker = all_of_apps(oven), of_docker(oven)
    make_app(oven, "box", runtime="docker")

    ended = wait_for_end(oven.http, "box", deploy(oven.http, "box", in_a_box("one")), seconds=120)
    assert ended["state"] == "succeeded", log_of(oven, "box", 1)
    assert steps_of(oven, "box", 1) == [
        "unpack", "detect", "test", "build", "release", "before", "start", "check", "switch", "after",
    ]  # fmt: skip
    log = log_of(oven, "box", 1)
    assert log.index("\nmigrating in /\n") < log.index("Start the release") < log.index("\nbox is out\n")
    assert visit(oven, "box") == (200, "one")
    assert ran(oven, "box", "sh", "-c", "echo $PORT; ls /app.py; exit 3") == ("9000\n/app.py\n", 3)

    assert (
        wait_for_end(oven.http, "box", deploy(oven.http, "box", in_a_box("two")), seconds=120)["state"] == "succeeded"
    )
    assert visit(oven, "box") == (200, "two")
    assert "Visits during the switch: 0 of " in log_of(oven, "box", 2)
    assert containers(oven) == ["bakery-box-production-green"]
    watched(oven, "box", release=2, log="starting two\n")

    stuck = {**in_a_box("three"), "bakery.toml": '[run]\nrelease = "echo no such table; exit 4"\n'}
    failed = wait_for_end(oven.http, "box", deploy(oven.http, "box", stuck), seconds=120)
    assert failed["state"] == "failed"
    assert str(failed["failure"]).startswith("The release command ended with status 4: `")
    assert "\nno such table\n" in log_of(oven, "box", 3)
    assert containers(oven) == ["bakery-box-production-green"]

    broken = {**in_a_box("three"), "Dockerfile": DOCKERFILE + "RUN exit 3\n"}
    failed = wait_for_end(oven.http, "box", deploy(oven.http, "box", broken), seconds=120)
    assert failed["state"] == "failed"
    assert str(failed["failure"]).startswith("The build ended with status 1: it last said “")
    assert visit(oven, "box") == (200, "two")

    oven.http.post("/api/apps/box/rollback", json={}).raise_for_status()
    assert wait_for_end(oven.http, "box", 5, seconds=60)["state"] == "succeeded", log_of(oven, "box", 5)
    assert visit(oven, "box") == (200, "one")

    what_nobody_needs_is_pruned(oven)
    assert visit(oven, "box") == (200, "one")

    oven.http.delete("/api/apps/box").raise_for_status()
    wait_until(lambda: all_of_apps(oven) == before, what="nothing of it is left", seconds=60)
    assert of_docker(oven) == before_docker

    files_in_a_volume_outlive_releases_and_the_app(oven)
    assert of_docker(oven) == before_docker

    images_of_a_private_registry_are_deployed(oven)
    assert of_docker(oven) == before_docker
    assert all_of_apps(oven) == before


def files_in_a_volume_outlive_releases_and_the_app(oven: Oven) -> None:
    """At a path below the app, for a user of the image who is not root; until an Admin deletes it."""
    make_app(oven, "keep", runtime="docker")
    for number, version in enumerate(("one", "two"), 1):
        ended = wait_for_end(oven.http, "keep", deploy(oven.http, "keep", noting(version)), seconds=120)
        assert ended["state"] == "succeeded", log_of(oven, "keep", number)
    assert visit(oven, "keep") == (200, "one two ")
    assert "Release #2 is live on blue." in log_of(oven, "keep", 2)  # in its place: the old one ended first
    assert ran(oven, "keep", "cat", "/srv/notes/seen") == ("one two ", 0)

    oven.http.delete("/api/apps/keep").raise_for_status()
    wait_until(lambda: "keep" not in all_of_apps(oven), what="nothing of it is left", seconds=60)
    (left,) = json.loads(oven.program("volumes", "list", "--node", NAME, "--json").stdout)["items"]
    assert (left["app"], left["name"], left["runtime"], left["is_used"]) == ("keep", "notes", "docker", False)
    assert left["bytes"] >= len("one two ")
    gone = oven.program("volumes", "delete", "keep", "notes", "--node", NAME, "--yes")
    assert gone.stdout == "The volume notes of keep is deleted.\n", gone.stderr


def noting(version: str) -> dict[str, str]:
    """Answers with all versions that ever ran on its volume."""
    notes = f"notes = open('notes/seen', 'a+b'); notes.write(b'{version} '); notes.seek(0); seen = notes.read()"
    program = an_app(version, answer="(200, seen)", before=notes)["app.py"]
    program = program.replace("127.0.0.1", "0.0.0.0")  # noqa: S104 - in its container
    dockerfile = DOCKERFILE + "WORKDIR /srv\nUSER nobody\n"
    return {"app.py": program, "Dockerfile": dockerfile, "bakery.toml": '[run]\nvolumes = ["notes:notes"]\n'}


@pytest.mark.timeout(300)
def test_a_process_with_a_volume_is_replaced_in_its_place_even_when_bakery_is_killed_meanwhile(oven: Oven) -> None:
    """Its health is a command, run by the node where the app runs."""
    before = all_of_apps(oven)
    make_app(oven, "unit", runtime="process")
    ended = wait_for_end(oven.http, "unit", deploy(oven.http, "unit", noting_in_a_unit("one")), seconds=120)
    assert ended["state"] == "succeeded", log_of(oven, "unit", 1)
    assert "grep one notes/seen" in log_of(oven, "unit", 1)
    assert visit(oven, "unit") == (200, "one ")

    number = deploy(oven.http, "unit", noting_in_a_unit("two", first="time.sleep(6)"))
    wait_for_step(oven.http, "unit", number, "check")
    oven.bakery.kill()
    oven.bakery.start()
    ended = wait_for_end(oven.http, "unit", number, seconds=120)
    assert ended["state"] == "succeeded", log_of(oven, "unit", number)
    assert visit(oven, "unit") == (200, "one two ")
    assert "Release #2 is live on blue." in log_of(oven, "unit", number)

    crashing = deploy(oven.http, "unit", noting_in_a_unit("three", first="sys.exit(3)"))
    failed = wait_for_end(oven.http, "unit", crashing, seconds=120)
    assert failed["state"] == "failed"
    wait_until(lambda: visit(oven, "unit")[1] == "one two two ", what="the old release is back", seconds=60)

    oven.http.delete("/api/apps/unit").raise_for_status()
    wait_until(lambda: "bakery-unit-" not in all_of_apps(oven), what="no process of it is left", seconds=60)
    gone = oven.program("volumes", "delete", "unit", "notes", "--node", NAME, "--yes")
    assert gone.stdout == "The volume notes of unit is deleted.\n", gone.stderr
    wait_until(lambda: all_of_apps(oven) == before, what="nothing of it is left", seconds=30)


def noting_in_a_unit(version: str, *, first: str = "pass") -> dict[str, str]:
    program = noting(version)["app.py"].replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - taken out
    program = program.replace("notes = open(", f"{first}; notes = open(")
    settings = f"""
[run]
command = "python3 app.py"
volumes = ["notes:notes"]

[health]
kind = "command"
command = "grep {version} notes/seen"
timeout = "2s"
threshold = 2
grace = "6s"
"""
    return {"app.py": program, "bakery.toml": settings}


def images_of_a_private_registry_are_deployed(oven: Oven) -> None:
    """By their digest, with a password that is nowhere on the node; and one goes back without the registry."""
    for tag, version in (("1", "one"), ("2", "two")):
        for name in ("app.py", "Dockerfile"):
            oven.node.put(f"/srv/{version}/{name}", in_a_box(version)[name].encode())
        oven.node.run("env", "DOCKER_BUILDKIT=0", "docker", "build", "--tag", f"pushed:{tag}", f"/srv/{version}")
    start_registry(oven.node, {"1": "pushed:1", "2": "pushed:2"})
    oven.node.run("docker", "rmi", "pushed:1", "pushed:2")

    create = ("apps", "create", "hub", "--node", NAME, "--image")
    as_me = ("--registry-user", USER, "--password-stdin")
    refused = oven.program(*create, f"{IMAGE}:1")
    assert (refused.returncode, refused.stderr.splitlines()[0]) == (
        2, f"image: 127.0.0.1:5000 does not let us have {IMAGE}:1.",
    )  # fmt: skip
    unknown = oven.program(*create, f"{IMAGE}:9", *as_me, stdin=f"{PASSWORD}\n")
    assert unknown.stderr.startswith(f"image: There is no {IMAGE}:9, or 127.0.0.1:5000 does not show it to us.\n")
    made = oven.program(*create, f"{IMAGE}:1", *as_me, stdin=f"{PASSWORD}\n")
    assert made.stdout == f"hub is made from the image {IMAGE}:1. Deploy it with: bakery deploy hub\n", made.stderr

    first = oven.program("deploy", "hub", "--wait")
    assert first.returncode == 0, first.stdout + first.stderr
    assert f"$ docker pull {IMAGE}@sha256:" in first.stdout
    assert steps_of(oven, "hub", 1) == ["pull", "start", "check", "switch"]
    assert visit(oven, "hub") == (200, "one")
    plan = json.loads(oven.program("plan", "hub", "--tag", "2", "--json").stdout)
    second = oven.program("deploy", "hub", "--tag", "2", "--wait", "--json")
    assert (second.returncode, json.loads(second.stdout)["version"]) == (0, plan["commit"]), second.stderr
    assert visit(oven, "hub") == (200, "two")
    again = oven.program("deploy", "hub", "--tag", "2", "--wait")
    assert "Release #2, which is live, has the same: nothing new was pushed." in again.stdout
    assert again.returncode == 0, again.stderr
    everywhere = ("/var/lib/bakery", "/run/bakery", "/root", "/home", "/etc/docker", "/tmp")  # noqa: S108 - looked into
    assert oven.node.attempt("grep", "-rl", PASSWORD, *everywhere).stdout == b""
    assert oven.node.run("docker", "images", "--quiet", IMAGE) == ""
    assert PASSWORD not in first.stdout + again.stdout

    oven.node.run("systemctl", "stop", "registry")
    away = oven.program("deploy", "hub", "--wait")
    assert away.returncode == 1
    assert "127.0.0.1:5000 does not answer." in away.stdout
    assert visit(oven, "hub") == (200, "two")
    oven.http.post("/api/apps/hub/rollback", json={"release": 1}).raise_for_status()
    assert wait_for_end(oven.http, "hub", 5, seconds=60)["state"] == "succeeded", log_of(oven, "hub", 5)
    assert visit(oven, "hub") == (200, "one")

    oven.http.delete("/api/apps/hub").raise_for_status()
    wait_until(lambda: "hub" not in all_of_apps(oven), what="nothing of it is left", seconds=60)
    oven.node.run("rm", "-r", "/srv/one", "/srv/two")


def what_nobody_needs_is_pruned(oven: Oven) -> None:
    """And nothing else: what runs, what one can go back to, and what is somebody else's."""
    (live,) = containers(oven)
    idle = live.replace("blue", "green") if "blue" in live else live.replace("green", "blue")
    whose = oven.node.run("docker", "inspect", "--format", '{{index .Config.Labels "bakery.installation"}}', live)
    labels = ("--label", f"bakery.installation={whose.strip()}", "--label", "bakery.app=box")
    oven.node.run("docker", "create", "--name", idle, *labels, BASE, "true")
    oven.node.run("docker", "commit", idle, "bakery/box:9999")
    oven.node.run("docker", "create", "--name", "bakery-foreign-production-blue", BASE, "true")
    builds = sorted(images(oven), key=lambda image: int(image.rpartition(":")[2]))
    kept = set(builds[:2])  # of what was live; the one for a retry went when something newer came live
    dry = oven.command("prune", NAME, "--dry-run")
    assert "bakery/box:9999" in dry.stdout
    assert idle in dry.stdout
    assert "is left alone, because there are images or containers of others" in dry.stderr
    assert "bakery/box:9999" in images(oven)
    oven.command("prune", NAME)
    wait_until(lambda: set(images(oven)) == kept, what="the image is gone", seconds=60)
    wait_until(lambda: idle not in containers(oven), what="what ran in the free slot is gone", seconds=60)
    assert set(containers(oven)) == {"bakery-foreign-production-blue", live}
    oven.node.run("docker", "rm", "bakery-foreign-production-blue")


AROUND = """
[run]
release = "echo migrating in $(pwd)"
after = "echo box is out"
"""


def in_a_box(version: str) -> dict[str, str]:
    program = an_app(version)["app.py"].replace("127.0.0.1", "0.0.0.0")  # noqa: S104 - in its container
    return {"app.py": program, "Dockerfile": DOCKERFILE, "bakery.toml": AROUND}


def commands_run_in_what_is_live(oven: Oven) -> None:
    """In a scope of their own, as the app's account; and whoever is gone has ended them, over SSH too."""
    output, status = ran(oven, "shop", "sh", "-c", "id -un; ls; grep -o bakery-run- /proc/self/cgroup | uniq; exit 4")
    account, *seen = output.splitlines()
    assert (account[:3], seen, status) == ("bk-", ["app.py", "bakery-run-"], 4)
    with oven.http.stream("POST", "/api/apps/shop/run", json={"command": ["sleep", "4717"]}):
        wait_until(lambda: sleeps(oven), what="it runs")
    wait_until(lambda: not sleeps(oven), what="it has gone with who asked for it", seconds=15)


def sleeps(oven: Oven) -> bool:
    return oven.node.attempt("pgrep", "--full", "--exact", "sleep 4717").returncode == 0


def ran(oven: Oven, slug: str, *command: str) -> tuple[str, int]:
    """What it wrote in the live release, and its exit status."""
    with oven.http.stream("POST", f"/api/apps/{slug}/run", json={"command": command}) as answer:
        told = [json.loads(line) for line in answer.iter_lines() if line]
    return "".join(b64decode(one["output"]).decode() for one in told if "output" in one), told[-1]["exit_status"]


def steps_of(oven: Oven, slug: str, number: int) -> list[str]:
    found = oven.http.get(f"/api/apps/{slug}/deployments/{number}").raise_for_status().json()
    return [step["key"] for step in found["steps"]]


def log_of(oven: Oven, slug: str, number: int) -> str:
    return oven.http.get(f"/api/apps/{slug}/deployments/{number}/log").raise_for_status().text


def containers(oven: Oven) -> list[str]:
    return sorted(oven.node.run("docker", "ps", "--all", "--format", "{{.Names}}").split())


def images(oven: Oven) -> list[str]:
    return oven.node.run("docker", "images", "--format", "{{.Repository}}:{{.Tag}}", "bakery/box").split()


def of_docker(oven: Oven) -> list[str]:
    """Containers, images and volumes, in no order: images of one second have none. One network stays for all apps."""
    listed = "docker ps --all --quiet; docker images --all --quiet; docker volume ls --quiet"
    return sorted(oven.node.run("sh", "-c", listed).split())
