"""Images of apps: `bakery/APP:BUILD`, built or pulled here.

    image-build KEY [--follow]       takes the build as a line of JSON (see BUILD), and makes a job of it
    image-pull KEY [--follow]        likewise an image of a registry (see PULL), which then bears our name as well
    image-resolve, image-look        tell of one in its registry, and of a build (bakery.helper.image_facts)
    image-list APP                   prints the builds that are here, and what they take
    image-remove APP BUILD           harmless when it is not here; refused while a container runs from it
    image-prune APP BUILD…           removes what is here of the app but these builds and what containers run from

A job of these is one like any other, for the verbs of `job`. Its program is this helper's own, as root: it speaks to
Docker, keeps the limits of a build where the daemon does not, and leaves nothing behind. What Docker's client does for
it, it does as the environment's account.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pwd
import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from bakery.helper import docker_client, jobs
from bakery.helper.accounts import account_of
from bakery.helper.build_steps import Limits, Steps, mark_of
from bakery.helper.docker_api import CONFLICT, NOT_FOUND, Away, Docker, Refused, installation, patiently
from bakery.helper.files import make_folder, remove_tree, write_over
from bakery.helper.frontends import expect_known_frontend
from bakery.helper.image_facts import credentials_header, look, resolve
from bakery.helper.image_references import split_reference, whole_name
from bakery.helper.job import KEY, LONGEST_JOB, Job, Work
from bakery.helper.names import APP, RELEASE, Premises
from bakery.helper.registry_words import explain
from bakery.helper.told_image import BUILD, PULL, told_build, told_place, told_pull
from bakery.helper.verbs import Verb
from bakery.helper.words import hinted, say, sentence, told_object, whole_number

LOCAL = re.compile(f"bakery/({APP}):({RELEASE})")
LAST_WORDS = 4.0  # seconds for the end of a build's steps; who cancels kills us after five
OUT_OF_MEMORY = 137
LONGEST_SILENCE = 600.0  # seconds of a pull
LONGEST_NOTE = 600


class OwnWork(Work):
    """A job whose program is ours."""

    def __init__(self, text: bytes, own: Callable[[Path], None]) -> None:
        told = json.loads(text)
        self.argv, self.own = [], own
        self.stdin = text
        self.account = pwd.getpwuid(os.geteuid())
        self.environment: dict[str, str] = {}
        self.folder = "/"
        self.memory_bytes = self.cpu_percent = None
        self.seconds, self.log_bytes = told["told"]["seconds"], told["told"]["log_bytes"]


# The verbs.


def build(root: Path, key: str, *follows: str) -> None:
    told = told_object(BUILD, what="The build")
    told_place(told)
    told_build(told)
    begin(root, key, "build", told, follows)


def pull(root: Path, key: str, *follows: str) -> None:
    told = told_object(PULL, what="The pull")
    told_place(told)
    told_pull(told)
    begin(root, key, "pull", told, follows)


def begin(root: Path, key: str, what: str, told: dict[str, object], follows: tuple[str, ...]) -> None:
    for name, least, most in (("seconds", 1, LONGEST_JOB), ("log_bytes", 0, 2**50)):
        whole_number(told, name, least, most)
    text = json.dumps({"root": str(root), "key": key, "what": what, "told": told}).encode()
    jobs.start_job(Job(root, key), OwnWork(text, work), *follows)


def list_builds(root: Path, app: str) -> None:
    docker = Docker()
    say({"images": patiently(lambda: builds_of(docker, root, app))})


def remove(root: Path, app: str, number: str) -> None:
    docker = Docker()
    left = patiently(lambda: remove_build(docker, root, app, number))
    if left:
        sys.exit(f"A container still runs from bakery/{app}:{number}.")


def prune(root: Path, app: str, *kept: str) -> None:
    """What a container was made from, also one that is stopped, stays: Docker itself refuses to take that away."""
    docker = Docker()

    def act() -> dict[str, object]:
        found = builds_of(docker, root, app)
        gone = [one for one in found if str(one["build"]) not in kept]
        in_use = [one["build"] for one in gone if remove_build(docker, root, app, str(one["build"]))]
        labels = [f"bakery.installation={installation(root)}", f"bakery.app={app}"]
        filters = json.dumps({"dangling": ["true"], "label": labels})
        dangling = docker.ask("POST", "images", "prune", query={"filters": filters}) or {}
        removed = [one for one in gone if one["build"] not in in_use]
        freed = sum(int(str(one["bytes"])) for one in removed) + int(dangling.get("SpaceReclaimed") or 0)
        return {"removed": [one["build"] for one in removed], "in_use": in_use, "bytes": freed}

    say(patiently(act))


def work(_root: Path) -> None:
    """The job's program."""
    given = json.loads(sys.stdin.buffer.read())
    root, key, told = Path(given["root"]), given["key"], given["told"]
    act = {"build": build_image, "pull": pull_image}[given["what"]]
    try:
        status = act(root, key, told)
    except (OSError, SystemExit) as refused:
        why, status = sentence(refused), 1
        sys.stderr.write(f"{why}\n")
        failed = Job(root, key)
        if given["what"] == "pull":  # which says all by itself, and what to do next
            add_note(failed, why if len(why) <= LONGEST_NOTE else why.splitlines()[0][:LONGEST_NOTE])
        else:
            add_note(failed, f"could not be done: {why.splitlines()[0].rstrip('.')}")
    sys.exit(status)


