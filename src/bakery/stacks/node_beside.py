"""Node beside another language: builds by Gradle, Maven or .NET that call npm for their pages."""

import re

from bakery.model.app_commands import words
from bakery.stacks.compiled import Brought
from bakery.stacks.node_versions import USUAL

MANAGERS = ("npm", "yarn", "pnpm")


def called_in(text: str, *, before: str, after: str) -> tuple[str, ...]:
    """Of the managers, those that a build file calls. `before`, `after`: what stands around a program there."""
    found = set(re.findall(rf"{before}(npm|npx|yarn|pnpm)(?:\.cmd)?{after}", text))
    return tuple(name for name in MANAGERS if name in found or (name == "npm" and "npx" in found))


def told_of_node(shown: str, managers: tuple[str, ...]) -> tuple[str, ...]:
    return (f"{shown} calls {' and '.join(managers)}, so Node is in the image that builds.",) if managers else ()


def node_for(managers: tuple[str, ...]) -> Brought | None:
    """From Node's own image, as that of another language has none."""
    if not managers:
        return None
    more = [name for name in managers if name != "npm"]
    return Brought(
        image=f"node:{USUAL}-slim",
        paths={path: path for path in ("/usr/local/bin/", "/usr/local/lib/node_modules/")},
        why=f"The build calls {' and '.join(managers)}.",
        # What is there of yarn leads nowhere without the rest of its image.
        then=words("npm", "install", "--global", "--force", *more) if more else None,
    )
