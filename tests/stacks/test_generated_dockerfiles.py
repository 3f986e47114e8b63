"""Generated Dockerfiles, whole: each is a file below golden/. BAKERY_WRITE_GOLDEN=1 writes them anew, to be read."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from bakery.stacks.plan import GeneratedDockerfile
from tests.stacks import test_go, test_php, test_ruby, test_rust
from tests.stacks.trees import Files, plan_of

GOLDEN = Path(__file__).with_name("golden")
SCRIPTS = {"start": "node server.js", "build": "tsc", "test": "node --test"}
NODE = json.dumps({"scripts": SCRIPTS, "devDependencies": {"typescript": "5"}})
FASTAPI = {"main.py": "app = FastAPI()\n", "tests/test_a.py": ""}
PROJECT = (
    '[project]\nname = "x"\ndependencies = ["fastapi", "uvicorn", "pytest"]\n[build-system]\nrequires = ["hatchling"]\n'
)

CASES: Mapping[str, Files] = {
    "node-npm": {"package.json": NODE, "package-lock.json": "", ".npmrc": ""},
    "node-pnpm": {"package.json": NODE, "pnpm-lock.yaml": ""},
    "node-yarn": {"package.json": NODE, "yarn.lock": ""},
    "node-yarn-berry": {"package.json": NODE, "yarn.lock": "", ".yarnrc.yml": ""},
    "node-prepared-by-scripts": {
        "package.json": json.dumps(
            {"scripts": {"start": "tsx a.ts", "postinstall": "x"}, "devDependencies": {"tsx": "1"}}
        )
    },
    "node-static": {
        "package.json": json.dumps({"scripts": {"build": "vite build"}, "devDependencies": {"vite": "5"}}),
        "package-lock.json": "",
        "index.html": "",
    },
    "node-next-with-prisma": {
        "package.json": json.dumps(
            {
                "packageManager": "pnpm@9.1.0",
                "scripts": {"build": "next build", "start": "next start"},
                "dependencies": {"next": "15", "@prisma/client": "6", "puppeteer": "23"},
                "devDependencies": {"prisma": "6"},
            }
        ),
        "pnpm-lock.yaml": "",
        "prisma/migrations/1/migration.sql": "",
    },
    "node-workspace": {
        "package.json": json.dumps({"workspaces": ["apps/*", "packages/*"], "devDependencies": {"turbo": "2"}}),
        "package-lock.json": "",
        "turbo.json": "{}",
        "apps/web/package.json": json.dumps({"name": "web", "scripts": SCRIPTS, "dependencies": {"express": "5"}}),
        "packages/ui/package.json": json.dumps({"name": "ui", "exports": "./x.js"}),
    },
    "node-workspace-static": {
        "package.json": "{}",
        "pnpm-lock.yaml": "",
        "pnpm-workspace.yaml": "packages:\n  - site\n",
        "site/package.json": json.dumps({"name": "site", "dependencies": {"astro": "5"}}),
    },
    "node-compiled": {
        "package.json": json.dumps({"main": "index.js", "dependencies": {"node-pty": "1", "x": "github:a/b"}}),
        "index.js": "",
    },
    "bun": {"package.json": NODE, "bun.lock": ""},
    "bun-program": {"bunfig.toml": "", "index.ts": ""},
    "python-pip": {"requirements.txt": "fastapi\nuvicorn\npytest\n", **FASTAPI},
    "python-pip-with-sources": {"requirements.txt": "-r more.txt\nfastapi\nuvicorn\n", **FASTAPI},
    "python-project": {"pyproject.toml": PROJECT, **FASTAPI},
    "python-uv": {"pyproject.toml": PROJECT, "uv.lock": "", **FASTAPI},
    "python-poetry": {
        "pyproject.toml": "[tool.poetry.dependencies]\nfastapi = '1'\nuvicorn = '1'\n",
        "poetry.lock": "",
        **FASTAPI,
    },
    "python-django": {
        "requirements.txt": "django\ngunicorn\nwhitenoise\n",
        "manage.py": "",
        "shop/wsgi.py": "",
    },
    "python-pipenv": {"Pipfile": "[packages]\nfastapi = '*'\nuvicorn = '*'\n", "Pipfile.lock": "", **FASTAPI},
    "python-pdm": {"pyproject.toml": PROJECT, "pdm.lock": "", **FASTAPI},
    "python-setup": {"setup.py": "setup(install_requires=['fastapi', 'uvicorn'])", **FASTAPI},
    "python-compiled": {"requirements.txt": "flask\nmysqlclient\n", "app.py": "app = Flask(__name__)\n"},
    "python-bot": {"requirements.txt": "discord.py\n", "bot.py": "client.run()\n"},
    "python-program": {"app.py": 'if __name__ == "__main__":\n    main()\n'},
    "go": {"go.mod": test_go.MODULE, "go.sum": "", "main.go": test_go.MAIN, "main_test.go": ""},
    "go-with-c": {
        "go.mod": "module x\nrequire github.com/mattn/go-sqlite3 v1.14.0\n",
        "go.sum": "",
        "cmd/server/main.go": test_go.MAIN,
    },
    "rust": {
        "Cargo.toml": test_rust.PACKAGE,
        "Cargo.lock": '[[package]]\nname = "openssl-sys"\n',
        "src/main.rs": "",
        "tests/a.rs": "",
    },
    "ruby-rails": test_ruby.RAILS,
    "ruby-sinatra": {"Gemfile": 'gem "sinatra"\ngem "puma"\n', "app.rb": "require 'sinatra'\n"},
    "php-laravel": test_php.LARAVEL,
    "php": {"index.php": "<?php new mysqli('x');"},
    "with-settings": {
        "package.json": NODE,
        "package-lock.json": "",
        "bakery.toml": """\
