"""An app's variables: what they are called, where they are used, and how two states of them differ."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from msgspec import Struct

from bakery.model.errors import BadInput
from bakery.model.secret import Secret

VariableName = NewType("VariableName", str)

LONGEST_NAME = 128
LARGEST_VALUE = 32 * 1024  # bytes in UTF-8, like the next
LARGEST_SET = 256 * 1024  # of all of an environment, names included
MOST = 500
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# The account that an app runs as has these; the rest of the world, PATH and LANG among it, may be set otherwise.
_OURS = frozenset({"PORT", "HOME", "USER", "LOGNAME", "SHELL"})
_OUR_PREFIX = "BAKERY_"


class VariableScope(StrEnum):
    """Where a variable is seen: while the app is built, while it runs, or both times."""

    RUN = "run"
    BUILD = "build"
    BOTH = "both"

    @property
    def reaches_run(self) -> bool:
        return self is not VariableScope.BUILD

    @property
    def reaches_build(self) -> bool:
        return self is not VariableScope.RUN


@dataclass(frozen=True, slots=True)
class Variable:
    """`is_secret`: its value is shown only to who asks for it, which is written down, and is masked in logs."""

    name: VariableName
    value: Secret
    scope: VariableScope = VariableScope.RUN
    is_secret: bool = True


Variables = Mapping[VariableName, Variable]


class Difference(Struct, frozen=True):
    """From one state to another, by name and in the order of names."""

    added: tuple[VariableName, ...] = ()
    changed: tuple[VariableName, ...] = ()
    removed: tuple[VariableName, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)

    @property
    def names(self) -> frozenset[VariableName]:
        return frozenset((*self.added, *self.changed, *self.removed))


def parse_variable_name(text: str, *, field: str = "name") -> VariableName:
    if not _NAME.fullmatch(text) or len(text) > LONGEST_NAME:
        raise BadInput(
            f"Use up to {LONGEST_NAME} letters, digits and underscores, and no digit in front.",
            field=field,
            hint="Like DATABASE_URL.",
        )
    if text in _OURS or text.startswith(_OUR_PREFIX):
        raise BadInput(f"Bakery sets {text} itself.", field=field, hint="Leave it out, or choose another name.")
    return VariableName(text)


def parse_value(value: Secret, *, field: str = "value", of: str = "The value") -> Secret:
    """Any text that every part of the way takes. The sentences never hold a piece of it."""
    text = value.reveal()
    if "\0" in text:
        raise BadInput(f"{of} cannot hold a NUL character.", field=field)
    if any(_is_no_character(character) for character in text):
        raise BadInput(f"{of} holds something that is no character.", field=field, hint="Encode it, such as in base64.")
    if len(text.encode()) > LARGEST_VALUE:
        raise BadInput(f"{of} has more than {LARGEST_VALUE // 1024} KiB.", field=field)
    return value


def parse_scope(text: str, *, field: str = "scope") -> VariableScope:
    try:
        return VariableScope(text)
    except ValueError:
        raise BadInput("Choose “run”, “build” or “both”.", field=field) from None


def expect_fit(variables: Iterable[Variable], *, field: str = "") -> None:
    """Returns when a process can be started with all of them."""
    found = list(variables)
    if len(found) > MOST:
        raise BadInput(f"An environment has at most {MOST} variables.", field=field)
    if sum(len(one.name) + len(one.value.reveal().encode()) for one in found) > LARGEST_SET:
        raise BadInput(f"The variables of an environment have at most {LARGEST_SET // 1024} KiB together.", field=field)


def difference(old: Mapping[VariableName, object], new: Mapping[VariableName, object]) -> Difference:
    return Difference(
        added=tuple(sorted(new.keys() - old.keys())),
        changed=tuple(sorted(name for name in old.keys() & new.keys() if old[name] != new[name])),
        removed=tuple(sorted(old.keys() - new.keys())),
    )


def _is_no_character(character: str) -> bool:
    """Halves of surrogate pairs, and Unicode's noncharacters, for which systemd would leave the variable out."""
    code = ord(character)
    return 0xD800 <= code <= 0xDFFF or 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE
