"""Volumes: files of an environment that outlive its releases, and the app itself until somebody deletes them.

    volume-link APP ENVIRONMENT NUMBER      takes a line of JSON (see LINKS): a folder each, to which the release has a
                                            link at the path named; what the source has there fills an empty one
    volume-list                             prints all that are ours, Docker's too, with their sizes
    volume-remove APP ENVIRONMENT NAME      with all that is in it
    volume-remove-dockers APP ENVIRONMENT NAME

Docker's are made with a container that has them. The others lie beside what goes with an app: FOLDER/volumes. When the
app's account goes, they are root's, so that no other account comes to have them; its next one gets them back.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import sys
from pathlib import Path, PurePosixPath
from typing import Any

from bakery.helper.disk import label
from bakery.helper.docker_api import CONFLICT, SOCKET, Docker, Refused, installation, patiently
from bakery.helper.files import make_open_folder, remove_tree
from bakery.helper.names import APP, PLACE, RELEASE, WORD, Premises
from bakery.helper.premises import make
from bakery.helper.processes import run
from bakery.helper.releases import as_account
from bakery.helper.sizes import LONGEST_COUNT, sizes
from bakery.helper.verbs import Verb
from bakery.helper.words import is_text, say, told_object

LINKS = {"base", "volumes", "without"}
MOST_VOLUMES, MOST_PATHS, LONGEST_PATH = 20, 200, 300
FILLING = ".bakery-filling"  # in a volume that is not filled to the end


# The verbs.


def link(root: Path, app: str, environment: str, number: str) -> None:
    told = told_object(LINKS, what="What the release is to find")
    base, volumes, without = told_base(told["base"]), told_volumes(told["volumes"]), told_paths(told["without"])
    premises = Premises(root, app, environment)
    release = premises.releases / number
    if not release.is_dir():
        sys.exit(f"Release #{number} is not on this machine any more.")
    make(root, app, environment)
    folders = {name: made(premises, name) for name in volumes}

    def work() -> str:
        for path in without:
            unlink(base / path, premises.volumes)
        for name, path in volumes.items():
            lay(folders[name], base / path)
        return ""

    as_account(premises.account, release, work)


def tell_all(root: Path) -> None:
    found = of_processes(root)
    if SOCKET.exists():
        docker = Docker()
        found += patiently(lambda: of_docker(docker, root))
    say({"volumes": found})


def remove(root: Path, app: str, environment: str, name: str) -> None:
    folder = Premises(root, app, environment).volumes / name
    remove_tree(folder)
    with contextlib.suppress(OSError):  # there are others, or there never was one
        folder.parent.rmdir()
        folder.parent.parent.rmdir()


def remove_dockers(root: Path, app: str, environment: str, name: str) -> None:
    docker, volume = Docker(), f"bakery-{app}-{environment}-{name}"

    def act() -> None:
        found = docker.find("volumes", volume)
        if found is None:
            return
        if (found.get("Labels") or {}).get("bakery.installation") != installation(root):
            sys.exit(f"The volume {volume} on this machine is not this Bakery's.")
        try:
            docker.ask("DELETE", "volumes", volume)
        except Refused as refused:
            if refused.status == CONFLICT:
                sys.exit(f"A container still has the volume {name} of {app}.")
            raise

    patiently(act)


# What is told.


def told_base(base: object) -> PurePosixPath:
    if base == "":
        return PurePosixPath()
    return told_path(base)


def told_volumes(volumes: object) -> dict[str, PurePosixPath]:
    if not isinstance(volumes, dict) or len(volumes) > MOST_VOLUMES:
        sys.exit(f"volumes has to be an object of at most {MOST_VOLUMES}.")
    for name in volumes:
        if not re.fullmatch(WORD, name):
            sys.exit("A volume's name has up to 16 lower-case letters and digits.")
    return {name: told_path(path) for name, path in sorted(volumes.items())}


def told_paths(paths: object) -> list[PurePosixPath]:
    if not isinstance(paths, list) or len(paths) > MOST_PATHS:
        sys.exit(f"without has to be a list of at most {MOST_PATHS} paths.")
    return [told_path(path) for path in paths]


def told_path(path: object) -> PurePosixPath:
    if not isinstance(path, str) or not is_text(path) or len(path) > LONGEST_PATH:
        sys.exit("A path has to be a text.")
    found = PurePosixPath(path)
    if found.is_absolute() or not found.parts or ".." in found.parts:
        sys.exit("A path has to be below the release.")
    return found


# Of processes.


def made(premises: Premises, name: str) -> Path:
    """The account's own folder, where nobody but root can put another in its place."""
    make_open_folder(premises.volumes)
    folder = premises.volumes / name
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if os.geteuid() == 0:
        owner = pwd.getpwnam(premises.account)
        if folder.lstat().st_uid != owner.pw_uid:
            whose = f"{owner.pw_uid}:{owner.pw_gid}"
            run("chown", "--recursive", "--no-dereference", "--", whose, str(folder))
    return folder


