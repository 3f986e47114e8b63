"""What the rows say of an image as a source, and of the images that builds were made from."""

import contextlib
from dataclasses import dataclass
from datetime import datetime

from bakery.model.errors import Conflict
from bakery.model.images import ImageReference, parse_image
from bakery.model.names import Port
from bakery.model.secret import Secret
from bakery.nodes.images import RegistryLogin
from bakery.store.rows import typed
from bakery.store.store import Connection, Store
from bakery.store.vault import CannotOpen, Place, Vault

DOCKERS_OWN = "https://index.docker.io/v1/"  # as Docker itself calls it in a login


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A row. Its password stays sealed until somebody opens it."""

    environment_id: int
    reference: str
    port: int | None = None
    username: str | None = None
    password: bytes | None = None
    changed_by: str = ""
    changed_at: datetime | None = None

    @property
    def image(self) -> ImageReference:
        return parse_image(self.reference)

    def open_password(self, vault: Vault) -> Secret | None:
        return None if self.password is None else vault.open(_place(self.environment_id), self.password)

    def login_for(self, image: ImageReference, vault: Vault) -> RegistryLogin | None:
        """What opens one registry goes to no other."""
        password = self.open_password(vault) if image.registry == self.image.registry else None
        return login_of(image, self.username or "", password)


def login_of(image: ImageReference, username: str, password: Secret | None) -> RegistryLogin | None:
    return RegistryLogin(image.registry or DOCKERS_OWN, username, password) if password else None


async def read_image(connection: Connection, environment_id: int, *, for_update: bool = False) -> StoredImage | None:
    """None: its source is another."""
    if for_update:
        await connection.execute("SELECT FROM environments WHERE id = %s FOR NO KEY UPDATE", (environment_id,))
    async with connection.cursor(row_factory=typed(StoredImage)) as cursor:
        await cursor.execute(
            """
            SELECT environment_id, reference, port, username, password, changed_by, changed_at
            FROM image_sources WHERE environment_id = %s
            """,
            (environment_id,),
        )
        return await cursor.fetchone()


async def write_image(connection: Connection, image: StoredImage) -> None:
    await connection.execute(
        """
        INSERT INTO image_sources (environment_id, reference, port, username, password, changed_by)
        VALUES (%(environment)s, %(reference)s, %(port)s, %(username)s, %(password)s, %(by)s)
        ON CONFLICT (environment_id) DO UPDATE SET reference = excluded.reference, port = excluded.port,
            username = excluded.username, password = excluded.password, changed_by = excluded.changed_by,
            changed_at = now()
        """,
        {
            "environment": image.environment_id,
            "reference": image.reference,
            "port": image.port,
            "username": image.username,
            "password": image.password,
            "by": image.changed_by,
        },
    )


async def remove_image(connection: Connection, environment_id: int) -> None:
    await connection.execute("DELETE FROM image_sources WHERE environment_id = %s", (environment_id,))


def seal_password(vault: Vault, environment_id: int, password: Secret) -> bytes:
    return vault.seal(_place(environment_id), password)


def _place(environment_id: int) -> Place:
    return Place("image_sources", environment_id, "password")


# For a deployment.


@dataclass(frozen=True, slots=True)
class WantedImage:
    """What a release is made from. `digest` is empty until its registry was asked. `said_port`: a person said it."""

    image: ImageReference
    digest: str
    said_port: Port | None
    login: RegistryLogin | None


async def read_pull(store: Store, release_id: int) -> WantedImage:
    """With today's credentials and port: those are in no plan, and in no row but their own."""
    async with store.connection() as connection:
        cursor = await connection.execute(
            """
            SELECT releases.environment_id, builds.ref, builds.version FROM releases JOIN builds ON builds.id = build_id
            WHERE releases.id = %s AND builds.source = 'image'
            """,
            (release_id,),
        )
        row = await cursor.fetchone()
        stored = await read_image(connection, int(row[0])) if row else None
    if row is None:
        raise Conflict("There is no image any more to make this from.", hint="Set the app's source, and deploy.")
    image = parse_image(str(row[1]))
    if stored is None:
        return WantedImage(image, str(row[2]), None, None)
    port = None if stored.port is None else Port(stored.port)
    return WantedImage(image, str(row[2]), port, stored.login_for(image, store.vault))


async def image_secrets(store: Store, environment_id: int) -> list[Secret]:
    """What opens the registry, if anything does."""
    async with store.connection() as connection:
        stored = await read_image(connection, environment_id)
    with contextlib.suppress(CannotOpen):
        password = stored.open_password(store.vault) if stored else None
        return [password] if password else []
    return []


async def note_digest(store: Store, build_id: int, digest: str) -> None:
    """From now on everybody sees which image it is. Again is harmless."""
    async with store.transaction() as tx:
        cursor = await tx.connection.execute(
            """
            UPDATE builds SET version = %s FROM apps
            WHERE builds.id = %s AND source = 'image' AND apps.id = app_id RETURNING apps.slug
            """,
            (digest, build_id),
        )
        row = await cursor.fetchone()
        if row is not None:
            tx.publish(f"app:{row[0]}")


@dataclass(frozen=True, slots=True)
class LiveImage:
    """Of the release that is live. `ref` is the name that was asked for."""

    number: int
    ref: str
    digest: str


async def live_image(connection: Connection, environment_id: int) -> LiveImage | None:
    """None: nothing is live, or it was made of something else."""
    async with connection.cursor(row_factory=typed(LiveImage)) as cursor:
        await cursor.execute(
            """
            SELECT releases.number, builds.ref, builds.version AS digest FROM slots
            JOIN releases ON releases.id = slots.release_id JOIN builds ON builds.id = releases.build_id
            WHERE slots.environment_id = %s AND slots.state = 'live' AND builds.source = 'image'
            """,
            (environment_id,),
        )
        return await cursor.fetchone()
