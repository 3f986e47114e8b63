"""By what an app's repository is opened at GitHub: the link of a person, or an installation of the GitHub App."""

from dataclasses import dataclass

from bakery.github.app import read_app
from bakery.github.asking import LinkRefused, Opened
from bakery.github.installation_tokens import forget_tokens, taken_out, token_to_fetch, token_to_list, token_to_tell
from bakery.github.installations import find_installation, is_chosen, note_chosen, read_installations
from bakery.github.links import Account, read_account, token_for, usable_link
from bakery.github.reaching import A_WHILE
from bakery.github.repositories import Repository, repository_at
from bakery.model.errors import BadInput, BakeryError, NotFound, TooMany, Unavailable
from bakery.model.secret import Secret
from bakery.store.store import Connection, Store


@dataclass(frozen=True, slots=True)
class Way:
    """Either a `person`, or the numbers of an `installation` and of the repository as GitHub counts."""

    person: int | None = None
    installation: int | None = None
    repository: int | None = None

    @property
    def is_known(self) -> bool:
        return self.person is not None or self.is_app

    @property
    def is_app(self) -> bool:
        return self.installation is not None and self.repository is not None


async def open_to_tell(store: Store, way: Way) -> Opened:
    """For asking GitHub about the repository, and telling it."""
    if way.installation is not None and way.repository is not None:
        return await token_to_tell(store, way.installation, way.repository)
    return await usable_link(store, way.person or 0)


@dataclass(frozen=True, slots=True)
class Author:
    """Who tells GitHub something: an `account`, or the App of this number. Numbers stay when something is renamed."""

    account: Account
    app: int | None = None


async def author_of(store: Store, way: Way) -> Author | None:
    """None: nobody tells it anything that way any more."""
    async with store.connection() as connection:
        if not way.is_app:
            account = await read_account(connection, way.person or 0)
            return Author(account) if account else None
        app = await read_app(connection)
    return Author(Account(f"{app.slug}[bot]"), app.number) if app else None


async def wait_after(store: Store, way: Way, error: BakeryError) -> int | None:
    """For how many seconds, before GitHub is told again what it did not take. None: it is of no use."""
    if isinstance(error, TooMany | Unavailable):
        return error.retry_after
    if isinstance(error, LinkRefused) and way.installation is not None:
        await forget_tokens(store, way.installation)
        return A_WHILE
    return None


async def open_to_fetch(store: Store, way: Way, url: str) -> Secret:
    """For the node that fetches its code."""
    if way.installation is not None and way.repository is not None:
        return await token_to_fetch(store, way.installation, way.repository, url)
    return await token_for(store, way.person or 0, url)


async def how_it_opens(connection: Connection, way: Way) -> tuple[str, str, str]:
    """At which account the App opens the repository, and as it was seen last, why it does not and what to do."""
    app = await read_app(connection)
    found = [one for one in await read_installations(connection) if one.number == way.installation]
    if app is None or not found:
        return "", "", ""
    problem, hint = found[0].problem
    if not problem:
        problem, hint = app.problem, app.hint
    if not problem and not await is_chosen(connection, found[0], way.repository or 0):
        refusal = taken_out(found[0])
        problem, hint = refusal.message, refusal.hint
    return found[0].account, problem, hint


async def way_by_app(store: Store, url: str) -> Way:
    """To the repository at this address, which an owner chose for the App."""
    async with store.connection() as connection:
        found = await find_installation(connection, url)
    if found is None:
        raise BadInput(
            "The GitHub App is not installed where this repository is.",
            field="url",
            hint="Install it there, under Settings → GitHub.",
        )
    try:
        repository: Repository = await repository_at(await token_to_list(store, found.number), url)
    except NotFound as error:
        raise BadInput(
            f"The repository is not among those that {found.account} chose for the GitHub App.",
            field="url",
            hint=f"An owner chooses it there: {found.settings_url}",
        ) from error
    await note_chosen(store, found.number, repository.id, repository.full_name)
    return Way(installation=found.number, repository=repository.id)
