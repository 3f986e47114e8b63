"""Sending traffic to apps: what a site is, and what there is to do with one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from bakery.model.names import CertificateName, Colour, HostName, Port, SiteName
from bakery.model.site_options import USUAL, SiteOptions
from bakery.nodes.drift import SitesDrift

SYSTEM_PORT, SYSTEM_TLS_PORT = Port(80), Port(443)
OWN_PORT, OWN_TLS_PORT = Port(8080), Port(8443)


@dataclass(frozen=True, slots=True)
class ProxySite:
    """Requests go to an app that listens on this machine.

    `generation` is the number of the deployment that switches to it, and never falls; 0 where nobody counts yet.
    `release` and `slot` are told to whoever asks the node later. Each host has the first of the `certificates` that is
    for it.
    """

    name: SiteName
    hosts: tuple[HostName, ...]
    upstream: Port
    generation: int = 0
    release: int = 0
    slot: Colour | None = None
    options: SiteOptions = USUAL
    certificates: tuple[CertificateName, ...] = ()


@dataclass(frozen=True, slots=True)
class StaticSite:
    """Requests are answered with the files of a folder below the environment's home."""

    name: SiteName
    hosts: tuple[HostName, ...]
    root: PurePosixPath
    generation: int = 0
    release: int = 0
    slot: Colour | None = None
    options: SiteOptions = USUAL
    certificates: tuple[CertificateName, ...] = ()


@dataclass(frozen=True, slots=True)
class SiteMarker:
    """What a node knows of the last switch of a site. Not taken up: whoever switched it was killed meanwhile."""

    generation: int
    release: int
    slot: Colour | None
    port: Port | None
    is_taken_up: bool


class Ingress(Protocol):
    async def ensure_running(self) -> tuple[str, ...]:
        """Puts everything in place and starts it. Returns sentences about what is not as it should be."""

    async def apply_site(self, site: ProxySite | StaticSite) -> None:
        """Sends the site's traffic there, and returns when nothing goes elsewhere any more.

        When nginx refuses it, or a newer generation was there, all is as before and CommandFailed says why.
        """

    async def refresh_site(self, site: ProxySite | StaticSite) -> None:
        """What leads there already is rendered again, with the generation that it has. A site that leads elsewhere, or
        that is not there, stays as it is."""

    async def remove_site(self, name: SiteName) -> None: ...

    async def show_site(self, name: SiteName) -> SiteMarker | None:
        """The truth after a cut or a crash: nothing is under way any more when this answers. None: no site of ours."""

    async def look_for_drift(
        self, sites: Sequence[ProxySite | StaticSite], *, has_own_site: bool = False
    ) -> SitesDrift:
        """What differs from these and no others, and whether Bakery's own does. It changes nothing."""

    async def put_own_site(self, host: str, upstream: Port, certificate: CertificateName | None = None) -> None:
        """Requests for this name go to the Bakery that listens on this machine, by HTTPS too where there is a
        certificate. Refused by nginx: all is as before."""

    async def remove_own_site(self) -> None: ...

    @property
    def port(self) -> Port:
        """Where sites answer."""

    @property
    def tls_port(self) -> Port | None:
        """Where they answer by HTTPS; None: nowhere."""
