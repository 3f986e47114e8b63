"""People of every role, as actors, for tests of whatever they do."""

from functools import cache

from argon2 import PasswordHasher

from bakery.access.people import add_person
from bakery.access.sessions import actor_of_session, sign_in
from bakery.access.tokens import create_token_for
from bakery.model.actor import Actor, Origin
from bakery.model.permissions import Role, Scope
from bakery.model.secret import Secret
from bakery.store.store import Store

PASSWORD = Secret("a long enough password")
HERE = Origin("browser", "192.0.2.1", "request-1")
ELSEWHERE = Origin("browser", "198.51.100.7", "request-2")
SYSTEM = Actor.system("cli")


async def an_admin(store: Store, email: str = "ada@example.com") -> Actor:
    return await a_person(store, email, Role.ADMIN)


async def a_developer(store: Store, email: str = "dev@example.com", *, apps: frozenset[int] | None = None) -> Actor:
    return await a_person(store, email, Role.DEVELOPER, apps=apps)


async def a_viewer(store: Store, email: str = "vic@example.com", *, apps: frozenset[int] | None = None) -> Actor:
    return await a_person(store, email, Role.VIEWER, apps=apps)


async def a_person(store: Store, email: str, role: Role, *, apps: frozenset[int] | None = None) -> Actor:
    """With PASSWORD. `apps`: the ids of the only apps that they see."""
    async with store.transaction() as tx:
        person_id = await add_person(tx, email=email, role=role, password_hash=_hash_of_password())
        await tx.connection.execute("UPDATE people SET all_apps = %s WHERE id = %s", (apps is None, person_id))
        await tx.connection.execute(
            "INSERT INTO grants (person_id, app_id) SELECT %s, unnest(%s::bigint[])", (person_id, sorted(apps or ()))
        )
    return Actor(origin=HERE, person_id=person_id, label=email, role=role, apps=apps)


async def signed_in(store: Store, person: Actor, *, origin: Origin = HERE) -> Actor:
    """The same person with a session of their own."""
    session = await sign_in(store, person.label, PASSWORD, origin=origin, user_agent="a test")
    actor = await actor_of_session(store, session.token, origin)
    assert actor is not None
    return actor


async def a_token(store: Store, person: Actor, scope: Scope = Scope.ADMIN) -> Secret:
    """An API token of the person, for requests from outside."""
    return (await create_token_for(store, person.label, "a test", scope, actor=SYSTEM)).secret


async def an_app(store: Store, slug: str = "shop") -> int:
    """A row and no more: enough to grant, and to find in the activity."""
    async with store.transaction() as tx:
        made = await tx.connection.execute(
            "INSERT INTO apps (slug, name) VALUES (%s, %s) RETURNING id", (slug, slug.capitalize())
        )
        row = await made.fetchone()
    assert row is not None
    return int(row[0])


@cache
def _hash_of_password() -> str:
    """As Bakery makes them, once for all tests: each takes a processor for a while."""
    return PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1).hash(PASSWORD.reveal())
