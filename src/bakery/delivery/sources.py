"""Where an app's code is kept: seen, set, and what opens it. A repository is asked from the node before it is saved."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bakery.delivery.apps import AppDetail, Then, create_app
from bakery.delivery.find import FoundApp, find_app, node_of_environment
from bakery.delivery.git_rows import (
    Opener,
    StoredSource,
    listen_by_app,
    read_opener,
    read_source,
    seal_key,
    seal_token,
    write_source,
)
from bakery.delivery.image_rows import StoredImage, read_image, remove_image, write_image
from bakery.delivery.placing import expect_room_on
from bakery.github.left_hooks import drop_hook
from bakery.github.ways import Way, open_to_fetch, way_by_app
from bakery.helper.git_words import unknown_branch
from bakery.helper.words import HINT
from bakery.model.actor import Actor
from bakery.model.apps import NewApp, SourceKind
from bakery.model.audit import AuditEntry
from bakery.model.errors import BadInput, Conflict, NotFound
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.model.sources import Branch, GitUrl, NewSource, is_ssh, server_of
from bakery.nodes.git_sources import GitCredentials, GitRepository
from bakery.nodes.links import Links
from bakery.nodes.login import fingerprint, mint_key
from bakery.store.signing import mark_of, marking_key
from bakery.store.store import Store
from bakery.store.transaction import Transaction

_USUAL_BRANCH = Branch("main")  # of a repository without commits


@dataclass(frozen=True, slots=True)
class SourceDetail:
    """What people see of it: a repository, or an image; with neither, folders are uploaded. `host_keys` are
    fingerprints. `port` None: what the image exposes. `has_token`: the password of a registry is one too. `link_of` is
    whose link to GitHub opens it, `github_account` where the GitHub App that does is installed; `problem` says why that
    opens nothing now."""

    url: GitUrl | None = None
    branch: Branch | None = None
    base: str = ""
    submodules: bool = True
    username: str | None = None
    has_token: bool = False
    has_github_link: bool = False
    link_of: str | None = None
    github_account: str | None = None
    problem: str = ""
    hint: str = ""
    deploy_key: str | None = None
    host_keys: tuple[str, ...] = ()
    changed_at: datetime | None = None
    changed_by: str = ""
    image: str | None = None
    port: int | None = None

    @property
    def kind(self) -> SourceKind:
        if self.image:
            return SourceKind.IMAGE
        return SourceKind.GIT if self.url else SourceKind.FOLDER


async def show_source(store: Store, where: AppAt, *, actor: Actor) -> SourceDetail:
    actor.require(Permission.READ)
    app = await find_app(store, where, actor)
    async with store.connection() as connection:
        image = await read_image(connection, app.environment_id)
        source = await read_source(connection, app.environment_id)
        opener = await read_opener(connection, source) if source else Opener()
    return _shown_image(image, source) if image else _shown(source, opener)


async def set_source(store: Store, links: Links, where: AppAt, new: NewSource, *, actor: Actor) -> SourceDetail:
    """What the node cannot read with these credentials is not saved. A token that is stored stays with its server. An
    image that was the source goes."""
    actor.require(Permission.DEPLOY)
    app = await find_app(store, where, actor)
    async with store.connection() as connection:
        now = await read_source(connection, app.environment_id)
    is_same_server = now is not None and now.url is not None and server_of(now.url) == server_of(new.url)
    names_github = new.github_person is not None or new.by_github_app
    kept = now.open_token(store.vault) if now and is_same_server and not names_github else None
    token = new.token or kept
    pinned = now.host_keys if now and is_same_server and not new.accepts_host_key else ()
    key = now.open_key(store.vault) if now and is_ssh(new.url) else None
    way = Way() if token else await _way(store, now, new, actor)
    opened = await open_to_fetch(store, way, new.url) if way.is_known else token
    credentials = GitCredentials(new.username, opened, key, pinned)
    found = await _ask(store, links, app, new, credentials)
    branch = branch_of(new, found)
    async with store.transaction() as tx:
        before = await read_source(tx.connection, app.environment_id, for_update=True)
        if before != now:
            raise Conflict("The source was changed just now.", hint="Look at it, and save again.")
        after = StoredSource(
            environment_id=app.environment_id,
            url=new.url,
            branch=branch,
            base=new.base,
            submodules=new.submodules,
            username=new.username if token else None,
            token=seal_token(store.vault, app.environment_id, token) if token else None,
            key_public=now.key_public if now else None,
            key_secret=now.key_secret if now else None,
            host_keys=tuple(found.host_keys),
            github_person=way.person,
            github_installation=way.installation,
            github_repository=way.repository,
            changed_by=actor.label,
        )
        marks = await _marks(store, tx, before=before, token=token)
        await remove_image(tx.connection, app.environment_id)
        await _save(
            tx, app, after, "source.changed", actor, before=_told(before, marks[0]), told=_told(after, marks[1])
        )
    if way.is_app:  # which has a webhook of its own
        await drop_hook(store, app.environment_id)
    return await show_source(store, where, actor=actor)


@dataclass(frozen=True, slots=True)
class DeployKey:
    """Both halves of what opens a repository over SSH."""

    public: str
    private: Secret


async def create_app_following(
    store: Store,
    links: Links,
    new: NewApp,
    source: NewSource,
    *,
    key: DeployKey | None = None,
    then: Then | None = None,
    actor: Actor,
) -> AppDetail:
    """An app and the repository that it follows, or neither: what its node cannot read makes no app. `key` was added
    to the repository before."""
    actor.require(Permission.CREATE_APP)
    actor.require(Permission.DEPLOY)
    if source.github_person is not None:
        actor.require(Permission.OWN_ACCOUNT)
    async with store.transaction() as tx:
        node = await expect_room_on(tx, new.node, new.runtime)
    try:
        way = await way_of_new(store, source, actor=actor)
        found = await (await links.node(node.id)).sources.check(
            source.url, await credentials_for_new(store, source, way, key.private if key else None)
        )
        branch = branch_of(source, found)
    except BadInput as error:
        hint = error.hint
        if is_ssh(source.url) and key is None:
            hint = f"Over SSH it takes a deploy key: make the app without a repository, and then its key, with: \
bakery source key {new.slug}"
        raise BadInput(error.message, field="repo" if error.field == "url" else error.field, hint=hint) from error

    async def follow(tx: Transaction, app: FoundApp) -> None:
        token = source.token
        after = StoredSource(
            environment_id=app.environment_id,
            url=source.url,
            branch=branch,
            base=source.base,
            submodules=source.submodules,
            username=source.username if token else None,
            token=seal_token(store.vault, app.environment_id, token) if token else None,
            key_public=key.public if key else None,
            key_secret=seal_key(store.vault, app.environment_id, key.private) if key else None,
            host_keys=tuple(found.host_keys),
            github_person=way.person,
            github_installation=way.installation,
            github_repository=way.repository,
            changed_by=actor.label,
        )
        _, mark = await _marks(store, tx, before=None, token=token)
        await _save(tx, app, after, "source.changed", actor, told=_told(after, mark))
        if then is not None:
            await then(tx, app)

    return await create_app(store, new, actor=actor, then=follow)


async def apps_by_link(store: Store, person: int, *, actor: Actor) -> list[str]:
    """What the link of a person to GitHub opens, and nothing else does: without them it is fetched no more."""
    actor.require(Permission.MANAGE_PEOPLE)
    async with store.connection() as connection:
        found = await connection.execute(
            """
            SELECT DISTINCT slug FROM git_sources JOIN environments ON environments.id = environment_id
            JOIN apps ON apps.id = app_id AND deleted_at IS NULL WHERE github_person = %s ORDER BY slug
            """,
            (person,),
        )
        return [slug for (slug,) in await found.fetchall()]


async def _way(store: Store, now: StoredSource | None, new: NewSource, actor: Actor) -> Way:
    """A link opens all that its person may read: somebody else does not point it at another repository. The App
    opens what was chosen for it, to all who may make apps of that."""
    if new.github_person is not None or new.by_github_app:
        return await way_of_new(store, new, actor=actor)
    if now is None or not new.keeps_github or not now.url:
        return Way()
    if now.url == new.url:
        return now.github
    is_theirs = now.github_person is not None and now.github_person == actor.person_id
    return Way(now.github_person) if is_theirs and server_of(now.url) == server_of(new.url) else Way()


async def way_of_new(store: Store, source: NewSource, *, actor: Actor) -> Way:
    """By what GitHub opens a repository that somebody names."""
    if source.token is not None:
        return Way()
    if source.by_github_app:
        actor.require(Permission.CREATE_APP)
        return await way_by_app(store, source.url)
    if source.github_person is not None:
        actor.require(Permission.OWN_ACCOUNT)
    return Way(source.github_person)


async def credentials_for_new(store: Store, source: NewSource, way: Way, key: Secret | None) -> GitCredentials:
    """What opens a repository that no app follows yet."""
    token = await open_to_fetch(store, way, source.url) if way.is_known else source.token
    return GitCredentials(source.username, token, key)


async def forget_token(store: Store, where: AppAt, *, actor: Actor) -> SourceDetail:
    """Harmless when there is none."""
    actor.require(Permission.DEPLOY)
    app = await find_app(store, where, actor)
    async with store.transaction() as tx:
        now = await read_source(tx.connection, app.environment_id, for_update=True)
        image = await read_image(tx.connection, app.environment_id)
        if image is not None and image.password is not None:
            await write_image(tx.connection, replace(image, username=None, password=None, changed_by=actor.label))
            target = ("app", str(app.id), app.slug)
            tx.record(AuditEntry(actor, "source.token_forgotten", *target, app_id=app.id))
            tx.publish("apps", f"app:{app.slug}")
        if now is not None and (now.token is not None or now.github.is_known):
            after = replace(
                now,
                token=None,
                username=None,
                github_person=None,
                github_installation=None,
                github_repository=None,
                changed_by=actor.label,
            )
            await _save(tx, app, after, "source.token_forgotten", actor)
    return await show_source(store, where, actor=actor)


async def mint_deploy_key(store: Store, where: AppAt, *, actor: Actor) -> SourceDetail:
    """A new one, whose public part is added to the repository; one that was there opens nothing any more."""
    actor.require(Permission.DEPLOY)
    app = await find_app(store, where, actor)
    public, private = mint_key(f"bakery-{app.slug}")
    async with store.transaction() as tx:
        now = await read_source(tx.connection, app.environment_id, for_update=True)
        base = now or StoredSource(app.environment_id)
        sealed = seal_key(store.vault, app.environment_id, private)
        after = replace(base, key_public=public, key_secret=sealed, changed_by=actor.label)
        keys = ({"deploy_key": now.key_public} if now and now.key_public else None, {"deploy_key": public})
        await _save(tx, app, after, "source.key_minted", actor, before=keys[0], told=keys[1])
    return await show_source(store, where, actor=actor)


async def _ask(store: Store, links: Links, app: FoundApp, new: NewSource, credentials: GitCredentials) -> GitRepository:
    node_id = await node_of_environment(store, app.environment_id)
    if node_id is None:
        raise NotFound("There is no such app.")
    node = await links.node(node_id)
    try:
        return await node.sources.check(new.url, credentials)
    except BadInput as error:
        if is_ssh(new.url) and credentials.private_key is None:
            hint = f"Over SSH it takes a deploy key. Make one with: bakery source key {app.slug}"
            raise BadInput(error.message, field=error.field, hint=hint) from error
        raise


def branch_of(new: NewSource, found: GitRepository) -> Branch:
    """A repository without commits may get its first one later."""
    if new.branch is None:
        return found.default or (found.branches or [_USUAL_BRANCH])[0]
    if found.branches and found.is_listed_whole and new.branch not in found.branches:
        sentence, _, hint = unknown_branch(new.branch, list(found.branches)).partition(f"\n{HINT}")
        raise BadInput(sentence, field="branch", hint=hint)
    return new.branch


async def _save(
    tx: Transaction,
    app: FoundApp,
    source: StoredSource,
    action: str,
    actor: Actor,
    *,
    before: Mapping[str, object] | None = None,
    told: Mapping[str, object] | None = None,
) -> None:
    await write_source(tx.connection, source)
    if source.github.is_app:
        await listen_by_app(tx.connection, source)
    target = ("app", str(app.id), app.slug)
    tx.record(AuditEntry(actor, action, *target, app_id=app.id, before=before, after=told))
    tx.publish("apps", f"app:{app.slug}")


async def _marks(
    store: Store, tx: Transaction, *, before: StoredSource | None, token: Secret | None
) -> tuple[str | None, str | None]:
    """Equal tokens have equal marks, which say nothing else about them."""
    key = await marking_key(tx, store.vault)
    old = before.open_token(store.vault) if before else None
    return mark_of(old, key) if old else None, mark_of(token, key) if token else None


def _told(source: StoredSource | None, mark: str | None) -> Mapping[str, object] | None:
    if source is None:
        return None
    return {
        "url": source.url, "branch": source.branch, "base": source.base, "submodules": source.submodules,
        "username": source.username, "token": mark,
        "github_person": source.github_person, "github_installation": source.github_installation,
        "host_keys": list(source.host_keys),
    }  # fmt: skip


def _shown_image(image: StoredImage, source: StoredSource | None) -> SourceDetail:
    """A deploy key that was made stays, for a repository that may come."""
    return SourceDetail(
        image=image.reference,
        port=image.port,
        username=image.username,
        has_token=image.password is not None,
        deploy_key=source.key_public if source else None,
        changed_at=image.changed_at,
        changed_by=image.changed_by,
    )


def _shown(source: StoredSource | None, opener: Opener) -> SourceDetail:
    if source is None:
        return SourceDetail()
    return SourceDetail(
        url=source.url,
        branch=source.branch,
        base=source.base,
        submodules=source.submodules,
        username=source.username,
        has_token=source.token is not None,
        has_github_link=source.github_person is not None,
        link_of=opener.person,
        github_account=opener.account,
        problem=opener.problem,
        hint=opener.hint,
        deploy_key=source.key_public,
        host_keys=tuple(f"{line.split()[0]} {fingerprint(' '.join(line.split()[1:]))}" for line in source.host_keys),
        changed_at=source.changed_at,
        changed_by=source.changed_by,
    )
