"""What lies on this machine's disks: room that is left, and what of ours takes some.

    disk-space [--docker]            prints what is free where releases lie, and where Docker keeps its data
    disk-list [APP ENVIRONMENT]      prints all that is ours, with sizes; with words: what is that environment's
    disk-release APP ENVIRONMENT NUMBER
                                     prints how many bytes it takes
    disk-forget-tools APP ENVIRONMENT
                                     empties what tools keep between builds
    disk-forget-images               takes away images of ours that have no name any more
    disk-forget-cache BYTES          what Docker keeps of builds shrinks to so much; left alone where others have images

Whatever bears another Bakery's label, or nobody's, is not told and not touched.
"""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import Any

from bakery.helper.docker_api import SOCKET, Docker, installation, patiently
from bakery.helper.files import remove_tree
from bakery.helper.images import LOCAL
from bakery.helper.job import KEY, Job
from bakery.helper.names import APP, PLACE, RELEASE, UNIT, WORD, Premises, premises_of_unit
from bakery.helper.premises import make_cache
from bakery.helper.sizes import LONGEST_COUNT, sizes
from bakery.helper.uploads import ARCHIVE, uploads
from bakery.helper.verbs import Verb
from bakery.helper.words import say

SITE = re.compile(f"({APP})-({WORD})")

Place = tuple[str, str]


# The verbs.


def tell_space(root: Path, *docker: str) -> None:
    places: dict[str, object] = {"node": room(root)}
    if docker and SOCKET.exists():
        places["docker"] = room(Path(patiently(lambda: Docker().ask("GET", "info"))["DockerRootDir"]))
    say(places)


def tell_all(root: Path, *place: str) -> None:
    wanted = (place[0], place[1]) if place else None
    found: dict[str, object] = {
        "homes": homes(root, wanted), "programs": programs(root, wanted), "sites": sites(root, wanted),
        "uploads": [] if wanted else uploaded(root), "jobs": [] if wanted else jobs(root),
        "containers": [], "images": [], "nameless": 0, "build_cache": None,
    }  # fmt: skip
    if SOCKET.exists():
        docker = Docker()
        found.update(patiently(lambda: of_docker(docker, root, wanted)))
    say(found)


def tell_release(root: Path, app: str, environment: str, number: str) -> None:
    folder = Premises(root, app, environment).releases / number
    say({"bytes": sizes([folder]).get(str(folder), 0)})


def forget_tools(root: Path, app: str, environment: str) -> None:
    premises = Premises(root, app, environment)
    if premises.cache.is_dir():
        remove_tree(premises.cache)
        make_cache(premises)


def forget_images(root: Path) -> None:
    docker, filters = Docker(), json.dumps({"dangling": ["true"], "label": [label(root)]})
    done = patiently(lambda: docker.ask("POST", "images", "prune", query={"filters": filters})) or {}
    say({"bytes": done.get("SpaceReclaimed") or 0})


def forget_cache(root: Path, most: str) -> None:
    """Docker does not say whose a piece of it is: it is all ours where nobody else has an image or a container."""
    docker = Docker()

    def act() -> int:
        if not is_ours_alone(docker, root):
            return 0
        done = docker.ask("POST", "build", "prune", query={"all": "1", "keep-storage": most}, within=LONGEST_COUNT)
        return int((done or {}).get("SpaceReclaimed") or 0)

    say({"bytes": patiently(act)})


# What is there.


def room(folder: Path) -> dict[str, object]:
    """For those who are not root, to whom the file system leaves less."""
    found = os.statvfs(folder)
    return {"path": str(folder), "disk": folder.stat().st_dev, "free": found.f_bavail * found.f_frsize}


def homes(root: Path, wanted: Place | None) -> list[dict[str, object]]:
    found, paths = [], []
    for home in sorted((root / "apps").glob("*/*")):
        place = (home.parent.name, home.name)
        if re.fullmatch(PLACE, "\0".join(place)) and wanted in (None, place) and is_folder(home):
            premises = Premises(root, *place)
            releases = [one for one in listed(premises.releases) if re.fullmatch(RELEASE, one.name)]
            found.append((place, home, premises, releases))
            paths += [*releases, premises.cache, premises.source]
    taken = sizes(paths)
    return [
        {
            "app": place[0], "environment": place[1], "age": age(home),
            "releases": {one.name: taken.get(str(one), 0) for one in releases},
            "tools": taken.get(str(premises.cache), 0), "source": taken.get(str(premises.source), 0),
        }
        for place, home, premises, releases in found
    ]  # fmt: skip


