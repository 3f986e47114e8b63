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
import hashlib
import io
import json
import os
import re
import signal
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from bakery.helper import container_logs
from bakery.helper.docker_api import CONFLICT, NOT_FOUND, PATIENCE, Docker, Refused, installation, patiently
from bakery.helper.files import make_folder
from bakery.helper.names import APP, RELEASE, UNIT, WORD, premises_of_unit
from bakery.helper.systemd import signal_name
from bakery.helper.turns import wait_for_turn
from bakery.helper.verbs import Verb
from bakery.helper.words import is_text, say, told_object, whole_number

CONTAINER = {
    "image", "build", "host_port", "port", "environment", "command", "user", "memory_bytes", "cpu_percent", "processes",
    "volumes", "stop_seconds",
}  # fmt: skip
IMAGE = re.compile(f"sha256:[0-9a-f]{{64}}|bakery/({APP}):{RELEASE}")
VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_.-]{0,200}")
USER = re.compile("[a-z_][a-z0-9_-]{0,31}(:[a-z_][a-z0-9_-]{0,31})?|[0-9]{1,9}(:[0-9]{1,9})?")
APP_PORTS = (20000, 29999)
MOST_WORDS, MOST_VOLUMES = 1000, 20
KERNELS = {"/", "/proc", "/sys", "/dev"}
NETWORK = "bakery"
APART = {"com.docker.network.bridge.enable_icc": "false"}
# What images need that begin as root and go on as somebody else, and what listens on port 80.
CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID")
LOGS = {"Type": "json-file", "Config": {"max-size": "20m", "max-file": "3"}}
SPEC = "bakery.spec"
NANO = 1_000_000_000
LONGEST_STOP = 300
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
    with taking_turns(root, name):
        say(patiently(lambda: started(docker, place, told)))


def stop(root: Path, name: str) -> None:
    docker, place = Docker(), Place(root, name)
    with taking_turns(root, name):
        patiently(lambda: stopped(docker, place))


def remove(root: Path, name: str) -> None:
    docker, place = Docker(), Place(root, name)

    def act() -> None:
        stopped(docker, place)
        removed(docker, place)

    with taking_turns(root, name):
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


# Whose it is, and what it is to be.


class Place:
    """What follows from a container's name."""

    def __init__(self, root: Path, name: str) -> None:
        self.name = name
        home = premises_of_unit(root, name).home
        self.app, self.environment = home.parent.name, home.name
        self.slot = name[len(f"bakery-{self.app}-{self.environment}-") :]
        self.installation = installation(root)

    @property
    def labels(self) -> dict[str, str]:
        return {
            "bakery.installation": self.installation, "bakery.app": self.app,
            "bakery.environment": self.environment,
        }  # fmt: skip

    def volume(self, name: str) -> str:
        """Only one app and environment can have one of this name: neither of the last two words holds a hyphen."""
        return f"bakery-{self.app}-{self.environment}-{name}"


def told_container(told: dict[str, object], place: Place) -> None:
    image = told["image"]
    found = IMAGE.fullmatch(image) if isinstance(image, str) else None
    if found is None or found[1] not in (None, place.app):
        sys.exit(f"image has to be the id of one, or bakery/{place.app}:BUILD.")
    whole_number(told, "build", 1, 9_999_999_999)
    if (told["host_port"] is None) != (told["port"] is None):
        sys.exit("A port of the container goes with one of the machine.")
    if told["port"] is not None:
        whole_number(told, "port", 1, 65535)
        whole_number(told, "host_port", *APP_PORTS)
    told_environment(told["environment"])
    command = told["command"]
    if command is not None and not (
        isinstance(command, list) and 1 <= len(command) <= MOST_WORDS and all(map(is_text, command))
    ):
        sys.exit("command has to be a list of texts.")
    if told["user"] is not None and not (isinstance(told["user"], str) and USER.fullmatch(told["user"])):
        sys.exit("user has to be a name or a number, perhaps with that of a group.")
    for name, least, most in (("memory_bytes", 6 * 1024**2, 2**50), ("cpu_percent", 1, 100_000)):
        if told[name] is not None:
            whole_number(told, name, least, most)
    whole_number(told, "processes", 1, 100_000)
    whole_number(told, "stop_seconds", 0, LONGEST_STOP)
    told_volumes(told["volumes"])


def told_environment(environment: object) -> None:
    if not isinstance(environment, dict) or not all(map(VARIABLE.fullmatch, environment)):
        sys.exit("environment has to be an object whose names are those of variables.")
    if not all(map(is_text, environment.values())):
        sys.exit("The values of environment have to be texts without NUL.")


def told_volumes(volumes: object) -> None:
    """By the name that the app gives it, and where the container sees it."""
    if not isinstance(volumes, dict) or len(volumes) > MOST_VOLUMES:
        sys.exit(f"volumes has to be an object of at most {MOST_VOLUMES}.")
    for name, path in volumes.items():
        if not re.fullmatch(WORD, name):
            sys.exit("A volume's name has up to 16 lower-case letters and digits.")
        if not is_text(path) or ".." in PurePosixPath(path).parts or ":" in path:
            sys.exit(f"{name} has to lie at a path in the container.")
        expect_not_kernels(name, path if path.startswith("/") else f"/app/{path}")


def expect_not_kernels(name: str, path: str) -> None:
    top = "/" + "/".join(PurePosixPath("/" + path.lstrip("/")).parts[1:2])
    if top in KERNELS:
        sys.exit(f"{name} cannot lie at {path}, which is the kernel's.")


