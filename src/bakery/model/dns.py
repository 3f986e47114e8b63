"""What the DNS says of a host name, held against what it should say; decided from what was found alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from ipaddress import ip_address

AUTHORITY = "letsencrypt.org"  # as CAA records name Let's Encrypt
_PAUSES = (15, 30, 60, 120, 300, 600, 1800)  # seconds until it is looked at again, while it is not right
_LONGEST_PAUSE = 3600
_WHEN_RIGHT = 6 * 3600
_PROVIDERS: Mapping[str, str] = {
    "registrar-servers.com": "Namecheap",
    "cloudflare.com": "Cloudflare",
    "domaincontrol.com": "GoDaddy",
    "gandi.net": "Gandi",
    "ovh.net": "OVH",
    "hetzner.com": "Hetzner",
    "ui-dns.com": "IONOS",
    "digitalocean.com": "DigitalOcean",
    "googledomains.com": "Google",
    "porkbun.com": "Porkbun",
    "inwx.net": "INWX",
}


class DnsState(StrEnum):
    """Waiting: there is nothing yet, or nobody answered. Only what is right can get a certificate."""

    WAITING = "waiting"
    RIGHT = "right"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Expected:
    """The addresses of the node, where visitors are to arrive."""

    ipv4: str | None = None
    ipv6: str | None = None

    @classmethod
    def of(cls, *addresses: str | None) -> "Expected":
        known = [ip_address(address) for address in addresses if address]
        ipv4 = next((str(one) for one in known if one.version == 4), None)
        return cls(ipv4, next((str(one) for one in known if one.version == 6), None))


@dataclass(frozen=True, slots=True)
class Answer:
    """Of one DNS server. `error` is why there is none."""

    server: str
    a: tuple[str, ...] = ()
    aaaa: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """`zone` is empty where it could not be found out; `caa` are the authorities that may issue, None: all may.
    `issuers` are the names by which such records know ours."""

    answers: tuple[Answer, ...] = ()
    zone: str = ""
    provider: str = ""
    caa: tuple[str, ...] | None = None
    issuers: tuple[str, ...] = (AUTHORITY,)


@dataclass(frozen=True, slots=True)
class DnsTrouble:
    """What is not as it should be, and what to do at the DNS provider."""

    said: str
    fix: str


@dataclass(frozen=True, slots=True)
class Record:
    """To be created at the DNS provider. `name` is relative to the zone, as registrars ask for it."""

    type: str
    name: str
    value: str
    ttl: int = 300


@dataclass(frozen=True, slots=True)
class Verdict:
    state: DnsState
    troubles: tuple[DnsTrouble, ...] = ()


def judge(found: Found, expected: Expected) -> Verdict:
    if expected.ipv4 is None and expected.ipv6 is None:
        trouble = DnsTrouble("The public address of the app's node is not known.", "Set it in the node's settings.")
        return Verdict(DnsState.WAITING, (trouble,))
    heard = [answer for answer in found.answers if not answer.error]
    if not heard:
        return Verdict(DnsState.WAITING, (_nobody_answered(found),))
    if not any(answer.a or answer.aaaa for answer in heard):
        trouble = DnsTrouble("No record was found yet.", "Create the record below at the DNS provider.")
        return Verdict(DnsState.WAITING, (trouble, *_caa(found)))
    troubles = (*_addresses(found, heard, expected), *_caa(found))
    return Verdict(DnsState.WRONG if troubles else DnsState.RIGHT, troubles)


def records(host: str, zone: str, expected: Expected) -> Sequence[Record]:
    name = relative_name(host, zone)
    wanted = (("A", expected.ipv4), ("AAAA", expected.ipv6))
    return [Record(kind, name, value) for kind, value in wanted if value is not None]


def relative_name(host: str, zone: str) -> str:
    """As it is pasted into a form of the zone's provider."""
    if host == zone:
        return "@"
    return host.removesuffix(f".{zone}") if zone else host


def provider_of(nameservers: Sequence[str]) -> str:
    """Whose forms people fill in; empty for one that is not known here."""
    servers = [server.rstrip(".").lower() for server in nameservers]
    if any(".awsdns-" in server for server in servers):
        return "Route 53"
    return next((name for end, name in _PROVIDERS.items() if any(one.endswith(end) for one in servers)), "")


def pause_before_next(state: DnsState, looks: int) -> timedelta:
    """`looks` counts those since it was right, or was asked for."""
    if state is DnsState.RIGHT:
        return timedelta(seconds=_WHEN_RIGHT)
    return timedelta(seconds=_PAUSES[looks] if looks < len(_PAUSES) else _LONGEST_PAUSE)


def _nobody_answered(found: Found) -> DnsTrouble:
    said = "; ".join(f"{answer.server} {answer.error}" for answer in found.answers) or "there is none to ask"
    return DnsTrouble(f"No DNS server answered: {said}.", "Bakery asks again by itself.")


def _addresses(found: Found, heard: Sequence[Answer], expected: Expected) -> Sequence[DnsTrouble]:
    ipv4 = {address for answer in heard for address in answer.a}
    ipv6 = {address for answer in heard for address in answer.aaaa}
    troubles = []
    if foreign := sorted(ipv4 - {expected.ipv4}):
        troubles.append(_points_elsewhere(foreign, found, expected))
    elif expected.ipv4 is not None and any(not answer.a for answer in heard):
        lacking = ", ".join(answer.server for answer in heard if not answer.a)
        troubles.append(DnsTrouble(f"{lacking} knows no A record yet.", f"Create an A record with {expected.ipv4}."))
    if foreign := sorted(ipv6 - {expected.ipv6}):
        fix = f"Set it to {expected.ipv6}." if expected.ipv6 else "Delete it: this node has no IPv6 address."
        said = f"An AAAA record leads browsers with IPv6 to {', '.join(foreign)}, past this server."
        troubles.append(DnsTrouble(said, fix))
    return troubles


def _points_elsewhere(foreign: Sequence[str], found: Found, expected: Expected) -> DnsTrouble:
    is_right_somewhere = any(answer.a == (expected.ipv4,) for answer in found.answers)
    said = f"It points to {', '.join(foreign)}, which is another server."
    if is_right_somewhere:
        return DnsTrouble(said, "Some servers know the new record already; old answers go when their TTL is over.")
    if expected.ipv4 is None:
        return DnsTrouble(said, "Delete the A record: this node has no IPv4 address.")
    fix = f"Change the A record to {expected.ipv4}, and delete other A records of this name."
    if found.provider == "Cloudflare":
        fix += " Where its proxy is on (orange cloud), turn it off."
    return DnsTrouble(said, fix)


def _caa(found: Found) -> Sequence[DnsTrouble]:
    if found.caa is None or not found.issuers or set(found.issuers) & set(found.caa):
        return ()
    only, ours = ", ".join(found.caa) or "nobody", found.issuers[0]
    said = f"A CAA record lets {only} issue certificates, and not {ours}."
    return (DnsTrouble(said, f'Add a CAA record: 0 issue "{ours}".'),)
