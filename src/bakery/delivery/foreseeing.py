"""What the next deployment will do: its commit is fetched on the app's node, looked into, and removed again."""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypedDict

import msgspec

from bakery.delivery.defaults import read_defaults
from bakery.delivery.detecting import detect_in_time
from bakery.delivery.find import FoundApp, find_app, node_of_environment
from bakery.delivery.foresight import ForeseenPart, Names, compared, foresee
from bakery.delivery.git_rows import credentials_of, read_source
from bakery.delivery.image_choice import expect_platform, recipe_of_image
from bakery.delivery.image_rows import live_image, read_image
from bakery.delivery.look import Environment, look_at_environment
from bakery.delivery.new_deployment import Commit, Image, source_wanted
from bakery.delivery.plan import Wanted, plan_deployment
from bakery.delivery.premises import Release
from bakery.delivery.recipe import Recipe, recipe_of, recipe_of_files
from bakery.delivery.variable_sets import newest_version, read_set
from bakery.delivery.work import Patience
from bakery.model.actor import Actor
from bakery.model.apps import SourceKind
from bakery.model.errors import BadInput, Conflict, NotFound, Unavailable
from bakery.model.images import ImageReference, parse_image
from bakery.model.names import AppAt, Port
from bakery.model.permissions import Permission
from bakery.model.repository_paths import TOP, RepositoryPath
from bakery.model.runtimes import Runtime
from bakery.model.sources import Ref
from bakery.model.terms import Said
from bakery.model.unit import Limits
from bakery.nodes.git_sources import GitCommit, GitFetch, why_not_fetched
from bakery.nodes.homes import Place
from bakery.nodes.jobs import JobLimits, JobState, new_job_key
from bakery.nodes.links import Links
from bakery.nodes.node import Node
from bakery.stacks.plan import Undetected
from bakery.store.store import Store

WITHIN = 100.0  # seconds; somebody waits for it
_FETCH = JobLimits(seconds=90, log_bytes=1024 * 1024)
FIRST_NUMBER = 9_000_000_000  # no release comes so far; the helper takes up to ten digits


@dataclass(frozen=True, slots=True)
class Foreseen:
    """`compared_with` is the live release whose plan this one's lines are held against; None: there is none.

    Of an image, `ref` is its name, and `commit` its digest. `found` is None where nobody looks into the source."""

    app: str
    ref: str
    commit: str
    title: str
    author: str
    compared_with: int | None
    parts: tuple[ForeseenPart, ...]
    found: Recipe | None = None


async def foresee_deployment(
    store: Store,
    links: Links,
    where: AppAt,
    *,
    ref: Ref | None = None,
    skips_tests: bool = False,
    image: ImageReference | None = None,
    tag: str | None = None,
    actor: Actor,
    patience: Patience | None = None,
) -> Foreseen:
    """Nothing is changed, and of what is fetched for it nothing stays in the app's releases. No image is pulled: its
    registry is asked."""
    actor.require(Permission.DEPLOY)
    app = await find_app(store, where, actor)
    async with store.transaction() as tx:
        asked = await source_wanted(tx, app, ref=ref, image=image, tag=tag)
    environment = await look_at_environment(store, app.environment_id)
    node_id = await node_of_environment(store, app.environment_id)
    if environment is None or node_id is None:
        raise NotFound("There is no such app.")
    node = await links.node(node_id)
    try:
        with links.plan_turns.looking(node_id):
            async with asyncio.timeout(WITHIN):
                looked = await _look(store, node, app, environment, asked)
    except TimeoutError as error:
        raise Unavailable(
            f"Its source was not fetched within {WITHIN:g} s.", hint="Deploy it: a deployment waits for longer."
        ) from error
    return await _foreseen(store, node, environment, looked, actor.label if skips_tests else "", patience or Patience())


