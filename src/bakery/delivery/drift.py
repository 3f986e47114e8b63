"""What a node has otherwise than Bakery's rows say, decided from what was found there and from the rows alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import PurePosixPath

from bakery.delivery.premises import Program
from bakery.delivery.sites import Site
from bakery.model.container import ContainerSpec
from bakery.model.names import CertificateName, UnitName
from bakery.nodes.drift import ContainerDrift, FileDrift, SiteDrift, SitesDrift, UnitDrift

_CHANGED = "Its file is not as Bakery writes it: somebody changed it, or an older Bakery wrote it."
OWN_SITE = "01-bakery.conf"
_MISSING = "It is missing, and all sites need it."
_EARLIER = "Bakery would write its file otherwise by now; nobody changed it by hand."
_RESTARTED = "Bakery describes it anew and starts it: the app is away for a moment."
_MARKERS = {
    "good": "",
    "missing": "The node does not know any more which release it leads to.",
    "another": "It leads to another release.",
    "damaged": "What the node knows of its last switch is damaged.",
}


class Kind(StrEnum):
    SITE = "site"
    NGINX = "nginx"
    UNIT = "unit"
    CONTAINER = "container"
    CERTIFICATE = "certificate"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it should be: `said` is what of it, `how` what repairing does, or what a person has to
    do where Bakery cannot. `is_doubtful`: it goes only when somebody names it. Not `is_by_hand`: Bakery wrote it so
    itself, some time ago."""

    kind: Kind
    name: str
    said: str
    how: str
    path: str = ""
    diff: tuple[str, ...] = ()
    app: str = ""
    environment: int | None = None
    certificate: int | None = None
    is_repairable: bool = True
    is_doubtful: bool = False
    is_by_hand: bool = True

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True)
class Certificate:
    """One that should lie on the node."""

    id: int
    name: CertificateName
    fingerprint: str
    is_uploaded: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an environment should have on its node. `trouble`: why nginx refused its site the last time."""

    environment: int
    app: str
    site: Site | None
    programs: tuple[Program, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a site is that nobody asks for. `environment` None: no environment of the node has its name."""

    app: str
    environment: int | None = None
    is_known: bool = False
    is_stopped: bool = False


def of_sites(found: SitesDrift, wanted: Mapping[str, Wanted], owners: Mapping[str, Owner]) -> Iterator[Difference]:
    """`wanted` and `owners` are by the names of sites; of a site in neither nothing is said."""
    for name, drift in sorted(found.sites.items()):
        if name in wanted:
            yield _site(name, drift, wanted[name])
    for name in found.nobodys:
        if name in owners:
            yield _nobodys(name, owners[name])
    for file in found.shared:
        yield _shared(file)
    if wanted and not found.is_running:
        said = "nginx does not run, so no site of this node answers."
        yield Difference(Kind.NGINX, "nginx", said, "Bakery starts it.")


def of_units(found: Mapping[UnitName, UnitDrift], wanted: Mapping[UnitName, Wanted]) -> Iterator[Difference]:
    for name, drift in sorted(found.items()):
        if name in wanted:
            yield _unit(name, drift, wanted[name])


def of_containers(found: Mapping[UnitName, ContainerDrift], wanted: Mapping[UnitName, Wanted]) -> Iterator[Difference]:
    for name, drift in sorted(found.items()):
        if name in wanted:
            yield _container(name, drift, wanted[name])


def of_certificates(found: Mapping[CertificateName, str], wanted: Mapping[int, Wanted]) -> Iterator[Difference]:
    """`found` are fingerprints; `wanted` are by environment."""
    for one in wanted.values():
        for certificate in one.certificates:
            if found.get(certificate.name) != certificate.fingerprint:
                yield _certificate(certificate, one, is_there=certificate.name in found)


def programs_by_name(wanted: Mapping[int, Wanted], *, in_containers: bool) -> Mapping[UnitName, Wanted]:
    return {
        program.name: one
        for one in wanted.values()
        for program in one.programs
        if isinstance(program, ContainerSpec) is in_containers
    }


