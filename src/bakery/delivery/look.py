"""What a deployment's rows say, read before anything is decided."""

from collections.abc import Mapping
from dataclasses import dataclass

from bakery.delivery.plan import Slot, Wanted
from bakery.delivery.premises import Premises, Release
from bakery.delivery.variable_sets import run_variables
from bakery.model.apps import Runtime
from bakery.model.deployments import DeploymentState, SlotState
from bakery.model.names import AppName, Colour, EnvironmentName, HostName, Port
from bakery.model.secret import Secret
from bakery.model.strategies import Strategy
from bakery.nodes.node import Node
from bakery.store.rows import typed
from bakery.store.store import Connection, Store
from bakery.store.vault import Vault


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment, where it lives, and its slots."""

    id: int
    app_id: int
    app: AppName
    name: EnvironmentName
    runtime: Runtime
    strategy: Strategy
    is_stopped: bool
    apps_domain: str
    slots: Mapping[Colour, Slot]

    @property
    def live(self) -> Slot | None:
        return next((slot for slot in self.slots.values() if slot.state is SlotState.LIVE), None)

    def premises(self, node: Node) -> Premises:
        host = HostName(f"{self.app}.{self.apps_domain}")
        return Premises(self.app, self.name, host, node.folders, node.capabilities.isolated_users)


@dataclass(frozen=True, slots=True)
class Deployment:
    """`failure` is set while a failed deployment still cleans up after itself."""

    id: int
    number: int
    state: DeploymentState
    environment: Environment
    release: Release
    archive: str
    log_stream: int
    failure: str
    hint: str
    is_cancelling: bool

    @property
    def is_switched(self) -> bool:
        """Visitors get this release: there is no way back but another deployment."""
        live = self.environment.live
        return live is not None and live.release == self.release

    def wanted(self, node: Node) -> Wanted:
        return Wanted(
            release=self.release,
            archive=self.archive,
            strategy=self.environment.strategy,
            slots=self.environment.slots,
            premises=self.environment.premises(node),
            has_ingress=node.ingress is not None,
        )


async def look_at_deployment(store: Store, deployment_id: int) -> Deployment | None:
    """None when it is gone with its app."""
    async with store.connection() as connection, connection.cursor(row_factory=typed(_DeploymentRow)) as cursor:
        await cursor.execute(
            """
            SELECT deployments.id, deployments.number, state, deployments.environment_id, deployments.release_id,
                   releases.runtime, releases.command, releases.health_path, files_of, variables_version,
                   builds.archive,
                   log_stream_id AS log_stream, failure, hint, cancel_asked_at IS NOT NULL AS is_cancelling
            FROM deployments JOIN releases ON releases.id = deployments.release_id
            JOIN builds ON builds.id = releases.build_id WHERE deployments.id = %s
            """,
            (deployment_id,),
        )
        row = await cursor.fetchone()
        environment = await _environment(connection, store.vault, row.environment_id) if row else None
        if row is None or environment is None:
            return None
        variables = await run_variables(connection, store.vault, row.environment_id, row.variables_version)
    release = Release(
        row.release_id, row.number, row.runtime, row.command or (), row.health_path, row.files_of, variables
    )
    return Deployment(
        row.id, row.number, row.state, environment, release, row.archive, row.log_stream, row.failure, row.hint,
        row.is_cancelling,
    )  # fmt: skip


async def look_at_environment(store: Store, environment_id: int) -> Environment | None:
    async with store.connection() as connection:
        return await _environment(connection, store.vault, environment_id)


@dataclass(frozen=True, slots=True)
class _DeploymentRow:
    id: int
    number: int
    state: DeploymentState
    environment_id: int
    release_id: int
    runtime: Runtime
    command: tuple[str, ...] | None
    health_path: str | None
    files_of: int | None
    variables_version: int | None
    archive: str
    log_stream: int
    failure: str
    hint: str
    is_cancelling: bool


@dataclass(frozen=True, slots=True)
class _EnvironmentRow:
    id: int
    app_id: int
    app: str
    name: str
    runtime: Runtime
    strategy: Strategy
    is_stopped: bool
    apps_domain: str


@dataclass(frozen=True, slots=True)
class _SlotRow:
    colour: Colour
    port: int | None
    state: SlotState
    release_id: int | None
    number: int | None
    runtime: Runtime | None
    command: tuple[str, ...] | None
    health_path: str | None
    files_of: int | None
    variables_version: int | None

    def slot(self, variables: Mapping[str, Secret]) -> Slot:
        release = None
        if self.release_id is not None and self.number is not None and self.runtime is not None:
            command = self.command or ()
            release = Release(
                self.release_id, self.number, self.runtime, command, self.health_path, self.files_of, variables
            )
        return Slot(self.colour, None if self.port is None else Port(self.port), self.state, release)


async def _environment(connection: Connection, vault: Vault, environment_id: int) -> Environment | None:
    async with connection.cursor(row_factory=typed(_EnvironmentRow)) as cursor:
        await cursor.execute(
            """
            SELECT environments.id, app_id, apps.slug AS app, environments.name, runtime, strategy, is_stopped,
                   nodes.apps_domain
            FROM environments JOIN apps ON apps.id = app_id JOIN nodes ON nodes.id = node_id
            WHERE environments.id = %s
            """,
            (environment_id,),
        )
        row = await cursor.fetchone()
    if row is None:
        return None
    async with connection.cursor(row_factory=typed(_SlotRow)) as slots:
        await slots.execute(
            """
            SELECT colour, port, state, release_id, number, runtime, command, health_path, files_of, variables_version
            FROM slots LEFT JOIN releases ON releases.id = release_id WHERE slots.environment_id = %s
            ORDER BY colour
            """,
            (environment_id,),
        )
        rows = await slots.fetchall()
    found = {
        slot.colour: slot.slot(await run_variables(connection, vault, environment_id, slot.variables_version))
        for slot in rows
    }
    return Environment(
        row.id, row.app_id, AppName(row.app), EnvironmentName(row.name), row.runtime, row.strategy, row.is_stopped,
        row.apps_domain, found,
    )  # fmt: skip
