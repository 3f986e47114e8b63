"""Which app is it, where there is a choice; and what is said where there is none."""

import json

import pytest

from bakery.model.app_commands import ShellText, words
from bakery.model.errors import BadInput
from bakery.model.names import ProcessName
from bakery.model.runtimes import Runtime
from bakery.stacks.app_settings import AppSettings
from bakery.stacks.detect import wanted_files
from bakery.stacks.plan import Alternative, BuildPlan, GeneratedDockerfile, Undetected
from bakery.stacks.table import STACKS
from bakery.stacks.tree import LARGEST_FILE, LARGEST_TOTAL, MOST_FILES, FileTree
from tests.stacks.trees import answer, plan_of, unknown

NODE = {"package.json": json.dumps({"scripts": {"start": "node server.js"}})}
WORKER = {"Procfile": "worker: python3 work.py\n"}


def test_nothing_at_all_is_no_guess() -> None:
    assert unknown({"README.md": ""}) == Undetected(
        message="Nothing at the top of this repository says how it is built or started.",
        hint="Choose a base folder, say how it is started, or add a Dockerfile or a bakery.toml.",
        why=(f"We looked for {', '.join(dict.fromkeys(name for stack in STACKS for name in stack.looks_for))}.",),
    )


def test_a_dockerfile_comes_before_everything_and_the_rest_is_listed() -> None:
    plan = plan_of({"Dockerfile": "FROM scratch\n", **NODE, "index.html": ""})
    assert (plan.stack, plan.runtime) == ("dockerfile", Runtime.DOCKER)
    assert plan.why == (
        "“dockerfile” comes before what else was found here: node, static.",
        "Dockerfile says how it is built and started.",
    )
    assert [(one.stack, one.runtime) for one in plan.alternatives] == [
        ("node", Runtime.DOCKER),
        ("node", Runtime.PROCESS),
        ("static", Runtime.STATIC),
    ]


def test_another_runtime_is_the_first_stack_that_has_it() -> None:
    found = answer({"Dockerfile": "FROM scratch\n", **NODE}, runtime=Runtime.PROCESS)
    assert isinstance(found, BuildPlan)
    assert (found.stack, found.runtime) == ("node", Runtime.PROCESS)


def test_a_runtime_that_nothing_offers_is_told() -> None:
    found = unknown({"index.html": ""}, runtime=Runtime.DOCKER)
    assert found.message == "Nothing at the top of this repository says how it could run as “docker”."


def test_an_alternative_is_asked_for_by_what_it_says() -> None:
    files = {"requirements.txt": "flask\ngunicorn\n", "app.py": "app = Flask(__name__)\n", **NODE}
    first = plan_of(files)
    wanted = next(one for one in first.alternatives if one.stack == "python")
    assert first.stack == "node"
    assert plan_of(files, stack=wanted.stack).stack == "python"


def test_what_can_be_started_comes_before_what_cannot() -> None:
    files = {"package.json": "{}", "requirements.txt": "flask\ngunicorn\n", "app.py": "app = Flask(__name__)\n"}
    assert plan_of(files).stack == "python"


def test_of_several_apps_one_has_to_be_chosen() -> None:
    found = unknown(
        {"package.json": "{}", **{f"apps/{name}/package.json": NODE["package.json"] for name in ("api", "web")}}
    )
    assert found.message == "There are several apps in this repository."
    assert found.hint == "Choose a base folder: apps/api, apps/web."
    assert [(one.base, one.stack) for one in found.alternatives] == [("apps/api", "node"), ("apps/web", "node")]


def test_the_only_app_is_found_below_the_top() -> None:
    plan = plan_of({"README.md": "", "app/package.json": NODE["package.json"]})
    assert (plan.base, plan.commands.start) == ("app", words("npm", "run", "start"))
    assert plan.why[0] == "The app is in app: above it there is nothing that could be started."


def test_an_app_at_the_top_comes_before_those_below_which_are_listed() -> None:
    plan = plan_of({**NODE, "admin/Dockerfile": "FROM scratch\n"})
    assert plan.base == ""
    assert plan.alternatives[-1] == Alternative(
        "dockerfile", Runtime.DOCKER, plan.alternatives[-1].base, "admin/Dockerfile says how it is built and started."
    )
    assert plan.alternatives[-1].base == "admin"


@pytest.mark.parametrize("folder", ["node_modules/x", "tests/app", ".hidden", "a/b/c/d/e", "docs", "-x"])
def test_what_belongs_to_something_else_is_no_app(folder: str) -> None:
    assert unknown({f"{folder}/package.json": NODE["package.json"]}).alternatives == ()


def test_a_base_folder_is_all_that_counts() -> None:
    plan = plan_of({"Dockerfile": "FROM scratch\n", "web/index.html": ""}, base="web")
    assert (plan.stack, plan.base, plan.static_folder) == ("static", "web", "")


def test_a_base_folder_that_is_not_there_is_told() -> None:
    assert unknown({"x": ""}, base="web").message == "There is no folder “web” in this repository."