def settled(told: Any, image: Any) -> Any:  # noqa: ANN401 - checked before; Docker's JSON
    """A relative path is below the folder in which the image starts."""
    top = PurePosixPath("/", (image.get("Config") or {}).get("WorkingDir") or "/")
    volumes = {name: str(top / path) for name, path in told["volumes"].items()}
    for name, path in volumes.items():
        expect_not_kernels(name, path)
    return {**told, "volumes": volumes}


def body_of(place: Place, told: Any, image_id: str) -> dict[str, Any]:  # noqa: ANN401 - checked before
    """What Docker is told. All that decides is in it, so its digest tells whether a container is like this."""
    port = f"{told['port']}/tcp"
    mounts = [
        {"Type": "volume", "Source": place.volume(name), "Target": path}
        for name, path in sorted(told["volumes"].items())
    ]
    host = {
        "NetworkMode": NETWORK, "Mounts": mounts, "RestartPolicy": {"Name": "unless-stopped"}, "LogConfig": LOGS,
        "CapDrop": ["ALL"], "CapAdd": list(CAPABILITIES), "SecurityOpt": ["no-new-privileges"], "Privileged": False,
        "PidsLimit": told["processes"],
    }  # fmt: skip
    if told["port"] is not None:
        host["PortBindings"] = {port: [{"HostIp": "127.0.0.1", "HostPort": str(told["host_port"])}]}
    if told["memory_bytes"] is not None:
        host["Memory"] = host["MemorySwap"] = told["memory_bytes"]
    if told["cpu_percent"] is not None:  # Docker refuses more than there is
        host["NanoCpus"] = min(told["cpu_percent"], 100 * (os.cpu_count() or 1)) * NANO // 100
    labels = {**place.labels, "bakery.build": str(told["build"]), "bakery.slot": place.slot}
    body: dict[str, Any] = {
        "Image": image_id, "Env": [f"{name}={value}" for name, value in sorted(told["environment"].items())],
        "Labels": labels, "StopTimeout": told["stop_seconds"], "HostConfig": host,
    }  # fmt: skip
    if told["port"] is not None:
        body["ExposedPorts"] = {port: {}}
    if told["command"] is not None:
        body["Cmd"] = told["command"]
    if told["user"] is not None:
        body["User"] = told["user"]
    labels[SPEC] = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    return body


def expect_ours(image: Any, place: Place) -> None:  # noqa: ANN401 - Docker's JSON
    """Whoever may start containers of an app may not look into others' images."""
    names = filter(None, map(IMAGE.fullmatch, image.get("RepoTags") or ()))
    labels = (image.get("Config") or {}).get("Labels") or {}
    is_anothers = labels.get("bakery.installation", place.installation) != place.installation
    if is_anothers or place.app not in {name[1] for name in names}:
        sys.exit(f"The image {image['Id']} is not a build of {place.app}.")


# What is done with the daemon. Each may be done twice.


def started(docker: Docker, place: Place, told: Any) -> dict[str, object] | None:  # noqa: ANN401 - checked before
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


def ensure_network(docker: Docker, place: Place) -> None:
    """One for all apps, on which none reaches another. Docker has addresses for thirty networks, not for one an app."""
    told = {
        "Name": NETWORK, "CheckDuplicate": True, "Driver": "bridge", "Options": APART,
        "Labels": {"bakery.installation": place.installation},
    }  # fmt: skip
    found = docker.find("networks", NETWORK)
    if found is None:
        try:
            docker.ask("POST", "networks", "create", told=told)
        except Refused as refused:
            if refused.status != CONFLICT:
                raise
    elif found["Driver"] != "bridge" or not APART.items() <= (found["Options"] or {}).items():
        sys.exit(
            f"The network {NETWORK} of Docker on this machine was not made by Bakery: apps could reach each other."
        )


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


def let_write(docker: Docker, place: Place, told: Any, image: Any) -> None:  # noqa: ANN401 - as above
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


def state_of(found: Any) -> dict[str, object] | None:  # noqa: ANN401 - Docker's JSON
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


def exit_of(state: Any) -> str:  # noqa: ANN401 - Docker's JSON
    """Docker counts a signal as a shell does, from 128 on."""
    if state["Error"]:
        return f"could not start: {' '.join(state['Error'].split())}"[:LONGEST_WORD]
    status, signals = state["ExitCode"], {int(one) for one in signal.Signals}
    ended = f"ended by {signal_name(status - 128)}" if status - 128 in signals else f"ended with status {status}"
    return f"{ended}, out of memory" if state["OOMKilled"] else ended


@contextlib.contextmanager
def missing_is_fine() -> Iterator[None]:
    try:
        yield
    except Refused as refused:
        if refused.status != NOT_FOUND:
            raise


@contextlib.contextmanager
def taking_turns(root: Path, name: str) -> Iterator[None]:
    """Verbs that change a container follow each other. The file goes with the last."""
    make_folder(root / "containers", 0o700)
    path = root / "containers" / name
    lock = wait_for_turn(path, within=LONGEST_TURN)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(lock)


VERBS: dict[str, Verb] = {
    "start": Verb(start, UNIT),
    "stop": Verb(stop, UNIT),
    "remove": Verb(remove, UNIT),
    "state": Verb(tell_state, f"{UNIT}(\0{UNIT}){{0,499}}"),
    "list": Verb(list_all),
    "logs": Verb(read_logs, f"{UNIT}{container_logs.WORDS}"),
}
