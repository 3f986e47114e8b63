"""docs/stacks.md, as far as it is made of the code: every stack, what is looked at, and the defaults."""

from collections.abc import Iterable, Mapping

from bakery.stacks.detect import detect
from bakery.stacks.plan import THE_DEFAULT, BuildPlan
from bakery.stacks.stack import Stack
from bakery.stacks.table import STACKS
from bakery.stacks.versions import READS as READ_FOR_ALL
from tests.lab.samples import NOW_AND_THEN, SAMPLES
from tests.stacks.trees import Files, a_tree

_PROJECT = '<Project Sdk="Microsoft.NET.Sdk.Web"></Project>'
_SPRING = "<build><plugin><artifactId>spring-boot-maven-plugin</artifactId></plugin></build>"
# How each starts, and the least of an app, by which the defaults are asked for.
ABOUT: Mapping[str, tuple[str, Files]] = {
    "dockerfile": (
        "as it says; the port is what its last stage exposes. Of a Procfile only the other processes count",
        {"Dockerfile": "FROM x\n"},
    ),
    "php": (
        (
            "Apache in PHP's own image, which is one process and keeps `.htaccess`; Laravel and Symfony migrate before "
            "a release; assets by `package.json`"
        ),
        {"index.php": ""},
    ),
    "ruby": (
        (
            "Rails; what a `config.ru` is for, with puma, falcon, unicorn, thin, passenger or rackup among what it "
            "needs; Sinatra or a program by itself"
        ),
        {"Gemfile": 'gem "sinatra"\ngem "puma"\n', "config.ru": ""},
    ),
    "java": (
        (
            "the jar of Spring Boot, Quarkus, Micronaut, of a `mainClass`, or the plugin “application”, by Maven or "
            "Gradle or their wrappers; of several modules the only one that makes such a jar"
        ),
        {"pom.xml": f"<project><artifactId>a</artifactId><version>1</version>{_SPRING}</project>"},
    ),
    "kotlin": (
        "like Java, where the build uses Kotlin; Ktor too",
        {"build.gradle.kts": 'plugins {\n kotlin("jvm")\n id("io.ktor.plugin")\n}\n'},
    ),
    "scala": ("what sbt-native-packager, Play or sbt-assembly makes", {"build.sbt": "enablePlugins(PlayScala)"}),
    "clojure": (
        "Leiningen's uberjar, or that of `build.clj`; else an alias `run` or `start`",
        {"project.clj": '(defproject a "1" :main a)'},
    ),
    "dotnet": (
        "the only web app among the projects, else the only program, published; Blazor WebAssembly as files",
        {"App.csproj": _PROJECT},
    ),
    "elixir": (
        (
            "a release, with Phoenix's server and assets; `rel/overlays/bin/migrate` runs before a release; an "
            "umbrella without releases by Mix"
        ),
        {"mix.exs": "[app: :a, deps: [{:phoenix, []}]]"},
    ),
    "gleam": ("an Erlang shipment", {"gleam.toml": '[dependencies]\nwisp = "1"\n'}),
    "dart": (
        (
            "the compiled program `bin/server.dart`, `bin/main.dart`, or the only one in `bin`; Dart Frog; Flutter's "
            "`web` as files"
        ),
        {"pubspec.yaml": "name: a\ndependencies:\n  shelf: 1\n", "bin/server.dart": ""},
    ),
    "crystal": (
        "the target that is named as the shard, or the only one, linked statically",
        {"shard.yml": "name: a\ntargets:\n  a:\n    main: a.cr\ndependencies:\n  kemal:\n    github: x\n"},
    ),
    "bun": (
        (
            "its framework's server; script `start`, its `module` or `main`, or `index.ts`, `server.ts` …; its build "
            "as files, where nothing answers"
        ),
        {"bun.lock": "", "index.ts": ""},
    ),
    "node": (
        "likewise, with npm, pnpm or yarn by `packageManager`, else by the lock file",
        {"package.json": '{"scripts": {"start": "node a.js"}}'},
    ),
    "deno": (
        "a task `start`, Fresh's own, or a program that is where Deno's usually begin",
        {"deno.json": '{"tasks": {"start": "deno run main.ts"}}', "main.ts": ""},
    ),
    "python": (
        (
            "Django, FastAPI, Starlette, FastHTML, Litestar, Quart, Flask, Dash or Bottle with gunicorn or "
            "uvicorn, which is installed with it, and said to be, where it names none; Sanic, Streamlit, "
            "Chainlit, Bokeh, Panel and marimo; a program of the project; a file such as `main.py`; with a client for "
            "chats and nothing that listens, as the process `worker`"
        ),
        {"requirements.txt": "fastapi\nuvicorn\n", "main.py": "app = FastAPI()\n"},
    ),
    "go": (
        (
            "the package “main” at the top, in `cmd` (one, or one named as a server or the module), or the only "
            "`main.go` below"
        ),
        {"go.mod": "module a\n", "main.go": "package main\n\nfunc main() {}\n"},
    ),
    "rust": (
        (
            "the only program of the package or the workspace, `default-run`, or one named as a server; Rocket with "
            "its own variables"
        ),
        {"Cargo.toml": '[package]\nname = "a"\n', "src/main.rs": "fn main() {}\n"},
    ),
    "swift": (
        "the only program of the package; Vapor with its `serve`",
        {"Package.swift": '.package(url: "https://x/vapor.git", from: "4"), .executableTarget(name: "App")'},
    ),
    "haskell": (
        "the only `executable`, by Stack or cabal",
        {"a.cabal": "executable a\n  build-depends: scotty\n"},
    ),
    "hugo": ("its pages as files, of Hugo's newer and older settings", {"hugo.toml": ""}),
    "jekyll": (
        "its pages as files, by what its `Gemfile` names, or by what GitHub Pages has",
        {"_config.yml": "", "_posts/a.md": ""},
    ),
    "zola": ("its pages as files, of what its settings say", {"zola.toml": "base_url = 1\n", "content/a.md": ""}),
    "middleman": (
        "its pages as files, where its `Gemfile` names it",
        {"config.rb": "", "Gemfile": "gem 'middleman'\n"},
    ),
    "pelican": ("its pages as files", {"pelicanconf.py": ""}),
    "mkdocs": ("its pages as files, where nothing else is here", {"mkdocs.yml": ""}),
    "sphinx": ("likewise", {"conf.py": "project = 1\n", "index.rst": ""}),
    "zig": ("the only `addExecutable`", {"build.zig": 'b.addExecutable(.{ .name = "a" })'}),
    "cpp": (
        "the only program of CMake or Meson, tests aside; of a `Makefile` beside sources what it names",
        {"CMakeLists.txt": "add_executable(a a.c)\n"},
    ),
    "scheme": ("Guile or CHICKEN with the program; Haunt's pages as files", {"main.scm": "(web server)"}),
    "cobol": ("the compiled `index.cbl`, `main.cbl`, or the only program", {"index.cbl": ""}),
    "procfile": ("as a process; what it calls has to be on the node", {"Procfile": "web: a\n"}),
    "shell": ("the script, with the shell that its first line names", {"start.sh": ""}),
    "command": (
        "as a process, where `[run] command` alone is said",
        {"bakery.toml": '[run]\ncommand = "a"\n', "a": ""},
    ),
    "static": ("nginx serves the folder", {"index.html": ""}),
}
BUILT_IN_THE_LAB = frozenset({"dockerfile", "static", *(name.partition("-")[0] for name in SAMPLES)})
_MOST = 12


