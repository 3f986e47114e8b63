"""A container as the caller tells it: a JSON object on a line, checked, because the caller may be hostile.

What Docker is told follows from it, from the container's name, which says whose it is, and from its image.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from pathlib import Path, PurePosixPath
from typing import Any

from bakery.helper.docker_api import installation
from bakery.helper.names import APP, RELEASE, WORD, premises_of_unit
from bakery.helper.processes import PATHS
from bakery.helper.words import is_text, whole_number

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
# What images need that begin as root and go on as somebody else, and what listens on port 80.
CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID")
LOGS = {"Type": "json-file", "Config": {"max-size": "20m", "max-file": "3"}}
INITS = {"catatonit", "docker-init", "dumb-init", "init", "my_init", "s6-svscan", "systemd", "tini", "tini-static"}
DOCKERS_PROGRAMS = ("/usr/local/libexec/docker", "/usr/libexec/docker", "/usr/local/lib/docker", "/usr/lib/docker")
SPEC = "bakery.spec"
NANO = 1_000_000_000
LONGEST_STOP = 300


class Place:
    """What follows from a container's name."""

    def __init__(self, root: Path, name: str) -> None:
        self.root, self.name = root, name
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


def settled(told: dict[str, Any], image: dict[str, Any]) -> dict[str, Any]:
    """A relative path is below the folder in which the image starts."""
    top = PurePosixPath("/", (image.get("Config") or {}).get("WorkingDir") or "/")
    volumes = {name: str(top / path) for name, path in told["volumes"].items()}
    for name, path in volumes.items():
        expect_not_kernels(name, path)
    return {**told, "volumes": volumes, "init": has_init() and not brings_init(told, image)}


def brings_init(told: dict[str, Any], image: dict[str, Any]) -> bool:
    """Some of these refuse to be any but the first process."""
    config = image.get("Config") or {}
    argv = [*(config.get("Entrypoint") or ()), *(told["command"] or config.get("Cmd") or ())]
    return PurePosixPath(*argv[:1]).name in INITS


def has_init() -> bool:
    """Docker's own, which is a package of its own in some distributions."""
    return any(os.access(f"{folder}/docker-init", os.X_OK) for folder in (*PATHS.split(":"), *DOCKERS_PROGRAMS))


def body_of(place: Place, told: dict[str, Any], image_id: str) -> dict[str, Any]:
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
    # After the digest, so that what runs without one goes on. As the first process, a program that has no word for
    # SIGTERM would not end by it, and nobody would take up the ends of its children's children.
    host["Init"] = told["init"]
    return body


def expect_ours(image: dict[str, Any], place: Place) -> None:
    """Whoever may start containers of an app may not look into others' images."""
    names = filter(None, map(IMAGE.fullmatch, image.get("RepoTags") or ()))
    labels = (image.get("Config") or {}).get("Labels") or {}
    is_anothers = labels.get("bakery.installation", place.installation) != place.installation
    if is_anothers or place.app not in {name[1] for name in names}:
        sys.exit(f"The image {image['Id']} is not a build of {place.app}.")
