"""Rust: a package, or a workspace of several, of which one program is started."""

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from bakery.model.app_commands import AppCommand, ShellText, words
from bakery.model.names import Port
from bakery.model.runtimes import Runtime
from bakery.model.variables import VariableName
from bakery.stacks.documents import Document, read_toml, table_in, text_in, texts_in, value_in
from bakery.stacks.image_text import ImageText
from bakery.stacks.listening import WORKER, port_in_code, started
from bakery.stacks.plan import Commands, Found, GeneratedDockerfile, Said, ToolVersion
from bakery.stacks.proposals import for_clients
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder, is_plain_path
from bakery.stacks.versions import Asked, chosen_version, in_mise, in_tool_versions, line_in, series

MANIFEST, LOCK = "Cargo.toml", "Cargo.lock"
_TOOLCHAINS = ("rust-toolchain.toml", "rust-toolchain")
_CONFIG = ".cargo/config.toml"
PORT = Port(8000)
_NEWEST = "1"  # the images have it: the newest of all that are stable
_CHANNEL = r"(?:nightly|beta)(?:-[0-9]{4}-[0-9]{2}-[0-9]{2})?"
_CACHES = ("/usr/local/cargo/registry", "/app/target")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_SERVERS = ("server", "web", "api", "app", "backend")
_FRAMEWORKS: Mapping[str, str] = {
    "rocket": "Rocket",
    "loco-rs": "Loco",
    "leptos_axum": "Leptos",
    "axum": "Axum",
    "actix-web": "Actix Web",
    "warp": "Warp",
    "poem": "Poem",
    "salvo": "Salvo",
    "tide": "Tide",
    "tonic": "Tonic",
    "hyper": "hyper",
}
# Debian's packages, to build with and to run with. The lock file names all that is needed, however far down.
_SYSTEM: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "openssl-sys": (("libssl-dev", "pkg-config"), ("libssl3",)),
    "pq-sys": (("libpq-dev", "pkg-config"), ("libpq5",)),
    "mysqlclient-sys": (("default-libmysqlclient-dev", "pkg-config"), ("libmariadb3",)),
    "libsqlite3-sys": (("libsqlite3-dev", "pkg-config"), ("libsqlite3-0",)),
    "aws-lc-sys": (("cmake",), ()),
    "rdkafka-sys": (("cmake", "g++"), ()),
    "prost-build": (("protobuf-compiler",), ()),
}
_BRINGS: Mapping[str, str] = {"openssl": "openssl-sys", "native-tls": "openssl-sys", "reqwest": "openssl-sys"}
# Where no lock file tells: which of these diesel is built for.
_BACKENDS = {"postgres": "pq-sys", "mysql": "mysqlclient-sys", "sqlite": "libsqlite3-sys"}
_CLIENTS: Mapping[str, tuple[str, str]] = {
    "sqlx": ("DATABASE_URL", "databases"),
    "diesel": ("DATABASE_URL", "databases"),
    "sea-orm": ("DATABASE_URL", "databases"),
    "tokio-postgres": ("DATABASE_URL", "PostgreSQL"),
    "mongodb": ("MONGODB_URI", "MongoDB"),
    "redis": ("REDIS_URL", "Redis"),
}
_TRUNK = "Trunk.toml"
_BOTS = ("serenity", "teloxide", "twilight-gateway")


class _Program(Struct, frozen=True):
    name: str
    where: str  # the folder of its package; empty: here
    is_default: bool = False


_NO_PROGRAM = "Cargo.toml is here, but no program: no src/main.rs, nothing in src/bin, and no [[bin]]."


class _Project(Struct, frozen=True):
    folder: Folder
    rust: ToolVersion
    build_with: tuple[str, ...]
    run_with: tuple[str, ...]
    port: Port | None


