"""How a Python app starts: Django, an app object and a server for it, a framework's own command, or a program."""

import re
from collections.abc import Iterator

from msgspec.structs import replace

from bakery.model.app_commands import AppCommand, ShellText, words
from bakery.model.names import Port
from bakery.model.repository_paths import joined
from bakery.stacks.listening import port_in_code
from bakery.stacks.python_packages import BOTS, WEB
from bakery.stacks.python_pages import start_of_page
from bakery.stacks.python_programs import KINDS, MODULE_PATH, OBJECT, PORT, PROGRAMS, Start
from bakery.stacks.python_project import PythonProject, Tool
from bakery.stacks.tree import Folder

_MODULES = (
    *PROGRAMS,
    *("app/main.py", "app/app.py", "app/__init__.py", "src/main.py", "src/app.py", "api/main.py", "api/index.py"),
    *(
        "*/main.py",
        "*/app.py",
        "*/server.py",
        "*/wsgi.py",
        "*/__init__.py",
        "src/*/main.py",
        "src/*/app.py",
        "src/*/__init__.py",
    ),
)
_RUN_AS_MODULE = "*/__main__.py"
ALEMBIC = "alembic.ini"
READS = (*_MODULES, "*.py", _RUN_AS_MODULE, "*/settings.py")

_OF_WSGI = frozenset({"Flask", "Dash", "Bottle"})
_FACTORY = r"(?m)^def[ \t]+((?:create|make|get)_app(?:lication)?)\("
_MADE = r"(?m)^(app|application|server)[ \t]*=[ \t]*(?:\w+\.)?(?:create|make|get)_app\w*\("
_BROUGHT = r"(?m)^from[ \t]+[\w.]{1,80}[ \t]+import[ \t]+(?:[\w, \t]{0,80}[ ,])?(app|application|server)\b"
_STARTS_ITSELF = r"""(?m)^if[ \t]+__name__[ \t]*==[ \t]*["']__main__["']"""
_FOR_ALL = r"""0\.0\.0\.0|["']HOST["']"""
_PACKAGE = r"[A-Za-z_][A-Za-z0-9_]{0,60}"


def find_start(folder: Folder, project: PythonProject) -> Start | str:
    """Or the sentence that says what is missing."""
    if folder.has("manage.py"):
        return _start_django(folder, project)
    if project.tool is not Tool.NONE and (below := _django_below(folder)):
        started = _start_django(Folder(folder.tree, joined(folder.path, below)), project)
        return started if isinstance(started, str) else _from_above(started, below)
    for find in (_start_function, start_of_page, _start_object, _start_script, _start_program):
        if found := find(folder, project):
            return _with_migrations(folder, project, found)
    return (
        "Nothing says how this is started: no Procfile, no app of Django, FastAPI, Flask or the like that we found, "
        f"and none of {', '.join(PROGRAMS)}."
    )


def _start_django(folder: Folder, project: PythonProject) -> Start | str:
    manage = folder.shown("manage.py")
    server = _server_of_django(folder, project)
    if server is None:
        return (
            f"{manage} is Django's, but no package below has a wsgi.py, asgi.py or settings.py: say how it is started."
        )
    command, name, module = server
    is_named = name in project.needs
    why = (
        f"{manage} is Django's, and {name} is among what it needs, for {folder.shown(module)}"
        if is_named
        else f"{manage} is Django's, whose own server is for development: {name} is installed with it, for "
        f"{folder.shown(module)}"
    )
    return Start(
        command,
        (f"{why}; its migrations run before a release.",),
        "Django",
        adds=() if is_named else (name,),
        release=words("python3", "manage.py", "migrate", "--noinput"),
        build=words("python3", "manage.py", "collectstatic", "--noinput") if "whitenoise" in project.needs else None,
    )


def _with_migrations(folder: Folder, project: PythonProject, start: Start) -> Start:
    """Those that Alembic keeps count of."""
    if "alembic" in project.needs and folder.has(ALEMBIC):
        why = f"{folder.shown(ALEMBIC)} is Alembic's, whose migrations run before a release."
        return replace(start, release=words("alembic", "upgrade", "head"), why=(*start.why, why))
    served = re.search(r" ([\w.]+:\w+) --bind", str(start.command))
    if "flask-migrate" in project.needs and folder.has(f"migrations/{ALEMBIC}") and served:
        why = f"{folder.shown('migrations/')} is Flask-Migrate's, whose migrations run before a release."
        command = words("flask", "--app", served[1], "db", "upgrade")
        return replace(start, release=command, why=(*start.why, why))
    return start