def test_bakery_toml_can_name_the_base_folder() -> None:
    plan = plan_of({"bakery.toml": '[build]\nbase = "a/b/c/d/e/f"\n', "a/b/c/d/e/f/package.json": NODE["package.json"]})
    assert (plan.base, plan.stack) == ("a/b/c/d/e/f", "node")
    assert plan.why[-1] == "bakery.toml sets build.base."


def test_what_bakery_toml_says_comes_before_the_procfile_and_that_before_the_stack() -> None:
    files = {
        "package.json": json.dumps({"scripts": {"start": "a", "build": "b", "test": "c"}}),
        "Procfile": "web: node web.js\nworker: node work.js\nrelease: node migrate.js\n",
        "bakery.toml": '[build]\ntest = false\ncommand = ["make", "all"]\n[run.processes]\nworker = "node w.js"\n',
    }
    commands = plan_of(files).commands
    assert commands.test is None
    assert commands.build == words("make", "all")
    assert commands.start == ShellText("node web.js")
    assert commands.processes == {ProcessName("worker"): ShellText("node w.js")}
    assert commands.release == ShellText("node migrate.js")


def test_what_a_person_says_comes_before_bakery_toml() -> None:
    said = AppSettings(start=ShellText("node mine.js"))
    found = answer({**NODE, "bakery.toml": '[run]\ncommand = "node theirs.js"\nport = 4000\n'}, settings=said)
    assert isinstance(found, BuildPlan)
    assert (found.commands.start, found.port) == (ShellText("node mine.js"), 4000)


def test_a_command_alone_is_a_process() -> None:
    plan = plan_of({"bakery.toml": '[run]\ncommand = "./serve"\n', "serve": ""})
    assert (plan.stack, plan.runtime, plan.dockerfile) == ("command", Runtime.PROCESS, None)


def test_a_worker_alone_is_an_app_without_a_start() -> None:
    plan = plan_of({**WORKER, "requirements.txt": "rq\n"})
    assert (plan.stack, plan.commands.start, plan.missing) == ("python", None, ())
    assert list(plan.commands.processes) == ["worker"]


def test_a_worker_beside_a_dockerfile_is_one_more_process_of_its_image() -> None:
    files = {"Dockerfile": "FROM x\n", "app.py": "", "bakery.toml": '[run]\nprocesses.worker = "work"\n'}
    plan = plan_of(files)
    assert plan.stack == "dockerfile"
    assert plan.commands.processes == {"worker": ShellText("work")}
    assert all(other.why for other in plan.alternatives)


def test_a_procfile_without_a_stack_runs_as_a_process() -> None:
    plan = plan_of(WORKER)
    assert (plan.stack, plan.runtime) == ("procfile", Runtime.PROCESS)
    assert plan.why == (
        "What its commands need has to be installed on the node.",
        "Procfile says how the process worker is started.",
    )


def test_a_mistake_in_bakery_toml_stops_it() -> None:
    with pytest.raises(BadInput, match=r"bakery\.toml, line 2: There is no key “comand” in \[run\]\."):
        answer({**NODE, "bakery.toml": '[run]\ncomand = "x"\n'})


def test_the_dockerfile_that_bakery_toml_names_has_to_be_there() -> None:
    files = {**NODE, "bakery.toml": '[build]\ndockerfile = "Dockerfile.web"\n'}
    assert unknown(files).message == "There is no “Dockerfile.web” in this repository."


def test_an_app_that_says_nothing_of_its_start_says_what_is_missing() -> None:
    plan = plan_of({"package.json": "{}"})
    assert plan.missing == (
        (
            "package.json has no script “start”, and none of server.js, server.mjs, index.js, index.mjs, app.js, "
            "main.js, src/server.js, src/index.js, src/app.js, src/main.js is beside it."
        ),
    )
    assert isinstance(plan.dockerfile, GeneratedDockerfile)
    assert "CMD" not in plan.dockerfile.text


def test_few_files_are_asked_for_and_small_ones_only() -> None:
    tree = FileTree(
        {
            "bakery.toml": 10,
            "package.json": LARGEST_FILE + 1,
            "Dockerfile": 10,
            "secrets.txt": 10,
            **{f"apps/app{number}/package.json": LARGEST_FILE for number in range(100)},
        }
    )
    wanted = wanted_files(tree)
    assert wanted[:3] == ("bakery.toml", "Dockerfile", "apps/app0/package.json")
    assert "secrets.txt" not in wanted
    assert len(wanted) <= MOST_FILES
    assert sum(tree.sizes[name] for name in wanted) <= LARGEST_TOTAL


def test_files_that_could_not_be_read_are_not_asked_for_again() -> None:
    tree = FileTree({"package.json": 2, "Dockerfile": 2})
    assert wanted_files(tree.with_contents(dict.fromkeys(wanted_files(tree)))) == ()


def test_every_stack_has_a_name_of_its_own() -> None:
    assert len({stack.name for stack in STACKS}) == len(STACKS)
