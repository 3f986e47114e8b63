"""Where the installation and its apps are found: set by an Admin, unless the environment decides."""

from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.errors import BadInput
from bakery.model.permissions import Permission
from bakery.settings import Settings, parse_address, parse_base_url, parse_domain
from bakery.store.installation import General, read_general, write_general
from bakery.store.store import Store


async def change_general(
    store: Store, settings: Settings, *, base_url: str, public_ip: str, apps_domain: str, actor: Actor
) -> General:
    """Empty: not set. What the environment fixes cannot be changed here."""
    actor.require(Permission.MANAGE_SYSTEM)
    before = await read_general(store, settings)
    wanted = General(
        base_url=parse_base_url(base_url) if base_url.strip() else None,
        public_ip=parse_address(public_ip) if public_ip.strip() else None,
        apps_domain=parse_domain(apps_domain) if apps_domain.strip() else "localhost",
        fixed=before.fixed,
    )
    for name in sorted(before.fixed):
        if getattr(wanted, name) != getattr(before, name):
            raise BadInput(f"BAKERY_{name.upper()} in the environment decides this.", field=name)
    if wanted == before:
        return before
    async with store.transaction() as tx:
        await write_general(tx, wanted)
        tx.record(
            AuditEntry(
                actor, "settings.changed", "settings", "general", "General", before=_shown(before), after=_shown(wanted)
            )
        )
    return wanted


def _shown(general: General) -> dict[str, object]:
    return {"base_url": general.base_url, "public_ip": general.public_ip, "apps_domain": general.apps_domain}
