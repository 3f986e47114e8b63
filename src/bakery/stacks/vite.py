"""Projects whose build is a folder of files that any web server can hand out: Vite's, and those that work alike."""

import re
from dataclasses import dataclass

from bakery.model.repository_paths import RepositoryPath
from bakery.stacks.package_json import Package
from bakery.stacks.tree import Folder, is_plain_path

CONFIGS = ("vite.config.ts", "vite.config.js", "vite.config.mts", "vite.config.mjs")
_OUT_DIR = re.compile(r"""\boutDir\s*:\s*["']([^"'\n]{1,200})["']""")
# Vite builds their browser part; a server of theirs answers.
_WITH_A_SERVER = frozenset(
    {
        "@sveltejs/kit",
        "@remix-run/dev",
        "@react-router/dev",
        "@tanstack/react-start",
        "@tanstack/solid-start",
        "@solidjs/start",
        "@builder.io/qwik-city",
        "@analogjs/platform",
        "astro",
        "nuxt",
        "vike",
        "vinxi",
        "waku",
    }
)
_DEVELOPMENT_ONLY = re.compile(r"vite(?:\s+(?:dev|serve|preview))?(?:\s+--?\S+)*|react-scripts start")


@dataclass(frozen=True, slots=True)
class StaticOutput:
    folder: RepositoryPath
    why: str


def static_output(folder: Folder, package: Package) -> StaticOutput | None:
    """None when something has to answer requests, or when it cannot be told."""
    start = package.scripts.get("start", "").strip()
    if "build" not in package.scripts or package.all_needs & _WITH_A_SERVER:
        return None
    if start and not _DEVELOPMENT_ONLY.fullmatch(start[:200]):
        return None
    if "react-scripts" in package.all_needs:
        return StaticOutput(
            RepositoryPath("build"), f"{package.shown} needs react-scripts, whose build is files alone."
        )
    if "vite" in package.all_needs and folder.has("index.html"):
        config = folder.first(*CONFIGS)
        out = _out_dir(folder, config) if config else None
        where = f"{folder.shown(config)} puts them into {out}" if config and out else "they are in dist"
        return StaticOutput(
            RepositoryPath(out or "dist"),
            f"{package.shown} needs vite, and {folder.shown('index.html')} is its page: the build is files; {where}.",
        )
    return None


def _out_dir(folder: Folder, config: str) -> str | None:
    found = _OUT_DIR.search(folder.text(config) or "")
    path = found[1].removeprefix("./").rstrip("/") if found else ""
    return path if is_plain_path(path) else None
