"""npm, pnpm, yarn and bun: which one a project uses, and how it is called."""

import re

from msgspec import Struct

from bakery.model.app_commands import Words, words
from bakery.stacks.node_workspace import Workspace
from bakery.stacks.package_json import PNPM_WORKSPACE, Package
from bakery.stacks.plan import THE_DEFAULT, ToolVersion
from bakery.stacks.tree import Folder
from bakery.stacks.version_ranges import nearest_allowed
from bakery.stacks.versions import Asked, chosen_version, in_mise, in_tool_versions, series
from bakery.stacks.yaml_lines import yaml_value

YARN_SETTINGS = ".yarnrc.yml"
_YARN_FOCUS = ".yarn/plugins/@yarnpkg/plugin-workspace-tools.cjs"


class Manager(Struct, frozen=True):
    """How a package manager is called. `prune`: leaves what is needed at run time. `above`: how it is told to work in
    the folder of the workspace. `exec`: how it runs a program of a package.
    """

    name: str
    locks: tuple[str, ...]
    install: Words
    install_locked: Words
    prune: Words
    cache: str
    exec: tuple[str, ...]
    above: str | None = None
    beside: tuple[str, ...] = ()  # files that it reads besides

    def script(self, name: str) -> Words:
        return words(self.name, "run", name)

    def program(self, *argv: str) -> Words:
        return words(*self.exec, *argv)


class Managed(Struct, frozen=True):
    """A project's manager, the lock file that counts, and why. `version`: None where the image brings a good one."""

    manager: Manager
    lock: str | None
    version: ToolVersion | None
    why: tuple[str, ...]
    is_locked: bool = False  # and its lock knows what the manifest names
    keeps_packed: bool = False  # yarn's packages are taken from its cache while the app runs
    can_prune: bool = True


NPM = Manager(
    name="npm",
    locks=("package-lock.json", "npm-shrinkwrap.json"),
    install=words("npm", "install"),
    install_locked=words("npm", "ci"),
    prune=words("npm", "prune", "--omit=dev"),
    cache="/root/.npm",
    exec=("npx",),
    above="--prefix",
    beside=(".npmrc",),
)
PNPM = Manager(
    name="pnpm",
    locks=("pnpm-lock.yaml",),
    install=words("pnpm", "install"),
    install_locked=words("pnpm", "install", "--frozen-lockfile"),
    # Without the variable it asks before it removes anything.
    prune=words("env", "CI=true", "pnpm", "prune", "--prod", "--ignore-scripts"),
    cache="/root/.local/share/pnpm/store",
    exec=("pnpm", "exec"),
    above="--dir",
    beside=(".npmrc", PNPM_WORKSPACE, ".pnpmfile.cjs"),
)
YARN_CLASSIC = Manager(
    name="yarn",
    locks=("yarn.lock",),
    install=words("yarn", "install"),
    install_locked=words("yarn", "install", "--frozen-lockfile"),
    prune=words("yarn", "install", "--frozen-lockfile", "--production", "--ignore-scripts", "--prefer-offline"),
    cache="/usr/local/share/.cache/yarn",
    exec=("yarn", "run"),
    above="--cwd",
    beside=(".npmrc", ".yarnrc"),
)
YARN = Manager(
    name="yarn",
    locks=("yarn.lock",),
    install=words("yarn", "install"),
    install_locked=words("yarn", "install", "--immutable"),
    prune=words("yarn", "workspaces", "focus", "--production"),
    cache="/root/.yarn/berry/cache",
    exec=("yarn", "run"),
    beside=(".npmrc", YARN_SETTINGS),
)
BUN = Manager(
    name="bun",
    locks=("bun.lock", "bun.lockb"),
    install=words("bun", "install"),
    install_locked=words("bun", "install", "--frozen-lockfile"),
    prune=words("bun", "install", "--frozen-lockfile", "--production", "--ignore-scripts"),
    cache="/root/.bun/install/cache",
    exec=("bunx",),
    above="--cwd",
    beside=(".npmrc", "bunfig.toml"),
)
LOCKS = tuple(lock for manager in (NPM, PNPM, YARN, BUN) for lock in manager.locks)
# What reads the lock file of that version.
_PNPM_BY_LOCK = {"5": "7", "6": "8"}
_USUAL_PNPM, _USUAL_YARN = "10", "4"
# Of ranges: pnpm installs nothing where “engines” asks for another pnpm.
_KNOWN = {"pnpm": ("6", "7", "8", "9", "10", "11"), "yarn": ("2", "3", "4")}
_LOCK_OF_NEW_YARN = r"(?m)^__metadata:\n[ \t]{1,8}version: ([0-9]{1,2})$"
_YARN_BY_LOCK = {"4": "2", "5": "3", "6": "3"}


