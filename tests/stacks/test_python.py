from typing import ClassVar

import pytest

from bakery.model.app_commands import AppCommand, ShellText, words
from bakery.model.runtimes import Runtime
from tests.stacks.trees import Files, plan_of, unknown

UVICORN = 'exec uvicorn main:app --host "${HOST:-127.0.0.1}" --port "${PORT:-8000}"'
GUNICORN = 'exec gunicorn app:server --bind "${HOST:-127.0.0.1}:${PORT:-8000}"'
FLASK = "app = Flask(__name__)\n"
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
            {"requirements.txt": "flask", "app.py": f"{FLASK}if __name__ == '__main__':\n  app.run(host='0.0.0.0')"},
            words("python3", "app.py"),
        ),
        ({"main.py": 'if __name__ == "__main__":\n    main()\n'}, words("python3", "main.py")),
        ({"requirements.txt": "x", "Procfile": "web: uvicorn x:y --port $PORT"}, ShellText("uvicorn x:y --port $PORT")),
    ],
)
def test_how_it_starts(files: Files, start: AppCommand) -> None:
    plan = plan_of(files)
    assert (plan.stack, plan.commands.start, plan.missing) == ("python", start, ())


@pytest.mark.parametrize(
    ("files", "install", "start"),
    [
        (
            {"requirements.txt": "flask", "app.py": f"{FLASK}if __name__ == '__main__':\n  app.run()"},
            "python3 -m venv .venv && .venv/bin/pip install --requirement requirements.txt gunicorn",
            GUNICORN.replace("app:server", "app:app"),
        ),
        (
            {"pyproject.toml": '[project]\nname = "x"\ndependencies = ["fastapi"]', "uv.lock": "", "main.py": FASTAPI},
            "uv sync --locked --no-dev && uv pip install uvicorn",
            UVICORN,
        ),
    ],
)
def test_a_server_that_is_missing_is_installed_with_it_and_that_is_told(files: Files, install: str, start: str) -> None:
    plan = plan_of(files)
    assert (plan.commands.install, plan.commands.start) == (ShellText(install), ShellText(start))
    assert any("names no server for it: " in sentence for sentence in plan.why)


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

    def test_its_own_server_is_none_so_gunicorn_is_installed_with_it(self) -> None:
        plan = plan_of({**self.FILES, "requirements.txt": "django"})
        assert plan.commands.start == ShellText(GUNICORN.replace("app:server", "shop.wsgi:application"))
        assert plan.why[1] == (
            "manage.py is Django's, whose own server is for development: gunicorn is installed with it, for "
            "shop/wsgi.py; its migrations run before a release."
        )

    def test_without_a_module_for_servers_its_settings_do(self) -> None:
        plan = plan_of({"manage.py": "", "mysite/settings.py": "", "requirements.txt": "django\ngunicorn"})
        assert plan.commands.start == ShellText(
            'exec gunicorn --env DJANGO_SETTINGS_MODULE=mysite.settings "django.core.wsgi:get_wsgi_application()"'
            ' --bind "${HOST:-127.0.0.1}:${PORT:-8000}"'
        )

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
            {"pyproject.toml": '[project]\nname = "x"\n[build-system]\nrequires = ["hatchling"]\n'},
            ShellText("python3 -m venv .venv && .venv/bin/pip install ."),
        ),
        ({"pyproject.toml": '[project]\nname = "x"\n'}, words("uv", "sync", "--no-dev")),
        (
            {"pyproject.toml": "[project]\n", "pdm.lock": ""},
            words("pdm", "install", "--prod", "--frozen-lockfile", "--no-editable"),
        ),
        (
            {"Pipfile": "[packages]\n", "Pipfile.lock": ""},
            words("env", "PIPENV_VENV_IN_PROJECT=1", "pipenv", "install", "--deploy"),
        ),
        (
            {"requirements/production.txt": "x\n"},
            ShellText("python3 -m venv .venv && .venv/bin/pip install --requirement requirements/production.txt"),
        ),
        (
            {"setup.py": "from setuptools import setup\nsetup(name='x')"},
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
        ({}, "python:3.13-slim"),
        ({".python-version": "3.11.4\n"}, "python:3.11-slim"),
        ({"runtime.txt": "python-3.10.2"}, "python:3.10-slim"),
        ({".python-version": "pypy3.9"}, "python:3.13-slim"),
        ({"pyproject.toml": '[project]\nname = "x"\nrequires-python = ">=3.9"\n'}, "python:3.13-slim"),
        ({"pyproject.toml": '[project]\nname = "x"\nrequires-python = ">=3.9,<3.11"\n'}, "python:3.10-slim"),
        ({"pyproject.toml": '[project]\nname = "x"\nrequires-python = ">=3.13"\n'}, "python:3.13-slim"),
    ],
)
def test_the_version_is_read_where_it_is_written(files: Files, image: str) -> None:
    own = plan_of({"main.py": 'if __name__ == "__main__":\n    1\n', **files}).dockerfile
    assert image in getattr(own, "text", "").split()