def add_note(job: Job, note: str) -> None:
    """What is said of the job's end, instead of its status."""
    write_over(job.note, note.encode())


# Building.


def build_image(root: Path, key: str, told: dict[str, object]) -> int:
    """The job's exit status."""
    stopped = stops()
    docker = Docker()
    premises = Premises(root, str(told["app"]), str(told["environment"]))
    folder = str(premises.expect_inside(told["folder"], what="folder"))
    account = account_of(premises.account) if os.geteuid() == 0 else account_of(None)
    if told["dockerfile"] is None:
        text, ignored = str(told["dockerfile_text"]), None
    else:
        text, ignored = docker_client.read_dockerfile(account, premises.home, folder, str(told["dockerfile"]))
    expect_known_frontend(text)
    program = docker_client.expect_client()
    patiently(lambda: expect_free_name(docker, root, told))
    group = docker_client.expect_group()
    with client_folder(root, key, group) as files:
        docker_client.place_files(files, docker_client.client_files(text, ignored, told), group)
        built = None
        if told["output"] is not None:
            from bakery.helper.built_files import BuiltFiles  # noqa: PLC0415 - it takes long to load, and few need it

            built = BuiltFiles(account, premises.home, folder, str(told["output"]))
        client = docker_client.start_client(
            program,
            docker_client.build_argv(told, labels_of(root, told), key, files),
            docker_client.client_environment(key, files),
            account=account, group=group, home=premises.home, folder=folder,
            output=built.archive if built else None,
        )  # fmt: skip
        if built:
            built.given_away()
        steps = Steps(mark_of(key), limits_of(told))
        status = follow(client, steps, stopped)
        if built:
            status = built.finish(status, was_stopped=stopped())
    if status and not stopped():
        docker_client.expect_buildkit(program)
    if not steps.is_limited:
        sys.stderr.write("[Bakery: this machine does not keep all limits of a build.]\n")
    return out_of_memory(Job(root, key), told, status) if steps.ooms else status


def follow(client: int, steps: Steps, stopped: Callable[[], bool]) -> int:
    """Until the client has ended, and nothing of the build runs any more."""
    its_end = os.pidfd_open(client)
    try:
        while True:
            steps.look()
            ended, how = os.waitpid(client, os.WNOHANG)
            if ended:
                return abs(os.waitstatus_to_exitcode(how))
            if stopped():
                os.kill(client, signal.SIGKILL)
            steps.wait(its_end)
    finally:
        os.close(its_end)
        steps.end(LAST_WORDS)


def out_of_memory(job: Job, told: dict[str, object], status: int) -> int:
    megabytes = int(str(told["memory_bytes"] or 0)) // 1024**2
    reason = "a step of the build needed more memory than there is"
    if told["memory_bytes"]:
        reason = f"a step of the build needed more memory than its limit of {megabytes} MB"
    sys.stderr.write(f"[Bakery: {reason}.]\n")
    if status == 0:  # the step went on without the process that the kernel ended
        return 0
    add_note(job, f"ended: {reason}")
    return OUT_OF_MEMORY


def stops() -> Callable[[], bool]:
    """Whether we were asked to end. We end last, when nothing is left."""
    heard: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    return lambda: bool(heard)


@contextlib.contextmanager
def client_folder(root: Path, key: str, group: int) -> Iterator[Path]:
    """An ordinary user has no mounts: a folder of theirs, which goes with the job, or with the next one."""
    if os.geteuid() == 0:
        yield docker_client.make_private_folder(group)
        return
    make_folder(root / "builds", 0o700)
    for left in (root / "builds").iterdir():
        if Job(root, left.name).status()["state"] != "running":
            remove_tree(left)
    folder = root / "builds" / key
    folder.mkdir()
    try:
        yield folder
    finally:
        remove_tree(folder)


def limits_of(told: dict[str, object]) -> Limits:
    memory, cpu = told["memory_bytes"], told["cpu_percent"]
    return Limits(memory if isinstance(memory, int) else None, cpu if isinstance(cpu, int) else None)


def labels_of(root: Path, told: dict[str, object]) -> dict[str, str]:
    return {
        "bakery.installation": installation(root),
        **{f"bakery.{name}": str(told[name]) for name in ("app", "environment", "build")},
    }


