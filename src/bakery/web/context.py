"""What every handler may need: the parts that `app.py` put together."""

from dataclasses import dataclass, field
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection

from bakery.delivery.command_runs import CommandRuns
from bakery.delivery.local import Machine
from bakery.github.repositories import Answers
from bakery.hooks.refusals import Refusals
from bakery.hooks.rejections import Rejections
from bakery.hooks.turns import Turns
from bakery.ingress.certifying import authority_of
from bakery.ingress.dns import Dns, DnsServer
from bakery.ingress.issuers import Issuers
from bakery.model.secret import Secret
from bakery.nodes.certificates import Authority
from bakery.nodes.links import Links
from bakery.settings import Settings
from bakery.store.events import EventHub
from bakery.store.installation import General
from bakery.store.queue import Queue
from bakery.store.store import Store

# The framework's own parameters (user, auth, state) are not used: who asks is an Actor.
WebRequest = Request[Any, Any, Any]
WebConnection = ASGIConnection[Any, Any, Any, Any]


@dataclass(slots=True)
class Parts:
    """`general` and `has_own_site` are replaced when an Admin changes them; all else stays for the life of the process.
    With a site of its own, Bakery has a proxy on this machine. What goes on beside the requests is `at_work` with
    connections of its own: twenty deployments at once make nobody wait for a page. A lease is kept with the others, for
    whoever holds one has to learn at once that the database hangs."""

    settings: Settings
    store: Store
    at_work: Store
    hub: EventHub
    queue: Queue
    machine: Machine
    links: Links
    signing_key: Secret
    general: General
    has_own_site: bool = False
    runs: CommandRuns = field(default_factory=CommandRuns)
    pushes: Turns = field(default_factory=Turns)
    rejections: Rejections = field(default_factory=Rejections)
    refusals: Refusals = field(default_factory=Refusals)
    github: Answers = field(default_factory=Answers)
    issuers: Issuers = field(default_factory=Issuers)
    is_set_up: bool = False
    is_ending: bool = False  # no new traffic, please

    @property
    def authority(self) -> Authority | None:
        """That issues certificates; None: nobody is to be asked."""
        return authority_of(self.settings)

    @property
    def dns(self) -> Dns:
        servers = tuple(DnsServer(*server) for server in self.settings.dns_resolvers)
        return Dns(servers, issuers=lambda: self.issuers.of(self.authority))
