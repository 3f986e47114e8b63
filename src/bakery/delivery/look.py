"""What a deployment's rows say, read before anything is decided."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bakery.delivery.plan import Wanted
from bakery.delivery.planned import Slot, StepKey
from bakery.delivery.premises import Premises, Release
from bakery.delivery.recipe import Recipe
from bakery.delivery.variable_sets import run_variables
from bakery.model.apps import SourceKind, automatic_host
from bakery.model.deployments import DeploymentState, SlotState
from bakery.model.names import AppAt, AppName, Colour, EnvironmentName, Port, ProcessName
from bakery.model.repository_paths import RepositoryPath
from bakery.model.runtimes import Runtime
from bakery.model.strategies import Strategy
from bakery.model.terms import Said
from bakery.model.unit import Limits
from bakery.nodes.node import Node
from bakery.store.rows import typed
from bakery.store.store import Connection, Store
from bakery.store.vault import Vault


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment, where it lives, and its slots. `generation` is that of the last deployment that began."""

    id: int
    app_id: int
    app: AppName
    name: EnvironmentName
    runtime: Runtime
    strategy: Strategy | None  # what a person said
    is_stopped: bool
    generation: int
    apps_domain: str
    slots: Mapping[Colour, Slot]

    @property
    def where(self) -> AppAt:
        return AppAt(self.app, self.name)

    @property
    def live(self) -> Slot | None:
        return next((slot for slot in self.slots.values() if slot.state is SlotState.LIVE), None)

    def premises(self, node: Node) -> Premises:
        host = automatic_host(self.where, self.apps_domain)
        return Premises(self.app, self.name, host, node.folders, node.capabilities.isolated_users)


@dataclass(frozen=True, slots=True)
class Deployment:
    """`archive` is empty where nothing was uploaded. `failure` is set while a failed one still cleans up."""

    id: int
    number: int
    generation: int
    state: DeploymentState
    environment: Environment
    release: Release
    source: SourceKind
    archive: str
    log_stream: int
    failure: str
    hint: str
    is_cancelling: bool
    tests_skipped_by: str = ""
    retry_of: int | None = None
    retry_from: StepKey | None = None
    image: str = ""

    @property
    def goes_back(self) -> bool:
        """To a release that an earlier deployment made."""
        return self.release.number != self.number

    @property
    def is_switched(self) -> bool:
        """Visitors get this release: there is no way back but another deployment."""
        live = self.environment.live
        return live is not None and live.release == self.release

    def wanted(self, node: Node) -> Wanted:
        return Wanted(
            number=self.number,
            generation=self.generation,
            release=self.release,
            source=self.source,
            archive=self.archive,
            strategy=self.environment.strategy,
            slots=self.environment.slots,
            premises=self.environment.premises(node),
            has_ingress=node.ingress is not None,
            has_docker=node.facts.has_docker,
            tests_skipped_by=self.tests_skipped_by,
            retry_of=self.retry_of,
            retry_from=self.retry_from,
            image=self.image,
        )


async def look_at_deployment(store: Store, deployment_id: int) -> Deployment | None:
    """None when it is gone with its app."""
    async with store.connection() as connection, connection.cursor(row_factory=typed(_DeploymentRow)) as cursor:
        await cursor.execute(
            """
            SELECT id, number, generation, state, environment_id, release_id, log_stream_id AS log_stream,
                   failure, hint, cancel_asked_at IS NOT NULL AS is_cancelling,
                   CASE WHEN skips_tests THEN asked_by ELSE '' END AS tests_skipped_by, retry_of, retry_from
            FROM deployments WHERE id = %s
            """,
            (deployment_id,),
        )
        row = await cursor.fetchone()
        environment = await _environment(connection, store.vault, row.environment_id) if row else None
        if row is None or environment is None:
            return None
        found = (await _releases(connection, [row.release_id]))[row.release_id]
        release = await found.release(connection, store.vault)
    return Deployment(
        id=row.id,
        number=row.number,
        generation=row.generation,
        state=row.state,
        environment=environment,
        release=release,
        source=found.source,
        archive=found.archive or "",
        log_stream=row.log_stream,
        failure=row.failure,
        hint=row.hint,
        is_cancelling=row.is_cancelling,
        tests_skipped_by=row.tests_skipped_by,
        retry_of=row.retry_of,
        retry_from=StepKey(row.retry_from) if row.retry_from else None,
        image=found.ref or "" if found.source is SourceKind.IMAGE else "",
    )


