"""Bun: its lock file or its settings beside package.json."""

from bakery.model.repository_paths import RepositoryPath
from bakery.model.runtimes import Runtime
from bakery.stacks import node_frameworks
from bakery.stacks.node_app import DJANGO, read_app
from bakery.stacks.node_image import image_of_bun, write_dockerfile
from bakery.stacks.node_managers import BUN, NPM, PNPM, YARN, bun_managed
from bakery.stacks.node_packages import CLIENTS, system_needs
from bakery.stacks.node_project import Project
from bakery.stacks.node_workspace import Workspace, find_workspace
from bakery.stacks.package_json import FILE, Package, read_package
from bakery.stacks.plan import Found, Said, ToolVersion
from bakery.stacks.proposals import for_clients
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder
from bakery.stacks.versions import Asked, chosen_version, in_mise, in_tool_versions, line_in, series

SETTINGS = "bunfig.toml"
_VERSION = ".bun-version"
_OTHERS = ("npm", "pnpm", "yarn")
PROGRAMS = ("index.ts", "server.ts", "src/index.ts", "src/server.ts", "index.js", "server.js", "app.ts", "main.ts")


def find_bun_app(folder: Folder, said: Said) -> Found | None:
    package = read_package(folder)
    workspace = find_workspace(folder) if package else None
    mark = _mark(folder, package, workspace)
    if mark is None:
        return None
    package = package or Package(folder.shown(FILE), is_absent=True)
    manager = bun_managed(folder, package, workspace)
    project = Project(folder, package, workspace, manager, "bun", PROGRAMS)
    app = read_app(project, said)
    version, asked = _version(folder, package)
    needs = system_needs(package)
    return Found(
        runtimes=(Runtime.STATIC,) if app.files else (Runtime.DOCKER, Runtime.PROCESS),
        commands=app.commands,
        why=(mark, *manager.why, *app.why, *asked, *needs.why),
        missing=app.missing,
        framework=app.framework,
        versions=(version,),
        variables=for_clients(package.needs, CLIENTS, source=package.shown),
        system_packages=needs.run,
        port=app.port,
        static_folder=RepositoryPath(app.files) if app.files else None,
        write_dockerfile=write_dockerfile(project, image_of_bun(version), needs, app),
        paths=("node_modules/.bin",),
    )


def _mark(folder: Folder, package: Package | None, workspace: Workspace | None) -> str | None:
    """What package.json names comes before what a Bun of somebody left behind."""
    speaker = workspace.package if workspace else package
    manager = (speaker.manager or "").partition("@")[0] if speaker else ""
    if manager == "bun" and speaker:
        return f"{speaker.shown} names bun as its package manager."
    if manager in _OTHERS:
        return None
    top = workspace.folder if workspace else folder
    if mark := top.first(*BUN.locks, SETTINGS):
        return f"{top.shown(mark)} is Bun's."
    if package and package.starts_with_bun:
        return f"The script “start” of {package.shown} calls Bun."
    is_left_by_others = top.first(*(lock for one in (NPM, PNPM, YARN) for lock in one.locks)) is not None
    if package and package.is_developed_with_bun and "start" not in package.scripts and not is_left_by_others:
        return f"The script “dev” of {package.shown} calls Bun."
    return None


def _version(folder: Folder, package: Package) -> tuple[ToolVersion, tuple[str, ...]]:
    written = (package.manager or "").partition("@")[2].partition("+")[0]
    asked = [
        line_in(folder, _VERSION),
        Asked(written, package.shown) if written else None,
        in_tool_versions(folder, "bun"),
        in_mise(folder, "bun"),
    ]
    return chosen_version("Bun", asked, read=_released, usual="1")


def _released(text: str) -> str | None:
    """The images have a tag for every release, and for its first numbers."""
    return series(text, 3) or series(text, 2) or series(text, 1)


STACK = Stack(
    "bun",
    find_bun_app,
    marks=BUN.locks,
    reads=(FILE, *node_frameworks.READS),
    reads_above=(FILE, _VERSION),
    yields_to=DJANGO,
    looks_for=BUN.locks,
)
