"""What is made of a repository in each of many languages, whole: an answer and its Dockerfile are files below
golden/languages/. BAKERY_WRITE_GOLDEN=1 writes them anew, to be read.
"""

import json
import os
import time
from pathlib import Path

import pytest

from bakery.model.app_commands import AppCommand, words
from bakery.stacks.code_comments import without_comments as without_c_comments
from bakery.stacks.jvm import java_that_has_images
from bakery.stacks.plan import BuildPlan, GeneratedDockerfile, ToolVersion
from bakery.stacks.xml_text import inside, without_comments
from bakery.stacks.yaml_lines import yaml_keys, yaml_value
from tests.stacks.languages import TREES
from tests.stacks.trees import Files, plan_of, unknown

GOLDEN = Path(__file__).with_name("golden") / "languages"


def shown(command: AppCommand | None) -> str | None:
    return None if command is None else str(command)


def as_text(plan: BuildPlan) -> str:
    commands = plan.commands
    answer = {
        "stack": plan.stack,
        "framework": plan.framework,
        "runtimes": [
            plan.runtime,
            *[one.runtime for one in plan.alternatives if (one.stack, one.base) == (plan.stack, plan.base)],
        ],
        "versions": [f"{one.tool} {one.version}: {one.source}" for one in plan.versions],
        "install": shown(commands.install),
        "build": shown(commands.build),
        "test": shown(commands.test),
        "start": shown(commands.start),
        "release": shown(commands.release),
        "port": plan.port,
        "static_folder": plan.static_folder,
        "variables": [f"{one.name}: {one.why}" for one in plan.variables],
        "system_packages": list(plan.system_packages),
        "missing": list(plan.missing),
        "why": list(plan.why),
    }
    return json.dumps(answer, indent=1, ensure_ascii=False) + "\n"


