"""Containers of apps, named like their slot: bakery-APP-ENVIRONMENT-SLOT[-PROCESS[-N]].

    container-start NAME      takes the container as a line of JSON (see CONTAINER); what runs like this already goes
                              on, what runs otherwise is replaced
    container-stop NAME       asks it to end, ends it when its time is over, and keeps it; harmless when it is not there
    container-remove NAME     likewise, and takes it away
    container-state NAME…     prints how each is; null for one that is not there
    container-list            prints the names of all that are ours
    container-logs NAME …     prints what it wrote, each line after its time

The daemon is told each value as it is. What the caller cannot say, no container of ours has: a folder of the machine,
its network, its devices, Docker's socket, a privilege, a port that others reach.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bakery.helper import container_logs
from bakery.helper.docker_api import NOT_FOUND, PATIENCE, Docker, Refused, installation, patiently
from bakery.helper.names import UNIT, UNITS
from bakery.helper.networks import ensure_network
from bakery.helper.systemd import signal_name
from bakery.helper.told_container import (
    CONTAINER,
    LONGEST_STOP,
    SPEC,
    Place,
    body_of,
    expect_ours,
    settled,
    told_container,
)
from bakery.helper.turns import taking_turns
from bakery.helper.verbs import Verb
from bakery.helper.words import say, told_object

# As inits and shells say it of what they are to run.
NEVER_RAN = {126: "its command could not be run", 127: "its command was not found"}
LONGEST_WORD = 200  # of what is said of an end
MOST_ACCOUNTS, SHELL = 1024 * 1024, 6  # bytes of the list of them; the last field of a line
SPARE = 20  # seconds beyond a container's own for its end
LONGEST_TURN = LONGEST_STOP + SPARE + PATIENCE


# The verbs.


def start(root: Path, name: str) -> None:
    told = told_object(CONTAINER, what="The container")
    place = Place(root, name)
    told_container(told, place)
    docker = Docker()
    with taking_turns(root / "containers" / name, within=LONGEST_TURN):
        say(patiently(lambda: started(docker, place, told)))


def stop(root: Path, name: str) -> None:
    docker, place = Docker(), Place(root, name)
    with taking_turns(root / "containers" / name, within=LONGEST_TURN):
        patiently(lambda: stopped(docker, place))


def remove(root: Path, name: str) -> None:
    docker, place = Docker(), Place(root, name)

    def act() -> None:
        stopped(docker, place)
        removed(docker, place)

    with taking_turns(root / "containers" / name, within=LONGEST_TURN):
        patiently(act)


def tell_state(root: Path, *names: str) -> None:
    docker = Docker()
    say({"containers": patiently(lambda: {name: state_of(find(docker, Place(root, name))) for name in names})})


def list_all(root: Path) -> None:
    docker, filters = Docker(), json.dumps({"label": [f"bakery.installation={installation(root)}"]})
    found = patiently(lambda: docker.ask("GET", "containers", "json", query={"all": "1", "filters": filters}))
    names = [name.lstrip("/") for one in found for name in one["Names"]]
    say({"containers": sorted(name for name in names if re.fullmatch(UNIT, name))})


def read_logs(root: Path, name: str, *options: str) -> None:
    docker, place = Docker(), Place(root, name)
    if patiently(lambda: find(docker, place)) is None:
        sys.exit(f"There is no container {name} on this machine.")
    container_logs.copy(docker, name, container_logs.Options(options))


# What is done with the daemon. Each may be done twice.


def started(docker: Docker, place: Place, told: dict[str, Any]) -> dict[str, object] | None:
    image = docker.find("images", told["image"], "json")
    if image is None:
        sys.exit(f"The image {told['image']} is not on this machine any more.")
    expect_ours(image, place)
    told = settled(told, image)
    body = body_of(place, told, image["Id"])
    found = find(docker, place)
    if found and (found["Config"]["Labels"] or {}).get(SPEC) != body["Labels"][SPEC]:
        stopped(docker, place)
        removed(docker, place)
        found = None
    if found is None:
        ensure_network(docker, place)
        for volume in told["volumes"]:
            ensure_volume(docker, place, volume)
        docker.ask("POST", "containers", "create", told=body, query={"name": place.name})
        let_write(docker, place, told, image)
    if not found or not found["State"]["Running"]:
        try:
            docker.ask("POST", "containers", place.name, "start")
        except Refused as refused:
            removed(docker, place)
            sys.exit(f"Docker could not start {place.name}: {refused}")
    return state_of(find(docker, place))


def stopped(docker: Docker, place: Place) -> None:
    found = find(docker, place)
    if found and found["State"]["Status"] not in ("created", "exited", "dead"):
        within = (found["Config"].get("StopTimeout") or 10) + SPARE
        with missing_is_fine():
            docker.ask("POST", "containers", place.name, "stop", within=within)


def removed(docker: Docker, place: Place) -> None:
    """With what it wrote in itself. Volumes with a name stay."""
    with missing_is_fine():
        docker.ask("DELETE", "containers", place.name, query={"force": "1", "v": "1"})


def find(docker: Docker, place: Place) -> Any:  # noqa: ANN401 - Docker's JSON
    """None: it is not there. Another's is never touched."""
    found = docker.find("containers", place.name, "json")
    if found and (found["Config"]["Labels"] or {}).get("bakery.installation") != place.installation:
        sys.exit(f"The container {place.name} on this machine is not this Bakery's.")
    return found


