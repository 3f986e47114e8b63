"""Haskell, by Stack or cabal."""

import re

from bakery.model.app_commands import words
from bakery.model.names import Port
from bakery.model.runtimes import Runtime
from bakery.stacks.compiled import Image, compiled
from bakery.stacks.plan import THE_DEFAULT, Commands, Found, Said, ToolVersion
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder, is_plain_path
from bakery.stacks.yaml_lines import yaml_keys, yaml_value

STACK_FILE = "stack.yaml"
PACKAGE = "package.yaml"
CABAL = "*.cabal"
READS = (STACK_FILE, PACKAGE, CABAL, "cabal.project", "*/package.yaml", "*/*.cabal")
PORT = Port(3000)
_FRAMEWORKS = {
    "yesod": "Yesod",
    "scotty": "Scotty",
    "servant-server": "Servant",
    "ihp": "IHP",
    "Spock": "Spock",
    "snap": "Snap",
}
_NAME = r"([A-Za-z0-9][A-Za-z0-9_.-]{0,80})"
_USUAL_GHC = "9.6"


def find_haskell_app(folder: Folder, _: Said) -> Found | None:
    file = folder.first(STACK_FILE, CABAL, "cabal.project", PACKAGE)
    if file is None or (file == PACKAGE and not yaml_keys(folder.text(PACKAGE), "executables")):
        return None
    by_stack = file in {STACK_FILE, PACKAGE}
    texts = [
        folder.text(name) or ""
        for pattern in (PACKAGE, CABAL, "*/package.yaml", "*/*.cabal")
        for name in folder.matching(pattern)
    ]
    programs = _programs(folder)
    name = programs[0] if len(programs) == 1 else None
    shown = folder.shown(file)
    framework = next((known for one, known in _FRAMEWORKS.items() if any(_needs(text, one) for text in texts)), None)
    is_served = framework is not None or any(_needs(text, one) for text in texts for one in ("warp", "wai"))
    has_tests = any("test-suite" in text or re.search(r"^tests:", text, re.MULTILINE) for text in texts)
    commands = _by_stack(name, has_tests=has_tests) if by_stack else _by_cabal(name, has_tests=has_tests)
    found = Found(
        runtimes=(Runtime.DOCKER, Runtime.PROCESS),
        commands=commands,
        why=(
            f"{shown} is {'Stack' if by_stack else 'cabal'}'s.",
            *([f"{_where(folder, name)} makes the program “{name}”."] if name else []),
        ),
        missing=() if name else (_missing(shown, programs),),
        framework=framework,
        versions=_versions(folder, by_stack=by_stack),
        port=PORT if is_served else None,
    )
    needs_postgres = any(
        _needs(text, one)
        for text in texts
        for one in ("postgresql-libpq", "postgresql-simple", "persistent-postgresql", "hasql")
    )
    image = Image(
        sources=(file,),
        build_from=f"haskell:{_USUAL_GHC}-slim",
        first=_first(folder, file, by_stack=by_stack),
        warm=None if by_stack else words("cabal", "build", "--only-dependencies"),
        caches=("/root/.stack",) if by_stack else ("/root/.cabal",),
        packages_to_build=("libpq-dev",) if needs_postgres else (),
        packages_to_run=("ca-certificates", "libgmp10", *(["libpq5"] if needs_postgres else [])),
        results=(f"bin/{name}", *[f"{one}/" for one in ("static", "config") if folder.holds_any(f"{one}/")])
        if name
        else (),
        ignores=(".stack-work", "dist-newstyle", "bin"),
        is_deaf=True,
    )
    return compiled(found, image)


def _first(folder: Folder, file: str, *, by_stack: bool) -> tuple[str, ...]:
    """What names the packages, where it is known to be all."""
    if by_stack:
        return folder.present(STACK_FILE, "stack.yaml.lock", PACKAGE) if folder.has(PACKAGE) else ()
    return (file,) if file.endswith(".cabal") and is_plain_path(file) and not folder.has("cabal.project") else ()


def _by_stack(name: str | None, *, has_tests: bool) -> Commands:
    # The GHC that its snapshot was made with, which is seldom that of an image.
    stack = ("stack", "--no-system-ghc", "--install-ghc")
    return Commands(
        install=words(*stack, "build", "--only-dependencies"),
        build=words(*stack, "build", "--copy-bins", "--local-bin-path", "bin"),
        test=words(*stack, "test") if has_tests else None,
        start=words(f"bin/{name}") if name else None,
    )


def _by_cabal(name: str | None, *, has_tests: bool) -> Commands:
    what = f"exe:{name}" if name else "all"
    return Commands(
        install=words("cabal", "update"),
        build=words("cabal", "install", what, "--install-method=copy", "--installdir=bin", "--overwrite-policy=always"),
        test=words("cabal", "test", "all") if has_tests else None,
        start=words(f"bin/{name}") if name else None,
    )


def _programs(folder: Folder) -> list[str]:
    found: list[str] = []
    for name in (*folder.matching(PACKAGE), *folder.matching("*/package.yaml")):
        found += yaml_keys(folder.text(name), "executables")
    for name in (*folder.matching(CABAL), *folder.matching("*/*.cabal")):
        found += re.findall(rf"^executable[ \t]+{_NAME}", folder.text(name) or "", re.MULTILINE | re.IGNORECASE)
    return [name for name in dict.fromkeys(found) if is_plain_path(name)]


def _where(folder: Folder, program: str | None) -> str:
    names = [name for pattern in (PACKAGE, CABAL, "*/package.yaml", "*/*.cabal") for name in folder.matching(pattern)]
    return next(folder.shown(name) for name in names if program and program in (folder.text(name) or ""))


def _needs(text: str, package: str) -> bool:
    return (
        re.search(
            rf"^[ \t,-]*(?:build-depends:[ \t]*)?(?:[^\n]{{0,300}},[ \t]*)?{re.escape(package)}\b(?![-\w])",
            text,
            re.MULTILINE,
        )
        is not None
    )


def _missing(shown: str, programs: list[str]) -> str:
    if programs:
        return f"Several programs are made of {shown}: {', '.join(programs[:10])}. Say which one is started."
    return f"Neither package.yaml nor a .cabal beside {shown} names an executable: say how it is started."


def _versions(folder: Folder, *, by_stack: bool) -> tuple[ToolVersion, ...]:
    text = folder.text(STACK_FILE)
    resolver = yaml_value(text, "resolver") or yaml_value(text, "snapshot")
    if by_stack and resolver:
        return (ToolVersion("Stackage", resolver[:60], folder.shown(STACK_FILE)),)
    return (ToolVersion("GHC", _USUAL_GHC, THE_DEFAULT),)


STACK = Stack(
    "haskell", find_haskell_app, marks=(STACK_FILE, CABAL), reads=READS, looks_for=(STACK_FILE, CABAL, PACKAGE)
)
