"""Where Python programs begin, what an app is in their text, and how one is started."""

from collections.abc import Mapping

from msgspec import Struct

from bakery.model.app_commands import AppCommand
from bakery.model.names import Port

PORT = Port(8000)
PROGRAMS = (
    *("main.py", "app.py", "server.py", "wsgi.py", "asgi.py", "api.py", "bot.py", "run.py", "start.py", "hello.py"),
    *("application.py", "index.py", "streamlit_app.py"),
)
MODULE_PATH = r"(?:src/)?(?:[A-Za-z_][A-Za-z0-9_]{0,60}/){0,2}[A-Za-z_][A-Za-z0-9_]{0,60}\.py"

KINDS: Mapping[str, str] = {
    "FastAPI": "FastAPI",
    "Starlette": "Starlette",
    "FastHTML": "FastHTML",
    "fast_app": "FastHTML",
    "Litestar": "Litestar",
    "Quart": "Quart",
    "Flask": "Flask",
    "Dash": "Dash",
    "Bottle": "Bottle",
    "Sanic": "Sanic",
}
# Texts, which are compiled when a project of Python is first looked into.
OBJECT = (
    r"(?m)^([A-Za-z_]\w{0,60})(?:[ \t]*,[ \t]*\w{1,60}){0,3}[ \t]*(?::[^=\n]{1,80})?=[ \t]*(?:\w+\.)?"
    rf"({'|'.join(KINDS)})\("
)


class Start(Struct, frozen=True):
    """`adds`: a server that the app needs and does not name. Without a port it is a worker."""

    command: AppCommand
    why: tuple[str, ...]
    framework: str | None = None
    port: Port | None = PORT
    adds: tuple[str, ...] = ()
    release: AppCommand | None = None
    build: AppCommand | None = None
