"""Variables that an app will need, by name: what its example of an environment and its code name. Never a value."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from bakery.model.errors import BadInput
from bakery.model.variables import VariableName, parse_variable_name
from bakery.stacks.plan import ProposedVariable
from bakery.stacks.tree import Folder

EXAMPLES = (".env.example", ".env.sample", ".env.template", ".env.dist", ".env.defaults", "env.example", "example.env")
MOST = 60
_MOST_LINES = 1000
_ASSIGNED = r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*="
# As JavaScript, Python, Go, Ruby, PHP, Rust, Java, Elixir, C# and others read one whose name stands there.
_READ_IN_CODE = (
    r"""(?:\b(?:process|Bun)\.env\.([A-Z][A-Z0-9_]{2,60})\b"""
    r"""|(?:\benv(?:iron)?|\bENV|\bgetenv|\bGetenv|\bLookupEnv|\benv::var|\bget_env!?|\bfetch_env!?|\bGetEnvironmentVariable)"""
    r"""!?(?:\.(?:get|fetch|key))?[\[(]\s*["']([A-Z][A-Z0-9_]{2,60})["'])"""
)
# What a machine or Bakery itself sets, or what has a good value where nobody sets it.
_SET_ALREADY = frozenset(
    {
        *("PATH", "HOST", "HOSTNAME", "PWD", "TZ", "LANG", "TERM", "TMPDIR", "TEMP", "CI", "DEBUG", "LOG_LEVEL"),
        *("NODE_ENV", "RAILS_ENV", "RACK_ENV", "APP_ENV", "MIX_ENV"),
    }
)


def proposed_variables(folder: Folder, found: Iterable[ProposedVariable]) -> tuple[ProposedVariable, ...]:
    """What the app's examples name, then what its stack found by its dependencies, then what its code reads."""
    named: dict[str, ProposedVariable] = {}
    for one in (*_in_examples(folder), *found, *_in_code(folder)):
        if len(named) == MOST:
            break
        named.setdefault(one.name, one)
    return tuple(named.values())


def for_clients(
    needs: Collection[str], clients: Mapping[str, tuple[str, str]], *, source: str
) -> tuple[ProposedVariable, ...]:
    """`clients`: packages, each with the variable that it is told and what it talks to, as in
    `{"pg": ("DATABASE_URL", "PostgreSQL")}`.
    """
    return tuple(
        ProposedVariable(VariableName(variable), f"{source} needs {package}, a client of {what}.")
        for package, (variable, what) in clients.items()
        if package in needs
    )


def _in_examples(folder: Folder) -> Iterator[ProposedVariable]:
    for name in folder.present(*EXAMPLES):
        for line in (folder.text(name) or "").splitlines()[:_MOST_LINES]:
            if (found := re.match(_ASSIGNED, line[:300])) and (variable := _usable(found[1])):
                yield ProposedVariable(variable, f"{folder.shown(name)} names it.")


def _in_code(folder: Folder) -> Iterator[ProposedVariable]:
    """Of the few files that were read anyway."""
    prefix = f"{folder.path}/" if folder.path else ""
    for path in folder.tree.contents:
        if not path.startswith(prefix) or not re.search(r"\.[a-z]{1,4}$", path):
            continue
        for found in re.finditer(_READ_IN_CODE, folder.text(path.removeprefix(prefix)) or ""):
            if variable := _usable(found[1] or found[2]):
                yield ProposedVariable(variable, f"{path} reads it.")


def _usable(name: str) -> VariableName | None:
    if name in _SET_ALREADY:
        return None
    try:
        return parse_variable_name(name)
    except BadInput:
        return None
