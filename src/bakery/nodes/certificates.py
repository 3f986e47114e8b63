"""Certificates on a node: asked for there, or brought there, and what its nginx shows to visitors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from bakery.model.certificates import Held, Refused
from bakery.model.names import CertificateName, HostName
from bakery.model.secret import Secret
from bakery.nodes.helper_calls import Helper
from bakery.nodes.helper_ingress import HelperIngress

_ORDER_WITHIN = 600.0
_WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class ExternalAccount:
    """What an authority gives to people, so that it knows whose account is opened."""

    kid: str
    key: Secret


@dataclass(frozen=True, slots=True)
class Authority:
    """Who issues certificates. `trusted` is a PEM of who vouches for it, where no public one does."""

    directory: str
    email: str | None = None
    account: ExternalAccount | None = None
    trusted: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class DnsProof:
    """Where records may be written, as certbot's plugin asks for it; `wait` are the seconds until all servers of a zone
    know of one."""

    plugin: str
    fields: Mapping[str, str]
    secrets: Mapping[str, Secret]
    wait: int

    def told(self) -> dict[str, str | int]:
        told: dict[str, str | int] = {"plugin": self.plugin, "wait": self.wait, **self.fields}
        if "port" in self.fields:
            told["port"] = int(self.fields["port"])
        return told | {name: secret.reveal() for name, secret in self.secrets.items()}


class NodeCertificates:
    def __init__(self, helper: Helper, ingress: HelperIngress) -> None:
        self._helper = helper
        self._ingress = ingress

    async def issue(
        self,
        name: CertificateName,
        hosts: tuple[HostName, ...],
        authority: Authority,
        *,
        instead_of: str | None,
        dns: DnsProof | None = None,
    ) -> Held | Refused:
        """Harmless to ask again after a cut: what an order brought whose answer never came is taken. `instead_of` is
        the fingerprint of the one that is no longer enough. `dns` None: the sites prove the names."""
        account = authority.account
        told: dict[str, object] = {
            "hosts": hosts,
            "directory": authority.directory,
            "email": authority.email,
            "account": {"kid": account.kid, "key": account.key.reveal()} if account else None,
            "trusted": authority.trusted,
            "instead_of": instead_of,
        }
        verb = "certificate-issue"
        if dns is not None:
            verb = "certificate-issue-by-dns"
            told["dns"] = dns.told()
        answer = await self._helper.ask(_Answer, verb, name, told=told, within=_ORDER_WITHIN)
        return answer.outcome()

    async def upload(self, name: CertificateName, certificate: str, key: Secret, hosts: tuple[HostName, ...]) -> Held:
        """Raises CommandFailed with why it cannot be used."""
        told = {"certificate": certificate, "key": key.reveal(), "hosts": hosts}
        answer = await self._helper.ask(_Uploaded, "certificate-upload", name, told=told, within=_WITHIN)
        return answer.certificate.held()

    async def remove(self, name: CertificateName) -> None:
        """Raises CommandFailed while a site uses it."""
        await self._helper.say("certificate-remove", name, within=_WITHIN)

    async def fingerprints(self) -> dict[CertificateName, str]:
        """Of all that lie there and can be used."""
        listed = await self._helper.ask(_Listed, "certificate-list", within=_WITHIN)
        return {CertificateName(name): one.fingerprint for name, one in listed.certificates.items() if one is not None}

    async def served(self, host: HostName) -> "Served":
        """What visitors of the host are shown, seen on the node itself."""
        return await self._helper.ask(Served, "certificate-served", host, told=self._ingress.listens, within=_WITHIN)


class Served(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`said` is why there is none."""

    fingerprint: str | None
    said: str


class _Told(msgspec.Struct):
    """More may be in it with a newer helper."""

    fingerprint: str
    names: tuple[str, ...]
    not_before: int
    not_after: int
    issuer: str

    def held(self) -> Held:
        return Held(
            self.fingerprint,
            tuple(HostName(name) for name in self.names),
            datetime.fromtimestamp(self.not_before, UTC),
            datetime.fromtimestamp(self.not_after, UTC),
            self.issuer,
        )


class _Answer(msgspec.Struct):
    certificate: _Told | None
    refused: Refused | None

    def outcome(self) -> Held | Refused:
        if self.certificate is not None:
            return self.certificate.held()
        return self.refused or Refused("other", "certbot said nothing.")


class _Uploaded(msgspec.Struct):
    certificate: _Told


class _Listed(msgspec.Struct):
    certificates: dict[str, _Told | None]
