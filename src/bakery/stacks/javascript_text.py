"""Configurations that are programs: a few settings are read out of them as text, and nothing of them is run."""

import re

from bakery.stacks.tree import Folder, is_plain_path


def config_text(folder: Folder, *names: str) -> tuple[str, str]:
    """What the first of these that is here says, without its comments, and its name for sentences; or nothing."""
    name = folder.first(*names)
    return ("", "") if name is None else (_without_comments(folder.text(name) or ""), folder.shown(name))


def configs(stem: str) -> tuple[str, ...]:
    return tuple(f"{stem}.{ending}" for ending in ("ts", "js", "mjs", "mts", "cjs"))


def setting(text: str, key: str) -> str | None:
    """A text: `output: 'export'`."""
    found = re.search(rf"""\b{key}["']?\s{{0,20}}[:=]\s{{0,20}}["'`]([^"'`\n]{{1,200}})["'`]""", text)
    return found[1] if found else None


def is_off(text: str, key: str) -> bool:
    return re.search(rf"\b{key}\s{{0,20}}:\s{{0,20}}false\b", text) is not None


def is_on(text: str, key: str) -> bool:
    return re.search(rf"\b{key}\s{{0,20}}:\s{{0,20}}true\b", text) is not None


def folder_setting(text: str, key: str, *, usual: str) -> str:
    """A folder below this one; the usual one where it is elsewhere, or not said."""
    path = (setting(text, key) or "").removeprefix("./").rstrip("/")
    return path if is_plain_path(path) else usual


def _without_comments(text: str) -> str:
    kept: list[str] = []
    rest = text
    while "/*" in rest:
        before, _, after = rest.partition("/*")
        kept.append(before)
        comment, end, rest = after.partition("*/")
        if not end:  # it was none: “/*” stands in a text
            kept.append(f"/*{comment}")
            break
    lines = "".join([*kept, rest]).splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("//"))
