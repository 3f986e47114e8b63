"""A container that a node keeps running in a slot."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from bakery.model.names import AppName, Port, UnitName
from bakery.model.secret import Secret
from bakery.model.unit import Limits


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """What runs. `image` is its name here, or its id; `build` is what it was made by. `host_port` is on 127.0.0.1."""

    name: UnitName
    image: str
    build: int
    host_port: Port | None = None
    port: Port | None = None
    environment: Mapping[str, Secret] = field(default_factory=dict)
    command: tuple[str, ...] | None = None
    user: str | None = None
    limits: Limits = Limits()
    processes: int = 4096
    volumes: Mapping[str, PurePosixPath] = field(default_factory=dict)
    stop_seconds: int = 10


def image_name(app: AppName, build: int) -> str:
    """What a build is called on its node."""
    return f"bakery/{app}:{build}"