def _site(name: str, drift: SiteDrift, wanted: Wanted) -> Difference:
    said = [
        "" if drift.is_there else "Its file is missing, so its names get the answer for unknown ones.",
        _said_of(drift) if drift.diff else "",
        f"Beside it these are missing or changed: {', '.join(drift.beside)}."
        if drift.is_there and drift.beside
        else "",
        _MARKERS[drift.marker] if drift.is_there or drift.marker == "damaged" else "",
        f"The node would refuse it: {drift.said}" if drift.said else "",
        f"The last time nginx refused it: {wanted.trouble}" if wanted.trouble else "",
    ]
    is_repairable = drift.marker != "damaged" and not drift.said
    how = "Bakery writes it anew, and nginx reads it. Visitors notice nothing."
    if drift.marker == "damaged":
        how = f"Remove sites/{name}.json from Bakery's folder on the node, then repair it here."
    elif drift.said:
        how = "Deploy the app again."
    found = _difference(Kind.SITE, name, said, how, drift, wanted, is_repairable=is_repairable)
    # What lies beside a site is named by its text: with another text it is missing, and nobody took it away.
    is_old = bool(drift.diff) and drift.is_by_bakery and drift.marker == "good" and not drift.said
    return replace(found, is_by_hand=not is_old)


def _nobodys(name: str, owner: Owner) -> Difference:
    how = "Bakery removes it, and its names get the answer for unknown ones."
    said = f"{owner.app} does not live here any more."
    if owner.is_stopped:
        said = f"{owner.app} is stopped, and its site is still there."
    elif owner.environment is not None:
        said = f"{owner.app} has nothing live."
    elif not owner.is_known:
        said = (
            "Bakery wrote it, and knows no such app. Did another Bakery have this node, or is the database older than "
            "what lies here?"
        )
    environment = owner.environment if owner.is_stopped else None
    return Difference(
        Kind.SITE, name, said, how, app=owner.app, environment=environment, is_doubtful=not owner.is_known
    )


def _shared(file: FileDrift) -> Difference:
    name = PurePosixPath(file.path).name
    missing = "It is missing, so nobody reaches Bakery by it." if name == OWN_SITE else _MISSING
    said = _said_of(file) if file.is_there else missing
    how = "Bakery writes it anew, and nginx reads it."
    return Difference(Kind.NGINX, name, said, how, file.path, file.diff, is_by_hand=not file.is_by_bakery)


def _said_of(file: FileDrift) -> str:
    return _EARLIER if file.is_by_bakery else _CHANGED


def _unit(name: UnitName, drift: UnitDrift, wanted: Wanted) -> Difference:
    said = [
        "" if drift.is_there else "It is not there.",
        _CHANGED if drift.diff else "",
        "" if drift.has_its_variables or not drift.is_there else "Its variables are not those of the release.",
        "" if drift.is_running or not drift.is_there else _stopped(drift.last_exit),
        "" if drift.is_enabled or not drift.is_there else "It would not start with the machine.",
        f"It is changed by {', '.join(drift.changed_by)}." if drift.changed_by else "",
        drift.said,
    ]
    is_otherwise = bool(drift.diff) or not (
        drift.is_there and drift.has_its_variables and drift.is_enabled and drift.is_running
    )
    how = _RESTARTED
    if drift.said:
        how = "Deploy the app again."
    elif not is_otherwise:
        how = "Bakery leaves that file alone: remove it, then run systemctl daemon-reload."
    return _difference(Kind.UNIT, name, said, how, drift, wanted, is_repairable=is_otherwise and not drift.said)


def _container(name: UnitName, drift: ContainerDrift, wanted: Wanted) -> Difference:
    said = [
        "" if drift.is_there else "It is not there.",
        "" if drift.is_as_told or drift.said or not drift.is_there else "It runs by another description.",
        "" if drift.is_running or not drift.is_there else _stopped(drift.last_exit),
        drift.said,
    ]
    how = "Deploy the app again." if drift.said else _RESTARTED
    whole = " ".join(filter(None, said))
    return Difference(
        Kind.CONTAINER, name, whole, how, app=wanted.app, environment=wanted.environment, is_repairable=not drift.said
    )


def _certificate(certificate: Certificate, wanted: Wanted, *, is_there: bool) -> Difference:
    said = "Its files were changed, or another one is in its place." if is_there else "It is missing, with its key."
    how = "Bakery asks the authority for a new one."
    if certificate.is_uploaded:
        how = f"Upload it once more: bakery certificates upload {wanted.app} CERTIFICATE KEY"
    return Difference(
        Kind.CERTIFICATE,
        certificate.name,
        said,
        how,
        app=wanted.app,
        environment=wanted.environment,
        certificate=certificate.id,
        is_repairable=not certificate.is_uploaded,
    )


def _difference(
    kind: Kind, name: str, said: list[str], how: str, file: FileDrift, wanted: Wanted, *, is_repairable: bool
) -> Difference:
    return Difference(
        kind,
        name,
        " ".join(filter(None, said)),
        how,
        file.path,
        file.diff,
        app=wanted.app,
        environment=wanted.environment,
        is_repairable=is_repairable,
    )


def _stopped(last_exit: str) -> str:
    return f"It does not run: it {last_exit}." if last_exit else "It does not run."
