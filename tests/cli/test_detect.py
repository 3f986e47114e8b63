"""`bakery detect` on folders of this machine, with no server and no database."""

import json
import os
from pathlib import Path

import pytest

from bakery.cli.folder_tree import read_files, tree_of
from bakery.stacks.detect import wanted_files
from tests.cli.conftest import Terminal
from tests.support.hostile import SURROGATES, VALUES

PACKAGE = json.dumps({"scripts": {"start": "node server.js", "build": "tsc"}})


@pytest.fixture
def alone(tmp_path: Path) -> Terminal:
    """Somebody who has no Bakery."""
    return Terminal({"HOME": str(tmp_path)})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "shop"
    made.mkdir()
    return made


def test_its_answer_as_json_has_every_key(alone: Terminal, folder: Path) -> None:
    (folder / "package.json").write_text(PACKAGE)
    (folder / "package-lock.json").write_text("{}")
    (folder / "Procfile").write_text("worker: node work.js | tee log\n")
    (folder / "bakery.toml").write_text('[run]\nvolumes = ["data:/var/data"]\n')
    (folder / ".env.example").write_text("DATABASE_URL=postgres://shop:no-secret@db/shop\nPORT=3000\n")
    ended = alone.run("detect", str(folder), "--json")
    found = json.loads(ended.stdout)
    dockerfile = found.pop("dockerfile")
    assert ended.exit_code == 0
    assert found == {
        "stack": "node",
        "framework": None,
        "runtime": "docker",
        "alternatives": [
            {"stack": "node", "runtime": "process", "base": "", "why": "It can run as a process, without Docker."},
        ],
        "base": "",
        "install": "npm ci",
        "build": "npm run build",
        "test": None,
        "start": "npm run start",
        "release": None,
        "before": None,
        "after": None,
        "processes": {"worker": "node work.js | tee log"},
        "port": 3000,
        "versions": [{"tool": "Node", "version": "24", "source": "the default"}],
        "variables": [{"name": "DATABASE_URL", "why": ".env.example names it."}],
        "system_packages": [],
        "static_folder": None,
        "dockerfile_is_generated": True,
        "volumes": ["data:/var/data"],
        "missing": [],
        "why": [
            "package.json is here, so this is for Node.",
            "package-lock.json was left by npm.",
            "package.json has a script “build”.",
            "package.json has a script “start”.",
            "Procfile says how the process worker is started.",
            "bakery.toml sets run.volumes.",
        ],
        "written": [],
    }
    assert dockerfile.startswith("# Written by Bakery from package.json and package-lock.json.")


def test_a_dockerfile_of_the_repository_is_named(alone: Terminal, folder: Path) -> None:
    (folder / "Dockerfile").write_text("FROM x\nEXPOSE 8080\n")
    found = json.loads(alone.run("detect", str(folder), "--json").stdout)
    assert (found["stack"], found["runtime"], found["port"]) == ("dockerfile", "docker", 8080)
    assert (found["dockerfile"], found["dockerfile_is_generated"]) == ("Dockerfile", False)


def test_its_answer_for_people(alone: Terminal, folder: Path) -> None:
    (folder / "web").mkdir()
    (folder / "web/index.html").write_text("")
    ended = alone.run("detect", str(folder), "--base", "web")
    assert ended.exit_code == 0
    assert ended.stdout == (
        "Stack        static\n"
        "Runtime      static\n"
        "Base folder  web\n"
        "\n"
        "Why\n"
        "- web/index.html is a page that can be served as it stands.\n"
    )


def test_nothing_found_ends_with_1_a_sentence_and_a_hint(alone: Terminal, folder: Path) -> None:
    ended = alone.run("detect", str(folder))
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert ended.stderr.startswith("Nothing at the top of this repository says how it is built or started.\n")
    assert "\nHint: Choose a base folder, say how it is started" in ended.stderr


def test_nothing_found_has_the_same_keys_as_json(alone: Terminal, folder: Path) -> None:
    ended = alone.run("detect", str(folder), "--json")
    nothing = json.loads(ended.stdout)
    (folder / "index.html").write_text("")
    something = json.loads(alone.run("detect", str(folder), "--json").stdout)
    assert ended.exit_code == 1
    assert nothing.keys() == something.keys()
    assert nothing["stack"] is None
    assert nothing["missing"][0] == "Nothing at the top of this repository says how it is built or started."


def test_a_mistake_in_bakery_toml_ends_with_2_and_its_line(alone: Terminal, folder: Path) -> None:
    (folder / "bakery.toml").write_text("[run]\n\ncomand = 'x'\n")
    ended = alone.run("detect", str(folder))
    assert ended.exit_code == 2
    assert ended.stderr == (
        "run.comand: bakery.toml, line 3: There is no key “comand” in [run].\nHint: “command” may be meant.\n"
    )


def test_what_a_repository_wrote_is_no_order_to_the_terminal(alone: Terminal, folder: Path) -> None:
    (folder / "Procfile").write_text("web: echo \x1b]0;owned\x07\n\x1b[2J: x\n")
    assert "\x1b" not in alone.run("detect", str(folder)).output


@pytest.mark.parametrize("odd", [*VALUES, *SURROGATES, "/dev/null", "/proc/self/mem"])
def test_any_argument_is_taken_or_refused_in_words(alone: Terminal, folder: Path, odd: str) -> None:
    if odd.strip() in {"/", "//", "..", ".", "~", ""}:
        return  # folders with much in them, or this one
    for words in (["detect", "--", odd], ["detect", f"--base={odd}", "--", str(folder)]):
        ended = alone.run(*words)
        assert ended.exit_code in {1, 2}, ended.output
        assert ended.stderr.strip()
        assert "Traceback" not in ended.output


