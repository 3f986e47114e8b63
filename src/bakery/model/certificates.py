"""Certificates of sites: what one is, why an authority refuses one, and when what is to be done; decided from what is
known alone."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bakery.model.names import HostName

MOST_NAMES = 100  # of a certificate
LETSENCRYPT: Final = "https://acme-v02.api.letsencrypt.org/directory"
STAGING: Final = "https://acme-staging-v02.api.letsencrypt.org/directory"
ALARM_DAYS: Final = (14, 7, 1)
_RENEW_BEFORE = timedelta(days=30)
_RENEW_AT = 2 / 3  # of the life of one that lives no longer than that
# The authority's own limit is five refusals of a name an hour.
_PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (5, 20, 60, 180, 360, 720))
_LONGEST_PAUSE = timedelta(days=1)
_SOON = timedelta(seconds=20)
_RATE_LIMITED = timedelta(hours=1)  # where nothing is said
_AWAY: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 30))
_LONGEST_AWAY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Held:
    """A certificate that is on its node."""

    fingerprint: str
    names: tuple[HostName, ...]
    not_before: datetime
    not_after: datetime
    issuer: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Why there is none. `kind` is one of those that `advice` knows; `name` is the host name that it is about, if it is
    one; `retry_after` is in seconds, as the authority says."""

    kind: str
    said: str
    name: str = ""
    retry_after: int | None = None


def covers(names: Sequence[str], host: str) -> bool:
    """A star stands for one step."""
    return host in names or f"*.{host.partition('.')[2]}" in names


def orderable(hosts: Sequence[HostName]) -> tuple[HostName, ...]:
    """Of names that lead here, those that a file on the site proves; in an order that does not depend on when each was
    attached."""
    return tuple(sorted(host for host in hosts if not host.startswith("*"))[:MOST_NAMES])


def renew_from(held: Held) -> datetime:
    """30 days before its end, and not before two thirds of its life are over."""
    life = held.not_after - held.not_before
    return max(held.not_after - _RENEW_BEFORE, held.not_before + life * _RENEW_AT)


def is_enough(held: Held | None, wanted: Sequence[HostName], now: datetime) -> bool:
    """Names that it has beside those that are wanted are no reason for another."""
    return held is not None and now < renew_from(held) and all(host in held.names for host in wanted)


def next_try(refused: Refused, tries: int, now: datetime) -> datetime:
    """`tries` counts refusals one after another, this one among them. What the authority says is honoured, also where
    it is longer than we would wait."""
    said = timedelta(seconds=refused.retry_after or 0)
    match refused.kind:
        case "nonce" | "busy":
            usual = _SOON
        case "rate-limited":
            usual = timedelta() if refused.retry_after else _RATE_LIMITED
        case "unreachable" | "authority" | "node":
            usual = _AWAY[tries - 1] if tries <= len(_AWAY) else _LONGEST_AWAY
        case _:
            usual = _PAUSES[tries - 1] if tries <= len(_PAUSES) else _LONGEST_PAUSE
    return now + max(usual, said)


def counts(refused: Refused) -> bool:
    """Whether it is one more refusal: a nonce that was not good, or a turn that did not come, says nothing."""
    return refused.kind not in {"nonce", "busy"}


def alarm_due(not_after: datetime, told: int | None, now: datetime) -> int | None:
    """The number of days of the alarm that is to be given now. `told` is that of the last one."""
    left = not_after - now
    reached = [days for days in ALARM_DAYS if left <= timedelta(days=days)]
    due = min(reached, default=None)
    return due if due is not None and (told is None or due < told) else None


def next_alarm(not_after: datetime, told: int | None, now: datetime) -> datetime | None:
    """When there is one to be given, if there is."""
    left = [not_after - timedelta(days=days) for days in ALARM_DAYS if told is None or days < told]
    return min((moment for moment in left if moment > now), default=None)


@dataclass(frozen=True, slots=True)
class Advice:
    """What a refusal means, and what to do."""

    said: str
    fix: str


_ADVICE: Final[Mapping[str, Advice]] = {
    "dns": Advice("The authority did not find the name in the DNS.", "Look at the DNS records above."),
    "connection": Advice(
        "The authority could not reach this server by HTTP.",
        "Port 80 of the node has to be open to the whole internet: look at its firewall, and that of its provider.",
    ),
    "unauthorized": Advice(
        "The authority got another answer than Bakery's at this name.",
        "Something else answers there: a proxy in front, another server behind an AAAA record, or a site of "
        "somebody else's on the node.",
    ),
    "caa": Advice("A CAA record forbids this authority to issue.", "Add one for it, or delete the record."),
    "rate-limited": Advice(
        "The authority has had too many requests.", "It is asked again when its time is over. Nothing is to be done."
    ),
    "nonce": Advice("The authority wants to be asked once more.", "Bakery does so in a moment."),
    "busy": Advice("Another certificate is being asked for on this node.", "This one comes next."),
    "account": Advice(
        "The authority opens an account only for people it knows.",
        "Set BAKERY_ACME_EMAIL, or BAKERY_ACME_EAB_KID and BAKERY_ACME_EAB_KEY as it gave them to you.",
    ),
    "refused-name": Advice("The authority issues nothing for this name.", "Use another name, or upload a certificate."),
    "authority": Advice("The authority has a fault of its own.", "It is asked again by itself."),
    "unreachable": Advice(
        "The authority did not answer the node.",
        "Does the node reach the internet, and is BAKERY_ACME_DIRECTORY right?",
    ),
    "node": Advice("The app's node did not answer.", "It is asked for as soon as the node is back."),
    "old-helper": Advice(
        "The helper on the node is that of an older Bakery.", "Run its installer again: the node's page says how."
    ),
    "no-plugin": Advice(
        "certbot on the node has no plugin to prove names at this DNS provider.",
        "On the node: apt-get install {package}. Then try again.",
    ),
    "dns-server": Advice(
        "The name server of the DNS provider did not answer the node.",
        "Are its address and port right under Settings → DNS, and does its firewall let the node in by TCP?",
    ),
    "dns-key": Advice(
        "The name server does not take the TSIG key.",
        "Its name, algorithm and secret under Settings → DNS have to be those that the server has.",
    ),
    "dns-clock": Advice(
        "The name server finds the TSIG signature too old or too new.",
        "The clocks of the node and of the name server are apart: let both take theirs from the network.",
    ),
    "dns-refused": Advice(
        "The name server does not let this key write into the zone.",
        "Let it write TXT records below the zone, as with update-policy { grant KEY subdomain ZONE. TXT; } in bind.",
    ),
    "dns-zone": Advice(
        "The DNS provider does not answer for the zone of this name.",
        "It has to be the zone's primary server, or the account that has it; else take the zone from it under "
        "Settings → DNS.",
    ),
    "dns-account": Advice(
        "The DNS provider did not take the record.",
        "Are its keys right under Settings → DNS, may they write into the zone, and does the node reach the provider?",
    ),
    "no-certbot": Advice(
        "There is no certbot on the node.",
        "On the node: apt-get install certbot python3-certbot-dns-rfc2136. Then try again.",
    ),
}
_PLUGIN_PACKAGE = re.compile("python3-certbot-dns-[a-z0-9]+")  # as the helper names it
_OTHER: Final = Advice("No certificate was issued.", "What was said is below.")


def advice(refused: Refused) -> Advice:
    found = _ADVICE.get(refused.kind, _OTHER)
    if refused.kind != "no-plugin":
        return found
    package = _PLUGIN_PACKAGE.search(refused.said)
    return replace(found, fix=found.fix.format(package=package[0] if package else "the plugin that is named below"))
