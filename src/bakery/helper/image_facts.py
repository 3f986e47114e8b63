"""What is known of an image: in its registry before it is pulled, and here afterwards.

image-resolve                    takes a name as a line of JSON (see RESOLVE); prints its digest, for which platforms
                                 it is, and what this machine's is
image-look APP BUILD             prints what a build that is here says of itself
"""

from __future__ import annotations

import json
import re
import sys
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

from bakery.helper.docker_api import NOT_FOUND, Docker, Refused, installation, patiently
from bakery.helper.image_references import DIGEST, split_reference, whole_name
from bakery.helper.registry_words import explain
from bakery.helper.told_image import told_reference
from bakery.helper.words import say, told_object

RESOLVE = {"reference", "username", "password"}
WITHIN = 45.0  # seconds of a registry
MOST_PLATFORMS, MOST_PORTS = 50, 100
PLATFORM = re.compile("[a-z0-9_-]{1,30}/[a-z0-9_-]{1,30}")
PORT = re.compile("([0-9]{1,5})/tcp")


def resolve(_root: Path) -> None:
    told = told_object(RESOLVE, what="The name")
    told_reference(told)
    docker = Docker()
    whole = whole_name(*split_reference(str(told["reference"])))
    found = patiently(lambda: ask_registry(docker, whole, credentials_header(told)))
    machine = patiently(lambda: docker.ask("GET", "version"))
    digest = str((found.get("Descriptor") or {}).get("digest"))
    if not DIGEST.fullmatch(digest):
        sys.exit(f"Its registry says no digest of {whole}.")
    platforms = [platform_of(one.get("os"), one.get("architecture")) for one in found.get("Platforms") or ()]
    known = sorted({one for one in platforms if PLATFORM.fullmatch(one) and not one.startswith("unknown/")})
    say({"digest": digest, "platforms": known[:MOST_PLATFORMS],
         "machine": platform_of(machine.get("Os"), machine.get("Arch"))})  # fmt: skip


def look(root: Path, app: str, build: str) -> None:
    name = f"bakery/{app}:{build}"
    image = patiently(lambda: Docker().find("images", name, "json"))
    config = (image or {}).get("Config") or {}
    labels = config.get("Labels") or {}
    if image is None or labels.get("bakery.installation", installation(root)) != installation(root):
        sys.exit(f"The image {name} is not on this machine.")
    ports = filter(None, map(PORT.fullmatch, config.get("ExposedPorts") or {}))
    numbers = sorted({int(port[1]) for port in ports if 1 <= int(port[1]) <= 65535})
    say({"id": image["Id"], "ports": numbers[:MOST_PORTS],
         "platform": platform_of(image.get("Os"), image.get("Architecture"))})  # fmt: skip


def ask_registry(docker: Docker, whole: str, headers: dict[str, str]) -> dict[str, Any]:
    """Through Docker, whose way to registries and trust in them count."""
    try:
        answer = docker.open("GET", "distribution", whole, "json", headers=headers, within=WITHIN)
        found: dict[str, Any] = json.loads(answer.read())
    except Refused as refused:
        said = str(refused)
        sys.exit(explain(f"{said} (not found)" if refused.status == NOT_FOUND else said, whole))
    except ValueError:
        sys.exit(f"Docker said nothing that can be read about {whole}.")
    return found


def credentials_header(told: dict[str, object]) -> dict[str, str]:
    """In a header they lie nowhere, and no list of processes shows them."""
    if told["username"] is None:
        return {}
    auth = json.dumps({"username": told["username"], "password": told["password"]})
    return {"X-Registry-Auth": urlsafe_b64encode(auth.encode()).decode()}


def platform_of(system: object, architecture: object) -> str:
    return f"{system or 'unknown'}/{architecture or 'unknown'}"
