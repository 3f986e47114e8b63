"""The lines of a Dockerfile that is written for an app: one place that knows what a Dockerfile does to a text."""

import json
import re
from collections.abc import Iterable, Sequence

from bakery.model.app_commands import AppCommand, ShellText, Words
from bakery.model.repository_paths import RepositoryPath
from bakery.model.variables import VariableName
from bakery.stacks.plan import GeneratedDockerfile

IGNORED = """\
.git
.env
.env.*
!.env.example
Dockerfile
.dockerignore
node_modules
.venv
__pycache__
*.log
"""
TEST_STAGE = "test"

_PLAIN_WORD = re.compile(r"[A-Za-z0-9_./:@=+-]+")
# A builder hands it to the same shell as it stands: no second line, no flag, list, comment or here-document of its own.
_ONE_LINE = re.compile(r"[A-Za-z0-9_.:/$\"'({][ -;=-\[\]-~]*")
_MOUNTS = re.compile(r"^RUN (?:--mount=\S+ \\\n    )+", re.MULTILINE)
_SECRETS = "--mount=type=secret,id=variables"
# What the build needs of the variables is read where it is mounted, and is in no layer.
_WITH_VARIABLES = "set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; "
_THEN_THE_REST = _WITH_VARIABLES + 'exec "$@"'


def heading(sources: Iterable[str]) -> str:
    """What people see first. Not a word of the repository but names of files that we know."""
    return (
        f"# Written by Bakery from {_listed(list(sources))}. Yours to keep: put it into the repository as Dockerfile.\n"
    )


def run(command: AppCommand, *, caches: Sequence[str] = (), with_variables: bool = False) -> str:
    """A line that runs something while the image is built. Only words that mean nothing to a shell stand bare."""
    mounts = [f"--mount=type=cache,target={one}" for one in caches]
    mounts += [_SECRETS] if with_variables else []
    before = "".join(f"{mount} \\\n    " for mount in mounts)
    if isinstance(command, Words) and all(_PLAIN_WORD.fullmatch(word) for word in command.argv):
        return f"RUN {before}{_WITH_VARIABLES if with_variables else ''}{' '.join(command.argv)}\n"
    if isinstance(command, ShellText) and _ONE_LINE.fullmatch(command.text):
        return f"RUN {before}{_WITH_VARIABLES if with_variables else ''}{command.text}\n"
    if not with_variables:
        return f"RUN {before}{_exec_form(command.argv)}\n"
    return f"RUN {before}{_exec_form(('sh', '-c', _THEN_THE_REST, 'sh', *command.argv))}\n"


def start(command: AppCommand | None) -> str:
    """In exec form, so that the app itself gets the signals."""
    if command is None:
        return ""
    return f"CMD {_exec_form(command.argv)}\n"


def arguments(names: Sequence[VariableName]) -> str:
    return "".join(f"ARG {name}\n" for name in names)


def only_files(folder: str) -> str:
    """A last stage that holds what nginx hands out, and nothing that could be started."""
    return f"""
# Files alone, which nginx hands out: docker build --output FOLDER .
FROM scratch
COPY --from=build ["/app/{folder}/", "/"]
"""


def dockerfile(
    text: str,
    *,
    has_test: bool,
    holds_only_files: bool = False,
    ignores: Sequence[str] = (),
    context: RepositoryPath | None = None,
) -> GeneratedDockerfile:
    return GeneratedDockerfile(
        text=text,
        without_mounts=_MOUNTS.sub("RUN ", text),
        ignore=IGNORED + "".join(f"{name}\n" for name in ignores if f"\n{name}\n" not in IGNORED),
        test_stage=TEST_STAGE if has_test else None,
        holds_only_files=holds_only_files,
        context=context,
    )


def _exec_form(argv: Sequence[str]) -> str:
    # Some builders look for a here-document (“<<”) even in here.
    return json.dumps(list(argv)).replace("<", r"\u003c")


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
