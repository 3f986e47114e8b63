"""What the installation knows of itself: its general settings, as set in the browser or fixed by the environment."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from psycopg.types.json import Jsonb

from bakery.model.versions import version_of
from bakery.settings import Settings
from bakery.store.rows import only
from bakery.store.store import Connection, Store
from bakery.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class General:
    """Where people and apps find this installation. `fixed` names what the environment decides."""

    base_url: str | None
    public_ip: str | None
    apps_domain: str
    fixed: frozenset[str] = frozenset()

    @property
    def prefix(self) -> str:
        """The path below which Bakery lives; empty at the root."""
        return urlsplit(self.base_url).path if self.base_url else ""

    @property
    def own_host(self) -> str | None:
        """The name at which Bakery itself answers."""
        return urlsplit(self.base_url).hostname if self.base_url else None

    @property
    def is_encrypted(self) -> bool:
        return bool(self.base_url and self.base_url.startswith("https:"))

    @property
    def version(self) -> str:
        return version_of(self.base_url, self.public_ip, self.apps_domain, sorted(self.fixed))


async def read_general(store: Store, settings: Settings) -> General:
    async with store.connection() as connection:
        row = await (await connection.execute("SELECT value FROM settings WHERE name = 'general'")).fetchone()
    return _general(row[0] if row else {}, settings)


async def locked_general(tx: Transaction, settings: Settings) -> General:
    """What nobody else changes before the commit."""
    await tx.connection.execute("INSERT INTO settings (name, value) VALUES ('general', '{}') ON CONFLICT DO NOTHING")
    found = await tx.connection.execute("SELECT value FROM settings WHERE name = 'general' FOR UPDATE")
    return _general((await only(found))[0], settings)


def _general(chosen: Mapping[str, str | None], settings: Settings) -> General:
    """`chosen` in the browser, unless the environment decides."""
    fixed = {
        name: value
        for name, value in (("base_url", settings.base_url), ("public_ip", settings.public_ip))
        if value is not None
    }
    if settings.apps_domain != "localhost":
        fixed["apps_domain"] = settings.apps_domain
    found = {"base_url": None, "public_ip": None, **chosen, **fixed}
    return General(
        base_url=found["base_url"],
        public_ip=found["public_ip"],
        apps_domain=found.get("apps_domain") or settings.apps_domain,
        fixed=frozenset(fixed),
    )


async def read_own_host(connection: Connection) -> str | None:
    """As whoever changes it last said: in the browser, or the environment of the process that looks after this
    machine."""
    row = await (await connection.execute("SELECT value ->> 'host' FROM settings WHERE name = 'own_host'")).fetchone()
    return row[0] if row else None


async def note_own_host(tx: Transaction, host: str | None) -> None:
    """For whoever asks whose a name is, in the transaction that gives it to somebody."""
    await tx.connection.execute(
        "INSERT INTO settings (name, value) VALUES ('own_host', %s) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_at = now()",
        (Jsonb({"host": host}),),
    )


async def write_general(tx: Transaction, general: General) -> None:
    values = {name: value for name, value in asdict(general).items() if name != "fixed"}
    await tx.connection.execute(
        "INSERT INTO settings (name, value) VALUES ('general', %s) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_at = now()",
        (Jsonb(values),),
    )
    tx.publish("settings")