def lay(folder: Path, path: PurePosixPath) -> None:
    """As the account, in the release: whatever lies on the way there has no more power than it."""
    at = Path(path)
    if at.is_symlink():
        if at.readlink() == folder:
            return
        at.unlink()
    elif at.is_dir():
        fill(folder, at)
        shutil.rmtree(at)
    elif at.exists():
        sys.exit(f"The release has a file at {path}, so no volume can lie there.")
    at.parent.mkdir(parents=True, exist_ok=True)
    at.symlink_to(folder)


def fill(folder: Path, source: Path) -> None:
    """As Docker does: an empty volume begins with what the release has in its place."""
    filling = folder / FILLING
    if filling.exists() or not any(folder.iterdir()):
        filling.touch()
        shutil.copytree(source, folder, symlinks=True, dirs_exist_ok=True)
        filling.unlink()


def unlink(path: PurePosixPath, volumes: Path) -> None:
    """One that the release has of the one that it was copied from."""
    at = Path(path)
    if at.is_symlink() and at.readlink().parent == volumes:
        at.unlink()
        at.mkdir()


def of_processes(root: Path) -> list[dict[str, object]]:
    pattern = re.compile(f"{PLACE}\0{WORD}")
    folders = [
        folder for folder in sorted((root / "volumes").glob("*/*/*"))
        if pattern.fullmatch("\0".join(folder.parts[-3:])) and folder.is_dir() and not folder.is_symlink()
    ]  # fmt: skip
    taken = sizes(folders)
    return [
        {
            "app": folder.parts[-3], "environment": folder.parts[-2], "name": folder.name, "runtime": "process",
            "bytes": taken.get(str(folder), 0),
        }
        for folder in folders
    ]  # fmt: skip


# Of Docker.


def of_docker(docker: Docker, root: Path) -> list[dict[str, object]]:
    told = docker.ask("GET", "system", "df", query={"type": "volume"}, within=LONGEST_COUNT)
    found = [described(one, root) for one in told.get("Volumes") or ()]
    return sorted((one for one in found if one is not None), key=lambda one: str(one["name"]))


def described(volume: dict[str, Any], root: Path) -> dict[str, object] | None:
    labels = volume.get("Labels") or {}
    app, environment = labels.get("bakery.app", ""), labels.get("bakery.environment", "")
    name = volume["Name"].rpartition("-")[2]
    if f"bakery.installation={labels.get('bakery.installation')}" != label(root):
        return None
    if volume["Name"] != f"bakery-{app}-{environment}-{name}" or not re.fullmatch(APP, app):
        return None
    size = (volume.get("UsageData") or {}).get("Size", -1)
    return {
        "app": app, "environment": environment, "name": name, "runtime": "docker", "bytes": size if size >= 0 else None,
    }  # fmt: skip


VERBS = {
    "link": Verb(link, f"{PLACE}\0{RELEASE}"),
    "list": Verb(tell_all),
    "remove": Verb(remove, f"{PLACE}\0{WORD}"),
    "remove-dockers": Verb(remove_dockers, f"{PLACE}\0{WORD}"),
}
