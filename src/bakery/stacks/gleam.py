"""Gleam: gleam.toml, started as an Erlang shipment."""

import re

from bakery.model.app_commands import words
from bakery.model.names import Port
from bakery.model.runtimes import Runtime
from bakery.stacks.compiled import Image, compiled
from bakery.stacks.documents import read_toml, table_in, text_in
from bakery.stacks.plan import Commands, Found, Said
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder
from bakery.stacks.versions import chosen_version, in_mise, in_tool_versions

FILE = "gleam.toml"
LOCK = "manifest.toml"
PORT = Port(8000)
_USUAL = "1.14.0"
_SHIPMENT = "build/erlang-shipment"
_SERVERS = frozenset({"mist", "wisp", "elli", "gleam_elli", "gleam_cowboy", "glen", "ewe"})


def find_gleam_app(folder: Folder, _: Said) -> Found | None:
    if not folder.has(FILE):
        return None
    document, shown = read_toml(folder.text(FILE)), folder.shown(FILE)
    is_for_browsers = text_in(document, "target") == "javascript"
    gleam, asked = chosen_version(
        "Gleam", (in_tool_versions(folder, "gleam"), in_mise(folder, "gleam")), read=_version, usual=_USUAL
    )
    is_served = bool(table_in(document, "dependencies").keys() & _SERVERS)
    commands = Commands(
        install=words("gleam", "deps", "download"),
        build=words("gleam", "build") if is_for_browsers else words("gleam", "export", "erlang-shipment"),
        test=words("gleam", "test") if folder.holds_any("test/") else None,
        start=None if is_for_browsers else words(f"./{_SHIPMENT}/entrypoint.sh", "run"),
    )
    found = Found(
        runtimes=(Runtime.DOCKER, Runtime.PROCESS),
        commands=commands,
        why=(f"{shown} is Gleam's.", *asked, *([] if is_for_browsers else ["It is started as an Erlang shipment."])),
        missing=(f"{shown} has JavaScript as its target: say how what is built is started.",)
        if is_for_browsers
        else (),
        versions=(gleam,),
        port=PORT if is_served else None,
    )
    image = Image(
        sources=folder.present(FILE, LOCK),
        build_from=f"ghcr.io/gleam-lang/gleam:v{gleam.version}-erlang-alpine",
        run_from="erlang:28-alpine",
        is_alpine=True,
        first=folder.present(FILE, LOCK),
        results=(f"{_SHIPMENT}/",),
        ignores=("build",),
    )
    return compiled(found, image)


def _version(text: str) -> str | None:
    """Its images have whole versions only."""
    found = re.fullmatch(r"v?(1\.[0-9]{1,2})(\.[0-9]{1,2})?", text)
    return f"{found[1]}{found[2] or '.0'}" if found else None


STACK = Stack("gleam", find_gleam_app, marks=(FILE,), reads=(FILE,), looks_for=(FILE,))