def _django_below(folder: Folder) -> str | None:
    """The folder of a manage.py just below what says what is needed."""
    found = [name.rpartition("/")[0] for name in folder.matching("*/manage.py")]
    return found[0] if len(found) == 1 and re.fullmatch(_PACKAGE, found[0]) else None


def _from_above(start: Start, below: str) -> Start:
    """The same in the folder above, where what it needs is installed."""
    return replace(
        start,
        command=ShellText(f"cd {below} && {start.command}"),
        build=ShellText(f"cd {below} && {start.build}") if start.build else None,
        release=ShellText(f"cd {below} && {start.release}") if start.release else None,
    )


def _server_of_django(folder: Folder, project: PythonProject) -> tuple[ShellText, str, str] | None:
    """The command, the server's name, and the module that it serves."""
    wsgi, asgi = _package_with(folder, "wsgi.py"), _package_with(folder, "asgi.py")
    if asgi and "daphne" in project.needs:
        at = f'--bind "${{HOST:-127.0.0.1}}" --port "${{PORT:-{PORT}}}"'
        return ShellText(f"exec daphne {at} {asgi}.asgi:application"), "daphne", f"{asgi}/asgi.py"
    if asgi and "uvicorn" in project.needs and not (wsgi and "gunicorn" in project.needs):
        return _uvicorn(f"{asgi}.asgi", "application"), "uvicorn", f"{asgi}/asgi.py"
    if wsgi:
        return _gunicorn(f"{wsgi}.wsgi", "application"), "gunicorn", f"{wsgi}/wsgi.py"
    if settings := _package_with(folder, "settings.py"):
        made = ShellText(
            f"exec gunicorn --env DJANGO_SETTINGS_MODULE={settings}.settings "
            f'"django.core.wsgi:get_wsgi_application()" --bind "${{HOST:-127.0.0.1}}:${{PORT:-{PORT}}}"'
        )
        return made, "gunicorn", f"{settings}/settings.py"
    return None


def _package_with(folder: Folder, file: str) -> str | None:
    """The first package just below that holds this file."""
    found = (name.rpartition("/")[0] for name in folder.matching(f"*/{file}"))
    return next((name for name in found if re.fullmatch(_PACKAGE, name)), None)


def _start_function(folder: Folder, project: PythonProject) -> Start | None:
    """Google's way: a function that answers a request, and a package that serves it."""
    found = re.findall(r"^def[ \t]+([A-Za-z_]\w{0,60})\([ \t]*request\b", folder.text("main.py") or "", re.MULTILINE)
    if "functions-framework" not in project.needs or len(found) != 1:
        return None
    told = f"{folder.shown('main.py')} has the function “{found[0]}”, which functions-framework serves."
    options = f'--target {found[0]} --host "${{HOST:-127.0.0.1}}" --port "${{PORT:-{PORT}}}"'
    return Start(ShellText(f"exec functions-framework {options}"), (told,), "Functions Framework")


def _start_object(folder: Folder, project: PythonProject) -> Start | None:
    for name in _modules(folder):
        text = folder.text(name) or ""
        if named := _named_object(project, name, text):
            return _serve(folder, project, name, text, *named)
    return None


def _named_object(project: PythonProject, name: str, text: str) -> tuple[str, str] | None:
    """What a server is told to serve, and of which kind it is."""
    if found := re.search(OBJECT, text):
        kind = KINDS[found[2]]
        return (f"{found[1]}.server" if kind == "Dash" else found[1]), kind
    by_needs = {"flask": "Flask", "fastapi": "FastAPI", "quart": "Quart", "starlette": "Starlette"}
    kind = next((kind for package, kind in by_needs.items() if package in project.needs), "")
    if kind and (found := re.search(_MADE, text)):
        return found[1], kind
    if kind and (found := re.search(_FACTORY, text)) and f"{kind}(" in text:
        return f"{found[1]}()", kind
    if kind and name in {"wsgi.py", "asgi.py", "run.py", "main.py", "app.py"} and (found := re.search(_BROUGHT, text)):
        return found[1], kind
    return None