def is_folder(home: Path) -> bool:
    return home.is_dir() and not home.is_symlink() and not home.parent.is_symlink()


def programs(root: Path, wanted: Place | None) -> list[str]:
    """What was started here by a name of ours has a file or a folder among the units."""
    names = {re.sub(r"\.(env|lock)$", "", entry.name) for entry in listed(root / "units")}
    return sorted(name for name in names if re.fullmatch(UNIT, name) and is_wanted(root, name, wanted))


def sites(root: Path, wanted: Place | None) -> list[str]:
    names = {entry.stem for entry in listed(root / "sites") if entry.suffix == ".json"}
    found = {name: SITE.fullmatch(name) for name in names}
    return sorted(name for name, one in found.items() if one and wanted in (None, (one[1], one[2])))


def uploaded(root: Path) -> list[dict[str, object]]:
    return [
        {"name": entry.name, "bytes": entry.stat().st_size, "age": age(entry)}
        for entry in sorted(listed(uploads(root)))
        if re.fullmatch(ARCHIVE, entry.name)
    ]


def jobs(root: Path) -> list[dict[str, object]]:
    return [
        {"key": entry.name, "state": Job(root, entry.name).status()["state"], "age": age(entry)}
        for entry in sorted(listed(root / "jobs"))
        if re.fullmatch(KEY, entry.name)
    ]


def of_docker(docker: Docker, root: Path, wanted: Place | None) -> dict[str, object]:
    """An image without a label was pulled; its name says whose it is."""
    filters = json.dumps({"label": [label(root)]})
    containers = docker.ask("GET", "containers", "json", query={"all": "1", "filters": filters})
    names = {name.lstrip("/") for one in containers for name in one["Names"]}
    images = [
        {"app": name[1], "build": int(name[2]), "bytes": image["Size"]}
        for image in docker.ask("GET", "images", "json", query={"filters": json.dumps({"reference": ["bakery/*"]})})
        if (image.get("Labels") or {}).get("bakery.installation", installation(root)) == installation(root)
        for name in filter(None, map(LOCAL.fullmatch, image.get("RepoTags") or ()))
        if wanted is None or wanted[0] == name[1]
    ]
    found: dict[str, object] = {
        "containers": sorted(name for name in names if re.fullmatch(UNIT, name) and is_wanted(root, name, wanted)),
        "images": images,
    }
    if wanted is None:
        nameless = json.dumps({"dangling": ["true"], "label": [label(root)]})
        found["nameless"] = sum(one["Size"] for one in docker.ask("GET", "images", "json", query={"filters": nameless}))
        found["build_cache"] = build_cache(docker, root)
    return found


def build_cache(docker: Docker, root: Path) -> dict[str, object]:
    found = docker.ask("GET", "system", "df", query={"type": "build-cache"}, within=LONGEST_COUNT)
    pieces: list[Any] = found.get("BuildCache") or []
    taken = sum(one["Size"] for one in pieces if not one.get("Shared") and not one.get("InUse"))
    return {"bytes": taken, "is_ours": is_ours_alone(docker, root)}


def is_ours_alone(docker: Docker, root: Path) -> bool:
    """Bases of builds are no images of their own, and what we pull keeps no name but ours."""
    for image in docker.ask("GET", "images", "json"):
        tags = [tag for tag in image.get("RepoTags") or () if tag != "<none>:<none>"]
        whose = (image.get("Labels") or {}).get("bakery.installation")
        is_named_ours = bool(tags) and all(map(LOCAL.fullmatch, tags))
        if whose != installation(root) and (whose or not is_named_ours):
            return False
    everybodys = docker.ask("GET", "containers", "json", query={"all": "1"})
    return all((one["Labels"] or {}).get("bakery.installation") == installation(root) for one in everybodys)


def label(root: Path) -> str:
    return f"bakery.installation={installation(root)}"


def is_wanted(root: Path, name: str, wanted: Place | None) -> bool:
    home = premises_of_unit(root, name).home
    return wanted in (None, (home.parent.name, home.name))


def listed(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def age(path: Path) -> float:
    return max(0.0, time.time() - path.stat().st_mtime)


VERBS = {
    "space": Verb(tell_space, "(--docker)?"),
    "list": Verb(tell_all, f"({PLACE})?"),
    "release": Verb(tell_release, f"{PLACE}\0{RELEASE}"),
    "forget-tools": Verb(forget_tools, PLACE),
    "forget-images": Verb(forget_images),
    "forget-cache": Verb(forget_cache, "[0-9]{1,15}"),
}
