"""Swift: Package.swift, with Vapor, Hummingbird or neither."""

import re

from bakery.model.app_commands import ShellText, words
from bakery.model.names import Port
from bakery.model.runtimes import Runtime
from bakery.stacks.code_comments import without_comments
from bakery.stacks.compiled import Image, compiled
from bakery.stacks.plan import Commands, Found, Said
from bakery.stacks.proposals import for_clients
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder
from bakery.stacks.versions import chosen_version, in_mise, in_tool_versions, line_in, series

FILE = "Package.swift"
LOCK = "Package.resolved"
_VERSION_FILE = ".swift-version"
PORT = Port(8080)
_USUAL = "6.2"
_NAMED = r"\(\s*name:\s*\"([A-Za-z0-9_.-]{1,80})\""
_CLIENTS = {
    "fluent-postgres-driver": ("DATABASE_URL", "PostgreSQL"),
    "fluent-mysql-driver": ("DATABASE_URL", "MySQL"),
    "redis": ("REDIS_URL", "Redis"),
}


def find_swift_app(folder: Folder, _: Said) -> Found | None:
    if not folder.has(FILE):
        return None
    text, shown = without_comments(folder.text(FILE)), folder.shown(FILE)
    needs = frozenset(re.findall(r"/([\w.-]{1,80}?)(?:\.git)?\"\s*,", text))
    programs = _programs(text)
    name = programs[0] if len(programs) == 1 else None
    framework = "Vapor" if "vapor" in needs else "Hummingbird" if "hummingbird" in needs else None
    swift, asked = chosen_version(
        "Swift",
        (line_in(folder, _VERSION_FILE), in_tool_versions(folder, "swift"), in_mise(folder, "swift")),
        read=lambda written: series(written, 2, prefixes="swift-"),
        usual=_USUAL,
    )
    path = f".build/release/{name}"
    if framework == "Vapor":
        start = ShellText(
            f'exec {path} serve --env production --hostname "${{HOST:-127.0.0.1}}" --port "${{PORT:-{PORT}}}"'
        )
    commands = Commands(
        install=words("swift", "package", "resolve"),
        build=words("swift", "build", "--configuration", "release", *(["--product", name] if name else [])),
        test=words("swift", "test") if folder.holds_any("Tests/") else None,
        start=(start if framework == "Vapor" else words(path)) if name else None,
    )
    found = Found(
        runtimes=(Runtime.DOCKER, Runtime.PROCESS),
        commands=commands,
        why=(
            f"{shown} is Swift's.",
            *([f"{shown} makes the program “{name}”."] if name else []),
            *([f"{shown} needs {framework}."] if framework else []),
            *asked,
        ),
        missing=() if name else (_missing(shown, programs),),
        framework=framework,
        versions=(swift,),
        variables=for_clients(needs, _CLIENTS, source=shown),
        port=PORT if framework or "swift-nio" in needs else None,
    )
    beside = [f"{one}/" for one in ("Public", "Resources") if folder.holds_any(f"{one}/")]
    image = Image(
        sources=folder.present(FILE, LOCK),
        build_from=f"swift:{swift.version}",
        run_from=f"swift:{swift.version}-slim",
        note="Less than the compiler: the libraries that each program in Swift needs.",
        first=folder.present(FILE, LOCK),
        caches=("/root/.cache/org.swift.swiftpm",),
        results=(path, *beside) if name else (),
        ignores=(".build",),
        is_deaf=framework is None,
    )
    return compiled(found, image)


def _programs(text: str) -> list[str]:
    """Of its products; else of its targets, where an old one is a program when it says so by its name."""
    products = list(dict.fromkeys(re.findall(rf"\.executable{_NAMED}", text)))
    targets = list(dict.fromkeys(re.findall(rf"\.executableTarget{_NAMED}", text)))
    old = [name for name in re.findall(rf"\.target{_NAMED}", text) if name in {"Run", "App", "Server", "main"}]
    return products or targets or old[-1:]


def _missing(shown: str, programs: list[str]) -> str:
    if programs:
        return f"{shown} makes several programs: {', '.join(programs[:10])}. Say which one is started."
    return f"{shown} makes no program (an executable, or an executableTarget): say how it is started."


STACK = Stack(
    "swift", find_swift_app, marks=(FILE,), reads=(FILE, _VERSION_FILE), reads_above=(_VERSION_FILE,), looks_for=(FILE,)
)
