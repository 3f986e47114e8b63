"""What lies on a node and nobody needs, decided from what was found there and from the rows alone.

The rows are read after the node: what was found then has its row, unless it is left over.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bakery.model.names import Colour
from bakery.model.runtimes import Runtime
from bakery.nodes.disk import Found, FoundHome

HOUR, DAY = 3600.0, 24 * 3600.0
MOST_OF_TOOLS = 2 * 1024**3  # bytes that tools of one environment keep between builds
MOST_OF_SOURCE = 4 * 1024**3  # bytes that fetches of one environment leave for the next one
MOST_BUILD_CACHE = 10 * 1024**3
SCARCE_TOOLS, SCARCE_SOURCE, SCARCE_BUILD_CACHE = 50 * 1024**2, 50 * 1024**2, 1024**3  # when the disk is nearly full
_UNIT = re.compile(r"bakery-([a-z][a-z0-9-]*)-([a-z][a-z0-9]*)-(blue|green)(?:-.*)?")


class Kind(StrEnum):
    RELEASE = "release"
    IMAGE = "image"
    NAMELESS_IMAGES = "nameless-images"
    BUILD_CACHE = "build-cache"
    TOOLS = "tools"
    SOURCE = "source"
    UPLOAD = "upload"
    PROGRAM = "program"
    CONTAINER = "container"
    SITE = "site"
    HOME = "home"
    JOB = "job"


@dataclass(frozen=True, slots=True)
class Leftover:
    """`name` is for the node; `environment` is the row under whose lock it goes, None where nobody else is at it."""

    kind: Kind
    name: str
    bytes: int
    why: str
    app: str = ""
    place: str = ""  # the environment's name
    number: int = 0
    environment: int | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """An environment that lives on the node. `used` are the slots that are not idle. `is_busy`: a deployment is under
    way, or the app is being deleted, which take care of all there themselves."""

    id: int
    runtime: Runtime
    is_busy: bool
    used: Collection[Colour] = ()
    releases: Collection[int] = ()  # numbers of those that somebody needs


@dataclass(frozen=True, slots=True)
class Rows:
    """`environments` are those of the node; `deleted` are the strangers that were deleted once. `builds`: those whose
    image somebody needs. `jobs`: the keys that somebody still asks for; `over`: those of steps of deployments that
    ended."""

    environments: Mapping[tuple[str, str], Known] = field(default_factory=dict)
    deleted: Collection[str] = ()
    builds: Collection[int] = ()
    archives: Collection[str] = ()
    jobs: Collection[str] = ()
    over: Collection[str] = ()


def strangers(found: Found, here: Collection[tuple[str, str]]) -> set[str]:
    """Apps of which something lies there, and that do not live there like that: of these it counts whether they were
    deleted once."""
    homes = {(home.app, home.environment) for home in found.homes}
    units = map(_UNIT.fullmatch, (*found.programs, *found.containers))
    running = {(whose[1], whose[2]) for whose in units if whose}
    sites = {(app, place) for app, _, place in (name.rpartition("-") for name in found.sites)}
    images = {image.app for image in found.images} - {app for app, _ in here}
    return images | {app for app, _ in (homes | running | sites) - set(here)}


def left_over(found: Found, rows: Rows, *, is_scarce: bool = False) -> tuple[Leftover, ...]:
    """In the order in which it goes. `is_scarce`: the disk is nearly full, so what only saves time goes too.

    What bears a name of which Bakery knows nothing is nobody's leftover: the rows may be older than the node.
    """
    return (
        *_running(found, rows),
        *_sites(found, rows),
        *_homes(found, rows, is_scarce=is_scarce),
        *_images(found, rows),
        *_of_builds(found, is_scarce=is_scarce),
        *_uploads(found, rows),
        *_jobs(found, rows),
    )


def _homes(found: Found, rows: Rows, *, is_scarce: bool) -> Iterator[Leftover]:
    for home in found.homes:
        known = rows.environments.get((home.app, home.environment))
        if known is not None:
            if not known.is_busy:
                yield from _in_home(home, known, is_scarce=is_scarce)
        elif _is_gone(rows, home.app, home.environment) and home.age > HOUR:
            taken = sum(home.releases.values()) + home.tools + home.source
            why = f"{home.app} does not live here any more."
            yield Leftover(Kind.HOME, f"{home.app}-{home.environment}", taken, why, home.app, home.environment)


def _in_home(home: FoundHome, known: Known, *, is_scarce: bool) -> Iterator[Leftover]:
    for number, taken in sorted(home.releases.items()):
        if number not in known.releases or known.runtime is Runtime.DOCKER:
            why = "Nobody can go back to this release."
            if known.runtime is Runtime.DOCKER:
                why = "Its image is built, so its source is not needed."
            name = f"{home.app} #{number}"
            yield Leftover(Kind.RELEASE, name, taken, why, home.app, home.environment, number, known.id)
    if home.tools > (SCARCE_TOOLS if is_scarce else MOST_OF_TOOLS):
        why = "Tools keep it to be faster the next time, and make it anew."
        yield Leftover(Kind.TOOLS, home.app, home.tools, why, home.app, home.environment, 0, known.id)
    if home.source > (SCARCE_SOURCE if is_scarce else MOST_OF_SOURCE):
        why = "It was fetched by Git, is kept to fetch less the next time, and comes anew."
        yield Leftover(Kind.SOURCE, home.app, home.source, why, home.app, home.environment, 0, known.id)


def _running(found: Found, rows: Rows) -> Iterator[Leftover]:
    """What runs in a slot that is idle, or of an app that is gone."""
    for kind, names in ((Kind.PROGRAM, found.programs), (Kind.CONTAINER, found.containers)):
        for name in names:
            whose = _UNIT.fullmatch(name)
            if whose is None:
                continue
            app, place, colour = whose[1], whose[2], Colour(whose[3])
            known = rows.environments.get((app, place))
            if known is not None and not known.is_busy and colour not in known.used:
                yield Leftover(kind, name, 0, f"The {colour} slot is free.", app, place, 0, known.id)
            elif known is None and _is_gone(rows, app, place):
                yield Leftover(kind, name, 0, f"{app} does not live here any more.", app, place)


def _sites(found: Found, rows: Rows) -> Iterator[Leftover]:
    for name in found.sites:
        app, _, place = name.rpartition("-")
        if (app, place) not in rows.environments and _is_gone(rows, app, place):
            yield Leftover(Kind.SITE, name, 0, f"{app} does not live here any more.", app, place)


def _images(found: Found, rows: Rows) -> Iterator[Leftover]:
    here = {app for app, _ in rows.environments}
    for image in found.images:
        if image.build not in rows.builds and (image.app in here or image.app in rows.deleted):
            name, why = f"bakery/{image.app}:{image.build}", "No release that is kept needs it."
            yield Leftover(Kind.IMAGE, name, image.bytes, why, image.app, "", image.build)


def _of_builds(found: Found, *, is_scarce: bool) -> Iterator[Leftover]:
    if found.nameless:
        yield Leftover(Kind.NAMELESS_IMAGES, "images", found.nameless, "They were replaced, and have no name any more.")
    most = SCARCE_BUILD_CACHE if is_scarce else MOST_BUILD_CACHE
    if found.build_cache and found.build_cache.is_ours and found.build_cache.bytes > most:
        why = "Docker keeps it to build faster, and makes it anew."
        yield Leftover(Kind.BUILD_CACHE, "build cache", found.build_cache.bytes - most, why, number=most)


def _uploads(found: Found, rows: Rows) -> Iterator[Leftover]:
    for upload in found.uploads:
        if upload.age > HOUR and upload.name not in rows.archives:
            yield Leftover(Kind.UPLOAD, upload.name, upload.bytes, "No deployment is going to unpack it.")


def _jobs(found: Found, rows: Rows) -> Iterator[Leftover]:
    for job in found.jobs:
        if job.key in rows.over:
            yield Leftover(Kind.JOB, job.key, 0, "Its deployment has ended.")
        elif job.key not in rows.jobs and job.state.is_over and job.age > DAY:
            yield Leftover(Kind.JOB, job.key, 0, "It ended, and nobody asks for it any more.")


def _is_gone(rows: Rows, app: str, place: str) -> bool:
    """It was deleted, though another may have its name by now. A name that Bakery never heard of is another's."""
    return (app, place) not in rows.environments and app in rows.deleted
