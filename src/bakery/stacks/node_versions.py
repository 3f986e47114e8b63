"""Which Node: as nvm, asdf, mise, Volta and package.json write it, with the names of its long-lived releases."""

import re

from bakery.stacks.package_json import Package
from bakery.stacks.plan import ToolVersion
from bakery.stacks.tree import Folder
from bakery.stacks.version_ranges import nearest_allowed
from bakery.stacks.versions import Asked, chosen_version, in_mise, in_tool_versions, line_in, series

READS_ABOVE = (".nvmrc", ".node-version")
USUAL = "24"
_KNOWN = ("10", "12", "14", "16", "18", "20", "22", "24", "26")  # of ranges; what is asked for by name may be newer
_SHORT_LIVED = ("15", "17", "19", "21", "23", "25")  # where nothing else fits
TYPESCRIPT_SINCE = 22
_MAJORS = frozenset(str(major) for major in range(10, 41))
_LTS = {
    "dubnium": "10",
    "erbium": "12",
    "fermium": "14",
    "gallium": "16",
    "hydrogen": "18",
    "iron": "20",
    "jod": "22",
    "krypton": "24",
}
# Before this release each is built with a webpack that needs what OpenSSL has no longer had since Node 17.
_OLDER_THAN = {"react-scripts": 5, "@vue/cli-service": 5, "@angular/cli": 13, "webpack": 5}
_USUAL_FOR_THEM = "16"
_ALWAYS_NEWEST = frozenset({"*", "node", "latest", "stable", "current", "lts", "lts/*", "lts/-0"})


def node_version(folder: Folder, *packages: Package) -> tuple[ToolVersion, tuple[str, ...]]:
    """What names one comes before what an engine only has to fit; the app before the workspace that it is a part of."""
    asked = [
        line_in(folder, ".nvmrc"),
        line_in(folder, ".node-version"),
        in_tool_versions(folder, "nodejs", "node"),
        in_mise(folder, "node", "nodejs"),
        *(Asked(one.volta["node"], one.shown) for one in packages if "node" in one.volta),
        *(Asked(one.engines["node"], one.shown) for one in packages if "node" in one.engines),
    ]
    old = next((sentence for one in packages if (sentence := _told_of_webpack(one))), None)
    usual = _USUAL_FOR_THEM if old else USUAL
    version, why = chosen_version("Node", asked, read=lambda text: _major(text, usual), usual=usual)
    return version, (*why, old) if old and version.version == usual else why


def _told_of_webpack(package: Package) -> str | None:
    for name, release in _OLDER_THAN.items():
        found = re.match(r"[~^=v]{0,2}([0-9]{1,3})(?:\.|$)", package.asks.get(name, ""))
        if found and int(found[1]) < release:
            return f"{package.shown} needs {name} {found[1]}, which no newer Node than {_USUAL_FOR_THEM} builds."
    return None


def _major(written: str, usual: str = USUAL) -> str | None:
    """The images have a tag for each."""
    text = written.strip().lower()
    if text in _ALWAYS_NEWEST:
        return usual
    named = _LTS.get(text.removeprefix("lts/"))
    fitting = nearest_allowed(text, _KNOWN, usual=usual) or nearest_allowed(text, _SHORT_LIVED, usual=_SHORT_LIVED[-1])
    found = named or series(text, 1, prefixes="node-") or fitting
    return found if found in _MAJORS else None
