"""Nx's apps that have no manifest of their own: what their project.json says of how they are built."""

import re
from fnmatch import fnmatchcase

from msgspec import Struct

from bakery.stacks.documents import Document, read_json, text_in
from bakery.stacks.node_framework import Output
from bakery.stacks.package_json import FILE
from bakery.stacks.tree import Folder, is_plain_path

NX = "nx.json"
PROJECTS = "apps/*/project.json"
# What makes a program of Node, what makes files, and where below its output path these are.
_PROGRAMS = ("*:esbuild", "*:webpack", "*:rspack", "@nx/js:*", "@nrwl/js:*", "@nx/node:*", "@nrwl/node:*")
_FILES = {
    "*:vite:build": "",
    "@nx/vite:build": "",
    "@nrwl/vite:build": "",
    "*:browser": "",
    "*:browser-esbuild": "",
    "@angular-devkit/build-angular:application": "browser",
    "@angular/build:application": "browser",
    "@nx/angular:application": "browser",
}


class NxApp(Struct, frozen=True):
    """`output` is None where nothing says what its build leaves."""

    folder: str
    name: str
    output: Output | None


def apps_of_nx(folder: Folder) -> tuple[NxApp, ...]:
    """Those that only Nx knows how to build."""
    if not folder.has(NX):
        return ()
    found = [name.rpartition("/")[0] for name in folder.matching(PROJECTS)]
    return tuple(
        _app(folder, one)
        for one in found
        if is_plain_path(one) and not one.endswith("-e2e") and not folder.has(f"{one}/{FILE}")
    )


def _app(folder: Folder, place: str) -> NxApp:
    shown = folder.shown(f"{place}/project.json")
    project = read_json(folder.text(f"{place}/project.json"))
    name = text_in(project, "name") or place.rpartition("/")[2]
    is_plain = re.fullmatch(r"[A-Za-z0-9@][\w@./-]{0,80}", name) is not None
    return NxApp(place, name, _output(project, shown) if is_plain else None)


def _output(project: Document | None, shown: str) -> Output | None:
    executor = text_in(project, "targets", "build", "executor") or ""
    options = ("targets", "build", "options")
    path = (text_in(project, *options, "outputPath") or "").rstrip("/")
    if not is_plain_path(path):
        return None
    if executor in {"@nx/next:build", "@nrwl/next:build"}:
        return Output(f"{shown} is built by {executor}, into {path}.", start=("next", "start", path))
    files = next((below for pattern, below in _FILES.items() if fnmatchcase(executor, pattern)), None)
    if files is not None or text_in(project, *options, "target") == "web":
        whole = f"{path}/{files}" if files else path
        return Output(f"{shown} is built by {executor}: its build is files alone, in {whole}.", files=whole)
    if any(fnmatchcase(executor, pattern) for pattern in _PROGRAMS):
        program = text_in(project, *options, "outputFileName") or "main.js"
        if is_plain_path(program):
            return Output(f"{shown} is built by {executor}, into {path}.", start=("node", f"{path}/{program}"))
    return None