@pytest.mark.parametrize(
    ("files", "framework", "start"),
    [
        (
            {"requirements.txt": "python-fasthtml", "main.py": "app, rt = fast_app()\n"},
            "FastHTML",
            UVICORN,
        ),
        (
            {"requirements.txt": "streamlit", "home.py": "import streamlit as st\n"},
            "Streamlit",
            (
                'exec streamlit run home.py --server.address "${HOST:-127.0.0.1}" --server.port "${PORT:-8000}"'
                " --server.headless true"
            ),
        ),
        (
            {"requirements.txt": "sanic", "server.py": "app = Sanic('shop')\n"},
            "Sanic",
            'exec sanic server:app --host "${HOST:-127.0.0.1}" --port "${PORT:-8000}"',
        ),
        (
            {"requirements.txt": "bokeh", "main.py": "from bokeh.io import curdoc\n"},
            "Bokeh",
            (
                'exec bokeh serve main.py --address "${HOST:-127.0.0.1}" --port "${PORT:-8000}"'
                ' --allow-websocket-origin "*"'
            ),
        ),
        (
            {"requirements.txt": "panel", "app.py": "import panel as pn\npn.panel(1).servable()\n"},
            "Panel",
            (
                'exec panel serve app.py --address "${HOST:-127.0.0.1}" --port "${PORT:-8000}"'
                ' --allow-websocket-origin "*"'
            ),
        ),
        (
            {"requirements.txt": "marimo", "notes.py": "import marimo\napp = marimo.App()\n"},
            "marimo",
            'exec marimo run notes.py --host "${HOST:-127.0.0.1}" --port "${PORT:-8000}" --headless --no-token',
        ),
        (
            {
                "requirements.txt": "flask\ngunicorn",
                "app/__init__.py": "def create_app():\n    app = Flask(__name__)\n",
            },
            "Flask",
            GUNICORN.replace("app:server", '"app:create_app()"'),
        ),
        (
            {"requirements.txt": "flask\ngunicorn", "wsgi.py": "from shop import app\n"},
            "Flask",
            GUNICORN.replace("app:server", "wsgi:app"),
        ),
        (
            {"requirements.txt": "fastapi[standard]", "src/shop/main.py": FASTAPI},
            "FastAPI",
            UVICORN.replace("main:app", "--app-dir src shop.main:app"),
        ),
    ],
)
def test_frameworks_and_what_serves_them(files: Files, framework: str, start: str) -> None:
    plan = plan_of(files)
    assert (plan.framework, plan.commands.start, plan.missing) == (framework, ShellText(start), ())


@pytest.mark.parametrize(
    ("files", "start"),
    [
        ({"requirements.txt": "numpy", "app.py": "print(1)\n"}, words("python3", "app.py")),
        ({"hello.py": "print(1)\n"}, words("python3", "hello.py")),
        ({"my-shop/__main__.py": "", "requirements.txt": "x"}, words("python3", "-m", "my-shop")),
        (
            {"pyproject.toml": '[project]\nname = "x"\nscripts = { shop = "x:run" }\n[build-system]\n', "uv.lock": ""},
            words("python3", "main.py"),
        ),
    ],
)
def test_plain_programs(files: Files, start: AppCommand) -> None:
    assert plan_of({"main.py": "print(1)\n", **files} if "uv.lock" in files else files).commands.start == start


