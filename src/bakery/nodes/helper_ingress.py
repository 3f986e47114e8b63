"""Sites by the helper of a node: nginx there is told by it, and by nobody else."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from bakery.model.names import CertificateName, Colour, Port, SiteName
from bakery.nodes.drift import SitesDrift, sites_drift
from bakery.nodes.helper_calls import Helper
from bakery.nodes.ingress import SYSTEM_PORT, SYSTEM_TLS_PORT, ProxySite, SiteMarker, StaticSite

_WITHIN = 120.0  # a turn, two tests and a reload, each with a limit of its own


@dataclass(frozen=True, slots=True)
class OwnPlace:
    """Where an nginx of the node's own listens. `tls_port` None: it has no TLS."""

    port: Port
    address: str = "*"
    tls_port: Port | None = None


class HelperIngress:
    """`own` None: the machine's nginx, on its usual port."""

    def __init__(self, helper: Helper, own: OwnPlace | None = None) -> None:
        self._helper = helper
        self._own = own

    @property
    def port(self) -> Port:
        return self._own.port if self._own else SYSTEM_PORT

    @property
    def tls_port(self) -> Port | None:
        return self._own.tls_port if self._own else SYSTEM_TLS_PORT

    async def ensure_running(self) -> tuple[str, ...]:
        ensured = await self._helper.ask(_Ensured, "site-ensure", told=self.listens, within=_WITHIN)
        return ensured.notes

    async def apply_site(self, site: ProxySite | StaticSite) -> None:
        await self._helper.say("site-apply", *_words(site.name), told=self._told(site), within=_WITHIN)

    async def refresh_site(self, site: ProxySite | StaticSite) -> None:
        told = self._told(site) | {"is_refresh": True}
        await self._helper.say("site-apply", *_words(site.name), told=told, within=_WITHIN)

    async def look_for_drift(
        self, sites: Sequence[ProxySite | StaticSite], *, has_own_site: bool = False
    ) -> SitesDrift:
        own = {"has_own": True} if has_own_site else {}
        told = {"sites": {site.name: _described(site) for site in sites}, **self.listens, **own}
        return await sites_drift(self._helper, told)

    def _told(self, site: ProxySite | StaticSite) -> dict[str, object]:
        return {**_described(site), **self.listens}

    async def remove_site(self, name: SiteName) -> None:
        await self._helper.say("site-remove", *_words(name), within=_WITHIN)

    async def show_site(self, name: SiteName) -> SiteMarker | None:
        site = (await self._helper.ask(_Shown, "site-show", *_words(name), within=_WITHIN)).site
        if site is None:
            return None
        port = None if site.port is None else Port(site.port)
        return SiteMarker(site.generation, site.release, site.slot, port, site.is_taken_up)

    async def put_own_site(self, host: str, upstream: Port, certificate: CertificateName | None = None) -> None:
        held = {"certificates": [certificate]} if certificate else {}
        told = {"host": host, "port": upstream, **held, **self.listens}
        await self._helper.say("own-put", told=told, within=_WITHIN)

    async def remove_own_site(self) -> None:
        await self._helper.say("own-remove", within=_WITHIN)

    @property
    def listens(self) -> dict[str, object]:
        """As the helper is told. One of before knows nothing of TLS."""
        own = self._own
        if own is None:
            return {"listen": None}
        tls = {"listen_tls": f"{own.address}:{own.tls_port}"} if own.tls_port else {}
        return {"listen": f"{own.address}:{own.port}", **tls}


class _Ensured(msgspec.Struct, forbid_unknown_fields=True):
    notes: tuple[str, ...]


class _Site(msgspec.Struct, forbid_unknown_fields=True):
    generation: int
    release: int
    slot: Colour | None
    port: int | None
    is_taken_up: bool


class _Shown(msgspec.Struct, forbid_unknown_fields=True):
    site: _Site | None


def _words(name: SiteName) -> tuple[str, str]:
    """The app and the environment, of which the latter holds no hyphen."""
    app, _, environment = name.rpartition("-")
    return app, environment


def _described(site: ProxySite | StaticSite) -> dict[str, object]:
    """As the helper is told of it, wherever nginx listens."""
    return {
        "hosts": site.hosts,
        "port": site.upstream if isinstance(site, ProxySite) else None,
        "folder": str(site.root) if isinstance(site, StaticSite) else None,
        "generation": site.generation,
        "release": site.release,
        "slot": site.slot,
        "options": msgspec.to_builtins(site.options),
        **({"certificates": site.certificates} if site.certificates else {}),
    }
