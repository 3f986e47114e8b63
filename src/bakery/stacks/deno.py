"""Deno: deno.json or deno.jsonc, Fresh's own layout, or a program that calls Deno or imports as only it does."""

import re
from collections.abc import Mapping

from msgspec import Struct

from bakery.model.app_commands import AppCommand, ShellText, Words, words
from bakery.model.names import Port
from bakery.model.repository_paths import RepositoryPath
from bakery.model.runtimes import Runtime
from bakery.model.variables import VariableName
from bakery.stacks.documents import Document, read_json_with_comments, table_in, text_in, value_in
from bakery.stacks.image_text import FOLDER, ImageText
from bakery.stacks.listening import WORKER, started
from bakery.stacks.node_development import is_for_development
from bakery.stacks.node_managers import LOCKS as LOCKS_OF_OTHERS
from bakery.stacks.node_packages import CLIENTS, SystemNeeds, system_needs
from bakery.stacks.package_json import FILE as PACKAGE
from bakery.stacks.package_json import Package
from bakery.stacks.plan import Commands, Found, GeneratedDockerfile, Said, ToolVersion, WriteDockerfile
from bakery.stacks.proposals import for_clients
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder, is_plain_path
from bakery.stacks.versions import chosen_version, in_mise, in_tool_versions, line_in, series

FILES = ("deno.json", "deno.jsonc")
LOCK = "deno.lock"
_IMPORT_MAP = "import_map.json"
PORT = Port(8000)
PROGRAMS = ("main.ts", "server.ts", "mod.ts", "app.ts", "index.ts", "src/main.ts", "src/server.ts", "src/index.ts",
            "main.tsx", "main.js", "server.js")  # fmt: skip
_VERSIONS = (".deno-version", ".dvmrc")
_USUAL, _USUAL_OF_1 = "2.8.1", "1.46.3"
_NEWEST = frozenset({"2", "latest", "stable", "lts", "*"})
# Whatever a program says about where it listens, this is where it does.
_LISTENING = 'export DENO_SERVE_ADDRESS="tcp:${HOST:-127.0.0.1}:${PORT:-8000}"; exec '
# Node and Bun know neither addresses nor JSR in what a program imports.
_IMPORTS = r"""\b(?:from|import)\s{1,20}["'](?:https://deno\.land/|https://esm\.sh/|jsr:)"""
# By the name that it is imported by, with what would answer requests beside it.
_OF_A_BOT = r"""\b(?:from|import)\s{1,20}["'][^"'\n]{0,100}\b(?:discordeno|discord\.js|grammy|harmony|telegraf)\b"""
_ANSWERS = r"\bDeno\.(?:serve|listen)|\bserve\(|webhookCallback|^export default\b"
_FRAMEWORKS: Mapping[str, tuple[str, ...]] = {
    "Fresh": ("$fresh/", "@fresh/core"),
    "Hono": ("hono", "@hono/hono"),
    "Oak": ("@oak/oak", "oak"),
}


class _Project(Struct, frozen=True):
    """`tasks`: by name, what they run. `needs`: packages of JSR and npm, and the names that imports are given."""

    folder: Folder
    file: str | None
    document: Document
    tasks: Mapping[str, str]
    needs: frozenset[str]

    @property
    def shown(self) -> str:
        return self.folder.shown(self.file or PROGRAMS[0])

    @property
    def framework(self) -> str | None:
        return next((name for name, marks in _FRAMEWORKS.items() if self.needs & set(marks)), None)


