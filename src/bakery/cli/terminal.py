"""Questions to the person at the terminal; where there is none, the option that gives the value is named instead."""

import sys

import typer

from bakery.model.errors import BadInput
from bakery.model.secret import Secret


def confirm(question: str, *, yes: bool, option: str = "--yes") -> None:
    """Returns when the answer is yes, or was given before, by the command's own option."""
    if yes:
        return
    _expect_terminal(option)
    typer.confirm(question, abort=True)


def ask_secret(what: str, *, option: str) -> Secret:
    _expect_terminal(option)
    return Secret(typer.prompt(what, hide_input=True))


def read_secret() -> Secret:
    """The first line of stdin."""
    try:
        text = sys.stdin.readline().rstrip("\r\n")
        text.encode()  # some locales let through what is no UTF-8
    except UnicodeError:
        raise BadInput("What came on stdin is not UTF-8.") from None
    if not text:
        raise BadInput("Nothing came on stdin.", hint="Send the value as one line.")
    return Secret(text)


def _expect_terminal(option: str) -> None:
    if not sys.stdin.isatty():
        raise BadInput(f"There is no terminal to ask at; use {option}.")
