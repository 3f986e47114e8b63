"""The environments of an app: production, and what people put beside it."""

from dataclasses import dataclass

from psycopg import errors

from bakery.delivery.apps import AppDetail, show_app
from bakery.delivery.clone import Copied, copy_environment, copy_variables
from bakery.delivery.find import find_app
from bakery.delivery.fleet import AppSummary
from bakery.delivery.git_rows import read_source
from bakery.delivery.placing import expect_room_on
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.errors import BadInput, Conflict
from bakery.model.names import PRODUCTION, AppAt, EnvironmentName, parse_environment_name
from bakery.model.nodes import NodeName, parse_node_for_app
from bakery.model.permissions import Permission
from bakery.model.sources import Branch, parse_branch
from bakery.store.rows import typed
from bakery.store.store import Store


@dataclass(frozen=True, slots=True)
class NewEnvironment:
    """`branch` and `node` None: those of the one that it is made like."""

    name: EnvironmentName
    branch: Branch | None = None
    node: NodeName | None = None
    with_variables: bool = False


@dataclass(frozen=True, slots=True)
class AppEnvironment(AppSummary):
    """One of an app, as lists show it."""

    branch: str | None


async def list_environments(store: Store, where: AppAt, *, actor: Actor) -> list[AppEnvironment]:
    """Production first."""
    actor.require(Permission.READ)
    app = await find_app(store, AppAt(where.app), actor)
    async with store.connection() as connection, connection.cursor(row_factory=typed(AppEnvironment)) as cursor:
        await cursor.execute(
            """
            SELECT id, slug, environment, name, runtime, is_stopped, is_deploying, environment_facts.created_at, node,
                   site_port, apps_domain, primary_name, primary_has_tls, colour, port, health, health_note, live_since,
                   live_number, title, version,
                   EXISTS (SELECT FROM deployments WHERE deployments.environment_id = environment_facts.environment_id
                           AND state = 'failed') AS has_failed,
                   git_sources.branch
            FROM environment_facts
            LEFT JOIN git_sources ON git_sources.environment_id = environment_facts.environment_id
            WHERE id = %s ORDER BY environment <> 'production', environment
            """,
            (app.id,),
        )
        return await cursor.fetchall()


async def add_environment(store: Store, like: AppAt, new: NewEnvironment, *, actor: Actor) -> AppDetail:
    """With the source and the settings of `like`; nothing is deployed yet. Secrets never leave the vault."""
    actor.require(Permission.CREATE_APP)
    actor.require(Permission.DEPLOY)
    original = await show_app(store, like, actor=actor)
    found = await find_app(store, like, actor)
    made = AppAt(like.app, new.name)
    try:
        async with store.transaction() as tx:
            node = await expect_room_on(tx, new.node or NodeName(original.node), original.runtime)
            if new.branch is not None and await read_source(tx.connection, found.environment_id) is None:
                raise BadInput(f"{like} follows no repository.", field="branch", hint="Leave it empty.")
            copied = Copied(found.id, new.name, node.id, original.runtime, new.branch)
            environment_id = await copy_environment(store, tx, found, copied, actor=actor)
            names = await copy_variables(store, tx, found, environment_id, actor) if new.with_variables else []
            tx.publish("apps", f"app:{like.app}")
            told = {"environment": new.name, "like": like.environment, "node": node.slug, "variables": names}
            tx.record(
                AuditEntry(actor, "environment.added", "app", str(found.id), like.app, app_id=found.id, after=told)
            )
    except errors.UniqueViolation as error:
        raise Conflict(
            f"{like.app} has an environment {new.name}, or one of this name that is still being taken from its node.",
            hint="Choose another name, or try again in a minute.",
        ) from error
    return await show_app(store, made, actor=Actor.system())


def parse_new_environment(name: str, *, branch: str, node: str, with_variables: bool) -> NewEnvironment:
    named = parse_environment_name(name.strip(), field="name")
    if named == PRODUCTION:
        raise BadInput("Every app has production.", field="name", hint="Choose another name, like staging.")
    return NewEnvironment(
        named,
        parse_branch(branch) if branch.strip() else None,
        parse_node_for_app(node) if node.strip() else None,
        with_variables,
    )
