"""Whatever stands in a repository: an answer, or BadInput about bakery.toml; never anything else, and never late."""

import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bakery.model.app_commands import AppCommand, Words
from bakery.model.errors import BadInput
from bakery.model.repository_paths import RepositoryPath
from bakery.stacks import versions
from bakery.stacks.bakery_toml import KEYS, parse_bakery_toml
from bakery.stacks.detect import detect, wanted_files
from bakery.stacks.node_frameworks import FRAMEWORKS as FRAMEWORKS_OF_NODE
from bakery.stacks.plan import BuildPlan, Detected, GeneratedDockerfile
from bakery.stacks.procfile import parse_procfile
from bakery.stacks.table import STACKS
from bakery.stacks.toml_lines import lines_of_keys
from bakery.stacks.tree import FileTree
from tests.stacks.trees import Files, a_tree
from tests.support.hostile import SURROGATES, VALUES

# A machine with other work is slow to make them; how late an answer may be is measured by the tests themselves.
CALM_OR_NOT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
ODD_TEXT = st.sampled_from([*VALUES, *SURROGATES]) | st.text(max_size=60)
ODD_BYTES = ODD_TEXT.map(lambda text: text.encode(errors="surrogatepass")) | st.binary(max_size=60)
ODD_VALUE: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ODD_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ODD_TEXT, inner, max_size=4),
    max_leaves=12,
)
PACKAGE_KEYS = (
    "scripts",
    "main",
    "module",
    "packageManager",
    "engines",
    "dependencies",
    "devDependencies",
    "workspaces",
    "name",
    "volta",
)
FRAMEWORKS = st.dictionaries(
    st.sampled_from([name for one in FRAMEWORKS_OF_NODE for name in one.packages]) | ODD_TEXT, ODD_VALUE, max_size=3
)
WORKSPACES = st.lists(
    st.sampled_from([".", "..", "*", "**", "a", "a/*", "!a", "./a/", "a/**/b"]) | ODD_TEXT, max_size=4
)
SCRIPTS = st.dictionaries(st.sampled_from(["start", "build", "test", "postinstall"]) | ODD_TEXT, ODD_VALUE, max_size=4)
PACKAGE = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(PACKAGE_KEYS, ODD_VALUE)
    | {"scripts": SCRIPTS | ODD_VALUE, "dependencies": FRAMEWORKS, "workspaces": WORKSPACES},
)
LOOKED_FOR = {name for stack in STACKS for name in (*stack.reads, *stack.reads_above, *stack.marks)}
FILES = sorted(
    {name.replace("*", "x") for name in LOOKED_FOR} | {"bakery.toml", "index.html", ".env.example", *versions.READS}
)
TOML_PIECE = st.sampled_from(
    ["[", "]", "{", "}", "=", ",", ".", "\n", '"', "'", '"""', "'''", "#", "a", "1", "\\", " ", "[build]", "[project]",
     "[[x]]", 'name = "x"', "dependencies", "true", "1.5", "1979-05-27"]
)  # fmt: skip
TOML = st.lists(TOML_PIECE | ODD_TEXT, max_size=20).map("".join)


def toml_value(value: object) -> str:
    return json.dumps(value) if not isinstance(value, dict) else "{}"


def refusal(text: str) -> str | None:
    """What is said against this bakery.toml."""
    try:
        parse_bakery_toml(text)
    except BadInput as error:
        return error.message
    return None


def detected(tree: FileTree) -> Detected | str:
    try:
        return detect(tree)
    except BadInput as error:
        return error.message


def check(files: Files) -> None:
    found = detected(a_tree(files))
    if isinstance(found, str):
        assert found.startswith("bakery.toml")
        return
    if isinstance(found, BuildPlan):
        commands = found.commands
        named = (commands.install, commands.build, commands.test, commands.start, commands.release)
        for command in (*named, *commands.processes.values()):
            check_command(command)
        if isinstance(found.dockerfile, GeneratedDockerfile):
            found.dockerfile.text.encode()
    for sentence in found.why:
        assert "\0" not in sentence


def check_command(command: AppCommand | None) -> None:
    if command is None:
        return
    assert all("\0" not in word for word in command.argv)
    "".join(command.argv).encode()
    if isinstance(command, Words):
        assert not command.argv[0].startswith("-")


@CALM_OR_NOT
@given(PACKAGE, st.sets(st.sampled_from(["bun.lock", "pnpm-lock.yaml", "server.js", "index.html", "Procfile"])))
def test_any_package_json_is_answered(package: dict[str, Any], beside: set[str]) -> None:
    check({"package.json": json.dumps(package), **dict.fromkeys(beside, "")})


