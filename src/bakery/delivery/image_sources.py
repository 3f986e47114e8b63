"""An image of a registry as the source of an app. The registry is asked from the node before anything is saved."""

from collections.abc import Mapping
from dataclasses import replace

from bakery.delivery.apps import AppDetail, Then, create_app
from bakery.delivery.find import FoundApp, find_app, node_of_environment
from bakery.delivery.git_rows import read_source, write_source
from bakery.delivery.image_choice import expect_platform
from bakery.delivery.image_rows import StoredImage, login_of, read_image, seal_password, write_image
from bakery.delivery.new_deployment import expect_docker
from bakery.delivery.placing import expect_room_on
from bakery.delivery.sources import SourceDetail, show_source
from bakery.model.actor import Actor
from bakery.model.apps import NewApp
from bakery.model.audit import AuditEntry
from bakery.model.errors import BadInput, Conflict, NotFound
from bakery.model.images import NewImage
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.model.repository_paths import TOP
from bakery.model.runtimes import Runtime
from bakery.model.secret import Secret
from bakery.nodes.links import Links
from bakery.store.signing import mark_of, marking_key
from bakery.store.store import Store
from bakery.store.transaction import Transaction


async def set_image(store: Store, links: Links, where: AppAt, new: NewImage, *, actor: Actor) -> SourceDetail:
    """What the node is not shown with these credentials is not saved. A password that is stored stays with its registry
    and its user. A repository that was followed is not any more; its deploy key stays."""
    actor.require(Permission.DEPLOY)
    app = await find_app(store, where, actor)
    async with store.transaction() as tx:
        await expect_docker(tx, app)
        now = await read_image(tx.connection, app.environment_id)
    password = new.password or _kept(store, now, new)
    node_id = await node_of_environment(store, app.environment_id)
    if node_id is None:
        raise NotFound("There is no such app.")
    await _ask(links, node_id, new, password)
    async with store.transaction() as tx:
        before = await read_image(tx.connection, app.environment_id, for_update=True)
        if before != now:
            raise Conflict("The source was changed just now.", hint="Look at it, and save again.")
        told = await _follow_no_repository(tx, app, actor) or await _told(store, tx, before)
        await _save(store, tx, app, new, password, actor, before=told)
    return await show_source(store, where, actor=actor)


async def create_app_of_image(
    store: Store, links: Links, new: NewApp, image: NewImage, *, then: Then | None = None, actor: Actor
) -> AppDetail:
    """An app and its image, or neither: what its node is not shown makes no app."""
    actor.require(Permission.CREATE_APP)
    actor.require(Permission.DEPLOY)
    if new.runtime is not Runtime.DOCKER:
        raise BadInput("An image runs in Docker.", field="runtime", hint="Choose “docker”, or leave it out.")
    async with store.transaction() as tx:
        node = await expect_room_on(tx, new.node, new.runtime)
    _expect_password(image, image.password)
    await _ask(links, node.id, image, image.password)

    async def keep(tx: Transaction, app: FoundApp) -> None:
        await _save(store, tx, app, image, image.password, actor, before=None)
        if then is not None:
            await then(tx, app)

    return await create_app(store, new, actor=actor, then=keep)


async def _ask(links: Links, node_id: int, new: NewImage, password: Secret | None) -> None:
    _expect_password(new, password)
    login = login_of(new.reference, new.username, password)
    found = await (await links.node(node_id)).images.resolve(new.reference.exact, login)
    expect_platform(new.reference.exact, found.platforms, found.machine)


def _expect_password(new: NewImage, password: Secret | None) -> None:
    if new.username and password is None:
        raise BadInput("A user of a registry comes with a password or a token.", field="token")


def _kept(store: Store, now: StoredImage | None, new: NewImage) -> Secret | None:
    """Nobody gets another's password sent to a registry of their choice, or for a user of theirs."""
    is_same = now is not None and now.image.registry == new.reference.registry and now.username == new.username
    return now.open_password(store.vault) if now is not None and is_same else None


async def _follow_no_repository(tx: Transaction, app: FoundApp, actor: Actor) -> Mapping[str, object] | None:
    """What was followed, if anything was."""
    source = await read_source(tx.connection, app.environment_id, for_update=True)
    if source is None or source.url is None:
        return None
    only_key = replace(
        source, url=None, branch=None, base=TOP, submodules=True, username=None, token=None, host_keys=(),
        changed_by=actor.label,
    )  # fmt: skip
    await write_source(tx.connection, only_key)
    return {"url": source.url, "branch": source.branch, "base": source.base}


async def _save(
    store: Store,
    tx: Transaction,
    app: FoundApp,
    new: NewImage,
    password: Secret | None,
    actor: Actor,
    *,
    before: Mapping[str, object] | None,
) -> None:
    image = StoredImage(
        environment_id=app.environment_id,
        reference=str(new.reference),
        port=new.port,
        username=new.username if password else None,
        password=seal_password(store.vault, app.environment_id, password) if password else None,
        changed_by=actor.label,
    )
    await write_image(tx.connection, image)
    told = await _told(store, tx, image)
    target = ("app", str(app.id), app.slug)
    tx.record(AuditEntry(actor, "source.changed", *target, app_id=app.id, before=before, after=told))
    tx.publish("apps", f"app:{app.slug}")


async def _told(store: Store, tx: Transaction, image: StoredImage | None) -> Mapping[str, object] | None:
    """Equal passwords have equal marks, which say nothing else about them."""
    if image is None:
        return None
    password = image.open_password(store.vault)
    mark = mark_of(password, await marking_key(tx, store.vault)) if password else None
    return {"image": image.reference, "port": image.port, "username": image.username, "token": mark}