async def look_at_environment(store: Store, environment_id: int) -> Environment | None:
    async with store.connection() as connection:
        return await _environment(connection, store.vault, environment_id)


@dataclass(frozen=True, slots=True)
class _DeploymentRow:
    id: int
    number: int
    generation: int
    state: DeploymentState
    environment_id: int
    release_id: int
    log_stream: int
    failure: str
    hint: str
    is_cancelling: bool
    tests_skipped_by: str
    retry_of: int | None
    retry_from: str | None


@dataclass(frozen=True, slots=True)
class _EnvironmentRow:
    id: int
    app_id: int
    app: str
    name: str
    runtime: Runtime
    strategy: Strategy | None
    is_stopped: bool
    generation: int
    apps_domain: str


@dataclass(frozen=True, slots=True)
class _SlotRow:
    colour: Colour
    port: int | None
    state: SlotState
    release_id: int | None


@dataclass(frozen=True, slots=True)
class _ReleaseRow:
    """With its build, which may have made other releases too."""

    id: int
    environment_id: int
    number: int
    runtime: Runtime
    command: tuple[str, ...] | None
    health_path: str | None
    files_of: int | None
    variables_version: int | None
    build_id: int
    source: SourceKind
    archive: str | None
    ref: str | None
    recipe: Recipe | None
    base: str
    counts: Mapping[ProcessName, int]
    memory_bytes: int | None
    cpu_percent: int | None
    terms: Said
    defaults: Said
    volumes: Mapping[str, str]

    async def release(self, connection: Connection, vault: Vault) -> Release:
        variables = await run_variables(connection, vault, self.environment_id, self.variables_version)
        return Release(
            self.id, self.number, self.runtime, self.command or (), self.health_path, self.files_of, variables,
            self.build_id, self.recipe, RepositoryPath(self.base), self.counts,
            Limits(self.memory_bytes, self.cpu_percent), self.terms, self.defaults,
            self.volumes,
        )  # fmt: skip


async def _environment(connection: Connection, vault: Vault, environment_id: int) -> Environment | None:
    async with connection.cursor(row_factory=typed(_EnvironmentRow)) as cursor:
        await cursor.execute(
            """
            SELECT environments.id, app_id, apps.slug AS app, environments.name, runtime, strategy, is_stopped,
                   generation, nodes.apps_domain
            FROM environments JOIN apps ON apps.id = app_id JOIN nodes ON nodes.id = node_id
            WHERE environments.id = %s
            """,
            (environment_id,),
        )
        row = await cursor.fetchone()
    if row is None:
        return None
    return Environment(
        row.id, row.app_id, AppName(row.app), EnvironmentName(row.name), row.runtime, row.strategy, row.is_stopped,
        row.generation, row.apps_domain, await _slots(connection, vault, environment_id),
    )  # fmt: skip


async def _slots(connection: Connection, vault: Vault, environment_id: int) -> Mapping[Colour, Slot]:
    async with connection.cursor(row_factory=typed(_SlotRow)) as cursor:
        await cursor.execute(
            """
            SELECT colour, port, CASE WHEN warm_until < now() THEN 'retiring' ELSE state END AS state, release_id
            FROM slots WHERE environment_id = %s ORDER BY colour
            """,
            (environment_id,),
        )
        rows = await cursor.fetchall()
    releases = await _releases(connection, [row.release_id for row in rows if row.release_id is not None])
    found = {}
    for row in rows:
        release = await releases[row.release_id].release(connection, vault) if row.release_id is not None else None
        found[row.colour] = Slot(row.colour, None if row.port is None else Port(row.port), row.state, release)
    return found


async def _releases(connection: Connection, ids: Collection[int]) -> Mapping[int, _ReleaseRow]:
    if not ids:
        return {}
    async with connection.cursor(row_factory=typed(_ReleaseRow)) as cursor:
        await cursor.execute(
            """
            SELECT releases.id, environment_id, number, runtime, command, health_path, files_of, variables_version,
                   build_id, source, archive, ref, recipe, base, memory_bytes, cpu_percent, terms, defaults, volumes,
                   (SELECT coalesce(jsonb_object_agg(process, count), '{}') FROM process_counts
                    WHERE process_counts.environment_id = releases.environment_id) AS counts
            FROM releases JOIN builds ON builds.id = build_id WHERE releases.id = ANY(%s)
            """,
            (list(ids),),
        )
        return {row.id: row for row in await cursor.fetchall()}
