"""Drift: what on this machine is not as the caller says that it should be. Looking changes nothing.

    drift-sites        takes {"sites": {APP-ENVIRONMENT: … as site-apply}, "listen"} as a line of JSON, and maybe
                       "has_own": Bakery's own site is to be here
    drift-units        takes {"units": {UNIT: … as unit-start}}
    drift-containers   takes {"containers": {NAME: … as container-start}}

All are looked at in one call, and of what is as it should be nothing is told. A difference is shown as lines, from what
Bakery writes to what is here; of variables, passwords and pages is told only that they differ.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bakery.helper.certificate_files import Certificates, nameless
from bakery.helper.containers import find, state_of
from bakery.helper.docker_api import Docker, patiently
from bakery.helper.names import APP, UNIT, WORD
from bakery.helper.nginx import Nginx, main_file_of
from bakery.helper.nginx_said import foreign_default_servers
from bakery.helper.nginx_seal import WRITTEN_BY_BAKERY, has_seal, is_sealed, sealed
from bakery.helper.nginx_text import render_catch_all, render_catch_all_tls, render_own_main_file, render_settings
from bakery.helper.own_site import NAME as OWN_SITE
from bakery.helper.site_files import MARKED, Site, taking_turns
from bakery.helper.sites import CATCH_ALL, CATCH_ALL_TLS, FIELDS, OPTIONAL, ToldSite, leads_to_the_same
from bakery.helper.systemd import STARTS_WITH_MACHINE, UNIT_FOLDER, expect_systemd, states
from bakery.helper.told_container import CONTAINER, SPEC, Place, body_of, settled, told_container
from bakery.helper.told_unit import FIELDS as OF_UNIT
from bakery.helper.told_unit import ToldUnit
from bakery.helper.units import Unit
from bakery.helper.verbs import Verb
from bakery.helper.words import say, sentence, told_object

LARGEST = 128 * 1024  # bytes of a file that are shown
MOST_LINES, LONGEST_LINE = 300, 500
MOST = 5000  # of anything, in one call
SITE = re.compile(f"{APP}-{WORD}")
OF_NO_APP = (CATCH_ALL, CATCH_ALL_TLS, OWN_SITE)  # sites of ours, too


def expect_all(
    told: object, form: re.Pattern[str], fields: set[str], may: frozenset[str] = frozenset()
) -> dict[str, dict[str, object]]:
    if not isinstance(told, dict) or len(told) > MOST or not all(map(form.fullmatch, told)):
        sys.exit(f"What should be here has to be an object of at most {MOST}, by names of ours.")
    for one in told.values():
        if not isinstance(one, dict) or set(one) - may != fields:
            sys.exit(f"Each is described by exactly these: {', '.join(sorted(fields))}.")
    return told


# Files.


def read(path: Path) -> bytes | None:
    """None: it is not there, or no plain file, which nobody follows anywhere."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(file, "rb") as opened:
        return opened.read() if stat.S_ISREG(os.fstat(file).st_mode) else None


def compared(path: Path, wanted: str | None) -> dict[str, Any]:
    """`wanted` None: nobody knows what should be in it."""
    found, is_there = read(path), os.path.lexists(path)
    if wanted is None or not is_there or found == wanted.encode():
        return {"path": str(path), "is_there": is_there, "diff": []}
    shown = "(This is no plain file.)" if found is None else found[:LARGEST].decode(errors="replace")
    return {"path": str(path), "is_there": True, "diff": difference(wanted, shown)}


def compared_site(path: Path, wanted: str) -> dict[str, Any]:
    """As `compared`, of a file that says itself whether it is as Bakery wrote it once."""
    found = read(path)
    if found == wanted.encode():  # of a Bakery that did not write yet that it did
        return {**compared(path, None), "is_by_bakery": False}
    told = compared(path, sealed(wanted))
    is_ours = bool(told["diff"]) and found is not None and is_sealed(found.decode(errors="replace"))
    return {**told, "is_by_bakery": is_ours}


def difference(wanted: str, found: str) -> list[str]:
    """As `diff -u` has it, never empty: of two that look the same it tells that too."""
    import difflib  # noqa: PLC0415 - only what differs needs it

    ours, theirs = wanted.splitlines(), found.splitlines()
    lines = [
        line[:LONGEST_LINE]
        for line in difflib.unified_diff(ours, theirs, "as Bakery writes it", "as it is here", lineterm="")
    ]
    if len(lines) > MOST_LINES:
        return [*lines[:MOST_LINES], f"({len(lines) - MOST_LINES} more lines)"]
    return lines or ["(They differ in characters that are not shown.)"]


