"""Go: a module, a workspace of several, or a lone program; what is started is a package “main”."""

import re
from collections.abc import Mapping

from msgspec import Struct

from bakery.model.app_commands import words
from bakery.model.names import Port
from bakery.model.runtimes import Runtime
from bakery.model.variables import VariableName
from bakery.stacks.image_text import ImageText
from bakery.stacks.listening import WORKER, port_in_code, started
from bakery.stacks.plan import Commands, Found, GeneratedDockerfile, Said, ToolVersion
from bakery.stacks.proposals import for_clients
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder, is_plain_path
from bakery.stacks.versions import Asked, chosen_version, in_mise, in_tool_versions, line_in, series

_OLDER = ("Gopkg.toml", "glide.yaml", "Godeps/Godeps.json", "vendor/vendor.json")
MODULE, WORKSPACE, SUMS = "go.mod", "go.work", "go.sum"
PORT = Port(8080)
PROGRAM = "bin/app"
_USUAL = "1.26"
_SERIES = tuple(f"1.{minor}" for minor in range(19, 40))  # of what an image on Debian bookworm is likely
_CACHES = ("/go/pkg/mod", "/root/.cache/go-build")
_MAIN = r"^package[ \t]+main\b"
_MOST_LINES = 2000
# Where several programs lie in cmd, that which answers requests is mostly called so.
_SERVERS = ("server", "web", "api", "app", "http", "main", "serve")
_FRAMEWORKS: Mapping[str, str] = {
    "github.com/gin-gonic/gin": "Gin",
    "github.com/labstack/echo": "Echo",
    "github.com/gofiber/fiber": "Fiber",
    "github.com/go-chi/chi": "Chi",
    "github.com/beego/beego": "Beego",
    "github.com/gobuffalo/buffalo": "Buffalo",
    "github.com/kataras/iris": "Iris",
    "github.com/danielgtaylor/huma": "Huma",
    "github.com/pocketbase/pocketbase": "PocketBase",
    "github.com/gorilla/mux": "Gorilla",
    "connectrpc.com/connect": "Connect",
    "google.golang.org/grpc": "gRPC",
}
_BOTS = ("github.com/bwmarrin/discordgo", "github.com/go-telegram-bot-api/telegram-bot-api", "gopkg.in/telebot.v3")
_NEEDS_C = ("github.com/mattn/go-sqlite3", "github.com/confluentinc/confluent-kafka-go", "github.com/h2non/bimg")
_SYSTEM: Mapping[str, tuple[str, str]] = {"github.com/h2non/bimg": ("libvips-dev", "libvips42")}
_CLIENTS: Mapping[str, tuple[str, str]] = {
    "github.com/lib/pq": ("DATABASE_URL", "PostgreSQL"),
    "github.com/jackc/pgx": ("DATABASE_URL", "PostgreSQL"),
    "gorm.io/driver/postgres": ("DATABASE_URL", "PostgreSQL"),
    "github.com/go-sql-driver/mysql": ("DATABASE_URL", "MySQL"),
    "gorm.io/driver/mysql": ("DATABASE_URL", "MySQL"),
    "go.mongodb.org/mongo-driver": ("MONGODB_URI", "MongoDB"),
    "github.com/redis/go-redis": ("REDIS_URL", "Redis"),
    "github.com/go-redis/redis": ("REDIS_URL", "Redis"),
    "github.com/gomodule/redigo": ("REDIS_URL", "Redis"),
    "github.com/rabbitmq/amqp091-go": ("AMQP_URL", "RabbitMQ"),
}


class _Main(Struct, frozen=True):
    """`package`: as `go build` takes it. `files`: of it, that were read."""

    package: str
    why: str
    files: tuple[str, ...] = ()


class _Project(Struct, frozen=True):
    folder: Folder
    needs: frozenset[str]  # modules, without the version at their end
    go: ToolVersion
    port: Port | None

    @property
    def needs_c(self) -> bool:
        return not self.needs.isdisjoint(_NEEDS_C)

    @property
    def packages(self) -> tuple[tuple[str, str], ...]:
        """Debian's, to build and to run."""
        return tuple(both for module, both in _SYSTEM.items() if module in self.needs)