def test_links_are_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/package.json").write_text(PACKAGE)
    (folder / "package.json").symlink_to(tmp_path / "outside/package.json")
    (folder / "apps").symlink_to(tmp_path / "outside", target_is_directory=True)
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    assert tree_of(folder).sizes == {}
    assert tree_of(folder).links == ("apps", "loop", "package.json")
    assert read_files(folder, ("package.json",)) == {"package.json": None}


def test_pipes_and_folders_are_no_files(folder: Path) -> None:
    os.mkfifo(folder / "Procfile")
    (folder / "package.json").mkdir()
    assert tree_of(folder).sizes == {}
    assert read_files(folder, ("Procfile", "package.json", "gone")) == {
        "Procfile": b"",
        "package.json": None,
        "gone": None,
    }


def test_what_others_made_is_not_looked_at(folder: Path) -> None:
    for name in (".git/package.json", "node_modules/x/package.json", ".venv/x", "src/package.json"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text("{}")
    assert list(tree_of(folder).sizes) == ["src/package.json"]


def test_what_lies_deepest_is_left_out_where_there_is_too_much(folder: Path) -> None:
    (folder / "a/b").mkdir(parents=True)
    for name in ("a/b/deep", "a/1", "a/2", "z"):
        (folder / name).write_text("x")
    assert list(tree_of(folder, most=3).sizes) == ["z", "a/1", "a/2"]


def test_names_that_are_no_text_are_left_out(folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff")).write_text("")
    (folder / "index.html").write_text("")
    assert list(tree_of(folder).sizes) == ["index.html"]


def test_only_a_few_files_are_read(folder: Path) -> None:
    (folder / "package.json").write_text(PACKAGE)
    (folder / "secret.txt").write_text("x")
    assert wanted_files(tree_of(folder)) == ("package.json",)


def written(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.name.endswith(("file", "ignore"))}


def test_the_dockerfile_is_written_to_be_kept(alone: Terminal, folder: Path) -> None:
    (folder / "package.json").write_text(PACKAGE)
    ended = alone.run("detect", str(folder), "--write")
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert "\nWritten\n- Dockerfile\n- .dockerignore\n" in ended.stdout
    assert (folder / "Dockerfile").read_text().startswith("# Written by Bakery from package.json.")
    assert "node_modules\n" in (folder / ".dockerignore").read_text()
    assert json.loads(alone.run("detect", str(folder), "--json").stdout)["stack"] == "dockerfile"


def test_what_is_there_is_written_over_only_when_that_is_said(alone: Terminal, folder: Path, tmp_path: Path) -> None:
    (folder / "package.json").write_text(PACKAGE)
    (folder / ".dockerignore").write_text("mine\n")
    ended = alone.run("detect", str(folder), "--write", "--json")
    assert json.loads(ended.stdout)["written"] == ["Dockerfile"]
    assert ended.stderr == ".dockerignore is there already, and was left as it is. --force writes over it.\n"
    (folder / "Dockerfile").write_text("FROM mine\n")
    refused = alone.run("detect", str(folder), "--write")
    assert (refused.exit_code, refused.stdout) != (0, "")
    assert refused.stderr.startswith("Dockerfile is this repository's own Dockerfile. Nothing was written.\n")
    (tmp_path / "outside").write_text("not ours")
    (folder / "Dockerfile").unlink()
    (folder / "Dockerfile").symlink_to(tmp_path / "outside")
    linked = alone.run("detect", str(folder), "--write")
    assert linked.stderr.startswith("Dockerfile is there already. Nothing was written.\n")
    forced = alone.run("detect", str(folder), "--write", "--force", "--json")
    assert json.loads(forced.stdout)["written"] == ["Dockerfile", ".dockerignore"]
    assert (tmp_path / "outside").read_text() == "not ours"
    assert "mine" not in (folder / ".dockerignore").read_text()


def test_a_workspace_is_written_at_its_top(alone: Terminal, folder: Path) -> None:
    (folder / "web").mkdir()
    (folder / "package.json").write_text('{"workspaces": ["web"]}')
    (folder / "web/package.json").write_text(PACKAGE)
    ended = alone.run("detect", str(folder), "--base", "web", "--write")
    assert written(folder) == {"Dockerfile", ".dockerignore"}
    assert ended.stderr == "The whole workspace is built with it, so choose the top as the app's base folder.\n"


@pytest.mark.parametrize(
    ("files", "words", "sentence"),
    [
        ({"index.html": ""}, ["--write"], "This needs no Dockerfile: its files are served by nginx"),
        ({"package.json": "{}"}, ["--write"], "package.json has no script “start”"),
        ({"index.html": ""}, ["--force"], "--force: It is for --write only."),
        ({}, ["--write"], "Nothing at the top of this repository says how it is built"),
    ],
)
def test_nothing_is_written_where_it_would_not_help(
    alone: Terminal, folder: Path, files: dict[str, str], words: list[str], sentence: str
) -> None:
    for name, text in files.items():
        (folder / name).write_text(text)
    ended = alone.run("detect", str(folder), *words)
    assert ended.exit_code != 0
    assert ended.stderr.startswith(sentence)
    assert written(folder) == set()