def find_deno_app(folder: Folder, _: Said) -> Found | None:
    project = _read(folder)
    mark = _mark(project)
    if mark is None:
        return None
    version, asked = chosen_version(
        "Deno",
        [*(line_in(folder, name) for name in _VERSIONS), in_tool_versions(folder, "deno"), in_mise(folder, "deno")],
        read=_version,
        usual=_USUAL,
    )
    files = _files(project)
    start, program, told = (None, None, "") if files else _start(project)
    worker = _worker(project) if start else None
    needs = system_needs(Package(project.shown, needs=project.needs))
    named = [f"“{name}”" for name in ("build", "test") if name in project.tasks]
    tasks = f"{project.shown} has {'tasks' if len(named) > 1 else 'a task'} {' and '.join(named)}."
    return Found(
        runtimes=(Runtime.STATIC,) if files else (Runtime.DOCKER, Runtime.PROCESS),
        commands=Commands(
            install=_install(project, version),
            build=_build(project, program),
            test=words("deno", "task", "test") if "test" in project.tasks else None,
            start=None if worker else start,
            processes={WORKER: worker} if worker else {},
        ),
        why=(
            mark,
            *([tasks] if named else []),
            *([told] if start else []),
            *(["It is a client for chats and answers no requests: a worker without a port."] if worker else []),
            *asked,
            *needs.why,
        ),
        missing=() if start or files else (told,),
        framework=project.framework,
        versions=(version,),
        variables=for_clients(project.needs, CLIENTS, source=project.shown),
        system_packages=needs.run,
        port=None if files or worker else PORT,
        static_folder=RepositoryPath(files) if files else None,
        write_dockerfile=_dockerfile(project, version, needs, files, None if worker else PORT),
    )


def _read(folder: Folder) -> _Project:
    file = folder.first(*FILES)
    document = (read_json_with_comments(folder.text(file)) if file else None) or {}
    tasks = {
        name: command
        for name, task in table_in(document, "tasks").items()
        if (command := task if isinstance(task, str) else text_in(task, "command"))
    }
    imports = table_in(document, "imports") or table_in(read_json_with_comments(folder.text(_IMPORT_MAP)), "imports")
    written = [one for one in imports.values() if isinstance(one, str)]
    return _Project(folder, file, document, tasks, frozenset({*imports, *filter(None, map(_package, written))}))


def _package(written: str) -> str | None:
    """“@fresh/core” of “jsr:@fresh/core@^2.0.0”."""
    found = re.match(r"(?:jsr|npm):/?((?:@[\w.-]{1,80}/)?[\w.-]{1,80})", written)
    return found[1] if found else None


def _mark(project: _Project) -> str | None:
    """A deno.json beside a package.json may be for a part of it only, as are functions at the edge."""
    folder = project.folder
    if project.file:
        if not folder.has(PACKAGE):
            return f"{project.shown} is Deno's."
        if folder.first(*LOCKS_OF_OTHERS) or not (folder.has(LOCK) or "start" in project.tasks):
            return None
        return f"{project.shown} is Deno's, and no other package manager has left a lock file beside it."
    return None if folder.has(PACKAGE) else _mark_in_a_program(folder)


def _mark_in_a_program(folder: Folder) -> str | None:
    for name in folder.present(*PROGRAMS):
        text = folder.text(name) or ""
        if re.search(r"\bDeno\.serve\b", text):
            return f"{folder.shown(name)} calls Deno.serve."
        if re.search(_IMPORTS, text):
            return f"{folder.shown(name)} imports from an address or from JSR, as programs of Deno do."
    return None


def _version(text: str) -> str | None:
    """The images have whole versions only."""
    if text in _NEWEST:
        return _USUAL
    if text == "1":
        return _USUAL_OF_1
    whole, two = series(text, 3), series(text, 2)
    return whole or (f"{two}.0" if two else None)


def _install(project: _Project, version: ToolVersion) -> Words | None:
    if project.file is None or version.version.startswith("1."):
        return None  # a Deno of before 2 fetches what a program names as it is built
    return words("deno", "install", *(["--frozen"] if project.folder.has(LOCK) else []))


def _build(project: _Project, program: str | None) -> Words | None:
    if "build" in project.tasks:
        return words("deno", "task", "build")
    return words("deno", "cache", program) if program else None