@pytest.mark.parametrize(
    "files",
    [
        {
            "pyproject.toml": '[tool.poetry.dependencies]\nfastapi = "*"\ncart = {path = "cart"}\n',
            "poetry.lock": "",
            "main.py": "app = FastAPI()",
        },
        {
            "pyproject.toml": '[project]\nname = "x"\ndependencies = ["fastapi", "cart"]\n[tool.uv.sources]\n'
            'cart = {path = "cart"}\n',
            "uv.lock": "",
            "main.py": "app = FastAPI()",
        },
    ],
)
def test_packages_that_lie_in_the_repository_are_there_before_they_are_installed(files: Files) -> None:
    text = getattr(plan_of(files).dockerfile, "text", "")
    before = text.partition("install --" if "poetry.lock" in files else "uv sync")[0]
    assert "COPY . ." in before
    assert "COPY pyproject.toml" not in before


def test_a_bot_is_a_worker_without_a_port() -> None:
    plan = plan_of({"requirements.txt": "discord.py", "bot.py": "client.run(token)\n"})
    assert (plan.port, plan.commands.start, plan.missing) == (None, None, ())
    assert plan.commands.processes == {"worker": words("python3", "bot.py")}
    assert plan.why[-1] == "requirements.txt needs a client for chats and no server: a worker without a port."
    assert getattr(plan.dockerfile, "text", "").endswith('USER app\nCMD ["python3", "bot.py"]\n')


@pytest.mark.parametrize(
    ("needs", "packages", "build"),
    [
        ("psycopg2", ("libpq5",), "FROM python:3.13 AS build\n"),
        ("psycopg2-binary", (), "FROM base AS build\n"),
        ("psycopg", ("libpq5",), "FROM base AS build\n"),
        ("psycopg[binary]", (), "FROM base AS build\n"),
        ("pycairo", ("libcairo2", "libcairo2-dev"), "FROM python:3.13 AS build\n"),
        ("pydub", ("ffmpeg",), "FROM base AS build\n"),
        ("playwright", (), "RUN playwright install --with-deps chromium\n"),
    ],
)
def test_what_its_packages_need_of_debian(needs: str, packages: tuple[str, ...], build: str) -> None:
    plan = plan_of({"requirements.txt": needs, "main.py": "print(1)\n"})
    assert plan.system_packages == packages
    assert build in getattr(plan.dockerfile, "text", "")


def test_a_workspace_of_uv_needs_what_its_members_need() -> None:
    files = {
        "pyproject.toml": '[project]\nname = "x"\n[tool.uv.workspace]\nmembers = ["db"]\n',
        "uv.lock": "",
        "main.py": "print(1)\n",
        "db/pyproject.toml": '[project]\nname = "db"\ndependencies = ["psycopg"]\n',
    }
    plan = plan_of(files)
    assert plan.system_packages == ("libpq5",)
    assert "uv sync --frozen --no-dev --no-install-workspace\n" in getattr(plan.dockerfile, "text", "")


@pytest.mark.parametrize(
    ("files", "version", "source"),
    [
        ({".tool-versions": "python 3.11.2"}, "3.11", ".tool-versions"),
        ({"mise.toml": '[tools]\npython = "3.13"'}, "3.13", "mise.toml"),
        ({"Pipfile": '[requires]\npython_version = "3.10"\n'}, "3.10", "Pipfile"),
        ({"Pipfile": "["}, "3.13", "the default"),
    ],
)
def test_more_places_of_a_version(files: Files, version: str, source: str) -> None:
    plan = plan_of({"main.py": "print(1)\n", **files})
    assert [(one.tool, one.version, one.source) for one in plan.versions] == [("Python", version, source)]


@pytest.mark.parametrize(
    ("files", "release"),
    [
        ({"requirements.txt": "fastapi\nalembic\n", "main.py": FASTAPI, "alembic.ini": ""}, "alembic upgrade head"),
        ({"requirements.txt": "fastapi\n", "main.py": FASTAPI, "alembic.ini": ""}, None),
        ({"requirements.txt": "fastapi\nalembic\n", "main.py": FASTAPI}, None),
        (
            {"requirements.txt": "flask\nflask-migrate\n", "app.py": "app = Flask(1)\n", "migrations/alembic.ini": ""},
            "flask --app app:app db upgrade",
        ),
    ],
)
def test_migrations_that_are_kept_count_of_run_before_a_release(files: Files, release: str | None) -> None:
    command = plan_of(files).commands.release
    assert (str(command) if command else None) == release


def test_an_app_in_a_module_named_server_is_found() -> None:
    plan = plan_of({"requirements.txt": "flask\ngunicorn\n", "shop/server.py": "app = Flask(1)\n"})
    assert plan.commands.start == ShellText(GUNICORN.replace("app:server", "shop.server:app"))