@CALM_OR_NOT
@given(PACKAGE, PACKAGE, PACKAGE, st.sampled_from(["", "a", "a/b"]))
def test_workspaces_in_any_circle_are_answered(
    top: dict[str, Any], a: dict[str, Any], b: dict[str, Any], base: str
) -> None:
    names = {"package.json": top, "a/package.json": a, "a/b/package.json": b}
    files = {name: json.dumps(document) for name, document in names.items()}
    detect(a_tree(files, base=base), base=RepositoryPath(base))


@CALM_OR_NOT
@given(st.dictionaries(st.sampled_from(FILES), ODD_BYTES, max_size=6))
def test_any_bytes_in_any_file_are_answered(files: dict[str, bytes]) -> None:
    check(files)


@CALM_OR_NOT
@given(TOML)
def test_any_pyproject_is_answered(text: str) -> None:
    check(
        {
            "pyproject.toml": text.encode(errors="surrogatepass"),
            "main.py": "app = FastAPI()",
            "requirements.txt": text.encode(errors="replace"),
        }
    )


@CALM_OR_NOT
@given(TOML)
def test_any_bakery_toml_is_taken_or_refused(text: str) -> None:
    lines_of_keys(text)
    said = refusal(text)
    assert said is None or said.startswith("bakery.toml")


@CALM_OR_NOT
@given(st.sampled_from([(table, key) for table, keys in KEYS.items() for key in keys]), ODD_VALUE)
def test_any_value_of_any_key_is_taken_or_refused_with_its_line(key: tuple[str, str], value: object) -> None:
    said = refusal(f"\n[{key[0]}]\n{key[1]} = {toml_value(value)}\n")
    refusals = ("bakery.toml, line 3: ", "bakery.toml is no TOML: ", "bakery.toml has more than")
    assert said is None or said.startswith(refusals)


@pytest.mark.parametrize("odd", [*VALUES, *SURROGATES])
def test_a_hostile_text_is_inert_wherever_it_stands(odd: str) -> None:
    as_json = json.dumps(odd)
    check(
        {
            "package.json": json.dumps(
                {"main": odd, "packageManager": odd, "engines": {"node": odd}, "scripts": {odd: odd, "start": odd}}
            )
        }
    )
    for table, keys in KEYS.items():
        for key in keys:
            check(
                {
                    "index.js": "",
                    "package.json": "{}",
                    "bakery.toml": f"[{table}]\n{key} = {as_json}\n".encode(errors="replace"),
                }
            )


@CALM_OR_NOT
@given(st.lists(st.text(max_size=30) | ODD_TEXT, max_size=8).map("\n".join))
def test_any_procfile_is_read(text: str) -> None:
    for command in parse_procfile(text).processes.values():
        check_command(command)


@CALM_OR_NOT
@given(
    st.dictionaries(
        st.lists(ODD_TEXT | st.sampled_from(FILES), min_size=1, max_size=4).map("/".join),
        st.integers(0, 10**7),
        max_size=12,
    )
)
def test_any_names_are_answered_without_a_file_outside_the_tree(sizes: dict[str, int]) -> None:
    tree = FileTree(sizes)
    assert set(wanted_files(tree)) <= sizes.keys()
    found = detected(tree)
    assert not isinstance(found, str) or found.startswith("bakery.toml")


@pytest.mark.parametrize(
    "text",
    [
        "{" * 100_000,
        '{"scripts":' * 20_000,
        "[" * 100_000,
        "a = " + "[" * 100_000,
        "[" + ".".join("a" * 100_000) + "]",
        ".".join(['"a"'] * 50_000) + " = 1",
        "\n".join(f"[a{n}.b.c.d]" for n in range(10_000)),
        "a = " + "9" * 200_000,
        "\n" * 200_000,
        "x: " * 80_000,
        "a" * 250_000,
        "requires-python = '" + " " * 200_000 + "'",
        "app" + " " * 200_000 + "= FastAPI(",
        "if" + " \t" * 100_000,
        "'" * 200_000,
        '"""' * 60_000,
    ],
)
def test_a_large_file_costs_little(text: str) -> None:
    """Every file holds it at once."""
    begin = time.process_time()
    check(dict.fromkeys((*FILES, "shop/wsgi.py"), text))
    check({name: text for name in FILES if name not in {"bakery.toml", "Dockerfile"}})
    assert time.process_time() - begin < 5


def test_fifty_thousand_files_are_decided_at_once() -> None:
    files: dict[str, str | bytes] = {f"src/part{n % 500}/file{n}.py": "" for n in range(50_000)}
    files |= {"package.json": '{"scripts": {"start": "x"}}', "requirements.txt": "pytest", "app.py": "app = Flask()"}
    tree = a_tree(files)
    begin = time.process_time()
    detect(tree)
    assert time.process_time() - begin < 0.5
