"""A shell script: start.sh, for a repository of which nothing else is known."""

import re

from bakery.model.app_commands import words
from bakery.model.names import Port
from bakery.model.runtimes import Runtime
from bakery.model.variables import VariableName
from bakery.stacks.compiled import DEBIAN
from bakery.stacks.image_text import ImageText
from bakery.stacks.plan import Commands, Found, GeneratedDockerfile, Said
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder

FILE = "start.sh"
PORT = Port(8080)
_SHELLS = ("sh", "bash", "zsh", "dash", "ksh", "fish")
_IN_DEBIAN = frozenset({"sh", "bash", "dash"})


def find_shell_script(folder: Folder, _: Said) -> Found | None:
    if not folder.has(FILE):
        return None
    text, shown = folder.text(FILE) or "", folder.shown(FILE)
    named = re.match(r"#![ \t]*/(?:[\w./-]{1,60}/)?(?:env[ \t]+(?:-S[ \t]+)?)?([a-z]{2,8})\b", text)
    shell = named[1] if named and named[1] in _SHELLS else "sh"
    packages = () if shell in _IN_DEBIAN else (shell,)
    return Found(
        runtimes=(Runtime.DOCKER, Runtime.PROCESS),
        commands=Commands(start=words(shell, FILE)),
        why=(
            f"{shown} is what starts this, with {shell}{'' if named else ', as it names no other shell'}.",
            "What it calls has to be in its image, or on the node.",
        ),
        system_packages=packages,
        port=PORT,
        write_dockerfile=lambda final, names: _write_dockerfile(packages, final, names),
    )


def _write_dockerfile(
    packages: tuple[str, ...], commands: Commands, names: tuple[VariableName, ...]
) -> GeneratedDockerfile:
    text = ImageText((FILE,))
    text.stage("build" if commands.test else "", DEBIAN)
    text.comment("What the script calls can be added here, by the names of Debian's packages.")
    text.packages("ca-certificates", "curl", "tini", *packages)
    text.run(words("useradd", "--create-home", "app"))
    text.copy(".")
    text.arguments(names)
    text.run(commands.install)
    text.build(commands.build)
    if commands.test:
        text.test(commands.test)
        text.stage("", "build")
    text.below_tini()
    text.serve(commands.start, port=PORT, user="app")
    return text.done()


STACK = Stack("shell", find_shell_script, reads=(FILE,), looks_for=(FILE,), is_last_resort=True)