def stacks_page() -> str:
    rows = ["| Stack | Found by | How it starts | By default | Read besides |", "| --- | --- | --- | --- | --- |"]
    rows += [f"| {' | '.join(_row(stack))} |" for stack in STACKS]
    every = ", ".join(f"`{name}`" for name in READ_FOR_ALL)
    built = [stack.name for stack in STACKS if stack.name in BUILT_IN_THE_LAB]
    rarely = sorted(NOW_AND_THEN)
    others = [stack.name for stack in STACKS if stack.name not in BUILT_IN_THE_LAB | {"procfile", "command"}]
    return "\n".join(
        [
            *rows,
            "",
            f"For all of them {every} are read, here and in the folders above.",
            "",
            f"Built and run in the lab's tests: {', '.join(built)}; of these only with `--all`: {', '.join(rarely)}.",
            f"Not built here, but reviewed, each with a golden file below `tests/stacks/golden`: {', '.join(others)}.",
        ]
    )


def _row(stack: Stack) -> tuple[str, ...]:
    starts, files = ABOUT[stack.name]
    found_by = stack.looks_for or stack.marks
    besides = [name for name in (*stack.reads, *stack.reads_above) if name not in (*found_by, *READ_FOR_ALL)]
    return f"`{stack.name}`", _named(found_by), starts, _defaults(files, stack.name), _named(besides)


def _named(names: Iterable[str]) -> str:
    shown = [f"`{name}`" for name in dict.fromkeys(names)]
    return ", ".join(shown[:_MOST]) + (" …" if len(shown) > _MOST else "")


def _defaults(files: Files, stack: str) -> str:
    """What is answered where nothing says which version, or where the app listens."""
    found = detect(a_tree(files), stack=stack)
    assert isinstance(found, BuildPlan), (stack, found)
    versions = [f"{one.tool} {one.version}" for one in found.versions if one.source == THE_DEFAULT]
    port = [f"port {found.port}"] if found.port else []
    return ", ".join([*versions, *port])
