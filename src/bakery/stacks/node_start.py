"""How a project with a package.json is started: by a script, its framework's server, or a program of its own."""

from collections.abc import Sequence

from bakery.model.app_commands import AppCommand, ShellText, Words, words
from bakery.stacks.node_development import is_for_development
from bakery.stacks.node_framework import Output
from bakery.stacks.node_project import Project
from bakery.stacks.node_workspace import Workspace, manifest_at, manifests_of

_TYPESCRIPT = (
    "index.ts",
    "server.ts",
    "src/index.ts",
    "src/server.ts",
    "src/main.ts",
    "src/app.ts",
    "app.ts",
    "main.ts",
)
_RUNNERS = ("tsx", "ts-node")
_OF_OTHERS = {
    **dict.fromkeys(("wrangler.toml", "wrangler.json", "wrangler.jsonc"), "Cloudflare Workers"),
    "main.wasp": "Wasp",
    "serverless.yml": "the Serverless Framework",
}
_PROGRAMS_OF_NODE = (".js", ".mjs", ".cjs", ".ts", ".mts")
_FOR_PRODUCTION = ("start:prod", "start:production")


def start_of(project: Project, output: Output | None) -> tuple[AppCommand | None, str]:
    """The command, and the sentence for it; or what is missing."""
    package, manager = project.package, project.managed.manager
    script = package.script("start")
    is_for_what_was_built = output is not None and script == output.instead_of
    if script and not is_for_development(script) and not is_for_what_was_built:
        return manager.script("start"), f"{package.shown} has a script “start”."
    for name in _FOR_PRODUCTION:
        if name in package.scripts:
            return manager.script(name), f"{package.shown} has a script “{name}”."
    if output and output.start:
        command = of_framework(project, output.start, output.within)
        return command, f"{package.shown} has no script “start” for production."
    if output and output.missing:
        return None, output.missing
    if script:
        return manager.script("start"), f"{package.shown} has a script “start”."
    return _start_of_program(project)


def _start_of_program(project: Project) -> tuple[AppCommand | None, str]:
    package, folder = project.package, project.folder
    if project.workspace and (for_others := _for_others(project, project.workspace)):
        return None, for_others
    if package.main and (project.program == "bun" or package.main.endswith(_PROGRAMS_OF_NODE)):
        command = _running(project, package.main)
        return command, f"{package.shown} names {package.main} as its program." if command else _no_typescript(
            folder.shown(package.main)
        )
    if package.made_main and "build" in package.scripts and not package.is_library:
        return (
            words(project.program, package.made_main),
            f"{package.shown} names {package.made_main} as its program, which its build has to make.",
        )
    if program := folder.first(*project.programs):
        named = "Bun" if project.program == "bun" else "Node"
        return words(project.program, program), f"{folder.shown(program)} is where {named} programs usually begin."
    runner = next((one for one in _RUNNERS if one in package.all_needs), None)
    if runner and (program := folder.first(*_TYPESCRIPT)):
        command = project.managed.manager.program(runner, program)
        return command, f"{package.shown} needs {runner}, which runs {folder.shown(program)}."
    return None, _no_program(project)


def _no_program(project: Project) -> str:
    package, folder = project.package, project.folder
    if name := folder.first(*_OF_OTHERS):
        return f"{folder.shown(name)} is for {_OF_OTHERS[name]}, whose own tools start it: nothing here does."
    where = "here" if project.program == "bun" else "beside it"
    return f"{package.shown} has no script “start”, and none of {', '.join(project.programs)} is {where}."


def _for_others(project: Project, workspace: Workspace) -> str:
    """A library says so itself, or the workspace names it among the packages of another member, or of its top."""
    package, top = project.package, workspace.folder
    if package.is_library:
        return f"{package.shown} has no script “start”, and is there for others of its workspace to use."
    others = (manifest_at(top, path) for path in manifests_of(top, workspace.package) or ())
    if package.main and any(package.name in one.asks for one in (workspace.package, *others)):
        return f"{package.shown} has no script “start”, and others of its workspace need it."
    return ""


def _no_typescript(program: str) -> str:
    return f"{program} is TypeScript, which this Node does not run by itself: add a script “start”, or tsx."


def _running(project: Project, program: str) -> Words | None:
    """TypeScript by what is there for it, else by Node itself, where that can."""
    if project.program == "bun" or not program.endswith("ts"):
        return words(project.program, program)
    if runner := next((one for one in _RUNNERS if one in project.package.all_needs), None):
        return project.managed.manager.program(runner, program)
    return words(project.program, program) if project.runs_typescript else None


def of_framework(project: Project, argv: Sequence[str], within: str = "") -> AppCommand:
    """Where it listens is said in variables; a shell is in between only where they have to become arguments, or where
    it has to start in another folder, from which its program is the app's.
    """
    program, *rest = argv
    if within:
        up = "/".join(".." for _ in within.split("/"))
        return ShellText(f"cd {within} && exec {up}/node_modules/.bin/{' '.join(argv)}")
    whole = (project.program, *rest) if program == "node" else project.managed.manager.program(*argv).argv
    if "$PORT" not in whole:
        return Words(whole)
    known = {"$HOST": '"${HOST:-127.0.0.1}"', "$PORT": '"${PORT:-3000}"'}
    return ShellText(f"exec {' '.join(known.get(word, word) for word in whole)}")
