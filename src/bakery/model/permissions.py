"""What may be done, and who may do it. Every route and every use case names one of these."""

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    VIEWER = "viewer"
    DEVELOPER = "developer"
    ADMIN = "admin"

    @property
    def label(self) -> str:
        return self.value.capitalize()

    def is_above(self, other: "Role") -> bool:
        return _RANK[self] > _RANK[other]


_RANK = {Role.VIEWER: 0, Role.DEVELOPER: 1, Role.ADMIN: 2}


class Permission(StrEnum):
    """Open to all: PUBLIC. Open to whoever is half signed in: SECOND_FACTOR. The rest needs a person or a token."""

    PUBLIC = "public"
    SECOND_FACTOR = "second-factor"
    OWN_ACCOUNT = "own-account"  # one's own password, sessions, tokens, preferences
    READ = "read"  # pages and lists, within the actor's grants
    DEPLOY = "deploy"  # act on an app: deploy, restart, roll back
    SEE_VALUES = "see-values"  # of an app's variables; asking for a secret one is written down
    CREATE_APP = "create-app"
    DELETE_APP = "delete-app"
    SEE_PEOPLE = "see-people"  # names for all, the rest for Admins
    MANAGE_PEOPLE = "manage-people"
    SEE_AUDIT = "see-audit"
    MANAGE_NODES = "manage-nodes"
    MANAGE_SYSTEM = "manage-system"  # settings of the installation
    METRICS = "metrics"  # loopback, or a token with read scope


HELD_BY: Mapping[Permission, frozenset[Role]] = {
    Permission.OWN_ACCOUNT: frozenset(Role),
    Permission.READ: frozenset(Role),
    Permission.SEE_PEOPLE: frozenset(Role),
    Permission.METRICS: frozenset(Role),
    Permission.DEPLOY: frozenset({Role.DEVELOPER, Role.ADMIN}),
    Permission.SEE_VALUES: frozenset({Role.DEVELOPER, Role.ADMIN}),
    Permission.CREATE_APP: frozenset({Role.DEVELOPER, Role.ADMIN}),
    Permission.DELETE_APP: frozenset({Role.ADMIN}),
    Permission.MANAGE_PEOPLE: frozenset({Role.ADMIN}),
    Permission.SEE_AUDIT: frozenset({Role.ADMIN}),
    Permission.MANAGE_NODES: frozenset({Role.ADMIN}),
    Permission.MANAGE_SYSTEM: frozenset({Role.ADMIN}),
}


class Scope(StrEnum):
    """What an API token may do at most. It never exceeds its owner's role."""

    READ = "read"
    DEPLOY = "deploy"  # may be bound to one app
    ADMIN = "admin"  # all that its owner may


ALLOWED_BY_SCOPE: Mapping[Scope, frozenset[Permission]] = {
    Scope.READ: frozenset({Permission.READ, Permission.SEE_PEOPLE, Permission.METRICS, Permission.SEE_AUDIT}),
    Scope.DEPLOY: frozenset({Permission.READ, Permission.DEPLOY}),
    Scope.ADMIN: frozenset(HELD_BY),
}
