"""Node: package.json, with npm, pnpm or yarn, alone or in a workspace."""

from bakery.model.repository_paths import RepositoryPath
from bakery.model.runtimes import Runtime
from bakery.stacks import node_frameworks
from bakery.stacks.node_app import DJANGO, read_app
from bakery.stacks.node_image import image_of_node, write_dockerfile
from bakery.stacks.node_managers import LOCKS, YARN_SETTINGS, managed
from bakery.stacks.node_packages import CLIENTS, system_needs
from bakery.stacks.node_project import Project
from bakery.stacks.node_versions import READS_ABOVE, TYPESCRIPT_SINCE, node_version
from bakery.stacks.node_workspace import TURBO, find_workspace
from bakery.stacks.nx import NX, PROJECTS
from bakery.stacks.package_json import FILE, PNPM_WORKSPACE, read_package
from bakery.stacks.plan import Found, Said
from bakery.stacks.proposals import for_clients
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder

PROGRAMS = (
    *("server.js", "server.mjs", "index.js", "index.mjs", "app.js", "main.js"),
    *("src/server.js", "src/index.js", "src/app.js", "src/main.js"),
)


def find_node_app(folder: Folder, said: Said) -> Found | None:
    package = read_package(folder)
    if package is None:
        return None
    workspace = find_workspace(folder)
    manager = managed(folder, package, workspace)
    version, asked = node_version(folder, package, *([workspace.package] if workspace else []))
    project = Project(
        folder, package, workspace, manager, "node", PROGRAMS, runs_typescript=int(version.version) >= TYPESCRIPT_SINCE
    )
    app = read_app(project, said)
    needs = system_needs(package)
    why = [f"{package.shown} is here, so this is for Node."]
    if package.is_broken:
        why = [f"{package.shown} cannot be read as JSON, so nothing that it says counts."]
    if workspace:
        why.append(f"{workspace.package.shown} counts it among its workspaces, so all of them are installed together.")
    return Found(
        runtimes=(Runtime.STATIC,) if app.files else (Runtime.DOCKER, Runtime.PROCESS),
        commands=app.commands,
        why=(*why, *manager.why, *app.why, *asked, *needs.why),
        missing=app.missing,
        framework=app.framework,
        versions=(version, *([manager.version] if manager.version else [])),
        variables=for_clients(package.needs, CLIENTS, source=package.shown),
        system_packages=needs.run,
        port=app.port,
        static_folder=RepositoryPath(app.files) if app.files else None,
        write_dockerfile=write_dockerfile(project, image_of_node(version), needs, app),
        paths=("node_modules/.bin",),
    )


STACK = Stack(
    "node",
    find_node_app,
    marks=(FILE,),
    reads=(FILE, *node_frameworks.READS, PROJECTS),
    reads_above=(FILE, PNPM_WORKSPACE, *READS_ABOVE, NX, TURBO, YARN_SETTINGS, *LOCKS),
    yields_to=DJANGO,
    looks_for=(FILE,),
)