@dataclass(frozen=True, slots=True)
class _Looked:
    """What was asked for, and found. `recipe` None: it runs as it is, or says it itself when it is there. `image` names
    what is pulled; empty: nothing is."""

    app: FoundApp
    ref: str
    version: str
    title: str
    author: str
    recipe: Recipe | None
    base: RepositoryPath = TOP
    image: str = ""


async def _look(store: Store, node: Node, app: FoundApp, environment: Environment, asked: Commit | Image) -> _Looked:
    if isinstance(asked, Image):
        return await _ask_registry(store, node, app, environment, asked)
    commit, recipe = await _look_into(store, node, app, environment, asked)
    return _Looked(app, asked.ref, commit.commit, commit.title, commit.author, recipe, asked.base)


async def _ask_registry(store: Store, node: Node, app: FoundApp, environment: Environment, asked: Image) -> _Looked:
    """The port that it exposes is known when it is there."""
    async with store.connection() as connection:
        stored = await read_image(connection, app.environment_id)
        live = await live_image(connection, app.environment_id)
    login = stored.login_for(asked.image, store.vault) if stored else None
    found = await node.images.resolve(asked.image.exact, login)
    expect_platform(asked.image.exact, found.platforms, found.machine)
    exact = asked.image.pinned(found.digest)
    recipe = None
    if stored is not None and stored.port is not None:
        recipe = recipe_of_image(exact, Port(stored.port))
    elif live is not None and live.digest == found.digest and environment.live and environment.live.release:
        recipe = environment.live.release.recipe
    return _Looked(app, asked.ref, found.digest, asked.title, "", recipe, image=exact.exact)


async def _look_into(
    store: Store, node: Node, app: FoundApp, environment: Environment, asked: Commit
) -> tuple[GitCommit, Recipe | None]:
    """None: it runs as it is."""
    place = Place(environment.app, environment.name)
    number = FIRST_NUMBER + secrets.randbelow(900_000_000)
    try:
        commit = await _fetch(store, node, app, place, number, asked)
        if not _is_built(await _settings(store, app, environment)):
            return commit, None
        tree = await node.trees.tree(place, number, asked.base)
    finally:
        async with asyncio.timeout(30):
            await asyncio.shield(node.homes.remove_release(place, number))
    found = detect_in_time(tree, base=asked.base, runtime=environment.runtime)
    if isinstance(found, Undetected):
        if environment.runtime is Runtime.STATIC:
            return commit, recipe_of_files(asked.base, found.message)
        raise Conflict(found.message, hint=found.hint)
    if found.missing:
        raise Conflict(found.missing[0], hint="Say it in bakery.toml.")
    return commit, recipe_of(found)


async def _fetch(store: Store, node: Node, app: FoundApp, place: Place, number: int, asked: Commit) -> GitCommit:
    async with store.connection() as connection:
        source = await read_source(connection, app.environment_id)
    if source is None or source.url is None:
        raise Conflict("There is no repository any more to fetch this from.", hint="Set the app's source.")
    credentials = await credentials_of(store, source)
    fetch = GitFetch(place, number, source.url, asked.ref, credentials, submodules=source.submodules)
    return await fetch_for_a_look(node, fetch)


async def fetch_for_a_look(node: Node, fetch: GitFetch) -> GitCommit:
    """It lies in the release's folder then; its job is gone."""
    key = new_job_key()
    try:
        async with node.jobs.followed(node.sources.fetching(key, fetch, _FETCH)) as arriving:
            async for _ in arriving:
                pass
        status = await node.jobs.status(key)
    finally:
        async with asyncio.timeout(30):
            await node.jobs.forget(key)
    if status.state is not JobState.EXITED or status.exit_status != 0:
        message, hint = why_not_fetched(status)
        raise BadInput(message, field="ref", hint=hint)
    return await node.sources.look(fetch.place, fetch.number)


@dataclass(frozen=True, slots=True)
class _Settings:
    runtime: Runtime
    command: tuple[str, ...]
    health_path: str | None
    number: int
    limits: Limits
    terms: Said
    defaults: Said
    volumes: Mapping[str, str]


