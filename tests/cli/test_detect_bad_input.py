"""What a repository may hold by mistake or in malice: each is named in a sentence, and none ends the command."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.cli.conftest import Terminal

NODE = '{"scripts": {"start": "node a.js"}}'
FLASK = "from flask import Flask\napp = Flask(__name__)\n"
NOT_READ = "cannot be read as"
COUNTS = "so nothing that it says counts."
FILES: Mapping[str, tuple[Mapping[str, str | bytes], str]] = {
    "broken JSON": ({"package.json": '{"name": ', "index.js": ""}, f"package.json {NOT_READ} JSON, {COUNTS}"),
    "broken JSON of Deno": ({"deno.json": '{"tasks":', "main.ts": ""}, f"deno.json {NOT_READ} JSON, {COUNTS}"),
    "broken TOML": ({"pyproject.toml": "[project\n", "main.py": ""}, f"pyproject.toml {NOT_READ} TOML, {COUNTS}"),
    "broken YAML": (
        {"package.json": NODE, "a.js": "", "pnpm-workspace.yaml": "packages:\n\t- a\n", "pnpm-lock.yaml": ""},
        f"pnpm-workspace.yaml {NOT_READ} YAML, {COUNTS}",
    ),
    "10 MB": (
        {"package.json": '{"x": "' + "a" * 10_000_000 + '"}', "index.js": ""},
        "package.json has more than 256 KiB, so it was not read.",
    ),
    "binary": (
        {"requirements.txt": bytes(range(256)), "app.py": FLASK},
        f"requirements.txt is no text, {COUNTS}",
    ),
    "half of UTF-16": ({"package.json": b"\xff\xfe{", "index.js": ""}, f"package.json is no text, {COUNTS}"),
    "another lock": (
        {"package.json": NODE, "a.js": "", "yarn.lock": "# yarn lockfile v1\n", "package-lock.json": "{}"},
        "package-lock.json contradicts that, and does not count.",
    ),
    "another lock of Python": (
        {"pyproject.toml": '[project]\nname = "a"\n', "uv.lock": "", "poetry.lock": "", "app.py": FLASK},
        "poetry.lock contradicts that, and does not count.",
    ),
    "a lock of another tool": (
        {"package.json": '{"packageManager": "pnpm@9.0.0", "scripts": {"start": "node a.js"}}', "yarn.lock": ""},
        "yarn.lock contradicts that, and does not count.",
    ),
}


@pytest.fixture
def alone(tmp_path: Path) -> Terminal:
    return Terminal({"HOME": str(tmp_path)})


@pytest.mark.parametrize(("files", "sentence"), FILES.values(), ids=FILES.keys())
def test_what_cannot_be_read_or_contradicts_is_named(
    alone: Terminal, tmp_path: Path, files: Mapping[str, str | bytes], sentence: str
) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    ended = alone.run("detect", str(tmp_path), "--json")
    assert (ended.exit_code, ended.stderr) == (0, "")
    why = json.loads(ended.stdout)["why"]
    assert why.count(sentence) == 1, why


def test_utf16_is_text(alone: Terminal, tmp_path: Path) -> None:
    (tmp_path / "package.json").write_bytes(NODE.encode("utf-16"))
    assert json.loads(alone.run("detect", str(tmp_path), "--json").stdout)["start"] == "npm run start"


def test_workspaces_in_a_circle_are_those_of_a_workspace(alone: Terminal, tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"workspaces": ["a", "b"], "dependencies": {"a": "*"}}')
    for one, other in (("a", "b"), ("b", "a")):
        (tmp_path / one).mkdir()
        text = json.dumps({"name": one, "dependencies": {other: "*"}, "scripts": {"start": "node i.js"}})
        (tmp_path / one / "package.json").write_text(text)
    ended = alone.run("detect", str(tmp_path), "--json")
    assert [one["base"] for one in json.loads(ended.stdout)["alternatives"]] == ["a", "b"]


def test_odd_names_are_no_apps_and_reach_no_command(alone: Terminal, tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text(NODE)
    (tmp_path / "x\n$(id)").mkdir()
    (tmp_path / "x\n$(id)" / "package.json").write_text(NODE)
    ended = alone.run("detect", str(tmp_path), "--json")
    assert ended.exit_code == 0
    assert "$(id)" not in ended.stdout
