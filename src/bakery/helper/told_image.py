"""A build or a pull of an image as the caller tells it: a JSON object, checked, because the caller may be hostile."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from bakery.helper.frontends import expect_known_frontend
from bakery.helper.image_references import HOST, OF_BUILDS, REFERENCE
from bakery.helper.names import APP, WORD
from bakery.helper.words import is_text, whole_number

BUILD = {
    "app", "environment", "build", "folder", "dockerfile", "dockerfile_text", "args", "secrets", "registries",
    "target", "output", "network", "no_cache", "memory_bytes", "cpu_percent", "seconds", "log_bytes",
}  # fmt: skip
PULL = {"app", "environment", "build", "reference", "username", "password", "seconds", "log_bytes"}
HIGHEST_BUILD = 9_999_999_999
LONGEST_ARG = 100_000  # bytes; the kernel takes 131,072 for a word with its name
LONGEST_SECRET = 500_000  # BuildKit takes no more
NAME = re.compile("[A-Za-z_][A-Za-z0-9_]{0,200}")
OUTPUT = re.compile(r"(?!/)[^\0-\x1f,=\"\x7f]{1,500}")  # its place is one of the words of an option
TARGET = re.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


def told_place(told: dict[str, object]) -> None:
    for name, pattern in (("app", APP), ("environment", WORD)):
        value = told[name]
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            sys.exit(f"{name} has to be the name of one.")
    whole_number(told, "build", 1, HIGHEST_BUILD)


def told_build(told: dict[str, object]) -> None:
    if (told["dockerfile"] is None) == (told["dockerfile_text"] is None):
        sys.exit("A build has either the path of a Dockerfile or its text.")
    if told["dockerfile"] is not None:
        told_dockerfile(told["dockerfile"])
    elif not is_text(told["dockerfile_text"]):
        sys.exit("dockerfile_text has to be a text.")
    else:
        expect_known_frontend(str(told["dockerfile_text"]))
    for name in ("args", "secrets"):
        told_values(told, name)
    told_registries(told["registries"])
    told_result(told)
    if told["network"] not in ("default", "none"):
        sys.exit("network has to be default or none.")
    if not isinstance(told["no_cache"], bool):
        sys.exit("no_cache has to be true or false.")
    for name, least, most in (("memory_bytes", 16 * 1024**2, 2**50), ("cpu_percent", 1, 100_000)):
        if told[name] is not None:
            whole_number(told, name, least, most)


def told_dockerfile(path: object) -> None:
    if not isinstance(path, str) or not is_text(path) or path.startswith("/") or ".." in Path(path).parts or not path:
        sys.exit("dockerfile has to be a path below the folder that is built.")


def told_result(told: dict[str, object]) -> None:
    """Up to which stage, and where it is left as files."""
    target, path = told["target"], told["output"]
    if target is not None and not (isinstance(target, str) and TARGET.fullmatch(target)):
        sys.exit("target has to be the name of a stage.")
    if path is None:
        return
    if not isinstance(path, str) or not OUTPUT.fullmatch(path) or ".." in Path(path).parts or target:
        sys.exit("output has to be a path below the folder that is built, and takes no target.")


def told_values(told: dict[str, object], what: str) -> None:
    values = told[what]
    if not isinstance(values, dict) or not all(map(NAME.fullmatch, values)):
        sys.exit(f"{what} has to be an object whose names are those of variables.")
    for name, value in values.items():
        longest = LONGEST_ARG if what == "args" else LONGEST_SECRET
        if not is_text(value) or len(value.encode()) > longest:
            sys.exit(f"The value of {name} has to be a text of at most {longest} bytes, without NUL.")
        if what == "args" and name.upper().startswith("BUILDKIT_"):
            sys.exit(f"{name} would be an order to the builder: leave it out.")


def told_registries(registries: object) -> None:
    fields = {"host", "username", "password"}
    if not isinstance(registries, list) or not all(isinstance(one, dict) and set(one) == fields for one in registries):
        sys.exit("registries has to be a list of objects with host, username and password.")
    for one in registries:
        if not all(map(is_text, one.values())) or ":" in one["username"]:
            sys.exit("What is said of a registry has to be texts, and no name of a user holds a colon.")
        if not HOST.fullmatch(one["host"]) and one["host"] != "https://index.docker.io/v1/":
            sys.exit("A registry is named by its host, and its port.")


def told_pull(told: dict[str, object]) -> None:
    told_reference(told)


def told_reference(told: dict[str, object]) -> None:
    """What it is called, and what opens its registry."""
    if not isinstance(told["reference"], str) or not REFERENCE.fullmatch(told["reference"]):
        sys.exit("reference has to name an image like registry.example/team/shop:1.2.")
    if OF_BUILDS.match(told["reference"]):
        sys.exit("Names that begin with bakery/ are those of builds, which no registry has.")
    if (told["username"] is None) != (told["password"] is None):
        sys.exit("A registry's user comes with a password.")
    for name in ("username", "password"):
        if told[name] is not None and not is_text(told[name]):
            sys.exit(f"{name} has to be a text.")