def _start(project: _Project) -> tuple[AppCommand | None, str | None, str]:
    """The command, the program that it runs where that is known, and the sentence for it; or what is missing."""
    task, folder, shown = project.tasks.get("start"), project.folder, project.shown
    program = folder.first(*PROGRAMS)
    if task and not _is_watching(task):
        called = program if program and program in task.split() else None
        return ShellText(f"{_LISTENING}deno task start"), called, f"{shown} has a task “start”."
    if "@fresh/core" in project.needs and ("vite" in project.needs or folder.holds_any("vite.config.")):
        why = f"{shown} needs Fresh, whose build is a server, and has no task “start” for production."
        return _serving("_fresh/server.js"), None, why
    if program:
        usual = f"{folder.shown(program)} is where Deno's programs usually begin."
        why = (
            f"{shown} needs Fresh, which begins in {folder.shown(program)}." if project.framework == "Fresh" else usual
        )
        text = folder.text(program) or ""
        if re.search(r"^export default\b", text, re.MULTILINE) and not re.search(r"\bDeno\.serve\b", text):
            return _serving(program), program, f"{folder.shown(program)} exports what answers, for “deno serve”."
        return ShellText(f"{_LISTENING}deno run -A {program}"), program, why
    if task:
        return ShellText(f"{_LISTENING}deno task start"), None, f"{shown} has a task “start”."
    return None, None, f"{shown} has no task “start”, and none of {', '.join(PROGRAMS)} is beside it."


def _worker(project: _Project) -> Words | None:
    """A client for chats that answers no requests itself."""
    program = project.folder.first(*PROGRAMS)
    text = project.folder.text(program) or "" if program else ""
    if not re.search(_OF_A_BOT, text) or re.search(_ANSWERS, text, re.MULTILINE) or project.framework:
        return None
    is_task = "start" in project.tasks and not _is_watching(project.tasks["start"])
    return words("deno", "task", "start") if is_task else words("deno", "run", "-A", program or "")


def _files(project: _Project) -> str | None:
    """The folder that the task “build” leaves, where it makes pages of files alone."""
    if "build" not in project.tasks or "start" in project.tasks or project.framework == "Fresh":
        return None
    if any(name.startswith("lume/") for name in project.needs):
        return "_site"
    return "dist" if "vite" in project.needs and project.folder.has("index.html") else None


def _serving(program: str) -> ShellText:
    return ShellText(f'exec deno serve -A --host "${{HOST:-127.0.0.1}}" --port "${{PORT:-8000}}" {program}')


def _is_watching(task: str) -> bool:
    return re.search(r"--watch\b|\bdev\.tsx?\s*$", task[:1000]) is not None or is_for_development(task)


def _dockerfile(
    project: _Project, version: ToolVersion, needs: SystemNeeds, files: str | None, port: Port | None
) -> WriteDockerfile:
    return lambda commands, names: _written(project, version, needs, files, port, commands, names)


def _written(
    project: _Project,
    version: ToolVersion,
    needs: SystemNeeds,
    files: str | None,
    port: Port | None,
    commands: Commands,
    names: tuple[VariableName, ...],
) -> GeneratedDockerfile:
    folder = project.folder
    first = folder.present(*([project.file] if project.file else []), LOCK, _IMPORT_MAP, PACKAGE, ".npmrc")
    sources = [one for one in (project.file, *folder.present(LOCK)) if one]
    text = ImageText(sources or folder.present(*PROGRAMS)[:1], ignores=("node_modules", "**/node_modules", "_fresh"))
    text.stage("base", f"denoland/deno:{version.version}")
    if needs.variables:
        text.env(**needs.variables)
    text.packages(*needs.run)
    text.stage("build", "base")
    text.packages(*needs.build)
    text.arguments(names)
    is_ours = commands.install is not None and commands.install == _install(project, version)
    needs_sources = any(value_in(project.document, key) is not None for key in ("workspace", "links", "patch"))
    if is_ours and not needs_sources and all(is_plain_path(name.lstrip(".")) for name in first):
        text.copy(*first, comment="Before the sources: fetched anew only when these files change.")
        text.run(commands.install)
        text.copy(".")
    else:
        text.copy(".")
        text.run(commands.install)
    text.build(commands.build)
    text.test(commands.test)
    if files:
        text.only_files(files)
        return text.done()
    text.stage("", "base")
    text.comment("What was fetched is in Deno's own folder, so nothing is when the app starts.")
    text.copy_built("/deno-dir", "/deno-dir", owner="deno")
    text.copy_built(FOLDER, owner="deno")
    text.serve(started(commands), port=port, user="deno", DENO_NO_UPDATE_CHECK="1")
    return text.done()


STACK = Stack(
    "deno",
    find_deno_app,
    marks=FILES,
    reads=(*FILES, _IMPORT_MAP, *PROGRAMS),
    reads_above=_VERSIONS,
    looks_for=FILES,
)
