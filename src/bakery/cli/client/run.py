"""`bakery run`: a command in an app's live release, with our input and on our output."""

import contextlib
import json as json_text
import os
import signal
import sys
import termios
import threading
import tty
from base64 import b64decode, b64encode
from collections.abc import Iterator
from types import FrameType
from typing import Annotated

import typer

from bakery.cli.client.api import Api, Body, connect, path
from bakery.cli.client.places import Env
from bakery.cli.output import Json, print_json
from bakery.model.errors import BadInput, BakeryError, NodeUnreachable

_CHUNK = 32 * 1024
_INTERRUPTED = 130


def run(
    app: Annotated[str, typer.Argument(metavar="APP", help="The app's name.")],
    command: Annotated[list[str], typer.Argument(metavar="-- CMD…", help="The command and its words.")],
    *,
    terminal: Annotated[
        bool | None,
        typer.Option("--terminal/--no-terminal", help="Give it a terminal. Default: when this is one."),
    ] = None,
    env: Env = None,
    json: Json = False,
) -> None:
    """Run a command in an app's live release, with its variables; the exit code is the command's."""
    on_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if terminal and not on_terminal:
        raise BadInput("Input and output have to be a terminal.", field="--terminal", hint="Leave it away.")
    with_terminal = on_terminal and not json if terminal is None else terminal
    wanted = {"command": command, "terminal": _size() if with_terminal else None}
    with connect() as api, _raw(with_terminal):
        try:
            end, written = _talk(api, app, env, wanted, keeps=json)
        except KeyboardInterrupt:  # the answer is closed by now, which ends the command
            raise typer.Exit(_INTERRUPTED) from None
    if json:
        print_json({"exit_status": end["exit_status"], "reason": end["reason"], **written})
    raise typer.Exit(_exit_code(end["exit_status"]))


def _talk(api: Api, app: str, env: str | None, wanted: Body, *, keeps: bool) -> tuple[Body, dict[str, str]]:
    """How it ended; and what it wrote, when that is kept instead of shown."""
    kept = {"output": b"", "errors": b""}
    with api.stream(path("apps", app, "run", env=env), {}, body=wanted) as answer:
        for line in answer.iter_lines():
            said: Body = json_text.loads(line) if line else {}
            if "run" in said:
                _listen(api, path("apps", app, "run", said["run"], env=env), watches=wanted["terminal"] is not None)
            for where in kept.keys() & said.keys():
                if keeps:
                    kept[where] += b64decode(said[where])
                else:
                    _write(sys.stdout if where == "output" else sys.stderr, b64decode(said[where]))
            if "error" in said:
                raise BakeryError(said["error"], hint=said["hint"])
            if "exit_status" in said:
                return said, {where: content.decode(errors="replace") for where, content in kept.items()}
    raise NodeUnreachable("The connection to Bakery ended, and the command with it.", hint="Run it again.")


def _write(stream: object, content: bytes) -> None:
    buffer = stream.buffer  # type: ignore[attr-defined]  # of the two standard streams
    buffer.write(content)
    buffer.flush()


def _listen(api: Api, where: str, *, watches: bool) -> None:
    """Sends what is typed, until we end: nobody waits for a thread that reads."""
    threading.Thread(target=_send_input, args=(api, where), daemon=True).start()
    if watches:

        def resized(_number: int, _frame: FrameType | None) -> None:
            threading.Thread(target=_tell, args=(api, where, {"terminal": _size()}), daemon=True).start()

        signal.signal(signal.SIGWINCH, resized)


def _send_input(api: Api, where: str) -> None:
    while True:
        try:
            chunk = os.read(sys.stdin.fileno(), _CHUNK)
        except (OSError, ValueError):  # there is no input
            chunk = b""
        told = {"input": b64encode(chunk).decode()} if chunk else {"ends": True}
        if not _tell(api, where, told) or not chunk:
            return


def _tell(api: Api, where: str, told: Body) -> bool:
    """A command that has ended reads no more."""
    try:
        api.post(where, told)
    except (BakeryError, RuntimeError):  # RuntimeError: we have closed the connection meanwhile
        return False
    return True


@contextlib.contextmanager
def _raw(with_terminal: bool) -> Iterator[None]:
    """Every key goes to the command, ^C too."""
    if not with_terminal:
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setraw(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _size() -> dict[str, int]:
    """A terminal that does not know it has the usual one."""
    found = os.get_terminal_size(sys.stdout.fileno())
    return {"columns": found.columns or 80, "rows": found.lines or 24}


def _exit_code(exit_status: int) -> int:
    """As a shell counts those that a signal ended."""
    return 128 - exit_status if exit_status < 0 else exit_status