def find_rust_app(folder: Folder, _: Said) -> Found | None:
    if not folder.has(MANIFEST):
        return None
    top = read_toml(folder.text(MANIFEST))
    packages = list(_packages(folder, top))
    needs = frozenset(need for _, one in packages for need in _needs(one))
    program, why = _program([one for where, package in packages for one in _programs(folder, where, package)])
    if "shuttle-runtime" in needs:
        program, why = None, f"{folder.shown(MANIFEST)} needs shuttle-runtime, which only Shuttle's own tools start."
    if other := _maker_for_browsers(folder, top) or _machine_of_others(folder):
        program, why = None, other
    if top is None:
        why = "Nothing says what is built: say how it is started."
    version, asked = _rust(folder)
    broken = (
        ()
        if top is not None
        else (f"{folder.shown(MANIFEST)} cannot be read as TOML, so nothing that it says counts.",)
    )
    is_worker = not needs.isdisjoint(_BOTS) and needs.isdisjoint(_FRAMEWORKS)
    main = folder.text("src/main.rs") or ""
    build_with, run_with, needed = _packages_of_debian(folder, needs)
    project = _Project(folder, version, build_with, run_with, None if is_worker else port_in_code(main) or PORT)
    start = _start(program, needs) if program else None
    return Found(
        runtimes=(Runtime.DOCKER, Runtime.PROCESS),
        commands=Commands(
            build=_build(folder, program) if program else None,
            test=words("cargo", "test", *_locked(folder)) if folder.holds_any("tests/") and program else None,
            start=None if is_worker else start,
            processes={WORKER: start} if is_worker and start else {},
        ),
        why=(
            f"{folder.shown(MANIFEST)} is Cargo's.",
            *broken,
            *asked,
            *([why] if program else []),
            *needed,
            *(
                [f"{folder.shown(MANIFEST)} needs a client for chats and no server: a worker without a port."]
                if is_worker
                else []
            ),
        ),
        missing=() if program else (why,),
        framework=next((name for one, name in _FRAMEWORKS.items() if one in needs), None),
        versions=(version,),
        variables=for_clients(needs, _CLIENTS, source=folder.shown(MANIFEST)),
        system_packages=tuple(dict.fromkeys((*build_with, *run_with))),
        port=project.port,
        write_dockerfile=lambda final, names: _write_dockerfile(project, final, names),
    )


def _maker_for_browsers(folder: Folder, top: Document | None) -> str:
    """What cargo alone builds of it would start, and show nothing."""
    if folder.has(_TRUNK):
        found, maker = _TRUNK, "Trunk"
    elif table_in(top, "package", "metadata", "leptos"):
        found, maker = MANIFEST, "cargo-leptos"
    else:
        return ""
    return f"{folder.shown(found)} is for {maker}, which makes pages of it, and no image brings that: add a Dockerfile."


def _machine_of_others(folder: Folder) -> str:
    """What is built for WebAssembly starts nowhere by itself."""
    target = text_in(read_toml(folder.text(_CONFIG)), "build", "target") or ""
    if not re.fullmatch(r"wasm(?:32|64)[a-z0-9-]{1,40}", target):
        return ""
    return f"{folder.shown(_CONFIG)} builds for {target}, which only starts in something else: add a Dockerfile."


def _packages(folder: Folder, top: Document | None) -> Iterator[tuple[str, Document]]:
    """The package here, then those of a workspace that were read, by their folders."""
    if top is not None and "package" in top:
        yield "", top
    members = texts_in(top, "workspace", "default-members") or texts_in(top, "workspace", "members")
    for member in members[:50]:
        for path in folder.matching(f"{member.rstrip('/')}/{MANIFEST}"):
            where = path.removesuffix(MANIFEST).rstrip("/")
            if (document := read_toml(folder.text(path))) is not None and is_plain_path(where):
                yield where, document


def _programs(folder: Folder, where: str, package: Document) -> Iterator[_Program]:
    """As Cargo finds them: by their tables, by src/main.rs, and in src/bin."""
    name, default = text_in(package, "package", "name") or "", text_in(package, "package", "default-run")
    below = f"{where}/" if where else ""
    tables = value_in(package, "bin")
    named = [text_in(one, "name") or "" for one in tables[:50]] if isinstance(tables, list) else []
    in_bin = [one.rpartition("/")[2].removesuffix(".rs") for one in folder.matching(f"{below}src/bin/*.rs")]
    in_bin += [one.split("/")[-2] for one in folder.matching(f"{below}src/bin/*/main.rs")]
    main = [name] if folder.has(f"{below}src/main.rs") and not named else []
    for one in dict.fromkeys((*main, *named, *in_bin)):
        if _NAME.fullmatch(one):
            yield _Program(one, where, is_default=one == default)


def _program(found: list[_Program]) -> tuple[_Program | None, str]:
    """The one that is started, and why; or what is missing."""
    if not found:
        return None, _NO_PROGRAM
    if len(found) == 1:
        return found[0], f"“{found[0].name}” is its only program."
    if default := next((one for one in found if one.is_default), None):
        return default, f"“{default.name}” is its program by “default-run”."
    names = ", ".join(one.name for one in found[:8])
    if server := next((one for name in _SERVERS for one in found if one.name == name), None):
        return server, f"“{server.name}” is started by its name, of the programs {names}."
    return None, f"There are several programs: {names}. Name one as “default-run”, or say which is built and started."


def _locked(folder: Folder) -> tuple[str, ...]:
    return ("--locked",) if folder.has(LOCK) else ()


def _build(folder: Folder, program: _Program) -> AppCommand:
    """Installs into bin, below the app: what is compiled on the way may lie in a cache."""
    return words(
        "cargo", "install", *_locked(folder), "--no-track", "--root", ".", "--path", program.where or ".",
        "--bin", program.name,
    )  # fmt: skip


