import pytest

from bakery.model.app_commands import words
from bakery.model.runtimes import Runtime
from bakery.stacks.plan import GeneratedDockerfile
from tests.stacks.trees import Files, plan_of

MAIN = "package main\n\nfunc main() {}\n"
MODULE = """\
module example.com/shop

go 1.24.3

require github.com/gin-gonic/gin v1.8.1

require (
	github.com/jackc/pgx/v5 v5.1.0 // indirect
)
"""


def test_a_module_in_full() -> None:
    plan = plan_of({"go.mod": MODULE, "go.sum": "", "main.go": MAIN, "main_test.go": ""})
    assert (plan.stack, plan.framework, plan.runtime, plan.port) == ("go", "Gin", Runtime.DOCKER, 8080)
    assert plan.commands.install == words("go", "mod", "download")
    assert plan.commands.build == words("go", "build", "-trimpath", "-o", "bin/app", ".")
    assert plan.commands.test == words("go", "test", "./...")
    assert plan.commands.start == words("./bin/app")
    assert [(one.tool, one.version, one.source) for one in plan.versions] == [("Go", "1.24", "go.mod")]
    assert [(one.name, one.why) for one in plan.variables] == [
        ("DATABASE_URL", "go.mod needs github.com/jackc/pgx, a client of PostgreSQL.")
    ]
    assert [(one.stack, one.runtime) for one in plan.alternatives] == [("go", Runtime.PROCESS)]
    assert plan.why == (
        "go.mod is Go's.",
        "go.mod asks for Go 1.24 (“1.24.3”).",
        "main.go is of the package “main”.",
    )


@pytest.mark.parametrize(
    ("files", "package"),
    [
        ({"go.mod": "module x", "cmd/tool/tool.go": MAIN}, "./cmd/tool"),
        ({"go.mod": "module x", "cmd/main.go": MAIN}, "./cmd"),
        ({"go.mod": "module x", "cmd/migrate/main.go": MAIN, "cmd/server/main.go": MAIN}, "./cmd/server"),
        ({"go.mod": "module x.com/shop/v2", "cmd/a/main.go": MAIN, "cmd/shop/main.go": MAIN}, "./cmd/shop"),
        ({"go.mod": "module x", "lib.go": "package x", "cmd/tool/main.go": MAIN}, "./cmd/tool"),
        ({"go.mod": "module x", "app/main.go": MAIN}, "./app"),
        ({"go.work": "go 1.23", "api/go.mod": "module a", "api/main.go": MAIN, "lib/go.mod": "module l"}, "./api"),
        ({"main.go": MAIN}, "main.go"),
    ],
)
def test_the_package_that_is_built(files: Files, package: str) -> None:
    plan = plan_of(files)
    assert (plan.commands.build, plan.missing) == (words("go", "build", "-trimpath", "-o", "bin/app", package), ())


def test_of_several_programs_none_is_guessed() -> None:
    plan = plan_of({"go.mod": "module x", "cmd/a/main.go": MAIN, "cmd/b/main.go": MAIN})
    assert plan.missing == ("There are several programs: cmd/a, cmd/b. Say which one is built and started.",)


def test_a_library_has_no_program() -> None:
    (missing,) = plan_of({"go.mod": "module x", "lib.go": "package x"}).missing
    assert missing == "go.mod is here, but no package “main” at the top or in cmd, and no main.go below."


@pytest.mark.parametrize(
    ("code", "port"),
    [
        ('http.ListenAndServe(":3333", nil)', 3333),
        ('app.Listen("0.0.0.0:3000")', 3000),
        ("r.Run()", 8080),
        ('port := os.Getenv("PORT")\nhttp.ListenAndServe(":9999", nil)', 8080),
    ],
)
def test_the_port_that_a_program_names_for_itself(code: str, port: int) -> None:
    assert plan_of({"go.mod": "module x", "main.go": f"{MAIN}{code}\n"}).port == port


def test_a_bot_is_a_worker_without_a_port() -> None:
    files = {"go.mod": "module x\nrequire github.com/bwmarrin/discordgo v0.27.1\n", "main.go": MAIN}
    plan = plan_of(files)
    assert (plan.port, plan.commands.start, plan.missing) == (None, None, ())
    assert plan.commands.processes == {"worker": words("./bin/app")}
    assert isinstance(plan.dockerfile, GeneratedDockerfile)
    assert plan.dockerfile.text.endswith('USER app\nCMD ["./bin/app"]\n')


@pytest.mark.parametrize(
    ("files", "image"),
    [
        ({"go.mod": "module x\ngo 1.16"}, "golang:1.26-bookworm"),
        ({"go.mod": "module x\ngo 1.22.1\ntoolchain go1.24.0"}, "golang:1.24-bookworm"),
        ({"go.mod": "module x", ".tool-versions": "golang 1.22.5"}, "golang:1.22-bookworm"),
        ({"go.mod": "module x", ".go-version": "nonsense"}, "golang:1.26-bookworm"),
    ],
)
def test_the_version_is_read_where_it_is_written(files: Files, image: str) -> None:
    own = plan_of({"main.go": MAIN, **files}).dockerfile
    assert f"FROM {image} AS build\n" in getattr(own, "text", "")
