"""Dart: pubspec.yaml; a program that is compiled, Dart Frog, or Flutter's pages."""

import re

from bakery.model.app_commands import ShellText, words
from bakery.model.names import Port
from bakery.model.repository_paths import RepositoryPath
from bakery.model.runtimes import Runtime
from bakery.stacks.compiled import Image, compiled
from bakery.stacks.plan import THE_DEFAULT, Commands, Found, Said, ToolVersion
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder, is_plain_path
from bakery.stacks.yaml_lines import yaml_keys, yaml_value

FILE = "pubspec.yaml"
LOCK = "pubspec.lock"
PORT = Port(8080)
_PROGRAM = "build/server"
_BUILD_OF_FROG = "dart_frog build && dart compile exe build/bin/server.dart --output build/server"
_SERVERS = frozenset({"shelf", "dart_frog", "alfred", "serverpod", "conduit", "angel3_framework", "relic"})
_CACHE = ("/root/.pub-cache",)


def find_dart_app(folder: Folder, _: Said) -> Found | None:
    if not folder.has(FILE):
        return None
    text, shown = folder.text(FILE), folder.shown(FILE)
    needs = frozenset(yaml_keys(text, "dependencies"))
    if "flutter" in needs:
        return _flutter(folder, shown)
    dart = _version(text, shown)
    is_frog = "dart_frog" in needs
    program = "build/bin/server.dart" if is_frog else _main(folder, text)
    compile_ = ("dart", "compile", "exe", program or "", "--output", _PROGRAM)
    commands = Commands(
        install=words("dart", "pub", "get"),
        build=ShellText(_BUILD_OF_FROG) if is_frog else words(*compile_) if program else None,
        test=words("dart", "test")
        if folder.holds_any("test/") and "test" in yaml_keys(text, "dev_dependencies")
        else None,
        start=words(_PROGRAM) if program else None,
    )
    found = Found(
        runtimes=(Runtime.DOCKER, Runtime.PROCESS),
        commands=commands,
        why=(f"{shown} is Dart's.", *([f"{program} is its program, which is compiled."] if program else [])),
        missing=() if program else (f"{shown} has no program: none of {', '.join(_mains(text))} is here.",),
        framework="Dart Frog" if is_frog else "Shelf" if "shelf" in needs else None,
        versions=(dart,),
        port=PORT if needs & _SERVERS else None,
    )
    image = Image(
        sources=folder.present(FILE, LOCK),
        build_from=f"dart:{dart.version}",
        prepare=(words("dart", "pub", "global", "activate", "dart_frog_cli"),) if is_frog else (),
        build_variables={"PATH": "/root/.pub-cache/bin:$PATH"} if is_frog else {},
        first=folder.present(FILE, LOCK),
        # A tool that is activated lies in there too.
        caches=() if is_frog else _CACHE,
        packages_to_run=("ca-certificates",),
        results=(_PROGRAM, *(["public/"] if folder.holds_any("public/") else [])),
        ignores=(".dart_tool", "build"),
        is_deaf=True,
    )
    return compiled(found, image)


def _flutter(folder: Folder, shown: str) -> Found | None:
    if not folder.has("web/index.html"):
        return None  # made for telephones
    commands = Commands(
        install=words("flutter", "pub", "get"),
        build=words("flutter", "build", "web", "--release"),
        test=words("flutter", "test") if folder.holds_any("test/") else None,
    )
    found = Found(
        runtimes=(Runtime.STATIC,),
        commands=commands,
        why=(f"{shown} needs flutter, and {folder.shown('web/index.html')} is its page: the build is files.",),
        framework="Flutter",
        versions=(ToolVersion("Flutter", "stable", THE_DEFAULT),),
    )
    image = Image(
        sources=folder.present(FILE, LOCK),
        build_from="ghcr.io/cirruslabs/flutter:stable",
        first=folder.present(FILE, LOCK),
        caches=_CACHE,
        ignores=(".dart_tool", "build"),
        files=RepositoryPath("build/web"),
    )
    return compiled(found, image)


def _mains(text: str | None) -> tuple[str, ...]:
    named = [f"bin/{name}.dart" for name in (*yaml_keys(text, "executables"), yaml_value(text, "name") or "server")]
    return tuple(name for name in dict.fromkeys(("bin/server.dart", "bin/main.dart", *named)) if is_plain_path(name))


def _main(folder: Folder, text: str | None) -> str | None:
    alone = [name for name in folder.matching("bin/*.dart") if is_plain_path(name)]
    return folder.first(*_mains(text)) or (alone[0] if len(alone) == 1 else None)


def _version(text: str | None, shown: str) -> ToolVersion:
    """Of what is bound to an end below 3 the newest runs all that is null-safe, from 2.12 on; the last 2 the rest."""
    asked = yaml_value(text, "environment", "sdk") or ""
    if re.search(r"<\s*3\.0\.0", asked) and not re.search(r"2\.(?:1[2-9]|[2-9][0-9]?)(?!\S*-)", asked):
        return ToolVersion("Dart", "2.19", shown)
    if exact := re.fullmatch(r"([23]\.[0-9]{1,2})(?:\.[0-9]{1,2})?", asked):
        return ToolVersion("Dart", exact[1], shown)
    return ToolVersion("Dart", "stable", THE_DEFAULT)


STACK = Stack("dart", find_dart_app, marks=(FILE,), reads=(FILE,), looks_for=(FILE,))
