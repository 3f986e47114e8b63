"""What the source never does, told by its syntax."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path("src/bakery")
_FORBIDDEN = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "os.system",
    "os.popen",
    "asyncio.create_subprocess_shell",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "pickle.load",
    "pickle.loads",
    "marshal.loads",
    "random.choice",
    "random.random",
}
_ALLOWED = {("nodes/helper_file.py", "compile")}  # of our own modules, for the file that nodes get; nothing runs here
_TAKES_SQL = {"execute", "executemany", "copy", "SQL"}
_HTML_AS_IT_IS = {
    # Who says that a text is HTML already, and why it is.
    "web/manual.py": "the manual, whose Markdown lets no HTML of its source through",
    "web/pages/account.py": "the QR code, an SVG that segno made",
    "web/presenters/terminal.py": "colours of a log; the text in them is escaped by format and by +=",
    "web/presenters/log_pages.py": "rows of a log: numbers, and what terminal.py made of the text",
    "web/views/styleguide.py": "the lines of an example that is written there",
}
_WRITES_HTML = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function")
_HTML_OF_THE_SERVER = {"palette.js": {"innerHTML"}, "viewer.js": {"innerHTML"}}  # rendered there, and escaped there
_SAFE = re.compile(r"(['\"][^'\"{}]*['\"]|' [a-z-]+=\"[a-z]+\"')\|safe\b")


def _trees() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        yield path.relative_to(SOURCE).as_posix(), ast.parse(path.read_text())


def _calls() -> Iterator[tuple[str, ast.Call]]:
    for path, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield path, node


def test_no_text_is_run_as_a_program() -> None:
    found = []
    for path, call in _calls():
        name = ast.unparse(call.func)
        if name in _FORBIDDEN and (path, name) not in _ALLOWED:
            found.append((path, call.lineno, name))
        found += [(path, call.lineno, "shell=") for keyword in call.keywords if keyword.arg == "shell"]
    assert found == []


def test_a_statement_for_the_database_is_never_built_from_values() -> None:
    found = [
        (path, call.lineno)
        for path, call in _calls()
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in _TAKES_SQL
        and call.args
        and _is_built(call.args[0])
    ]
    assert found == []


def test_a_script_for_a_shell_is_never_built_from_values() -> None:
    """`sh -c` takes a constant; what varies comes after it, as an argument."""
    found = []
    for path, call in _calls():
        for flag, script in zip(call.args, call.args[1:], strict=False):
            if isinstance(flag, ast.Constant) and flag.value == "-c" and _is_built(script):
                found.append((path, call.lineno))
    assert found == []


def test_text_becomes_html_in_known_places_only() -> None:
    found = {path for path, call in _calls() if isinstance(call.func, ast.Name) and call.func.id == "Markup"}
    assert found == set(_HTML_AS_IT_IS)


def test_templates_call_only_what_is_written_in_them_safe() -> None:
    for path in sorted((SOURCE / "web/templates").rglob("*.html")):
        text = path.read_text()
        assert len(re.findall(r"\|\s*safe\b", text)) == len(_SAFE.findall(text)), path
        assert "autoescape" not in text, path


def test_pages_hold_no_script_and_no_style() -> None:
    for path in sorted((SOURCE / "web/templates").rglob("*.html")):
        text = path.read_text()
        assert not re.search(
            r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:|hx-on|hx-vals=.js", text
        ), path


def test_our_scripts_write_text_and_no_html() -> None:
    for path in sorted((SOURCE / "web/static/js").glob("*.js")):
        found = set(_WRITES_HTML.findall(path.read_text()))
        assert found == _HTML_OF_THE_SERVER.get(path.name, set()), path


def _is_built(node: ast.expr) -> bool:
    """From pieces: an f-string with values, `+`, `%`, `.format(…)` or `.join(…)` of a plain text."""
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in node.values)
    if isinstance(node, ast.BinOp):
        return not _is_composed(node.left) and not _is_composed(node.right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"format", "join"}:
        return not _is_composed(node.func.value)
    return False


def _is_composed(node: ast.expr) -> bool:
    """`sql.SQL(…)` and what is made from it: psycopg quotes what goes in."""
    return any(isinstance(part, ast.Attribute) and part.attr in {"SQL", "Composed"} for part in ast.walk(node))
