"""A container that runs once, to its end, with an image of the app's: a command before or after a switch.

    once-start KEY [--follow]        takes it as a line of JSON (see ONCE), and makes a job of it

A job of these is one like any other, for the verbs of `job`. Its log is what the container wrote, its status the
container's. The container is called bakery-KEY, has no port, and goes with its end, however that comes: the job's
program ends and removes it; where that was killed, the job's watcher does; where that was too, `job-cancel` and
`job-remove` find its processes by the job's key, and the daemon removes what is left.
"""

from __future__ import annotations

import http.client
import json
import re
import signal
import sys
from pathlib import Path
from typing import Any

from bakery.helper import jobs
from bakery.helper.container_logs import next_piece
from bakery.helper.containers import ensure_volume, find, let_write, missing_is_fine
from bakery.helper.docker_api import CONFLICT, Away, Docker, Refused, installation, patiently
from bakery.helper.images import OwnWork, add_note
from bakery.helper.job import KEY, LONGEST_JOB, Job
from bakery.helper.names import APP, WORD
from bakery.helper.networks import ensure_network
from bakery.helper.told_container import CONTAINER, SPEC, Place, body_of, expect_ours, settled, told_container
from bakery.helper.verbs import Verb
from bakery.helper.words import sentence, told_object, whole_number, write_all

ONCE = {"app", "environment", "container", "seconds", "log_bytes"}
LAST_WORDS = 3  # seconds; who cancels kills us after five
NEVER_BEGAN = 127


class OncePlace(Place):
    """Whose container it is. It is in no slot."""

    def __init__(self, root: Path, app: str, environment: str, key: str) -> None:
        self.root, self.app, self.environment, self.key = root, app, environment, key
        self.name, self.slot = f"bakery-{key}", ""
        self.installation = installation(root)


# The verbs.


def start(root: Path, key: str, *follows: str) -> None:
    told = told_object(ONCE, what="The command")
    told_once(root, key, told)
    for name, least, most in (("seconds", 1, LONGEST_JOB), ("log_bytes", 0, 2**50)):
        whole_number(told, name, least, most)
    place = OncePlace(root, str(told["app"]), str(told["environment"]), key)
    spec = OwnWork(json.dumps({"root": str(root), "key": key, "told": told}).encode(), work)
    spec.afterwards = lambda: patiently(lambda: end(Docker(), place))  # one that was killed left its container behind
    jobs.start_job(Job(root, key), spec, *follows)


def work(_root: Path) -> None:
    """The job's program."""
    given = json.loads(sys.stdin.buffer.read())
    signal.signal(signal.SIGTERM, stop)
    try:
        status = run(Docker(), place_of(given), given["told"]["container"])
    except (OSError, SystemExit) as refused:
        why, status = sentence(refused), 1
        sys.stderr.write(f"{why}\n")
        job = Job(Path(given["root"]), given["key"])
        add_note(job, f"could not be done: {why.splitlines()[0].rstrip('.')}")
    sys.exit(status)


class Stopped(BaseException):
    """We were asked to end."""


def stop(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Stopped


# What it is to be.


def place_of(given: dict[str, Any]) -> OncePlace:
    told = given["told"]
    return OncePlace(Path(given["root"]), told["app"], told["environment"], given["key"])


def told_once(root: Path, key: str, told: dict[str, object]) -> None:
    app, environment, container = told["app"], told["environment"], told["container"]
    if not isinstance(app, str) or not re.fullmatch(APP, app):
        sys.exit("app has to be the name of one.")
    if not isinstance(environment, str) or not re.fullmatch(WORD, environment):
        sys.exit("environment has to be the name of one.")
    if not isinstance(container, dict) or set(container) != CONTAINER:
        sys.exit(f"A container is described by exactly these: {', '.join(sorted(CONTAINER))}.")
    told_container(container, OncePlace(root, app, environment, key))
    if container["port"] is not None:
        sys.exit("What runs once has no port.")
    if container["command"] is None:
        sys.exit("What runs once is told a command.")


def body_of_once(place: OncePlace, told: dict[str, Any], image_id: str) -> dict[str, Any]:
    """As in a slot, but for what would keep it: its output is read as it comes, and is kept nowhere else."""
    body = body_of(place, told, image_id)
    host = {**body["HostConfig"], "RestartPolicy": {"Name": "no"}, "AutoRemove": True, "LogConfig": {"Type": "none"}}
    labels = {name: value for name, value in body["Labels"].items() if name not in {SPEC, "bakery.slot"}}
    labels["bakery.job"] = place.key
    # The job's key comes last: by it we find what outlives its watcher.
    variables = [*(one for one in body["Env"] if not one.startswith("BAKERY_JOB=")), f"BAKERY_JOB={place.key}"]
    return {**body, "Env": variables, "Labels": labels, "HostConfig": host}


# Running it.


def run(docker: Docker, place: OncePlace, told: dict[str, Any]) -> int:
    """Its exit status, when it is gone."""
    try:
        patiently(lambda: create(docker, place, told))
        return follow(docker, place)
    except Stopped:
        return 128 + signal.SIGTERM
    except (Away, OSError, http.client.HTTPException) as error:
        sys.exit(f"Docker went away while it ran: {error}.")
    finally:
        patiently(lambda: end(docker, place))


def create(docker: Docker, place: OncePlace, told: dict[str, Any], also: dict[str, bool] | None = None) -> None:
    """`also`: what else Docker is told of it."""
    image = docker.find("images", told["image"], "json")
    if image is None:
        sys.exit(f"The image {told['image']} is not on this machine any more.")
    expect_ours(image, place)
    told = settled(told, image)
    ensure_network(docker, place)
    for volume in told["volumes"]:
        ensure_volume(docker, place, volume)
    try:
        body = {**body_of_once(place, told, image["Id"]), **(also or {})}
        docker.ask("POST", "containers", "create", told=body, query={"name": place.name})
        let_write(docker, place, told, image)
    except Refused as refused:
        if refused.status != CONFLICT:  # else an answer was lost: nobody but this job makes one of this name
            raise


def follow(docker: Docker, place: OncePlace) -> int:
    """Both are asked before it starts: a container that is gone tells nothing any more."""
    outputs = {"stream": "1", "stdout": "1", "stderr": "1"}
    written = docker.open("POST", "containers", place.name, "attach", within=None, query=outputs)
    ended = docker.open("POST", "containers", place.name, "wait", within=None, query={"condition": "removed"})
    try:
        docker.ask("POST", "containers", place.name, "start")
    except Refused as refused:
        sys.stderr.write(f"{refused}\n")
        return NEVER_BEGAN
    while piece := next_piece(written):
        write_all(1, piece)
    return int(json.loads(ended.read())["StatusCode"])


def end(docker: Docker, place: OncePlace) -> None:
    """It is asked to, and then it is ended. Harmless when it is gone."""
    if find(docker, place) is None:
        return
    with missing_is_fine():
        docker.ask("POST", "containers", place.name, "stop", query={"t": str(LAST_WORDS)})
    try:
        with missing_is_fine():
            docker.ask("DELETE", "containers", place.name, query={"force": "1", "v": "1"})
    except Refused as refused:
        if refused.status != CONFLICT:  # the daemon removes it just now
            raise


VERBS = {
    "start": Verb(start, f"{KEY}(\0--follow)?"),
}
