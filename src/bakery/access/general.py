"""Where the installation and its apps are found: set by an Admin, unless the environment decides."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace

from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.errors import BadInput
from bakery.model.permissions import Permission
from bakery.model.versions import expect_version
from bakery.setting_values import parse_address, parse_base_url, parse_domain
from bakery.settings import Settings
from bakery.store.installation import General, locked_general, note_own_host, write_general
from bakery.store.store import Store
from bakery.store.transaction import Transaction

Follow = Callable[[Transaction, General, General], Awaitable[None]]


async def change_general(
    store: Store,
    settings: Settings,
    *,
    base_url: str,
    public_ip: str,
    apps_domain: str,
    made_from: Collection[str] | None = None,
    follow: Follow | None = None,
    actor: Actor,
) -> General:
    """Empty: not set. What the environment fixes cannot be changed here. `made_from` are versions of the settings, of
    which one must still be true. `follow` is told what was and what is, in the transaction that changes it."""
    actor.require(Permission.MANAGE_SYSTEM)
    wanted = General(
        base_url=parse_base_url(base_url) if base_url.strip() else None,
        public_ip=parse_address(public_ip) if public_ip.strip() else None,
        apps_domain=parse_domain(apps_domain) if apps_domain.strip() else "localhost",
    )
    async with store.transaction() as tx:
        before = await locked_general(tx, settings)
        wanted = replace(wanted, fixed=before.fixed)
        for name in sorted(before.fixed):
            if getattr(wanted, name) != getattr(before, name):
                raise BadInput(f"BAKERY_{name.upper()} in the environment decides this.", field=name)
        if wanted == before:
            return before
        expect_version(before.version, made_from)
        await write_general(tx, wanted)
        if follow:
            await follow(tx, before, wanted)
        await note_own_host(tx, wanted.own_host)
        tx.record(
            AuditEntry(
                actor, "settings.changed", "settings", "general", "General", before=_shown(before), after=_shown(wanted)
            )
        )
    return wanted


def _shown(general: General) -> dict[str, object]:
    return {"base_url": general.base_url, "public_ip": general.public_ip, "apps_domain": general.apps_domain}
