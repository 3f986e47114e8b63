"""The rows of a new deployment: its number, its release, and itself."""

from dataclasses import dataclass
from datetime import datetime

from bakery.delivery.find import FoundApp
from bakery.delivery.git_rows import read_source
from bakery.delivery.image_rows import read_image
from bakery.delivery.moves import supersede_waiting
from bakery.delivery.uploads import Upload
from bakery.model.actor import Actor
from bakery.model.apps import SourceKind
from bakery.model.deployments import DeploymentState
from bakery.model.errors import BadInput, Conflict, NotFound
from bakery.model.images import ImageReference, with_tag
from bakery.model.repository_paths import RepositoryPath
from bakery.model.runtimes import Runtime
from bakery.model.sources import Ref, is_short_commit, ref_of, shown_ref
from bakery.store.logs import open_stream
from bakery.store.rows import only
from bakery.store.transaction import Transaction


async def next_number(tx: Transaction, app: FoundApp) -> int:
    """Whoever has it is alone with the app until the transaction ends; and its environment stays until then."""
    cursor = await tx.connection.execute(
        "UPDATE apps SET last_number = last_number + 1 WHERE id = %s AND deleted_at IS NULL RETURNING last_number",
        (app.id,),
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("There is no such app.")
    cursor = await tx.connection.execute(
        "SELECT FROM environments WHERE id = %s AND going_since IS NULL FOR SHARE", (app.environment_id,)
    )
    if await cursor.fetchone() is None:
        raise NotFound("There is no such environment any more.")
    return int(row[0])


@dataclass(frozen=True, slots=True)
class Commit:
    """Of the app's repository: which one it is, is known when it is fetched."""

    ref: Ref
    base: RepositoryPath

    @property
    def title(self) -> str:
        return f"Newest commit of {shown_ref(self.ref)}" if self.ref.startswith("refs/heads/") else shown_ref(self.ref)


@dataclass(frozen=True, slots=True)
class Image:
    """Of a registry: which one the name means, is known when it is pulled, unless `digest` says it."""

    image: ImageReference
    digest: str = ""

    @property
    def ref(self) -> str:
        return str(self.image)

    @property
    def title(self) -> str:
        return str(self.image)


async def source_wanted(
    tx: Transaction,
    app: FoundApp,
    *,
    ref: Ref | None = None,
    image: ImageReference | None = None,
    tag: str | None = None,
) -> Commit | Image:
    """What the app follows, unless another commit, image, or tag of its image is named."""
    stored = await read_image(tx.connection, app.environment_id)
    if image is None and stored is None and not tag:
        return await commit_wanted(tx, app, ref)
    if ref is not None:
        raise BadInput(
            "An image has no branches or commits.",
            field="ref",
            hint=f"Name a tag of it with: bakery deploy {app.slug} --tag TAG",
        )
    if image is None:
        if stored is None:
            raise BadInput(
                f"{app.slug} has no image whose tag this could be.",
                field="tag",
                hint=f"Name all of it: bakery deploy {app.slug} --image REF",
            )
        image = with_tag(stored.image, tag) if tag else stored.image
    await expect_docker(tx, app)
    return Image(image)


async def expect_docker(tx: Transaction, app: FoundApp) -> None:
    cursor = await tx.connection.execute("SELECT runtime FROM environments WHERE id = %s", (app.environment_id,))
    if Runtime((await only(cursor))[0]) is not Runtime.DOCKER:
        raise BadInput(
            f"{app.slug} does not run in Docker, so it cannot be deployed from an image.",
            field="image",
            hint="The runtime of an app cannot be changed: make another app, with: bakery apps create NAME --image REF",
        )


async def commit_wanted(tx: Transaction, app: FoundApp, ref: Ref | None) -> Commit:
    """The newest of the branch that the app follows, unless another is named."""
    source = await read_source(tx.connection, app.environment_id)
    if source is None or source.url is None or source.branch is None:
        raise Conflict(
            f"{app.slug} has no repository that it could be fetched from.",
            hint=f"Set one with: bakery source set {app.slug} --repo URL. "
            f"Or upload a folder with: bakery deploy {app.slug} --dir PATH",
        )
    if ref is not None and is_short_commit(ref):
        ref = await _whole_commit(tx, app, ref)
    return Commit(ref or ref_of(source.branch), source.base)


async def _whole_commit(tx: Transaction, app: FoundApp, begins: Ref) -> Ref:
    """Of those that were deployed here before: no server is asked for a commit by a part of its letters."""
    cursor = await tx.connection.execute(
        """
        SELECT DISTINCT version FROM builds
        WHERE app_id = %s AND source = 'git' AND starts_with(version, %s) ORDER BY version LIMIT 2
        """,
        (app.id, begins),
    )
    found = [Ref(version) for (version,) in await cursor.fetchall()]
    if len(found) == 1:
        return found[0]
    told = f"More than one commit that {app.slug} was deployed from begins with {begins}."
    raise BadInput(
        told
        if found
        else f"{app.slug} was never deployed from a commit that begins with {begins}, and a server gives "
        "a commit only by all of its 40 letters.",
        field="ref",
        hint=f"Print them in the repository with: git rev-parse {begins}",
    )


async def made_with(tx: Transaction, app: FoundApp, key: str, source: Upload | Commit | Image) -> int | None:
    cursor = await tx.connection.execute(
        """
        SELECT deployments.id, coalesce(builds.ref, builds.version) FROM deployments
        JOIN releases ON releases.id = deployments.release_id JOIN builds ON builds.id = releases.build_id
        WHERE deployments.app_id = %s AND idempotency_key = %s
        """,
        (app.id, key),
    )
    row = await cursor.fetchone()
    asked = source.version if isinstance(source, Upload) else source.ref
    if row is not None and row[1] != asked:
        raise Conflict("This idempotency key was used for another source.", hint="Use a new key for each deployment.")
    return int(row[0]) if row else None


async def make_release(tx: Transaction, app: FoundApp, number: int, source: Upload | Commit | Image) -> int:
    cursor = await tx.connection.execute(
        """
        WITH build AS (
            INSERT INTO builds (app_id, source, title, version, archive, ref, base)
            VALUES (%(app)s, %(source)s, %(title)s, %(version)s, %(archive)s, %(ref)s, %(base)s) RETURNING id
        )
        INSERT INTO releases (environment_id, number, build_id, runtime, command, health_path, memory_bytes,
                              cpu_percent, terms, defaults, volumes, variables_version)
        SELECT environments.id, %(number)s, build.id, runtime, command, health_path, memory_bytes, cpu_percent, terms,
               coalesce((SELECT value FROM settings WHERE name = 'apps'), '{}'), volumes,
               (SELECT max(number) FROM variable_versions WHERE environment_id = environments.id)
        FROM environments, build
        WHERE environments.id = %(environment)s RETURNING id
        """,
        {
            "app": app.id,
            **_columns(source),
            "number": number,
            "environment": app.environment_id,
        },
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("There is no such app.")
    return int(row[0])


def _columns(source: Upload | Commit | Image) -> dict[str, object]:
    """Of its build."""
    if isinstance(source, Commit):
        asked = {"ref": source.ref, "base": source.base}
        return {"source": SourceKind.GIT, "title": source.title, "version": "", "archive": None, **asked}
    if isinstance(source, Image):
        named = {"ref": source.ref, "version": source.digest, "title": source.title}
        return {"source": SourceKind.IMAGE, "archive": None, "base": "", **named}
    uploaded = {"title": source.title, "version": source.version, "archive": source.archive}
    return {"source": SourceKind.FOLDER, **uploaded, "ref": None, "base": ""}


async def make_release_of(tx: Transaction, app: FoundApp, number: int, live: int) -> int:
    """From the build and the files of release `live`, with today's variables and settings."""
    cursor = await tx.connection.execute(
        """
        INSERT INTO releases (environment_id, number, build_id, runtime, command, health_path, memory_bytes,
                              cpu_percent, terms, defaults, volumes, variables_version, files_of)
        SELECT environments.id, %(number)s, build_id, environments.runtime, environments.command,
               environments.health_path, environments.memory_bytes, environments.cpu_percent, environments.terms,
               coalesce((SELECT value FROM settings WHERE name = 'apps'), '{}'), environments.volumes,
               (SELECT max(number) FROM variable_versions WHERE environment_id = environments.id), releases.number
        FROM environments JOIN releases ON releases.environment_id = environments.id
        WHERE environments.id = %(environment)s AND releases.number = %(live)s RETURNING id
        """,
        {"environment": app.environment_id, "number": number, "live": live},
    )
    return int((await only(cursor))[0])


async def make_deployment(
    tx: Transaction,
    app: FoundApp,
    number: int,
    release_id: int,
    actor: Actor,
    at: datetime | None,
    key: str | None,
) -> int:
    if at is None:
        await supersede_waiting(tx, app.environment_id)
    cursor = await tx.connection.execute(
        """
        INSERT INTO deployments (app_id, environment_id, number, release_id, state, trigger, person_id, asked_by,
                                 idempotency_key, log_stream_id, scheduled_at)
        VALUES (%(app)s, %(environment)s, %(number)s, %(release)s, %(state)s, %(trigger)s, %(person)s, %(asked_by)s,
                %(key)s, %(stream)s, %(at)s) RETURNING id, coalesce(%(at)s <= now(), false)
        """,
        {
            "app": app.id,
            "environment": app.environment_id,
            "number": number,
            "release": release_id,
            "state": DeploymentState.SCHEDULED if at else DeploymentState.QUEUED,
            "trigger": actor.origin.source,
            "person": actor.person_id,
            "asked_by": actor.label,
            "key": key,
            "stream": await open_stream(tx.connection),
            "at": at,
        },
    )
    row = await cursor.fetchone()
    if row is None:
        raise LookupError("INSERT … RETURNING gave no row")
    if row[1]:
        raise BadInput("This time is over.", field="at")
    return int(row[0])