def is_as_reviewed(path: Path, text: str) -> None:
    if os.environ.get("BAKERY_WRITE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("name", TREES)
def test_the_answer_and_its_dockerfile_are_as_they_were_reviewed(name: str) -> None:
    plan = plan_of(TREES[name])
    is_as_reviewed(GOLDEN / f"{name}.json", as_text(plan))
    if isinstance(plan.dockerfile, GeneratedDockerfile):
        is_as_reviewed(GOLDEN / f"{name}.Dockerfile", plan.dockerfile.text)


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(TREES)


@pytest.mark.parametrize("name", TREES)
def test_every_line_is_an_instruction_a_comment_or_goes_on(name: str) -> None:
    """Whatever a repository says, it never begins a line; and what is started is not root."""
    own = plan_of(TREES[name]).dockerfile
    if not isinstance(own, GeneratedDockerfile):
        return
    known = {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "EXPOSE", "CMD", "ARG", "ENTRYPOINT"}
    goes_on = False
    for line in own.text.splitlines():
        assert goes_on or not line or line.startswith("# ") or line.split()[0] in known, line
        goes_on = line.endswith("\\")
    assert not goes_on
    assert "--mount" not in own.without_mounts
    assert ("\nUSER " in own.text[own.text.rindex("\nFROM ") :]) != own.holds_only_files


@pytest.mark.parametrize(
    ("written", "version"),
    [
        ("17", "17"),
        ("1.8", "8"),
        ("VERSION_1_8", "8"),
        ("temurin-17.0.9+9", "17"),
        ("21.0.2-tem", "21"),
        ("16", "17"),
        ("openjdk-11", "11"),
        ("99", None),
        ("latest", None),
        ("", None),
    ],
)
def test_a_java_is_the_next_that_is_kept_up_for_long(written: str, version: str | None) -> None:
    assert java_that_has_images(written) == version


def test_the_files_of_java_s_tools_come_before_its_build() -> None:
    pom = "<project><properties><java.version>11</java.version></properties></project>"
    files = {"pom.xml": pom, "system.properties": "java.runtime.version=17\n"}
    assert plan_of(files).versions == (ToolVersion("Java", "17", "system.properties"),)
    assert plan_of({**files, ".java-version": "21\n"}).versions == (ToolVersion("Java", "21", ".java-version"),)


@pytest.mark.parametrize(
    ("gradle", "java"), [("4.10", "8"), ("5.0", "11"), ("7.2", "11"), ("7.3", "17"), ("8.5", "21")]
)
def test_an_old_gradle_gets_a_java_that_it_runs_on(gradle: str, java: str) -> None:
    address = f"distributionUrl=https\\://x/distributions/gradle-{gradle}-bin.zip\n"
    plan = plan_of({"build.gradle": "", "gradle/wrapper/gradle-wrapper.properties": address})
    assert plan.versions[0] == ToolVersion("Java", java, "the default")


def test_gradle_gets_the_java_that_it_asks_for_and_no_newer_one() -> None:
    assert plan_of({"build.gradle": "java {\n sourceCompatibility = '23'\n}\n"}).versions[0].version == "23"


def test_a_catalog_names_the_plugins_of_gradle() -> None:
    build = "plugins {\n  alias(libs.plugins.spring.boot)\n  alias(libs.plugins.ktor) apply false\n}\n"
    catalog = '[plugins]\nspring-boot = { id = "org.springframework.boot", version = "3" }\n'
    plan = plan_of({"build.gradle.kts": build, "gradle/libs.versions.toml": catalog})
    assert plan.framework == "Spring Boot"


def test_of_several_projects_of_gradle_the_one_that_can_be_started_is() -> None:
    plan = plan_of(
        {
            "settings.gradle.kts": 'rootProject.name = "shop"\ninclude("app", "list")\n',
            "app/build.gradle.kts": 'plugins { application }\napplication { mainClass = "shop.App" }\n',
            "list/build.gradle.kts": "plugins { `java-library` }\n",
        }
    )
    assert plan.commands.build == words("gradle", "--no-daemon", ":app:installDist")
    assert plan.commands.start == words("app/build/install/app/bin/app")


@pytest.mark.parametrize(
    ("files", "missing"),
    [
        (
            {"pom.xml": "<project><artifactId>a</artifactId><version>1</version></project>"},
            (
                "pom.xml makes no jar that starts by itself: there is no plugin of Spring Boot, Quarkus or Micronaut, "
                "and none that names a mainClass. Say how it is started."
            ),
        ),
        (
            {"App.csproj": "<Project><PropertyGroup/></Project>"},
            "App.csproj: none is a program. Say how it is started.",
        ),
        (
            {
                "App.csproj": (
                    '<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><OutputType>Exe</OutputType>'
                    "<TargetFramework>net48</TargetFramework></PropertyGroup></Project>"
                )
            },
            "App.csproj asks for a .NET that does not run on Linux.",
        ),
        (
            {"CMakeLists.txt": "add_executable(a a.c)\nadd_executable(b b.c)\nadd_executable(unit_tests t.c)\n"},
            "CMakeLists.txt makes several programs: build/a, build/b. Say which one is started.",
        ),
        ({"shard.yml": "name: x\n"}, "shard.yml has no target, so nothing says what is built and started."),
        (
            {"a.cbl": "", "b.cbl": ""},
            "There are several programs in COBOL (a.cbl, b.cbl) and none is index.cbl.",
        ),
        ({"Staticfile": "root: nowhere\n"}, "Staticfile names a folder that is not here."),
    ],
)
def test_what_cannot_be_told_is_missing_and_no_guess(files: Files, missing: str) -> None:
    assert plan_of(files).missing == (missing,)


def test_what_somebody_says_of_its_start_may_need_all_that_was_built() -> None:
    files = {**TREES["java-maven"], "Procfile": "web: java -cp target/classes Main\n"}
    own = plan_of(files).dockerfile
    assert isinstance(own, GeneratedDockerfile)
    assert "COPY --from=build --chown=app:app /app ./\n" in own.text


def test_a_makefile_alone_says_nothing() -> None:
    assert unknown({"Makefile": "all:\n\techo hi\n"}).alternatives == ()


def test_a_compiled_app_comes_before_the_package_json_of_its_pages() -> None:
    scripts = {"package.json": '{"scripts": {"start": "vite"}}'}
    assert plan_of({**TREES["java-maven"], **scripts}).stack == "java"
    assert plan_of({**TREES["cpp-cmake"], **scripts}).stack == "node"


@pytest.mark.parametrize("text", ["/*" * 100_000, "<!--" * 60_000, "<plugin>" * 30_000, '"' * 200_000, "a:\n" * 80_000])
def test_what_is_never_closed_costs_little(text: str) -> None:
    begin = time.process_time()
    without_c_comments(text)
    without_comments(text)
    list(inside(text, "plugin"))
    yaml_value(text, "a", "b")
    assert time.process_time() - begin < 1


def test_keys_of_yaml_are_found_where_they_lie() -> None:
    text = "name: 'x' # y\ntargets:\n  one:\n    main: a.cr\n  two:\n    main: b.cr\nlist:\n  - a: 1\n"
    assert yaml_keys(text, "targets") == ("one", "two")
    assert yaml_value(text, "targets", "two", "main") == "b.cr"
    assert yaml_value(text, "name") == "x"
    assert yaml_value(text, "targets") is None
