"""What a machine can do for apps: decided from its facts alone."""

from dataclasses import dataclass
from enum import StrEnum

from bakery.model.strategies import Strategy
from bakery.nodes.facts import NodeFacts
from bakery.nodes.folders import ROOTS_FOLDER, USERS_FOLDER, NodeFolders


class UnitKeeper(StrEnum):
    SYSTEMD = "systemd"
    SUPERVISOR = "supervisor"  # our own


class IngressKind(StrEnum):
    SYSTEM_NGINX = "system-nginx"  # the machine's, run by systemd
    DAEMON_NGINX = "daemon-nginx"  # the machine's, started by us and told by signals
    OWN_NGINX = "own-nginx"  # an ordinary user's, on a port above 1024
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """`limits` are sentences for the node's page: what this machine cannot do, and why."""

    units: UnitKeeper
    ingress: IngressKind
    isolated_users: bool
    strategies: tuple[Strategy, ...]
    limits: tuple[str, ...]


def capabilities(facts: NodeFacts, *, is_usual_place: bool = True) -> Capabilities:
    """In a folder of one's own choice a node keeps to itself: the machine's nginx and units belong to the usual one."""
    owns_machine = facts.is_root and is_usual_place
    units = UnitKeeper.SYSTEMD if owns_machine and facts.has_systemd else UnitKeeper.SUPERVISOR
    ingress = _ingress(facts, owns_machine=owns_machine)
    return Capabilities(
        units=units,
        ingress=ingress,
        isolated_users=facts.is_root,
        strategies=(Strategy.RECREATE,) if ingress is IngressKind.NONE else (Strategy.BLUE_GREEN, Strategy.RECREATE),
        limits=tuple(_limits(facts, units, ingress, is_usual_place=is_usual_place)),
    )


def folders_of(facts: NodeFacts) -> NodeFolders:
    return NodeFolders(ROOTS_FOLDER if facts.is_root else facts.home / USERS_FOLDER)


def _ingress(facts: NodeFacts, *, owns_machine: bool) -> IngressKind:
    if facts.nginx is None:
        return IngressKind.NONE
    if not owns_machine:
        return IngressKind.OWN_NGINX
    return IngressKind.SYSTEM_NGINX if facts.has_systemd else IngressKind.DAEMON_NGINX


def _limits(facts: NodeFacts, units: UnitKeeper, ingress: IngressKind, *, is_usual_place: bool) -> list[str]:
    limits = []
    elsewhere = "" if is_usual_place else "BAKERY_NODE_DIR names another folder than the usual one"
    if not facts.is_root:
        limits.append("Apps are not isolated from each other: Bakery runs as an ordinary user.")
    if units is UnitKeeper.SUPERVISOR:
        reason = elsewhere or ("there is no systemd" if facts.is_root else "Bakery may not use systemd")
        limits.append(f"After a reboot apps start when Bakery does, and may use all memory: {reason}.")
    if ingress is IngressKind.NONE:
        limits.append("A deployment interrupts an app here, and there are no static sites: there is no nginx.")
    if ingress is IngressKind.OWN_NGINX:
        limits.append(f"Apps answer on port 8080: {elsewhere or 'an ordinary user may not open port 80'}.")
    return limits