def find_go_app(folder: Folder, _: Said) -> Found | None:
    mark = folder.first(MODULE, WORKSPACE)
    mains = _files_of_main(folder)
    if mark is None and not mains:
        return None
    modules = _modules(folder)
    needs = frozenset(need for module in modules for need in _needs(folder.text(module) or ""))
    main, missing = _main(folder, mains, modules)
    if mark is None and (older := folder.first(*_OLDER)):
        main, missing = (
            None,
            f"{folder.shown(older)} is of a time before modules: run “go mod init”, and commit {MODULE}.",
        )
    version, asked = _go(folder, modules)
    text = "\n".join(folder.text(name) or "" for name in (main.files if main else ()))
    project = _Project(folder, needs, version, None if _is_bot(needs, text) else port_in_code(text) or PORT)
    start = words(f"./{PROGRAM}") if main else None
    is_worker = project.port is None
    return Found(
        runtimes=(Runtime.DOCKER, Runtime.PROCESS),
        commands=Commands(
            install=words("go", "mod", "download") if _has_needs(folder, modules) else None,
            build=words("go", "build", "-trimpath", "-o", PROGRAM, main.package) if main else None,
            test=words("go", "test", "./...") if mark == MODULE and any(folder.below("*_test.go")) else None,
            start=None if is_worker else start,
            processes={WORKER: start} if is_worker and start else {},
        ),
        why=(
            f"{folder.shown(mark or mains[0])} is Go's.",
            *asked,
            *([main.why] if main else []),
            *(
                [f"{folder.shown(modules[0])} needs a client for chats and no server: a worker without a port."]
                if is_worker
                else []
            ),
        ),
        missing=() if main else (missing,),
        framework=next((name for module, name in _FRAMEWORKS.items() if module in needs), None),
        versions=(version,),
        variables=for_clients(needs, _CLIENTS, source=folder.shown(modules[0])) if modules else (),
        system_packages=tuple(name for both in project.packages for name in both),
        port=project.port,
        foreign_start=_of_buildpack(folder, modules) if main else None,
        write_dockerfile=lambda final, names: _write_dockerfile(project, final, names),
    )


def _of_buildpack(folder: Folder, modules: tuple[str, ...]) -> str:
    """Where a buildpack puts a program: named like its module, or its folder, in bin."""
    module = re.search(r"^module[ \t]+(\S{1,200})", folder.text(modules[0]) or "", re.MULTILINE) if modules else None
    name = re.sub(r"/v[0-9]+$", "", module[1]).rpartition("/")[2] if module else ""
    names = [re.escape(name)] if name else []
    if not folder.holds_any("bin/"):
        names.append(r"(?:\./)?bin/[A-Za-z0-9_.-]+")
    return "|".join(names)


def _files_of_main(folder: Folder) -> tuple[str, ...]:
    """Of those at the top."""
    found = (name for name in folder.matching("*.go") if not name.endswith("_test.go"))
    return tuple(name for name in found if re.search(_MAIN, folder.text(name) or "", re.MULTILINE))


def _modules(folder: Folder) -> tuple[str, ...]:
    """The go.mod files: of this folder, or of a workspace's members."""
    members = folder.matching(f"*/{MODULE}") if folder.has(WORKSPACE) else ()
    return (*folder.present(MODULE), *members)


def _has_needs(folder: Folder, modules: tuple[str, ...]) -> bool:
    return any(_needs(folder.text(module) or "") for module in modules) and not folder.holds_any("vendor/")


def _needs(text: str) -> list[str]:
    lines = (line.split("//")[0].strip().removeprefix("require ").strip() for line in text.splitlines()[:_MOST_LINES])
    found = (re.fullmatch(r"([\w.-]+(?:/[\w.~-]+)+?)(?:/v[0-9]+)? v[0-9]\S*", line[:300]) for line in lines)
    return [one[1] for one in found if one]


def _main(folder: Folder, mains: tuple[str, ...], modules: tuple[str, ...]) -> tuple[_Main | None, str]:
    """The program; or the sentence that says what is missing."""
    if mains and (folder.has(MODULE) or not modules):
        # Without a module, files are named one by one.
        package = "." if folder.has(MODULE) else mains[0]
        return _Main(package, f"{folder.shown(mains[0])} is of the package “main”.", mains), ""
    programs = _programs_in(folder, "cmd")
    if programs:
        return _one_of(folder, programs, _last_name(folder))
    elsewhere = [name for name in folder.below("main.go") if is_plain_path(name) and "/" in name]
    if len(elsewhere) == 1 or (elsewhere and modules and not folder.has(MODULE)):
        package = f"./{elsewhere[0].removesuffix('/main.go')}"
        others = f", before {', '.join(map(folder.shown, elsewhere[1:4]))}" if elsewhere[1:] else ""
        return _Main(package, f"{folder.shown(elsewhere[0])} is its program{others}.", (elsewhere[0],)), ""
    if server := next((one for name in _SERVERS for one in elsewhere if one == f"{name}/main.go"), None):
        others = ", ".join(folder.shown(one) for one in elsewhere if one != server)
        why = f"{folder.shown(server)} is its program, chosen by its name before {others}."
        return _Main(f"./{server.removesuffix('/main.go')}", why, (server,)), ""
    if elsewhere:
        return None, f"There are several programs: {', '.join(elsewhere[:8])}. Say which one is built and started."
    return None, f"{folder.shown(MODULE)} is here, but no package “main” at the top or in cmd, and no main.go below."