# Sites.


def look_at_sites(root: Path) -> None:

    told = told_object({"sites", "listen"}, what="What should be here", may=frozenset({"listen_tls", "has_own"}))
    listens = {name: told[name] for name in ("listen", "listen_tls") if name in told}
    nginx = Nginx(root, *listens.values())
    wanted = expect_all(told["sites"], SITE, FIELDS - {"listen"}, OPTIONAL - {"is_refresh", "listen_tls"})
    sites = {name: Site(root, nginx, name) for name in wanted}
    with in_turn(root):
        under_way = [name for name, site in sites.items() if is_under_way(site)]
        found = {name: of_site(root, nginx, site, wanted[name]) for name, site in sites.items()}
        nobodys, foreign = others(nginx, set(wanted))
        shared = of_shared_files(root, nginx) if wanted else []
        shared += of_own_site(nginx) if told.get("has_own") is True else []
    say(
        {
            "sites": {name: one for name, one in found.items() if one and name not in under_way},
            "under_way": under_way, "nobodys": nobodys, "foreign": foreign, "shared": shared,
            "is_running": bool(nginx.workers()),
        }
    )  # fmt: skip


@contextlib.contextmanager
def in_turn(root: Path) -> Iterator[None]:
    """Where nobody ever had a site nobody changes one either, and no lock is left behind."""
    if (root / "sites").exists():
        with taking_turns(root):
            yield
    else:
        yield


def is_under_way(site: Site) -> bool:
    """Whoever changed it was cut off, and goes on; or the next one settles it."""
    return site.before.exists() or site.next.exists()


def of_site(root: Path, nginx: Nginx, site: Site, told: dict[str, object]) -> dict[str, object] | None:

    app, _, environment = site.name.rpartition("-")
    try:
        wanted = ToldSite(root, nginx, app, environment, told)
        text = wanted.text(has_tls=bool(wanted.certificates) and shows_certificates(nginx, site))
    except SystemExit as refused:
        return {**compared(site.conf, None), "beside": [], "marker": "good", "said": str(refused)}
    file = compared_site(site.conf, text)
    contents = {**wanted.files.open, **wanted.files.closed}
    beside = sorted(name for name, content in contents.items() if read(site.conf.with_name(name)) != content.encode())
    marker = of_marker(site, wanted.marker)
    if file["is_there"] and not file["diff"] and not beside and marker == "good":
        return None
    return {**file, "beside": beside, "marker": marker, "said": ""}


def shows_certificates(nginx: Nginx, site: Site) -> bool:
    """Whether nginx has a port for TLS only a change of a site finds out: the file says what it found."""
    if nginx.listen_tls is None:
        return False
    return (nginx.sites / f"{CATCH_ALL_TLS}.conf").exists() or b" ssl http2" in (read(site.conf) or b"")


def of_marker(site: Site, wanted: dict[str, object]) -> str:
    """What the node knows of the last switch. Which deployment was the last to begin says nothing of a site."""

    written = read(site.marker)
    if written is None:
        return "missing"
    try:
        found = json.loads(written)
    except ValueError:
        return "damaged"
    if not isinstance(found, dict) or set(found) != MARKED:
        return "damaged"
    return "good" if leads_to_the_same(found, wanted) else "another"


def others(nginx: Nginx, wanted: set[str]) -> tuple[list[str], list[str]]:
    """The names of sites that Bakery wrote and nobody asks for; and the paths of files that it did not write."""
    nobodys, foreign = [], []
    for path in sorted(nginx.sites.glob("*.conf")):
        name = path.name[: -len(".conf")]
        if name in wanted or name in OF_NO_APP:
            continue
        if (read(path) or b"").startswith(WRITTEN_BY_BAKERY.encode() + b"\n") and SITE.fullmatch(name):
            nobodys.append(name)
        else:
            foreign.append(str(path))
    return nobodys[:MOST], foreign[:MOST]


def of_shared_files(root: Path, nginx: Nginx) -> list[dict[str, object]]:
    """What all sites need."""
    wanted = {nginx.settings: render_settings(nginx.sites)}
    if not nginx.is_machines:
        mime_types = main_file_of(nginx.program).parent / "mime.types"
        wanted[nginx.home / "nginx.conf"] = render_own_main_file(
            nginx.home, settings_file=nginx.settings, mime_types=mime_types
        )
    ours = {}
    catch_all, with_tls = (nginx.sites / f"{name}.conf" for name in (CATCH_ALL, CATCH_ALL_TLS))
    if catch_all.exists() or not is_anothers(nginx):
        ours[catch_all] = render_catch_all(nginx.listening(), Certificates(root).webroot)
    if nginx.listen_tls is not None and with_tls.exists():
        instead = None if nginx.knows_how_to_reject() else nameless(root)
        ours[with_tls] = render_catch_all_tls(nginx.listen_tls, instead)
    found = [compared(path, text) for path, text in wanted.items()]
    found += [compared_site(path, text) for path, text in ours.items()]
    return [one for one in found if one["diff"] or not one["is_there"]]


