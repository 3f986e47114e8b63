"""Elixir: mix.exs, with Phoenix or without, started as a release."""

import re

from msgspec import Struct

from bakery.model.app_commands import ShellText, words
from bakery.model.names import Port
from bakery.model.runtimes import Runtime
from bakery.model.variables import VariableName
from bakery.stacks.compiled import Image, compiled
from bakery.stacks.documents import read_json, text_in
from bakery.stacks.plan import Commands, Found, ProposedVariable, Said, ToolVersion
from bakery.stacks.proposals import for_clients
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder
from bakery.stacks.version_ranges import nearest_allowed
from bakery.stacks.versions import Asked, chosen_version, in_mise, in_tool_versions, line_in, series

FILE = "mix.exs"
LOCK = "mix.lock"
_VERSION_FILE = ".elixir-version"
_BUILDPACK = "elixir_buildpack.config"
_MIGRATE = "rel/overlays/bin/migrate"
_PACKAGE = "assets/package.json"
READS = (FILE, _PACKAGE, "apps/*/mix.exs", _BUILDPACK, _VERSION_FILE)
PORT = Port(4000)
_USUAL = "1.18"
_KNOWN = tuple(f"1.{minor}" for minor in range(12, 20))
# Where whoever starts it finds Mix's own parts again.
_MIX_HERE = {"MIX_HOME": "/app/.mix", "HEX_HOME": "/app/.hex"}
_COMMENT = r"(?m)^[ \t]*#[^\n]*$"
_NAME = r"([a-z][a-z0-9_]{0,80})"
_CLIENTS = {
    "postgrex": ("DATABASE_URL", "PostgreSQL"),
    "myxql": ("DATABASE_URL", "MySQL"),
    "ecto_sqlite3": ("DATABASE_PATH", "SQLite, whose file belongs on a volume"),
    "redix": ("REDIS_URL", "Redis"),
}


class _Mix(Struct, frozen=True):
    """`release`: its name; None where an umbrella says none."""

    release: str | None
    needs: frozenset[str]
    has_assets: bool
    is_umbrella: bool
    elixir: str | None


def find_elixir_app(folder: Folder, _: Said) -> Found | None:
    if not folder.has(FILE):
        return None
    mix, shown = _read(folder), folder.shown(FILE)
    is_phoenix = "phoenix" in mix.needs
    elixir, asked = _version(folder, mix)
    program = f"_build/prod/rel/{mix.release}/bin/{mix.release}"
    migrates = folder.has(_MIGRATE) and mix.release is not None
    assets, how = _assets(folder, mix, is_phoenix=is_phoenix)
    commands = Commands(
        install=words("mix", "deps.get", "--only", "prod"),
        build=ShellText(f"export MIX_ENV=prod; {assets}mix release --overwrite")
        if mix.release
        else words("env", "MIX_ENV=prod", "mix", "compile"),
        test=None,  # it would need the dependencies of the tests, and mostly a database
        start=words(*(["env", "PHX_SERVER=true"] if is_phoenix else []), program, "start")
        if mix.release
        else words("env", "MIX_ENV=prod", "mix", "run", "--no-halt"),
        release=words(f"_build/prod/rel/{mix.release}/bin/migrate") if migrates else None,
    )
    why = [f"{shown} is Mix's.", *asked]
    if is_phoenix:
        why.append(f"{shown} needs phoenix: its server is a release that is told PHX_SERVER.")
    elif mix.release:
        why.append(f"{shown} is started as the release “{mix.release}”.")
    else:
        why.append(f"{shown} is an umbrella without a release, so Mix starts all its apps.")
    why += how
    if migrates:
        why.append(f"{folder.shown(_MIGRATE)} runs before a release.")
    found = Found(
        runtimes=(Runtime.DOCKER, Runtime.PROCESS),
        commands=commands,
        why=tuple(why),
        framework="Phoenix" if is_phoenix else None,
        versions=(elixir,),
        variables=(*(_of_phoenix(shown) if is_phoenix else ()), *for_clients(mix.needs, _CLIENTS, source=shown)),
        port=PORT if is_phoenix or mix.needs & {"plug_cowboy", "bandit", "cowboy"} else None,
    )
    return compiled(found, _image(folder, mix, elixir))