def _programs_in(folder: Folder, where: str) -> dict[str, tuple[str, ...]]:
    """The folders that hold Go files, by their names; the folder itself where it does."""
    found: dict[str, tuple[str, ...]] = {}
    for name in (*folder.matching(f"{where}/*.go"), *folder.matching(f"{where}/*/*.go")):
        package = name.rpartition("/")[0]
        if not name.endswith("_test.go") and is_plain_path(package):
            found[package] = (*found.get(package, ()), name)
    return found


def _one_of(folder: Folder, programs: Mapping[str, tuple[str, ...]], module: str) -> tuple[_Main | None, str]:
    wanted = ("cmd", *(f"cmd/{name}" for name in (*_SERVERS[:1], module, *_SERVERS[1:])))
    chosen = next(iter(programs)) if len(programs) == 1 else next((one for one in wanted if one in programs), None)
    if chosen is None:
        return None, f"There are several programs: {', '.join(programs)}. Say which one is built and started."
    others = [one for one in programs if one != chosen]
    told = f", chosen by its name before {', '.join(map(folder.shown, others))}" if others else ""
    return _Main(f"./{chosen}", f"{folder.shown(chosen)} holds the program{told}.", programs[chosen]), ""


def _last_name(folder: Folder) -> str:
    found = re.search(r"^module[ \t]+\"?([\w./~-]{1,200})", folder.text(MODULE) or "", re.MULTILINE)
    return re.sub(r"/v[0-9]+$", "", found[1]).rpartition("/")[2] if found else ""


def _is_bot(needs: frozenset[str], text: str) -> bool:
    return not needs.isdisjoint(_BOTS) and needs.isdisjoint(_FRAMEWORKS) and "net/http" not in text


def _go(folder: Folder, modules: tuple[str, ...]) -> tuple[ToolVersion, tuple[str, ...]]:
    """A toolchain is what is wanted; “go” is the oldest that will do, and reads everything older."""
    asked: list[Asked | None] = []
    for file in (*folder.present(WORKSPACE), *modules):
        for word in ("toolchain", "go"):
            found = re.search(rf"^{word}[ \t]+(?:go)?([0-9][\w.]{{0,20}})", folder.text(file) or "", re.MULTILINE)
            # What is older than the images builds with every newer one, so it is not asked for.
            is_old = found is not None and re.match(r"1\.(?:[0-9]|1[0-8])(?:\.|$)", found[1])
            asked.append(Asked(found[1], folder.shown(file)) if found and not is_old else None)
    asked += [line_in(folder, ".go-version"), in_tool_versions(folder, "golang", "go"), in_mise(folder, "go", "golang")]
    return chosen_version("Go", asked, read=_series, usual=_USUAL)


def _series(written: str) -> str | None:
    found = series(re.sub(r"(?:rc|beta)[0-9]+$", "", written), 2, prefixes="go")
    return found if found in _SERIES else None


def _write_dockerfile(project: _Project, commands: Commands, names: tuple[VariableName, ...]) -> GeneratedDockerfile:
    folder = project.folder
    first = folder.present(MODULE, SUMS)
    text = ImageText(folder.present(MODULE, WORKSPACE) or ("its files",), ignores=("bin",))
    text.stage("build", f"golang:{project.go.version}-bookworm")
    text.packages(*(build for build, _ in project.packages))
    text.arguments(names)
    text.env(CGO_ENABLED="1" if project.needs_c else "0")
    if folder.has(WORKSPACE) or not folder.has(MODULE) or "replace" in (folder.text(MODULE) or ""):
        text.copy(".")
        text.run(commands.install, caches=_CACHES[:1])
    else:
        text.copy(*first, comment="Before the sources: fetched anew only when these files change.")
        text.run(commands.install, caches=_CACHES[:1])
        text.copy(".")
    text.build(commands.build, caches=_CACHES)
    text.test(commands.test, caches=_CACHES)
    text.stage("", "debian:bookworm-slim")
    text.packages(*(run for _, run in project.packages))
    text.new_user()
    text.comment("Whom the program trusts when it calls others.")
    text.copy_built("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs/")
    text.comment("The program, and the templates and the like among its sources that it may read.")
    text.copy_built("/app", owner="app")
    text.serve(started(commands), port=project.port, user="app")
    return text.done()


STACK = Stack(
    "go",
    find_go_app,
    marks=(MODULE, WORKSPACE),
    reads=(MODULE, WORKSPACE, "*.go", "cmd/*.go", "cmd/*/main.go", f"*/{MODULE}", "*/main.go"),
    reads_above=(".go-version",),
    looks_for=(MODULE, WORKSPACE, "main.go"),
)