def managed(folder: Folder, package: Package, workspace: Workspace | None) -> Managed:
    """What the manifest names; else what has left its lock file. In a workspace the top's word counts."""
    top = workspace.folder if workspace else folder
    speaker = workspace.package if workspace else package
    yarn = _yarn(top, speaker)
    locked = [(one, lock) for one in (PNPM, yarn, NPM) for lock in top.present(*one.locks)]
    named = next((one for one in (PNPM, yarn, NPM) if _name_of(speaker) == one.name), None)
    manager = named or (locked[0][0] if locked else NPM)
    if not locked and not named and workspace and top.has(PNPM_WORKSPACE):
        manager = PNPM
    lock = next((lock for one, lock in locked if one is manager), None)
    others = [other for _, other in locked if other != lock]
    why: list[str] = []
    if named:
        why.append(f"{speaker.shown} names {manager.name} as its package manager.")
    elif lock:
        why.append(f"{top.shown(lock)} was left by {manager.name}.")
    if others:
        why.append(f"{' and '.join(top.shown(other) for other in others)} contradicts that, and does not count.")
    if not lock:
        why.append(f"{manager.name} has left no lock file, so every build may get other versions.")
    unlocked = _unlocked(top, lock, package) if lock else None
    if unlocked and lock:
        why.append(
            f"{top.shown(lock)} knows nothing of “{unlocked}”, which {package.shown} needs: it is older than that, so "
            f"{manager.name} looks for versions anew. Run “{manager.install}” and commit the lock file."
        )
    version, reason = _version(manager, top, speaker)
    new_yarn = version.version if manager is YARN and version else ""
    unpacks = yaml_value(top.text(YARN_SETTINGS), "nodeLinker") in {"node-modules", "pnpm"}
    return Managed(
        manager,
        lock,
        version,
        (*why, *reason),
        is_locked=bool(lock) and not unlocked,
        keeps_packed=bool(new_yarn) and not unpacks,
        # What it leaves out then was a plugin before yarn 4.
        can_prune=not re.match(r"[23](?:\.|$)", new_yarn) or top.has(_YARN_FOCUS),
    )


def bun_managed(folder: Folder, package: Package, workspace: Workspace | None) -> Managed:
    top = workspace.folder if workspace else folder
    lock = top.first(*BUN.locks)
    unlocked = _unlocked(top, lock, package) if lock else None
    why = (f"{top.shown(lock)} knows nothing of “{unlocked}”, so Bun looks for it anew.",) if unlocked and lock else ()
    return Managed(BUN, lock, None, why, is_locked=bool(lock) and not unlocked)


def install_command(found: Managed, folder: Folder, workspace: Workspace | None) -> Words:
    """In the base folder; a workspace is installed from its top."""
    manager = found.manager
    command = manager.install_locked if found.is_locked else manager.install
    return upwards(command, manager, folder, workspace)


def upwards(command: Words, manager: Manager, folder: Folder, workspace: Workspace | None) -> Words:
    if workspace is None or manager.above is None:
        return command
    depth = folder.path.removeprefix(workspace.folder.path).strip("/").count("/") + 1
    program, *rest = command.argv
    return words(program, manager.above, "/".join([".."] * depth), *rest)


def pruning(found: Managed, *, is_workspace: bool) -> tuple[Words, ...]:
    """As it is run at the top of what was installed."""
    manager = found.manager
    if manager is BUN:
        again = manager.prune if found.is_locked else words("bun", "install", "--production", "--ignore-scripts")
        return words("rm", "-rf", "node_modules"), again
    if is_workspace and manager is PNPM:
        locked = ("--frozen-lockfile",) if found.is_locked else ()
        return (words("env", "CI=true", "pnpm", "install", "--prod", "--ignore-scripts", *locked),)
    if is_workspace and manager is YARN:
        return (words("yarn", "workspaces", "focus", "--all", "--production"),)
    if manager is YARN_CLASSIC and not found.is_locked:
        return (words(*(word for word in manager.prune.argv if word != "--frozen-lockfile")),)
    return (manager.prune,)