def of_own_site(nginx: Nginx) -> list[dict[str, object]]:
    """What should be in it nobody says; that nobody changed it, it says itself. One of an older Bakery does not."""
    path = nginx.sites / f"{OWN_SITE}.conf"
    found = (read(path) or b"").decode(errors="replace")
    if has_seal(found) and is_sealed(found):
        return []
    file = compared(path, None)
    if not file["is_there"]:
        return [file]
    return [{**file, "diff": ["(It is not as Bakery wrote it.)"]}] if has_seal(found) or not is_ours(found) else []


def is_ours(text: str) -> bool:
    return text.startswith(f"{WRITTEN_BY_BAKERY}\n")


def is_anothers(nginx: Nginx) -> bool:
    """Whether names that no site has are answered by a server that is not ours; so, when nginx cannot say."""
    dumped = nginx.dump()
    return bool(dumped.status or foreign_default_servers(dumped.output, port=nginx.listening().port, ours=nginx.sites))


# Units.


def look_at_units(root: Path) -> None:

    expect_systemd(root)
    told = told_object({"units"}, what="What should be here")
    wanted = expect_all(told["units"], re.compile(UNIT), OF_UNIT)
    running = states(*wanted) if wanted else {}
    found = {name: {**of_unit(root, name, one), **how(running[name])} for name, one in wanted.items()}
    say({"units": {name: one for name, one in found.items() if not is_as_told(one)}})


def of_unit(root: Path, name: str, told: dict[str, object]) -> dict[str, Any]:

    unit = Unit(root, name)
    about = {
        "has_its_variables": True, "said": "",
        "is_enabled": (UNIT_FOLDER / STARTS_WITH_MACHINE / f"{name}.service").exists(),
        "changed_by": sorted(map(str, (UNIT_FOLDER / f"{name}.service.d").glob("*.conf"))),
    }  # fmt: skip
    try:
        text, variables = ToldUnit(unit.premises, told).texts(
            name, environment_file=unit.environment, log_file=unit.log
        )
    except (SystemExit, OSError) as refused:
        return {**about, **compared(unit.file, None), "said": sentence(refused)}
    return {**about, **compared(unit.file, text), "has_its_variables": read(unit.environment) == variables.encode()}


def how(state: dict[str, object]) -> dict[str, object]:
    return {name: state[name] for name in ("is_running", "last_exit")}


def is_as_told(unit: dict[str, Any]) -> bool:
    is_good = unit["is_there"] and unit["has_its_variables"] and unit["is_enabled"] and unit["is_running"]
    return bool(is_good) and not (unit["diff"] or unit["changed_by"] or unit["said"])


# Containers.


def look_at_containers(root: Path) -> None:

    told = told_object({"containers"}, what="What should be here")
    wanted, docker = expect_all(told["containers"], re.compile(UNIT), CONTAINER), Docker()
    found = patiently(lambda: {name: of_container(root, docker, name, one) for name, one in wanted.items()})
    say({"containers": {name: one for name, one in found.items() if one}})


def of_container(root: Path, docker: Docker, name: str, told: dict[str, object]) -> dict[str, object] | None:
    place, found = Place(root, name), None
    try:
        told_container(told, place)
        found = find(docker, place)
        image = docker.find("images", str(told["image"]), "json")
        if image is None:
            sys.exit(f"The image {told['image']} is not on this machine any more.")
        spec = body_of(place, settled(told, image), image["Id"])["Labels"][SPEC]
    except SystemExit as refused:
        spec, said = None, str(refused)
    else:
        said = ""
    state = state_of(found) or {"is_running": False, "last_exit": ""}
    is_as_told = found is not None and (found["Config"]["Labels"] or {}).get(SPEC) == spec
    if is_as_told and state["is_running"]:
        return None
    return {"is_there": found is not None, "is_as_told": is_as_told, "said": said, **how(state)}


VERBS = {"sites": Verb(look_at_sites), "units": Verb(look_at_units), "containers": Verb(look_at_containers)}