def _start(program: _Program, needs: frozenset[str]) -> AppCommand:
    if "loco-rs" in needs:
        at = f'--binding "${{HOST:-127.0.0.1}}" --port "${{PORT:-{PORT}}}"'
        return ShellText(f'exec env LOCO_ENV="${{LOCO_ENV:-production}}" ./bin/{program.name} start {at}')
    if "rocket" in needs:  # has variables of its own
        told = f'ROCKET_ADDRESS="${{HOST:-127.0.0.1}}" ROCKET_PORT="${{PORT:-{PORT}}}"'
        return ShellText(f"exec env {told} ./bin/{program.name}")
    return words(f"./bin/{program.name}")


def _needs(package: Document) -> Iterator[str]:
    yield from table_in(package, "dependencies")
    yield from table_in(package, "build-dependencies")
    for feature in texts_in(package, "dependencies", "diesel", "features"):
        if feature in _BACKENDS:
            yield _BACKENDS[feature]


def _packages_of_debian(
    folder: Folder, needs: frozenset[str]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    lock = folder.text(LOCK) or ""
    source = folder.shown(LOCK if lock else MANIFEST)
    all_needs = set(re.findall(r'^name = "([\w-]{1,64})"', lock, re.MULTILINE)) or needs | {
        _BRINGS[one] for one in needs if one in _BRINGS
    }
    found = {one: both for one, both in _SYSTEM.items() if one in all_needs}
    build = tuple(dict.fromkeys(name for both in found.values() for name in both[0]))
    run = tuple(dict.fromkeys(name for both in found.values() for name in both[1]))
    return build, run, tuple(f"{source} names {one}, which needs {_listed(*both)}." for one, both in found.items())


def _listed(build: tuple[str, ...], run: tuple[str, ...]) -> str:
    *first, last = (*build, *run)
    return f"{', '.join(first)} and {last}" if first else last


def _rust(folder: Folder) -> tuple[ToolVersion, tuple[str, ...]]:
    asked: list[Asked | None] = []
    for name in _TOOLCHAINS:
        channel = text_in(read_toml(folder.text(name)), "toolchain", "channel")
        asked.append(Asked(channel, folder.shown(name)) if channel else None)
    plain = line_in(folder, "rust-toolchain")
    asked += [
        plain if plain and not plain.version.startswith("[") else None,
        line_in(folder, ".rust-version"),
        in_tool_versions(folder, "rust"),
        in_mise(folder, "rust"),
    ]
    # “rust-version” of Cargo.toml is the oldest that will do, and the newest does.
    return chosen_version("Rust", asked, read=_series, usual=_NEWEST)


def _series(written: str) -> str | None:
    if re.fullmatch(_CHANNEL, written):
        return written
    if written in {"stable", "latest"}:
        return _NEWEST
    found = series(written, 2) or series(written, 1)
    return found if found and found.split(".")[0] == "1" else None


def _write_dockerfile(project: _Project, commands: Commands, names: tuple[VariableName, ...]) -> GeneratedDockerfile:
    text = ImageText(project.folder.present(MANIFEST, LOCK), ignores=("target",))
    is_released = project.rust.version[0].isdigit()
    text.stage("build", f"rust:{project.rust.version if is_released else _NEWEST}-slim-bookworm")
    text.packages(*project.build_with)
    if toolchain := project.folder.present(*_TOOLCHAINS):
        text.copy(*toolchain, comment="Before the sources: rustup brings the toolchain that this names, once.")
        text.run(words("cargo", "--version"))
    elif not is_released:
        text.env(RUSTUP_TOOLCHAIN=project.rust.version)
    text.arguments(names)
    text.copy(".")
    text.run(commands.install, caches=_CACHES[:1])
    text.comment("What was compiled before lies in the caches; the program itself is put into bin.")
    text.build(commands.build, caches=_CACHES)
    text.test(commands.test, caches=_CACHES)
    text.stage("", "debian:bookworm-slim")
    text.packages("ca-certificates", "tini", *project.run_with)
    text.new_user()
    text.comment("The program, and the templates and the like among its sources that it may read.")
    text.copy_built("/app", owner="app")
    text.below_tini()
    text.serve(started(commands), port=project.port, user="app")
    return text.done()


STACK = Stack(
    "rust",
    find_rust_app,
    marks=(MANIFEST,),
    reads=(MANIFEST, *_TOOLCHAINS, _CONFIG, "src/main.rs", f"*/{MANIFEST}", f"*/*/{MANIFEST}", LOCK),
    reads_above=(".rust-version",),
    looks_for=(MANIFEST,),
)
