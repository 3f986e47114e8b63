"""Dockerfile, Procfile and static files."""

import pytest

from bakery.model.app_commands import ShellText
from bakery.model.names import ProcessName
from bakery.model.repository_paths import RepositoryPath
from bakery.model.runtimes import Runtime
from bakery.stacks.dockerfile import exposed_port
from bakery.stacks.plan import DockerfileAt
from bakery.stacks.procfile import parse_procfile
from tests.stacks.trees import Files, plan_of


def test_a_dockerfile_says_everything() -> None:
    plan = plan_of({"Dockerfile": "FROM x\nEXPOSE 8080/tcp 9090\n", "Procfile": "web: a\nworker: b\n"})
    assert (plan.stack, plan.runtime, plan.port) == ("dockerfile", Runtime.DOCKER, 8080)
    assert plan.dockerfile == DockerfileAt(RepositoryPath("Dockerfile"), RepositoryPath(""))
    assert plan.commands.start is None
    assert plan.commands.processes == {ProcessName("worker"): ShellText("b")}


def test_another_dockerfile_and_context_can_be_named() -> None:
    files = {
        "bakery.toml": '[build]\nbase = "a"\ndockerfile = "docker/web"\ncontext = "src"\n',
        "a/docker/web": "FROM x",
    }
    own = plan_of(files).dockerfile
    assert isinstance(own, DockerfileAt)
    assert (own.path, own.context) == ("a/docker/web", "a/src")


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("FROM a\nEXPOSE 1\nFROM b\n  expose 3000\n", 3000),
        ("FROM a\nEXPOSE 1\nFROM b\n", None),
        ("EXPOSE $PORT\nEXPOSE 80", 80),
        ("EXPOSE 99999", None),
        ("EXPOSE 0", None),
        ("# EXPOSE 80", None),
        ("EXPOSE 53/udp", None),
    ],
)
def test_the_port_is_what_the_last_stage_exposes(text: str, port: int | None) -> None:
    assert exposed_port(text) == port


@pytest.mark.parametrize("folder", ["", "public", "dist", "_site", "site"])
def test_a_page_is_served_as_it_stands(folder: str) -> None:
    page = f"{folder}/index.html" if folder else "index.html"
    plan = plan_of({page: "", "style.css": ""})
    assert (plan.stack, plan.runtime, plan.static_folder) == ("static", Runtime.STATIC, folder)
    assert plan.why == (f"{page} is a page that can be served as it stands.",)


def test_a_procfile_is_read_line_by_line() -> None:
    read = parse_procfile(
        "# processes\r\nweb: node server.js --port $PORT\r\n\nmy-worker:  node 'a b.js' | tee log\nrelease: ./migrate\n"
    )
    assert read.web == ShellText("node server.js --port $PORT")
    assert read.processes == {ProcessName("myworker"): ShellText("node 'a b.js' | tee log")}
    assert read.release == ShellText("./migrate")
    assert read.why == (
        "Procfile says how the app is started.",
        "Procfile says how the process myworker is started.",
        "Procfile says how a release is prepared.",
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nonsense", "Procfile, line 1 is left out: this is not “name: command”."),
        ("a:", "Procfile, line 1 is left out: this is not “name: command”."),
        ("a: x\na: y", "Procfile, line 2 is left out: there is a process a before it."),
        (
            "blue: x",
            (
                "Procfile, line 1 is left out: “blue”: Use up to 16 lower-case letters and digits, begin with a "
                "letter, and not “blue” or “green”."
            ),
        ),
        ("a: " + "x" * 5000, "Procfile, line 1 is left out: “a”: A command has at most 4000 characters."),
        ("\n".join(f"p{n}: x" for n in range(30)), "Procfile is read up to line 20: an app has at most 20 processes."),
    ],
)
def test_a_line_that_cannot_be_used_is_told(text: str, why: str) -> None:
    assert parse_procfile(text).why[-1] == why


@pytest.mark.parametrize(
    ("files", "missing"),
    [
        (
            {"CMakeLists.txt": "add_executable(a a.c)\n", "vcpkg.json": "{}"},
            "vcpkg.json has libraries brought from elsewhere: add a Dockerfile.",
        ),
        (
            {"Gopkg.toml": "", "main.go": "package main\n"},
            "Gopkg.toml is of a time before modules: run “go mod init”, and commit go.mod.",
        ),
    ],
)
def test_what_cannot_be_built_here_says_so(files: Files, missing: str) -> None:
    assert plan_of(files).missing == (missing,)


@pytest.mark.parametrize(
    ("alias", "build"),
    [("", "npm --prefix assets run deploy && mix phx.digest"), ('"assets.deploy": []', "mix assets.deploy")],
)
def test_what_the_pages_of_phoenix_need_of_npm_is_there(alias: str, build: str) -> None:
    package = '{"scripts": {"deploy": "webpack --mode production"}}'
    plan = plan_of({"mix.exs": f"[app: :shop, deps: [{{:phoenix, []}}]] {alias}", "assets/package.json": package})
    built = f"npm --prefix assets install && {build} && mix release --overwrite"
    assert str(plan.commands.build) == f"export MIX_ENV=prod; {built}"
    assert {"nodejs", "npm"} <= set(plan.system_packages)