def bringing(found: Managed, node: ToolVersion) -> tuple[tuple[Words, ...], dict[str, str]]:
    """Into an image that has only npm and yarn 1: what is run, with the variables that have to be set before."""
    if found.manager not in (PNPM, YARN) or found.version is None:
        return (), {}
    if found.manager is PNPM:
        return (words("npm", "install", "--global", f"pnpm@{found.version.version}"),), {}
    first = (words("npm", "install", "--global", "corepack"),) if int(node.version) > 24 else ()
    prepare = words("corepack", "prepare", f"yarn@{found.version.version}", "--activate")
    # Where every user finds it, so that nothing is fetched when the app starts.
    variables = {"COREPACK_HOME": "/usr/local/share/corepack"}
    if found.keeps_packed:  # in the app's folder, which comes along
        variables["YARN_ENABLE_GLOBAL_CACHE"] = "false"
    return (*first, words("corepack", "enable"), prepare), variables


def _name_of(package: Package) -> str:
    return (package.manager or "").partition("@")[0]


def _yarn(folder: Folder, package: Package) -> Manager:
    version = (package.manager or "").partition("@")[2]
    is_new = re.match(r"[2-9]", version) or folder.has(YARN_SETTINGS)
    if not is_new and not version:
        is_new = re.search(_LOCK_OF_NEW_YARN, folder.text(YARN.locks[0]) or "") is not None
    return YARN if is_new else YARN_CLASSIC


def _version(manager: Manager, top: Folder, package: Package) -> tuple[ToolVersion | None, tuple[str, ...]]:
    if manager not in (PNPM, YARN):
        return None, ()
    usual = _usual_pnpm(top) if manager is PNPM else _usual_yarn(top)
    written = (package.manager or "").partition("@")[2].partition("+")[0] if _name_of(package) == manager.name else ""
    asked = [
        Asked(written, package.shown) if written else None,
        Asked(package.volta[manager.name], package.shown) if manager.name in package.volta else None,
        in_tool_versions(top, manager.name),
        in_mise(top, manager.name),
        Asked(package.engines[manager.name], package.shown) if manager.name in package.engines else None,
    ]
    version, why = chosen_version(
        manager.name,
        asked,
        read=lambda text: _as_written(text) or nearest_allowed(text, _KNOWN[manager.name], usual=usual),
        usual=usual,
    )
    lock = top.shown(manager.locks[0])
    if version.source == THE_DEFAULT and usual not in {_USUAL_PNPM, _USUAL_YARN}:
        return ToolVersion(manager.name, usual, lock), (*why, f"{lock} is of {manager.name} {usual}.")
    return version, why


def _as_written(text: str) -> str | None:
    is_whole = re.fullmatch(r"[0-9]{1,3}(?:\.[0-9]{1,4}){0,2}(?:-[a-z]{1,10}\.[0-9]{1,4})?", text)
    within = re.fullmatch(r"~?[ ]?v?([0-9]{1,3}\.[0-9]{1,4})\.[0-9xX*]{1,4}", text)
    return text if is_whole else within[1] if within else series(text, 1)


def _usual_pnpm(folder: Folder) -> str:
    found = re.match(r"""lockfileVersion:\s{1,5}["']?([0-9])""", folder.text(PNPM.locks[0]) or "")
    return _PNPM_BY_LOCK.get(found[1] if found else "", _USUAL_PNPM)


def _usual_yarn(folder: Folder) -> str:
    found = re.search(_LOCK_OF_NEW_YARN, folder.text(YARN.locks[0]) or "")
    return _YARN_BY_LOCK.get(found[1] if found else "", _USUAL_YARN)


def _unlocked(top: Folder, lock: str, package: Package) -> str | None:
    """A package that the manifest names and its lock does not know at all; None where the lock was not read."""
    text = top.text(lock)
    if not text:
        return None
    size = top.tree.sizes.get(top.shown(lock), 0)
    if size > len(text.encode(errors="replace")) + 4:
        return None
    local = ("workspace:", "file:", "link:")
    names = sorted(name for name, asked in package.asks.items() if not asked.startswith(local))
    return next((name for name in names if name not in text and _is_plain(name)), None)


def _is_plain(name: str) -> bool:
    return re.fullmatch(r"(?:@[a-z0-9._-]{1,80}/)?[a-z0-9._-]{1,80}", name) is not None
