from typing import ClassVar

import pytest

from bakery.model.app_commands import AppCommand, ShellText, words
from bakery.model.apps import Runtime
from tests.stacks.trees import Files, plan_of, unknown

UVICORN = 'exec uvicorn main:app --host "${HOST:-127.0.0.1}" --port "${PORT:-8000}"'
GUNICORN = 'exec gunicorn app:server --bind "${HOST:-127.0.0.1}:${PORT:-8000}"'
FASTAPI = "from fastapi import FastAPI\n\napp = FastAPI(title='x')\n"


def test_a_fastapi_app_in_full() -> None:
    plan = plan_of(
        {
            "requirements.txt": "fastapi==0.111\nuvicorn[standard]>=0.3\npytest\n",
            "main.py": FASTAPI,
            "tests/test_a.py": "",
        }
    )
    assert (plan.stack, plan.runtime, plan.port, plan.paths) == ("python", Runtime.DOCKER, 8000, (".venv/bin",))
    assert plan.commands.install == ShellText(
        "python3 -m venv .venv && .venv/bin/pip install --requirement requirements.txt"
    )
    assert plan.commands.test == words("python3", "-m", "pytest")
    assert plan.commands.start == ShellText(UVICORN)
    assert plan.why == (
        "requirements.txt lists what it needs.",
        "main.py holds the FastAPI app “app”, and uvicorn is among what it needs.",
        "pytest is among what it needs.",
    )


@pytest.mark.parametrize(
    ("files", "start"),
    [
        ({"requirements.txt": "Flask\nGunicorn", "app.py": "server = flask.Flask(__name__)"}, ShellText(GUNICORN)),
        ({"requirements.txt": "fastapi[standard]", "main.py": "app: FastAPI = FastAPI()"}, ShellText(UVICORN)),
        (
            {"requirements.txt": "fastapi\nuvicorn", "app/main.py": FASTAPI},
            ShellText(UVICORN.replace("main:app", "app.main:app")),
        ),
        (
            {"requirements.txt": "fastapi\nuvicorn", "src/main.py": FASTAPI},
            ShellText(UVICORN.replace("main:app", "--app-dir src main:app")),
        ),
        (
            {"requirements.txt": "flask", "app.py": "app = Flask(__name__)\nif __name__ == '__main__':\n  app.run()"},
            words("python3", "app.py"),
        ),
        ({"main.py": 'if __name__ == "__main__":\n    main()\n'}, words("python3", "main.py")),
        ({"requirements.txt": "x", "Procfile": "web: uvicorn x:y --port $PORT"}, ShellText("uvicorn x:y --port $PORT")),
    ],
)
def test_how_it_starts(files: Files, start: AppCommand) -> None:
    plan = plan_of(files)
    assert (plan.stack, plan.commands.start, plan.missing) == ("python", start, ())


def test_an_app_without_a_server_says_what_is_missing() -> None:
    plan = plan_of({"requirements.txt": "flask", "app.py": "app = Flask(__name__)"})
    assert plan.missing == (
        (
            "app.py holds the Flask app “app”, but no server for it: add gunicorn to what it needs, "
            "or say how it is started."
        ),
    )


class TestDjango:
    FILES: ClassVar[Files] = {"manage.py": "", "shop/wsgi.py": "", "shop/asgi.py": "", "shop/settings.py": ""}

    def test_gunicorn_starts_it_and_its_migrations_run_before_a_release(self) -> None:
        plan = plan_of({**self.FILES, "requirements.txt": "django\ngunicorn\nwhitenoise"})
        assert plan.commands.start == ShellText(GUNICORN.replace("app:server", "shop.wsgi:application"))
        assert plan.commands.release == words("python3", "manage.py", "migrate", "--noinput")
        assert plan.commands.build == words("python3", "manage.py", "collectstatic", "--noinput")

    def test_uvicorn_starts_it_where_that_is_installed(self) -> None:
        plan = plan_of({**self.FILES, "requirements.txt": "django\nuvicorn"})
        assert plan.commands.start == ShellText(UVICORN.replace("main:app", "shop.asgi:application"))

    def test_its_own_server_is_none(self) -> None:
        (missing,) = plan_of({**self.FILES, "requirements.txt": "django"}).missing
        assert missing.startswith("manage.py is Django's, whose own server is for development: add gunicorn")

    def test_a_name_that_is_no_package_is_not_taken(self) -> None:
        files = {"manage.py": "", "a;id/wsgi.py": "", "requirements.txt": "gunicorn"}
        assert plan_of(files).commands.start is None


@pytest.mark.parametrize(
    ("files", "install"),
    [
        (
            {"pyproject.toml": '[project]\nname = "x"\n', "uv.lock": ""},
            words("uv", "sync", "--locked", "--no-dev"),
        ),
        (
            {"pyproject.toml": "[tool.poetry]\n", "poetry.lock": ""},
            words(
                "env", "POETRY_VIRTUALENVS_IN_PROJECT=true", "poetry", "install", "--only", "main", "--no-root",
                "--no-interaction",
            ),
        ),
        (
            {"pyproject.toml": '[project]\nname = "x"\n'},
            ShellText("python3 -m venv .venv && .venv/bin/pip install ."),
        ),
        ({}, None),
    ],
)  # fmt: skip
def test_what_installs_it(files: Files, install: AppCommand | None) -> None:
    assert plan_of({"main.py": 'if __name__ == "__main__":\n    1\n', **files}).commands.install == install


def test_uv_brings_pytest_from_its_groups() -> None:
    files = {
        "pyproject.toml": """\
[project]
name = "x"
dependencies = ["fastapi", "uvicorn"]
[dependency-groups]
dev = ["pytest>=8"]
""",
        "uv.lock": "",
        "main.py": FASTAPI,
        "tests/test_x.py": "",
    }
    assert plan_of(files).commands.test == words("uv", "run", "--locked", "pytest")


def test_a_broken_pyproject_is_told() -> None:
    plan = plan_of({"pyproject.toml": "[", "requirements.txt": "", "main.py": 'if __name__ == "__main__":\n 1'})
    assert plan.why[0] == "pyproject.toml cannot be read as TOML, so nothing that it says counts."


def test_a_pyproject_of_tools_alone_is_no_app() -> None:
    assert unknown({"pyproject.toml": "[tool.ruff]\n", "util.py": ""}).alternatives == ()


@pytest.mark.parametrize(
    ("files", "image"),
    [
        ({}, "python:3.12-slim"),
        ({".python-version": "3.11.4\n"}, "python:3.11-slim"),
        ({"runtime.txt": "python-3.10.2"}, "python:3.10-slim"),
        ({".python-version": "pypy3.9"}, "python:3.12-slim"),
        ({"pyproject.toml": '[project]\nname = "x"\nrequires-python = ">=3.9"\n'}, "python:3.12-slim"),
        ({"pyproject.toml": '[project]\nname = "x"\nrequires-python = ">=3.9,<3.11"\n'}, "python:3.10-slim"),
        ({"pyproject.toml": '[project]\nname = "x"\nrequires-python = ">=3.13"\n'}, "python:3.13-slim"),
    ],
)
def test_the_version_is_read_where_it_is_written(files: Files, image: str) -> None:
    own = plan_of({"main.py": 'if __name__ == "__main__":\n    1\n', **files}).dockerfile
    assert f"FROM {image} AS base\n" in getattr(own, "text", "")