[build]
args = { VERSION = "1" }
install = "npm ci && make"
command = ["make", "a b", "$HOME", "`id`", "<<EOF", "\\\\", "\\n"]
test = "make test | tee <<EOF"
[run]
command = "exec node server.js --name \\"$NAME\\" # \\n USER root"
""",
    },
}


def generated(files: Files) -> GeneratedDockerfile:
    own = plan_of(files).dockerfile
    assert isinstance(own, GeneratedDockerfile)
    return own


@pytest.mark.parametrize("name", CASES)
def test_it_is_as_it_was_reviewed(name: str) -> None:
    text = generated(CASES[name]).text
    path = GOLDEN / f"{name}.Dockerfile"
    if os.environ.get("BAKERY_WRITE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.glob("*.Dockerfile")} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_builder_without_mounts_gets_none(name: str) -> None:
    own = generated(CASES[name])
    assert "--mount" not in own.without_mounts
    assert own.without_mounts.count("RUN ") == own.text.count("RUN ")


@pytest.mark.parametrize("name", CASES)
def test_every_line_is_an_instruction_a_comment_or_goes_on(name: str) -> None:
    """Whatever a repository says, it never begins a line."""
    known = {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "EXPOSE", "CMD", "ARG", "STOPSIGNAL", "ENTRYPOINT"}
    goes_on = False
    for line in generated(CASES[name]).text.splitlines():
        assert goes_on or not line or line.startswith("# ") or line.split()[0] in known, line
        goes_on = line.endswith("\\")
    assert not goes_on


def test_what_is_started_is_not_root_unless_it_is_files_alone() -> None:
    for name, files in CASES.items():
        own = generated(files)
        last = own.text[own.text.rindex("\nFROM ") :]
        assert own.holds_only_files == name.endswith("-static")
        assert ("\nUSER " in last) != own.holds_only_files


def test_the_test_is_a_stage_of_its_own() -> None:
    assert generated(CASES["node-npm"]).test_stage == "test"
    assert generated(CASES["bun-program"]).test_stage is None


def test_secrets_and_dependencies_stay_out_of_the_context() -> None:
    ignored = generated(CASES["node-npm"]).ignore.splitlines()
    assert {".git", ".env", ".env.*", "node_modules", ".venv"} <= set(ignored)