def _assets(folder: Folder, mix: _Mix, *, is_phoenix: bool) -> tuple[str, list[str]]:
    """What makes the pages' own parts, before the release that takes them along; and why."""
    has_package, shown = folder.has(_PACKAGE), folder.shown(_PACKAGE)
    install = "npm --prefix assets install && " if has_package else ""
    if mix.has_assets:
        told = [f"{folder.shown(FILE)} has an alias “assets.deploy”."]
        return f"{install}mix assets.deploy && ", told + ([f"{shown} lists what they need."] if has_package else [])
    if is_phoenix and text_in(read_json(folder.text(_PACKAGE)), "scripts", "deploy"):
        return f"{install}npm --prefix assets run deploy && mix phx.digest && ", [f"{shown} has a script “deploy”."]
    return "", []


def _image(folder: Folder, mix: _Mix, elixir: ToolVersion) -> Image:
    image = f"elixir:{elixir.version}-slim"
    # Paths of dependencies in an umbrella lead into its apps.
    return Image(
        sources=folder.present(FILE, LOCK),
        build_from=image,
        run_from=image,
        note="A release has its Erlang with it; this base has the libraries that it was built with."
        if mix.release
        else "",
        # What some dependencies are compiled with stands in there.
        first=() if mix.is_umbrella else (*folder.present(FILE, LOCK), *_if_there(folder, "config/")),
        warm=words("mix", "deps.compile"),
        prepare=(words("mix", "local.hex", "--force"), words("mix", "local.rebar", "--force")),
        packages_to_build=(
            *("build-essential", "git", "ca-certificates"),
            *(("nodejs", "npm") if folder.has(_PACKAGE) else ()),
        ),
        build_variables={"MIX_ENV": "prod", **({} if mix.release else _MIX_HERE)},
        run_variables={"LANG": "C.UTF-8", **({} if mix.release else _MIX_HERE)},
        caches=("/root/.hex",) if mix.release else (),
        results=(f"_build/prod/rel/{mix.release}/",) if mix.release else (),
        ignores=("_build", "deps"),
    )


def _if_there(folder: Folder, *folders: str) -> tuple[str, ...]:
    return tuple(one for one in folders if folder.holds_any(one))


def _of_phoenix(shown: str) -> tuple[ProposedVariable, ...]:
    return (
        ProposedVariable(
            VariableName("SECRET_KEY_BASE"), f"{shown} needs phoenix, which signs with it: mix phx.gen.secret."
        ),
        ProposedVariable(VariableName("PHX_HOST"), f"{shown} needs phoenix, which makes addresses of it."),
    )


def _read(folder: Folder) -> _Mix:
    text = re.sub(_COMMENT, "", folder.text(FILE) or "")
    is_umbrella = re.search(r"\bapps_path:", text) is not None
    own = re.search(rf"\bapp:\s*:{_NAME}", text)
    named = re.search(rf"\breleases:\s*\[\s*{_NAME}:", text) or re.search(
        rf"\bdefp?\s+releases\b[^\[]{{0,40}}\[\s*{_NAME}:", text
    )
    apps = "\n".join(re.sub(_COMMENT, "", folder.text(name) or "") for name in folder.matching("apps/*/mix.exs"))
    elixir = re.search(r"\belixir:\s*\"([^\"\n]{1,60})\"", text)
    return _Mix(
        release=named[1] if named else own[1] if own and not is_umbrella else None,
        needs=frozenset(re.findall(rf"\{{\s*:{_NAME}\s*,", f"{text}\n{apps if is_umbrella else ''}")),
        has_assets="assets.deploy" in text,
        is_umbrella=is_umbrella,
        elixir=elixir[1] if elixir else None,
    )


def _version(folder: Folder, mix: _Mix) -> tuple[ToolVersion, tuple[str, ...]]:
    buildpack = re.search(r"^\s*elixir_version=\(?v?([0-9.]{1,20})", folder.text(_BUILDPACK) or "", re.MULTILINE)
    return chosen_version(
        "Elixir",
        (
            line_in(folder, _VERSION_FILE),
            in_tool_versions(folder, "elixir"),
            in_mise(folder, "elixir"),
            Asked(buildpack[1], folder.shown(_BUILDPACK)) if buildpack else None,
            Asked(mix.elixir, folder.shown(FILE)) if mix.elixir else None,
        ),
        read=_series,
        usual=_USUAL,
    )


def _series(text: str) -> str | None:
    """“1.15.7-otp-26” is 1.15; “~> 1.14” is the usual one."""
    exact = series(text, 2)
    return exact if exact in _KNOWN else nearest_allowed(text, _KNOWN, usual=_USUAL)


STACK = Stack("elixir", find_elixir_app, marks=(FILE,), reads=READS, reads_above=(_VERSION_FILE,), looks_for=(FILE,))
