"""The webhook of an app, added to its repository at GitHub by the link that opens it. The GitHub App has one of its
own."""

from bakery.delivery.find import FoundApp, find_app
from bakery.delivery.git_rows import StoredSource, listen_by_app, read_source
from bakery.github.left_hooks import drop_hook
from bakery.github.repositories import name_at
from bakery.github.repository_hooks import put_hook
from bakery.hooks.preview_rows import read_settings
from bakery.hooks.previews import change_settings, show_settings
from bakery.hooks.rows import find_hook_of
from bakery.hooks.webhooks import make_secret, show_webhook
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.errors import BakeryError, Conflict, NotFound
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.model.previews import PreviewSettings
from bakery.store.store import Store


async def add_to_github(store: Store, where: AppAt, *, base: str | None, actor: Actor) -> str:
    """Again puts right what was changed or removed there. `base` is Bakery's own address. Gives the repository."""
    actor.require(Permission.DEPLOY)
    app = await find_app(store, where, actor)
    async with store.connection() as connection:
        source = await read_source(connection, app.environment_id)
    if source is not None and source.github.is_app:
        return await _listen(store, app, source, actor)
    if source is None or source.url is None or source.github_person is None:
        raise Conflict(
            "No link to GitHub opens this app's repository.",
            hint=f"Choose it by your link: bakery source set {where.app} --repo URL --github",
        )
    if base is None:
        raise Conflict("GitHub needs an address to deliver to.", hint="Set the base URL under Settings → General.")
    if (await show_webhook(store, where, actor=actor)).hook is None:
        await make_secret(store, where, actor=actor)
    detail, hook = await show_webhook(store, where, actor=actor), await find_hook_of(store, where)
    if hook is None:
        raise NotFound("There is no such app.")
    async with store.connection() as connection:
        previews = await read_settings(connection, app.id)
    has_previews = previews.is_on and previews.like == where.environment
    try:
        repository = await put_hook(
            store,
            app.environment_id,
            person=source.github_person,
            repository_url=source.url,
            address=f"{base}/hooks/github/{detail.hook}",
            secret=hook.open_secret(store.vault),
            events=["push", "pull_request"] if has_previews else ["push"],
        )
    except NotFound as error:
        raise Conflict(
            "GitHub lets this link add no webhook to the repository.",
            hint="That takes its admin's rights. Was it deleted or renamed?",
        ) from error
    async with store.transaction() as tx:
        target = ("app", str(app.id), app.slug)
        told = {"repository": repository}
        tx.record(AuditEntry(actor, "webhook.added_at_github", *target, app_id=app.id, after=told))
        tx.publish(f"app:{app.slug}")
    return repository


async def change_previews(
    store: Store, where: AppAt, new: PreviewSettings, *, base: str | None, actor: Actor
) -> tuple[PreviewSettings, str]:
    """A webhook that Bakery added at GitHub tells of pull requests where there are previews. With a sentence where
    GitHub did not take that; the settings are saved then too."""
    was = await show_settings(store, where, actor=actor)
    saved = await change_settings(store, where, new, actor=actor)
    problem = ""
    for like in {was.like, saved.like} if (was.is_on, was.like) != (saved.is_on, saved.like) else ():
        at = AppAt(where.app, like)
        try:
            if await _is_at_github(store, at, actor):
                await add_to_github(store, at, base=base, actor=actor)
        except BakeryError as error:
            problem = f"{error.message} {error.hint}".strip()
    return saved, problem


async def _is_at_github(store: Store, where: AppAt, actor: Actor) -> bool:
    app = await find_app(store, where, actor)
    async with store.connection() as connection:
        cursor = await connection.execute("SELECT FROM github_hooks WHERE environment_id = %s", (app.environment_id,))
        return await cursor.fetchone() is not None


async def _listen(store: Store, app: FoundApp, source: StoredSource, actor: Actor) -> str:
    """What the App hears counts for this environment too from now on."""
    place = name_at(source.url or "")
    async with store.transaction() as tx:
        await listen_by_app(tx.connection, source)
        target = ("app", str(app.id), app.slug)
        tx.record(AuditEntry(actor, "webhook.made", *target, app_id=app.id, after={"by": "the GitHub App"}))
        tx.publish(f"app:{app.slug}")
    await drop_hook(store, app.environment_id)  # one that was there from before tells the same again
    return f"{place['owner']}/{place['name']}"
