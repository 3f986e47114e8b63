"""What the installation knows of itself: its general settings, as set in the browser or fixed by the environment."""

from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from psycopg.types.json import Jsonb

from bakery.settings import Settings
from bakery.store.store import Store
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
    def is_encrypted(self) -> bool:
        return bool(self.base_url and self.base_url.startswith("https:"))


async def read_general(store: Store, settings: Settings) -> General:
    async with store.connection() as connection:
        row = await (await connection.execute("SELECT value FROM settings WHERE name = 'general'")).fetchone()
    chosen = row[0] if row else {}
    fixed = {
        name: value
        for name, value in (("base_url", settings.base_url), ("public_ip", settings.public_ip))
        if value is not None
    }
    if settings.apps_domain != "localhost":
        fixed["apps_domain"] = settings.apps_domain
    found = {"base_url": None, "public_ip": None, "apps_domain": settings.apps_domain, **chosen, **fixed}
    return General(**found, fixed=frozenset(fixed))


async def write_general(tx: Transaction, general: General) -> None:
    values = {name: value for name, value in asdict(general).items() if name != "fixed"}
    await tx.connection.execute(
        "INSERT INTO settings (name, value) VALUES ('general', %s) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_at = now()",
        (Jsonb(values),),
    )
    tx.publish("settings")
