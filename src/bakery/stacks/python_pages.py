"""Frameworks of Python that show pages and bring a command for that: Streamlit, Gradio, Panel and the like."""

import re
from collections.abc import Mapping

from msgspec import Struct

from bakery.model.app_commands import ShellText
from bakery.stacks.python_programs import MODULE_PATH, OBJECT, PORT, PROGRAMS, Start
from bakery.stacks.python_project import PythonProject
from bakery.stacks.tree import Folder

_HOST, _PORT = '"${HOST:-127.0.0.1}"', f'"${{PORT:-{PORT}}}"'
_FOR_ANY_ORIGIN = '--allow-websocket-origin "*"'


class _Pages(Struct, frozen=True):
    """`says`: what stands in a page's text. `command` shows the page that is put into it."""

    framework: str
    command: str
    says: str = ""


_FRAMEWORKS: Mapping[str, _Pages] = {
    "streamlit": _Pages(
        "Streamlit",
        f"streamlit run {{page}} --server.address {_HOST} --server.port {_PORT} --server.headless true",
    ),
    "chainlit": _Pages("Chainlit", f"chainlit run {{page}} --host {_HOST} --port {_PORT} --headless"),
    "panel": _Pages(
        "Panel", f"panel serve {{page}} --address {_HOST} --port {_PORT} {_FOR_ANY_ORIGIN}", r"\.servable\("
    ),
    "bokeh": _Pages("Bokeh", f"bokeh serve {{page}} --address {_HOST} --port {_PORT} {_FOR_ANY_ORIGIN}", r"\bcurdoc\b"),
    "marimo": _Pages(
        "marimo", f"marimo run {{page}} --host {_HOST} --port {_PORT} --headless --no-token", r"\bmarimo\.App\("
    ),
    "gradio": _Pages("Gradio", f"env GRADIO_SERVER_NAME={_HOST} GRADIO_SERVER_PORT={_PORT} python3 {{page}}"),
}


def start_of_page(folder: Folder, project: PythonProject) -> Start | None:
    for package, pages in _FRAMEWORKS.items():
        page = _first_that_imports(folder, package, pages.says) if package in project.needs else None
        if page and package == "gradio" and re.search(OBJECT, folder.text(page) or ""):
            return None  # it is a part of another app
        if page:
            shown = folder.shown(page)
            told = f"{shown} is a page of {pages.framework}, which is among what it needs and brings its server."
            return Start(ShellText(f"exec {pages.command.replace('{page}', page)}"), (told,), pages.framework)
    return None


def _first_that_imports(folder: Folder, package: str, says: str) -> str | None:
    imports = re.compile(rf"^(?:import|from)[ \t]+{package}\b", re.MULTILINE)
    found = dict.fromkeys((*folder.present("streamlit_app.py", *PROGRAMS), *folder.matching("*.py")))
    texts = ((name, folder.text(name) or "") for name in found if re.fullmatch(MODULE_PATH, name))
    return next((name for name, text in texts if imports.search(text) and re.search(says, text)), None)
