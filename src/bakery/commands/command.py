"""A command as a value: built here, run by a node's transport, shown to people by `str`."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

from bakery.model.errors import BadInput
from bakery.model.secret import Secret

DEFAULT_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Command:
    """`env` is added to a transport's own small environment. Secrets go through `stdin` or `env`, never `argv`.
    `is_private`: what it prints may hold some, and is not written down. `is_routine`: it changes nothing and is said
    over and over again, and neither is it."""

    argv: tuple[str, ...]
    stdin: bytes | Secret | None = None
    env: Mapping[str, str | Secret] = field(default_factory=dict)
    cwd: PurePath | None = None
    timeout: float = DEFAULT_TIMEOUT
    is_private: bool = False
    is_routine: bool = False

    def __post_init__(self) -> None:
        if any("\0" in word for word in self.argv):
            raise BadInput("A command cannot hold a NUL character.", field="command")

    def __str__(self) -> str:
        """As a person would type it. This is the one place that quotes, and nothing runs its result."""
        variables = [f"{name}={_shown(value)}" for name, value in self.env.items()]
        words = [*variables, shlex.join(self.argv)]
        if isinstance(self.stdin, Secret):
            words.append(f"< {self.stdin}")
        return " ".join(words)


def command(
    *argv: str | PurePath,
    stdin: bytes | Secret | None = None,
    env: Mapping[str, str | Secret] | None = None,
    cwd: PurePath | None = None,
    timeout: float = DEFAULT_TIMEOUT,
    is_private: bool = False,
) -> Command:
    words = tuple(str(word) for word in argv)
    return Command(words, stdin=stdin, env=env or {}, cwd=cwd, timeout=timeout, is_private=is_private)


def _shown(value: str | Secret) -> str:
    return str(value) if isinstance(value, Secret) else shlex.quote(value)