def _serve(folder: Folder, project: PythonProject, name: str, text: str, served: str, kind: str) -> Start | None:
    if project.tool is Tool.NONE:
        return None  # nothing would bring the framework
    inside, module = _module(name)
    server = "gunicorn" if kind in _OF_WSGI else "uvicorn"
    brought = {"uvicorn"} if project.extras & {"fastapi[standard]", "fastapi[all]"} or kind == "FastHTML" else set()
    said = f"{folder.shown(name)} holds the {kind} app “{served}”"
    if kind == "Sanic":
        return Start(_sanic(module, served, inside), (f"{said}, which brings its own server.",), kind)
    command = _gunicorn(module, served, inside) if server == "gunicorn" else _uvicorn(module, served, inside)
    if server in project.needs | brought:
        return Start(command, (f"{said}, and {server} is among what it needs.",), kind)
    if re.search(_STARTS_ITSELF, text) and re.search(_FOR_ALL, text) and "/" not in name:
        port = port_in_code(text) or (Port(5000) if kind == "Flask" and "PORT" not in text else PORT)
        return Start(words("python3", name), (f"{said}, and is a program that starts itself.",), kind, port)
    return Start(
        command, (f"{said}, but names no server for it: {server} is installed with it.",), kind, adds=(server,)
    )


def _start_script(_: Folder, project: PythonProject) -> Start | None:
    if len(project.scripts) != 1:
        return None
    (name,) = project.scripts
    return Start(words(name), (f"{project.source} names “{name}” as its program.",), port=_port(project, ""))


def _start_program(folder: Folder, project: PythonProject) -> Start | None:
    present = folder.present(*PROGRAMS)
    own = [name for name in present if re.search(_STARTS_ITSELF, folder.text(name) or "")]
    if program := next(iter((*own, *present)), None):
        because = "a program that starts itself" if own else "where Python programs usually begin"
        return _program(folder, project, program, f"{folder.shown(program)} is {because}.", words("python3", program))
    for name in folder.matching(_RUN_AS_MODULE):
        package = name.removesuffix("/__main__.py")
        if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]{0,60}", package):  # what is run so need not be a name
            return _program(
                folder, project, name, f"{folder.shown(name)} is a program.", words("python3", "-m", package)
            )
    return None


def _program(folder: Folder, project: PythonProject, name: str, why: str, command: AppCommand) -> Start:
    text = folder.text(name) or ""
    if port := _port(project, text):
        return Start(command, (why,), port=port)
    return Start(
        command, (why, f"{project.source} needs a client for chats and no server: a worker without a port."), port=None
    )


def _port(project: PythonProject, text: str) -> Port | None:
    """None of what only talks to others."""
    is_bot = not project.needs.isdisjoint(BOTS) and project.needs.isdisjoint(WEB) and '"PORT"' not in text
    return None if is_bot else port_in_code(text) or PORT


def _modules(folder: Folder) -> Iterator[str]:
    seen = dict.fromkeys(name for pattern in _MODULES for name in folder.matching(pattern))
    yield from (name for name in seen if re.fullmatch(MODULE_PATH, name) and "test" not in name)


def _module(name: str) -> tuple[str | None, str]:
    """The folder to look in, and what Python calls the file from there."""
    inside, path = ("src", name.removeprefix("src/")) if name.startswith("src/") else (None, name)
    return inside, path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


# A container says HOST=0.0.0.0; a process listens for its own machine only.
def _uvicorn(module: str, served: str, inside: str | None = None) -> ShellText:
    where = f" --app-dir {inside}" if inside else ""
    what = f"--factory {module}:{served.removesuffix('()')}" if served.endswith("()") else f"{module}:{served}"
    return ShellText(f'exec uvicorn{where} {what} --host "${{HOST:-127.0.0.1}}" --port "${{PORT:-{PORT}}}"')


def _gunicorn(module: str, served: str, inside: str | None = None) -> ShellText:
    where = f" --chdir {inside}" if inside else ""
    what = f'"{module}:{served}"' if served.endswith("()") else f"{module}:{served}"
    return ShellText(f'exec gunicorn{where} {what} --bind "${{HOST:-127.0.0.1}}:${{PORT:-{PORT}}}"')


def _sanic(module: str, served: str, inside: str | None) -> ShellText:
    where = f"cd {inside} && " if inside else ""
    at = f'--host "${{HOST:-127.0.0.1}}" --port "${{PORT:-{PORT}}}"'
    return ShellText(f"{where}exec sanic {module}:{served} {at}")
