""".NET: C#, F# and Visual Basic, by their project files."""

import re
import shlex
from collections.abc import Iterator

from msgspec import Struct

from bakery.model.app_commands import AppCommand, ShellText, words
from bakery.model.names import Port
from bakery.model.repository_paths import RepositoryPath
from bakery.model.runtimes import Runtime
from bakery.stacks.compiled import Image, compiled
from bakery.stacks.documents import read_json, text_in
from bakery.stacks.node_beside import MANAGERS, called_in, node_for, told_of_node
from bakery.stacks.plan import THE_DEFAULT, Commands, Found, Said, ToolVersion
from bakery.stacks.proposals import for_clients
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder, is_plain_path
from bakery.stacks.xml_text import attributes, value_of, without_comments

PROJECTS = ("*.csproj", "*.fsproj", "*.vbproj")
SOLUTIONS = ("*.sln", "*.slnx")
SHARED = ("Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props")
GLOBAL = "global.json"
READS = (*PROJECTS, *(f"{where}/{name}" for where in ("*", "*/*") for name in PROJECTS), *SHARED, GLOBAL)
PORT = Port(8080)
OUT = "out"
_IMAGES = "mcr.microsoft.com/dotnet"
_USUAL = "10.0"
# Where a buildpack publishes to.
_OF_BUILDPACK = r".*\bbin/publish\b.*"
_KNOWN = r"(?:3\.1|(?:[5-9]|1[0-9])\.0)"
_CACHES = ("/root/.nuget/packages",)
_CLIENTS = {
    "Npgsql": ("ConnectionStrings__DefaultConnection", "PostgreSQL"),
    "Npgsql.EntityFrameworkCore.PostgreSQL": ("ConnectionStrings__DefaultConnection", "PostgreSQL"),
    "Pomelo.EntityFrameworkCore.MySql": ("ConnectionStrings__DefaultConnection", "MySQL"),
    "Microsoft.EntityFrameworkCore.SqlServer": ("ConnectionStrings__DefaultConnection", "SQL Server"),
    "StackExchange.Redis": ("ConnectionStrings__Redis", "Redis"),
}


class _Project(Struct, frozen=True):
    """`path`: below the app's folder. `target`: 8.0; None where it says none that runs on Linux."""

    path: str
    shown: str
    sdk: str
    target: str | None
    source: str
    assembly: str
    is_program: bool
    is_test: bool
    needs: frozenset[str]
    managers_of_node: tuple[str, ...] = ()

    @property
    def is_web(self) -> bool:
        return self.sdk.endswith(".Web")

    @property
    def is_in_browsers(self) -> bool:
        return self.sdk.endswith(".BlazorWebAssembly")


def find_dotnet_app(folder: Folder, _: Said) -> Found | None:
    projects = list(_projects(folder))
    here = folder.first(*SOLUTIONS, *PROJECTS)
    if here is None or not projects:
        return None
    app, missing = _app(folder, projects)
    first = app or projects[0]
    target = first.target or _USUAL
    sdk = _sdk(folder, target)
    commands = Commands(
        install=words("dotnet", "restore", first.path),
        build=words("dotnet", "publish", first.path, "--configuration", "Release", "--output", OUT),
        test=words("dotnet", "test", *([] if folder.first(*SOLUTIONS) else [_first_test(projects)]))
        if any(one.is_test for one in projects)
        else None,
        start=_start(app) if app else None,
    )
    files = RepositoryPath(f"{OUT}/wwwroot") if app and app.is_in_browsers else None
    found = Found(
        runtimes=(Runtime.DOCKER, Runtime.PROCESS),
        commands=commands,
        why=_why(folder, here, first, sdk, target, is_app=app is not None),
        missing=(missing,) if missing else (),
        framework="Blazor WebAssembly" if files else "ASP.NET Core" if first.is_web else None,
        versions=(ToolVersion(".NET", target, first.source if first.target else THE_DEFAULT), sdk),
        variables=for_clients(first.needs, _CLIENTS, source=first.shown),
        port=PORT if first.is_web else None,
        foreign_start=_OF_BUILDPACK,
    )
    return compiled(found, _image(folder, projects, first, sdk.version, target, files))


def _image(
    folder: Folder, projects: list[_Project], app: _Project, sdk: str, target: str, files: RepositoryPath | None
) -> Image:
    alone = len(projects) == 1 and "/" not in app.path and is_plain_path(app.path)
    kind = "aspnet" if app.is_web else "runtime"
    return Image(
        sources=(app.path,),
        build_from=f"{_IMAGES}/sdk:{sdk}",
        run_from=f"{_IMAGES}/{kind}:{target}",
        first=(app.path, *folder.present(*SHARED, GLOBAL, "nuget.config", "NuGet.config", "packages.lock.json"))
        if alone
        else (),
        caches=_CACHES,
        results=(f"{OUT}/",),
        brought=node_for(app.managers_of_node),
        ignores=("**/bin", "**/obj", OUT),
        # Since 8 its images bring one.
        has_user="app" if int(target.partition(".")[0]) >= 8 else None,
        files=files,
    )


