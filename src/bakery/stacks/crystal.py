"""Crystal: shard.yml, with a program that holds all that it needs."""

import re

from bakery.model.app_commands import words
from bakery.model.names import Port
from bakery.model.runtimes import Runtime
from bakery.stacks.compiled import Image, compiled
from bakery.stacks.plan import Commands, Found, Said
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder, is_plain_path
from bakery.stacks.versions import Asked, chosen_version, in_mise, in_tool_versions, line_in
from bakery.stacks.yaml_lines import yaml_keys, yaml_value

FILE = "shard.yml"
LOCK = "shard.lock"
_VERSION_FILE = ".crystal-version"
PORT = Port(3000)
_USUAL = "1.16.3"
_FRAMEWORKS = {
    "kemal": "Kemal",
    "lucky": "Lucky",
    "amber": "Amber",
    "athena": "Athena",
    "grip": "Grip",
    "marten": "Marten",
}


def find_crystal_app(folder: Folder, _: Said) -> Found | None:
    if not folder.has(FILE):
        return None
    text, shown = folder.text(FILE), folder.shown(FILE)
    targets = [name for name in yaml_keys(text, "targets") if is_plain_path(name) and "/" not in name]
    name = yaml_value(text, "name")
    target = name if name in targets else targets[0] if len(targets) == 1 else None
    needs = yaml_keys(text, "dependencies")
    framework = next((_FRAMEWORKS[one] for one in needs if one in _FRAMEWORKS), None)
    asked = yaml_value(text, "crystal")
    crystal, why = chosen_version(
        "Crystal",
        (
            line_in(folder, _VERSION_FILE),
            in_tool_versions(folder, "crystal"),
            in_mise(folder, "crystal"),
            Asked(asked, shown) if asked else None,
        ),
        read=_version,
        usual=_USUAL,
    )
    commands = Commands(
        install=words("shards", "install", "--production") if folder.has(LOCK) else words("shards", "install"),
        build=words("shards", "build", target, "--release", "--production") if target else None,
        test=words("crystal", "spec") if folder.holds_any("spec/") else None,
        start=words(f"bin/{target}") if target else None,
    )
    found = Found(
        runtimes=(Runtime.DOCKER, Runtime.PROCESS),
        commands=commands,
        why=(f"{shown} is Crystal's.", *([f"{shown} has the target “{target}”."] if target else []), *why),
        missing=() if target else (_missing(shown, targets),),
        framework=framework,
        versions=(crystal,),
        port=PORT if framework else None,
    )
    beside = [f"{one}/" for one in ("public", "views") if folder.holds_any(f"{one}/")]
    image = Image(
        sources=folder.present(FILE, LOCK),
        build_from=f"crystallang/crystal:{crystal.version}-alpine",
        run_from="alpine:3",
        is_alpine=True,
        note="The program holds all its libraries, so a small system is enough.",
        first=folder.present(FILE, LOCK),
        caches=("/root/.cache",),
        build_variables={"CRYSTAL_OPTS": "--static"},
        results=(f"bin/{target}", *beside) if target else (),
        ignores=("bin", "lib", ".shards"),
        is_deaf=True,
    )
    return compiled(found, image)


def _missing(shown: str, targets: list[str]) -> str:
    if targets:
        return f"{shown} has several targets: {', '.join(targets[:10])}. Say which one is started."
    return f"{shown} has no target, so nothing says what is built and started."


def _version(text: str) -> str | None:
    """Its images have whole versions. What is at least some version may be the usual one."""
    found = re.fullmatch(r"\s*(>=|~>)?\s*(1\.[0-9]{1,2}(?:\.[0-9]{1,2})?)\s*(?:,\s*<\s*[2-9][0-9.]*)?", text)
    if found is None:
        return None
    return _USUAL if found[1] else found[2] if found[2].count(".") == 2 else f"{found[2]}.0"


STACK = Stack(
    "crystal",
    find_crystal_app,
    marks=(FILE,),
    reads=(FILE, _VERSION_FILE),
    reads_above=(_VERSION_FILE,),
    looks_for=(FILE,),
)
