"""What an app runs as."""

from enum import StrEnum


class Runtime(StrEnum):
    DOCKER = "docker"
    PROCESS = "process"
    STATIC = "static"