def _why(folder: Folder, here: str, app: _Project, sdk: ToolVersion, target: str, *, is_app: bool) -> tuple[str, ...]:
    why = [f"{folder.shown(here)} is .NET's."]
    if is_app:
        kind = "a web app" if app.is_web else "made for browsers" if app.is_in_browsers else "a program"
        why.append(f"{app.shown} is {kind}; its SDK is {app.sdk}.")
    if app.target:
        why.append(f"{app.source} asks for .NET {target}.")
    why += told_of_node(app.shown, app.managers_of_node)
    if sdk.source == folder.shown(GLOBAL):
        why.append(f"{sdk.source} asks for the SDK {sdk.version}.")
    return tuple(why)


def _projects(folder: Folder) -> Iterator[_Project]:
    shared = without_comments(folder.text(SHARED[0]))
    for pattern in READS[: 3 * len(PROJECTS)]:
        for path in folder.matching(pattern):
            text = without_comments(folder.text(path))
            sdk = next(iter((*attributes(text, "Project", "Sdk"), *attributes(text, "Sdk", "Name"))), "").partition(
                "/"
            )[0]
            needs = frozenset(attributes(text, "PackageReference", "Include"))
            target, source = _target(text), folder.shown(path)
            if target is None and not _names_target(text) and _target(shared):
                target, source = _target(shared), folder.shown(SHARED[0])
            name = path.rpartition("/")[2].rpartition(".")[0]
            yield _Project(
                path=path,
                shown=folder.shown(path),
                sdk=sdk,
                target=target,
                source=source,
                assembly=_assembly(text) or name,
                is_program=sdk.endswith((".Web", ".Worker")) or (value_of(text, "OutputType") or "").lower() == "exe",
                is_test="Microsoft.NET.Test.Sdk" in needs or (value_of(text, "IsTestProject") or "").lower() == "true",
                needs=needs,
                managers_of_node=_managers_of_node(text),
            )


def _managers_of_node(text: str) -> tuple[str, ...]:
    """By what is run before it is published, or as a project of JavaScript is built with it."""
    of_project = MANAGERS[:1] if ".esproj" in text else ()
    return called_in(text, before=r"Command=\"(?:[^\"\n]{0,80}\s)?", after=r"[\s\"]") or of_project


def _assembly(text: str) -> str | None:
    name = value_of(text, "AssemblyName") or ""
    return name if re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", name) else None


def _names_target(text: str) -> bool:
    return value_of(text, "TargetFramework") is not None or value_of(text, "TargetFrameworks") is not None


def _target(text: str) -> str | None:
    """The newest that runs on Linux: “net8.0” and “netcoreapp3.1” do, “net48” and “net8.0-windows” do not."""
    written = (value_of(text, "TargetFramework") or value_of(text, "TargetFrameworks") or "").split(";")
    found = [one.strip().removeprefix("netcoreapp").removeprefix("net") for one in written[:20]]
    known = [one for one in found if re.fullmatch(_KNOWN, one)]
    return max(known, key=lambda one: int(one.partition(".")[0]), default=None)


def _app(folder: Folder, projects: list[_Project]) -> tuple[_Project | None, str]:
    """The one that is started; or what is missing."""
    able = [one for one in projects if not one.is_test and "AppHost" not in one.sdk]
    served = [one for one in able if one.is_web]
    chosen = served or [one for one in able if one.is_in_browsers] or [one for one in able if one.is_program]
    shown = ", ".join(one.shown for one in chosen)
    if not chosen:
        return None, f"{', '.join(one.shown for one in projects[:5])}: none is a program. Say how it is started."
    if len(chosen) > 1:
        return None, f"Several projects can be started: {shown}. Choose a base folder, or say how it is started."
    if chosen[0].target is None and _names_target(without_comments(folder.text(chosen[0].path))):
        return None, f"{shown} asks for a .NET that does not run on Linux."
    return chosen[0], ""


def _first_test(projects: list[_Project]) -> str:
    return next(one.path for one in projects if one.is_test)


def _start(app: _Project) -> AppCommand | None:
    program = f"{OUT}/{app.assembly}.dll"
    if app.is_in_browsers:
        return None
    if app.is_web:
        where = f'"http://${{HOST:-127.0.0.1}}:${{PORT:-{PORT}}}"'
        return ShellText(f"export ASPNETCORE_URLS={where}; exec dotnet {shlex.quote(program)}")
    return words("dotnet", program)


def _sdk(folder: Folder, target: str) -> ToolVersion:
    """That of global.json, unless it is too old for what is to be made."""
    asked = re.match(r"([0-9]{1,2}\.[0-9])\.", text_in(read_json(folder.text(GLOBAL)), "sdk", "version") or "")
    if asked and re.fullmatch(_KNOWN, asked[1]) and float(asked[1]) >= float(target):
        return ToolVersion(".NET SDK", asked[1], folder.shown(GLOBAL))
    return ToolVersion(".NET SDK", target, THE_DEFAULT)


STACK = Stack("dotnet", find_dotnet_app, marks=(*SOLUTIONS, *PROJECTS), reads=READS, looks_for=(*PROJECTS, *SOLUTIONS))