async def _settings(store: Store, app: FoundApp, environment: Environment) -> _Settings:
    """What the next release is made with."""
    async with store.connection() as connection:
        cursor = await connection.execute(
            """
            SELECT command, health_path, last_number + 1, memory_bytes, cpu_percent, terms, volumes
            FROM environments JOIN apps ON apps.id = app_id
            WHERE environments.id = %s
            """,
            (app.environment_id,),
        )
        row = await cursor.fetchone()
    if row is None:
        raise NotFound("There is no such app.")
    command, health_path, number, memory, cpu, terms, volumes = row
    said, defaults = msgspec.convert(terms, Said), await read_defaults(store)
    limits = Limits(memory, cpu)
    return _Settings(
        environment.runtime, tuple(command or ()), health_path, int(number), limits, said, defaults, volumes
    )


def _is_built(settings: _Settings) -> bool:
    return Release(0, 1, settings.runtime, settings.command, None).is_built


async def _foreseen(
    store: Store,
    node: Node,
    environment: Environment,
    looked: _Looked,
    skipped_by: str,
    patience: Patience,
) -> Foreseen:
    app = looked.app
    settings = await _settings(store, app, environment)
    release = Release(
        0, settings.number, settings.runtime, settings.command, settings.health_path, recipe=looked.recipe,
        source_base=looked.base, said_limits=settings.limits, said_terms=settings.terms,
        defaults=settings.defaults, said_volumes=settings.volumes,
    )  # fmt: skip
    wanted = Wanted(
        settings.number, environment.generation + 1, release, SourceKind.IMAGE if looked.image else SourceKind.GIT,
        "", environment.strategy, environment.slots, environment.premises(node), node.ingress is not None, skipped_by,
        image=looked.image, has_docker=node.facts.has_docker,
    )  # fmt: skip

    async def parts(of: Wanted, version: int) -> tuple[ForeseenPart, ...]:
        names = await _names(store, app, version)
        drain = of.release.terms(patience.usual).drain
        return foresee(plan_deployment(of), names, check_seconds=patience.check, drain_seconds=drain)

    async with store.connection() as connection:
        newest = await newest_version(connection, app.environment_id)
    now = await parts(wanted, newest)
    live = environment.live.release if environment.live else None
    if live is not None:
        version = await _version_of(store, live.id)
        # The same slots and numbers for both: what differs is what they are made of.
        then = replace(live, id=0, number=settings.number, files_of=None, variables={})
        before = replace(wanted, release=then, **await _source_of(store, app))
        now = compared(now, await parts(before, version))
    return Foreseen(
        app.slug, looked.ref, looked.version, looked.title, looked.author, live.number if live else None, now,
        looked.recipe,
    )  # fmt: skip


class _Source(TypedDict):
    source: SourceKind
    image: str


async def _source_of(store: Store, app: FoundApp) -> _Source:
    """Of what is live: an image by its digest; all else as if it came from a repository."""
    async with store.connection() as connection:
        live = await live_image(connection, app.environment_id)
    if live is None:
        return {"source": SourceKind.GIT, "image": ""}
    return {"source": SourceKind.IMAGE, "image": parse_image(live.ref).pinned(live.digest).exact}


async def _names(store: Store, app: FoundApp, version: int) -> Names:
    async with store.connection() as connection:
        stored = await read_set(connection, app.environment_id, version)
    return Names(
        tuple(name for name, one in stored.items() if one.scope.reaches_build),
        tuple(name for name, one in stored.items() if one.scope.reaches_run),
    )


async def _version_of(store: Store, release_id: int) -> int:
    async with store.connection() as connection:
        cursor = await connection.execute(
            "SELECT coalesce(variables_version, 0) FROM releases WHERE id = %s", (release_id,)
        )
        row = await cursor.fetchone()
    return int(row[0]) if row else 0
