"""Zig: build.zig, and the program that it installs."""

import re

from bakery.model.app_commands import ShellText, words
from bakery.model.names import Port
from bakery.model.runtimes import Runtime
from bakery.stacks.code_comments import without_comments
from bakery.stacks.compiled import DEBIAN, Image, compiled
from bakery.stacks.plan import Commands, Found, Said
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder
from bakery.stacks.versions import Asked, chosen_version, in_mise, in_tool_versions, line_in

FILE = "build.zig"
PACKAGES = "build.zig.zon"
_VERSION_FILES = (".zig-version", ".zigversion")
READS = (FILE, PACKAGES, *_VERSION_FILES)
PORT = Port(3000)
_USUAL = "0.14.1"
_NAME = r"[\"']([A-Za-z0-9_][A-Za-z0-9_.-]{0,80})[\"']"
_PROGRAM = rf"addExecutable\(\s*(?:{_NAME}|\.\{{[^;]{{0,600}}?\.name\s*=\s*{_NAME})"
_SERVERS = ("httpz", "http.zig", "zap", "jetzig", "tokamak")


def find_zig_app(folder: Folder, _: Said) -> Found | None:
    if not folder.has(FILE):
        return None
    text, packages, shown = without_comments(folder.text(FILE)), folder.text(PACKAGES) or "", folder.shown(FILE)
    programs = list(dict.fromkeys(one or other for one, other in re.findall(_PROGRAM, text)))
    name = programs[0] if len(programs) == 1 else None
    least = re.search(r"\.minimum_zig_version\s*=\s*\"([0-9.]{1,20})", packages)
    zig, asked = chosen_version(
        "Zig",
        (
            *(line_in(folder, one) for one in _VERSION_FILES),
            in_tool_versions(folder, "zig"),
            in_mise(folder, "zig"),
            Asked(least[1], folder.shown(PACKAGES)) if least else None,
        ),
        read=_version,
        usual=_of_its_time(text),
    )
    optimized = "-Drelease-safe" if "standardReleaseOptions" in text else "-Doptimize=ReleaseSafe"
    commands = Commands(
        build=words("zig", "build", *([optimized] if "ReleaseOptions" in text or "OptimizeOption" in text else [])),
        test=words("zig", "build", "test") if re.search(r"\.step\(\s*\"test\"", text) else None,
        start=words(f"zig-out/bin/{name}") if name else None,
    )
    found = Found(
        runtimes=(Runtime.DOCKER, Runtime.PROCESS),
        commands=commands,
        why=(f"{shown} is Zig's.", *([f"{shown} makes the program “{name}”."] if name else []), *asked),
        missing=() if name else (_missing(shown, programs),),
        versions=(zig,),
        port=PORT if any(one in packages for one in _SERVERS) else None,
    )
    image = Image(
        sources=folder.present(FILE, PACKAGES),
        # Zig has no image of its own, but is packed for Python; some of its versions as 0.10.1.post1 alone.
        build_from="python:3.12-slim-bookworm",
        run_from=DEBIAN,
        prepare=(words("pip", "install", f"ziglang=={zig.version}.*"), ShellText(_ON_PATH)),
        caches=("/root/.cache/zig",),
        packages_to_build=("ca-certificates", "git"),
        results=(f"zig-out/bin/{name}",) if name else (),
        ignores=("zig-out", ".zig-cache", "zig-cache"),
        is_deaf=True,
    )
    return compiled(found, image)


_ON_PATH = "ln -s \"$(python3 -c 'import ziglang; print(ziglang.__path__[0])')/zig\" /usr/local/bin/zig"


def _missing(shown: str, programs: list[str]) -> str:
    if programs:
        return f"{shown} makes several programs: {', '.join(programs[:10])}. Say which one is started."
    return f"{shown} makes no program whose name can be told: say how it is started."


def _of_its_time(text: str) -> str:
    """Zig's builds change with each of its versions; what gave them away counts where nobody asks for one."""
    if "standardReleaseOptions" in text:
        return "0.10.1"
    return "0.12.1" if re.search(r"\.\{\s*\.path\s*=", text) else _USUAL


def _version(text: str) -> str | None:
    found = re.match(r"v?(0\.[0-9]{1,2}\.[0-9]{1,2})(?:$|[-+])", text)
    return found[1] if found else None


STACK = Stack("zig", find_zig_app, marks=(FILE,), reads=READS, reads_above=_VERSION_FILES, looks_for=(FILE,))