def ensure_volume(docker: Docker, place: Place, name: str) -> None:
    """With no option but a name, it lies in Docker's own folder."""
    volume = place.volume(name)
    found = docker.find("volumes", volume)
    if found is None:
        found = docker.ask(
            "POST", "volumes", "create", told={"Name": volume, "Driver": "local", "Labels": place.labels}
        )
    if (found.get("Labels") or {}).get("bakery.installation") != place.installation or found.get("Options"):
        sys.exit(f"The volume {volume} on this machine is not this Bakery's.")


def let_write(docker: Docker, place: Place, told: dict[str, Any], image: dict[str, Any]) -> None:
    """An image that does not run as root gets its new volumes: Docker makes them root's, unless the image has a folder
    there, whose owner they get. One that has something in it is left as it is."""
    user = told["user"] or (image.get("Config") or {}).get("User") or ""
    new = [
        folder
        for folder in (Path(docker.ask("GET", "volumes", place.volume(name))["Mountpoint"]) for name in told["volumes"])
        if user and is_untouched(folder)
    ]
    if new:
        owner = owner_in(docker, place, user)
        for folder in new:
            os.chown(folder, *owner, follow_symlinks=False)


def is_untouched(folder: Path) -> bool:
    return folder.is_dir() and folder.stat().st_uid == 0 and not any(folder.iterdir())


def owner_in(docker: Docker, place: Place, user: str) -> tuple[int, int]:
    """By numbers, or as the container's own list of accounts says. An account without one is root here."""
    name, _, group = user.partition(":")
    if name.isdigit():
        return int(name), int(group) if group.isdigit() else 0
    try:
        packed = docker.open("GET", "containers", place.name, "archive", query={"path": "/etc/passwd"}).read(
            MOST_ACCOUNTS
        )
        with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
            lines = (tar.extractfile(tar.getmembers()[0]) or io.BytesIO()).read().decode(errors="replace").splitlines()
    except (Refused, tarfile.TarError, IndexError):
        return 0, 0
    accounts = {fields[0]: fields[2:4] for fields in (line.split(":") for line in lines) if len(fields) > SHELL}
    numbers = accounts.get(name, ["0", "0"])
    return (int(numbers[0]), int(numbers[1])) if all(map(str.isdigit, numbers)) else (0, 0)


def state_of(found: dict[str, Any] | None) -> dict[str, object] | None:
    """As of a unit: while it runs, nothing is said of the exit before. Between two attempts it does not run."""
    if found is None:
        return None
    state = found["State"]
    is_running = state["Running"] and not state["Restarting"]
    return {
        "is_running": is_running,
        "process_id": (state["Pid"] or None) if is_running else None,
        "restarts": found["RestartCount"],
        "last_exit": "" if is_running or state["Status"] == "created" else exit_of(state),
    }


def exit_of(state: dict[str, Any]) -> str:
    """Docker counts a signal as a shell does, from 128 on."""
    if state["Error"]:
        return f"could not start: {' '.join(state['Error'].split())}"[:LONGEST_WORD]
    status, signals = state["ExitCode"], {int(one) for one in signal.Signals}
    ended = f"ended by {signal_name(status - 128)}" if status - 128 in signals else f"ended with status {status}"
    if status in NEVER_RAN:
        ended += f": {NEVER_RAN[status]}"
    return f"{ended}, out of memory" if state["OOMKilled"] else ended


@contextlib.contextmanager
def missing_is_fine() -> Iterator[None]:
    try:
        yield
    except Refused as refused:
        if refused.status != NOT_FOUND:
            raise


VERBS: dict[str, Verb] = {
    "start": Verb(start, UNIT),
    "stop": Verb(stop, UNIT),
    "remove": Verb(remove, UNIT),
    "state": Verb(tell_state, UNITS),
    "list": Verb(list_all),
    "logs": Verb(read_logs, f"{UNIT}{container_logs.WORDS}"),
}
