"""Asking the DNS: the resolvers of this machine, or those that a setting names, and the servers of the zone itself."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver

from bakery.model.dns import AUTHORITY, Answer, Found, provider_of

_WITHIN = 4.0  # of one question
_MOST_AUTHORITIES = 2
_ANY = "*."
_ANYTHING_BELOW = "bakery-looks."
_AUTHORITY_PORT = 53


async def _lets_encrypt() -> tuple[str, ...]:
    return (AUTHORITY,)


@dataclass(frozen=True, slots=True)
class DnsServer:
    address: str
    port: int = 53

    def __str__(self) -> str:
        return self.address


@dataclass(frozen=True, slots=True)
class Dns:
    """`servers` are asked; none: those of this machine. `authority_port` is where the servers of a zone listen.
    `issuers` tells the names of the authority in CAA records; while it knows none, these are not looked at."""

    servers: tuple[DnsServer, ...] = ()
    authority_port: int = _AUTHORITY_PORT
    within: float = _WITHIN
    issuers: Callable[[], Awaitable[tuple[str, ...]]] = _lets_encrypt

    async def look_up(self, host: str) -> Found:
        """What is asked for at once, so that it takes no longer than the slowest answer of a chain of two."""
        asked = _ANYTHING_BELOW + host.removeprefix(_ANY) if host.startswith(_ANY) else host
        servers = self.servers or _servers_of_this_machine()
        if not servers:
            return Found()
        every = self._resolver(servers)
        async with asyncio.TaskGroup() as group:
            zone = group.create_task(_zone_of(every, asked))
            issuers = await self.issuers()
            caa = group.create_task(_who_may_issue(every, host)) if issuers else None
            answers = [group.create_task(self._ask(server, str(server), asked)) for server in servers]
        nameservers = zone.result().nameservers
        authorities = await self._authorities(every, nameservers)
        direct = await asyncio.gather(
            *(self._ask(server, f"{name} (of the zone)", asked) for name, server in authorities)
        )
        heard = (*(answer.result() for answer in answers), *direct)
        return Found(heard, zone.result().name, provider_of(nameservers), caa.result() if caa else None, issuers)

    async def _authorities(
        self, resolver: dns.asyncresolver.Resolver, names: Sequence[str]
    ) -> list[tuple[str, DnsServer]]:
        """Whoever owns a zone names them: an address of our own network is asked only where a setting names servers."""
        found: list[tuple[str, DnsServer]] = []
        for name in names[:_MOST_AUTHORITIES]:
            try:
                addresses = await _addresses(resolver, name, "A")
            except (dns.exception.DNSException, OSError):
                continue
            may = [address for address in addresses if self.servers or ip_address(address).is_global]
            found.extend((name, DnsServer(address, self.authority_port)) for address in may[:1])
        return found

    async def _ask(self, server: DnsServer, name: str, host: str) -> Answer:
        resolver = self._resolver((server,))
        try:
            a, aaaa = await asyncio.gather(_addresses(resolver, host, "A"), _addresses(resolver, host, "AAAA"))
        except dns.resolver.LifetimeTimeout:
            return Answer(name, error=f"did not answer within {self.within:g} s")
        except dns.exception.DNSException as error:
            return Answer(name, error=_why(error))
        except OSError as error:
            return Answer(name, error=f"cannot be reached: {error.strerror or error}")
        return Answer(name, a, aaaa)

    def _resolver(self, servers: Sequence[DnsServer]) -> dns.asyncresolver.Resolver:
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers = [dns.nameserver.Do53Nameserver(server.address, server.port) for server in servers]
        resolver.lifetime = self.within
        resolver.timeout = self.within / 2
        return resolver


@dataclass(frozen=True, slots=True)
class _Zone:
    name: str = ""
    nameservers: tuple[str, ...] = ()


async def _addresses(resolver: dns.asyncresolver.Resolver, host: str, kind: str) -> tuple[str, ...]:
    """None for a name that does not exist, which is an answer."""
    try:
        answer = await resolver.resolve(_absolute(host), kind, raise_on_no_answer=False, search=False)
    except dns.resolver.NXDOMAIN:
        return ()
    return tuple(sorted(str(record) for record in answer.rrset or ()))


async def _zone_of(resolver: dns.asyncresolver.Resolver, host: str) -> _Zone:
    """The longest part of the name that has a zone. Nothing where nobody tells."""
    try:
        zone = await dns.asyncresolver.zone_for_name(_absolute(host), resolver=resolver)
        if zone == dns.name.root or len(zone) <= 2:  # of a top-level domain: there is no zone of the name's own yet
            return _Zone()
        answer = await resolver.resolve(zone, "NS", raise_on_no_answer=False, search=False)
    except (dns.exception.DNSException, OSError):
        return _Zone()
    names = sorted(str(record.target).rstrip(".") for record in answer.rrset or ())
    return _Zone(zone.to_text(omit_final_dot=True), tuple(names))


async def _who_may_issue(resolver: dns.asyncresolver.Resolver, host: str) -> tuple[str, ...] | None:
    """Of the CAA records that count: those of the name, else of what is above it; of a name with a star, those that
    are for such alone, if there are any. None: nobody says."""
    name, is_starred = _absolute(host.removeprefix(_ANY)), host.startswith(_ANY)
    while len(name) > 2:
        try:
            answer = await resolver.resolve(name, "CAA", raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN:
            name = name.parent()
            continue
        except (dns.exception.DNSException, OSError):
            return None
        if records := list(answer.rrset or ()):
            wild = [record for record in records if is_starred and record.tag == b"issuewild"]
            issues = wild or [record for record in records if record.tag == b"issue"]
            named = [record.value.decode(errors="replace").partition(";")[0].strip() for record in issues]
            return tuple(sorted(one for one in named if one)) if issues else None
        name = name.parent()
    return None


def _absolute(host: str) -> dns.name.Name:
    return dns.name.from_text(host, dns.name.root)


def _servers_of_this_machine() -> tuple[DnsServer, ...]:
    try:
        return tuple(DnsServer(str(server)) for server in dns.resolver.Resolver().nameservers)
    except (dns.resolver.NoResolverConfiguration, OSError):
        return ()


def _why(error: dns.exception.DNSException) -> str:
    if isinstance(error, dns.resolver.NoNameservers):
        return "refused to answer, or could not"
    return f"gave no usable answer ({type(error).__name__})"