def expect_free_name(docker: Docker, root: Path, told: dict[str, object]) -> None:
    found = docker.find("images", f"bakery/{told['app']}:{told['build']}", "json")
    labels = ((found or {}).get("Config") or {}).get("Labels") or {}
    if labels.get("bakery.installation", installation(root)) != installation(root):
        sys.exit(f"Another Bakery on this machine has an image bakery/{told['app']}:{told['build']}.")


# Pulling.


def pull_image(root: Path, _key: str, told: dict[str, object]) -> int:
    """Docker's own lines, and then our name for what came. Going away ends it in the daemon too."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    docker = Docker()
    name, last = split_reference(str(told["reference"]))
    patiently(lambda: expect_free_name(docker, root, told))
    was_here = patiently(lambda: docker.find("images", whole_name(name, last), "json")) is not None
    patiently(lambda: pull_once(docker, name, last, told))

    def tag() -> None:
        ours = {"repo": f"bakery/{told['app']}", "tag": str(told["build"])}
        docker.ask("POST", "images", whole_name(name, last), "tag", query=ours)
        if not was_here:  # so it is ours alone, and goes when ours goes
            docker.ask("DELETE", "images", whole_name(name, last))

    patiently(lambda: expect_nobodys(docker, root, whole_name(name, last), is_new=not was_here))
    patiently(tag)
    return 0


def expect_nobodys(docker: Docker, root: Path, whole: str, *, is_new: bool) -> None:
    """By its label an image that another Bakery built is that one's, wherever it lies."""
    found = docker.find("images", whole, "json") or {}
    labels = (found.get("Config") or {}).get("Labels") or {}
    if labels.get("bakery.installation", installation(root)) == installation(root):
        return
    if is_new:
        docker.ask("DELETE", "images", whole)
    sys.exit(
        hinted(
            f"{whole} was built by another Bakery, and its labels say so.",
            "Build it without Bakery, and push it again.",
        )
    )


def pull_once(docker: Docker, name: str, last: str, told: dict[str, object]) -> None:
    """Credentials go in a header, and lie nowhere."""
    headers = credentials_header(told)
    try:
        answer = docker.open(
            "POST", "images", "create", headers=headers, within=LONGEST_SILENCE, query={"fromImage": name, "tag": last}
        )
        for line in answer:
            said = json.loads(line)
            if "error" in said:
                sys.exit(explain(str(said["error"]), whole_name(name, last)))
            if "progressDetail" not in said or not said["progressDetail"]:
                sys.stdout.write(f"{said.get('id', '')} {said.get('status', '')}".strip() + "\n")
                sys.stdout.flush()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Away(str(error) or type(error).__name__) from error
    except Refused as refused:
        sys.exit(explain(str(refused), whole_name(name, last)))


# What is here.


def builds_of(docker: Docker, root: Path, app: str) -> list[dict[str, object]]:
    """By our name; one whose label says that another Bakery built it is not among them."""
    filters = json.dumps({"reference": [f"bakery/{app}"]})
    found = []
    for image in docker.ask("GET", "images", "json", query={"filters": filters}):
        if (image.get("Labels") or {}).get("bakery.installation", installation(root)) != installation(root):
            continue
        for name in image.get("RepoTags") or ():
            ours = LOCAL.fullmatch(name)
            if ours and ours[1] == app:
                found.append({"build": int(ours[2]), "id": image["Id"], "bytes": image["Size"]})
    return sorted(found, key=lambda one: int(str(one["build"])))


def remove_build(docker: Docker, root: Path, app: str, number: str) -> bool:
    """Whether it had to stay, because a container was made from it."""
    expect_free_name(docker, root, {"app": app, "build": number})
    if containers_of(docker, f"bakery/{app}:{number}"):
        return True
    try:
        docker.ask("DELETE", "images", f"bakery/{app}:{number}")
    except Refused as refused:
        if refused.status == CONFLICT:
            return True
        if refused.status != NOT_FOUND:
            raise
    return False


def containers_of(docker: Docker, name: str) -> list[object]:
    """Docker takes the name from an image that a container still needs, if the image has another name."""
    found = docker.find("images", name, "json")
    if found is None:
        return []
    everybodys = docker.ask("GET", "containers", "json", query={"all": "1"})
    return [one for one in everybodys if one["ImageID"] == found["Id"]]


VERBS = {
    "build": Verb(build, f"{KEY}(\0--follow)?"),
    "pull": Verb(pull, f"{KEY}(\0--follow)?"),
    "resolve": Verb(resolve),
    "look": Verb(look, f"{APP}\0{RELEASE}"),
    "list": Verb(list_builds, APP),
    "remove": Verb(remove, f"{APP}\0{RELEASE}"),
    "prune": Verb(prune, f"{APP}(\0{RELEASE}){{0,500}}"),
}
