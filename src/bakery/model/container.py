"""A container that a node keeps running in a slot."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from bakery.model.errors import BadInput
from bakery.model.names import AppName, Port, UnitName
from bakery.model.secret import Secret
from bakery.model.unit import Limits

LONGEST_STOP = 300  # seconds


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """What runs. `image` is its name here, or its id; `build` is what it was made by.

    `host_port` is on 127.0.0.1, and leads to `port`. `command` and `user` None: as the image says. A volume has a name
    of the app's, and the place where the container sees it.
    """

    name: UnitName
    image: str
    build: int
    host_port: Port | None = None
    port: Port | None = None
    environment: Mapping[str, Secret] = field(default_factory=dict)
    command: tuple[str, ...] | None = None
    user: str | None = None
    limits: Limits = field(default_factory=Limits)
    processes: int = 4096
    volumes: Mapping[str, PurePosixPath] = field(default_factory=dict)
    stop_seconds: int = 10

    def __post_init__(self) -> None:
        if (self.host_port is None) != (self.port is None):
            raise BadInput("A port of the container goes with one of the machine.", field="port")
        if self.command is not None and any("\0" in word for word in self.command):
            raise BadInput("A command cannot hold a NUL character.", field="command")
        for name, value in self.environment.items():
            if "\0" in value.reveal():
                raise BadInput(f"The value of {name} cannot hold a NUL character.", field="environment")


def image_name(app: AppName, build: int) -> str:
    """What a build is called on its node."""
    return f"bakery/{app}:{build}"
