"""Who asks for something, from where, and what they may do."""

from dataclasses import dataclass

from bakery.model.errors import NotAllowed, NotFound, NotSignedIn
from bakery.model.permissions import ALLOWED_BY_SCOPE, HELD_BY, Permission, Role, Scope

ALL_APPS = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from. `source` is browser, api, cli (on the server itself) or system."""

    source: str
    address: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Actor:
    """A person at a browser, a program with a token, or Bakery itself."""

    origin: Origin
    person_id: int | None = None
    label: str = "Bakery"
    role: Role | None = None
    apps: frozenset[int] | None = ALL_APPS  # the ids of the apps granted; None: all of them
    scope: Scope | None = None  # of the token; None: a session
    session_id: int | None = None
    token_id: int | None = None
    second_factor_due: bool = False
    password_change_due: bool = False
    is_system: bool = False

    @classmethod
    def system(cls, source: str = "system") -> "Actor":
        return cls(origin=Origin(source), is_system=True)

    @classmethod
    def nobody(cls, origin: Origin) -> "Actor":
        return cls(origin=origin, label="")

    @property
    def is_signed_in(self) -> bool:
        return self.is_system or (self.person_id is not None and not self.second_factor_due)

    def may(self, permission: Permission) -> bool:
        if permission is Permission.PUBLIC or self.is_system:
            return True
        if permission is Permission.SECOND_FACTOR:
            return self.person_id is not None and self.scope is None
        if not self.is_signed_in or self.role is None or self.role not in HELD_BY[permission]:
            return False
        return self.scope is None or permission in ALLOWED_BY_SCOPE[self.scope]

    def sees_app(self, app_id: int) -> bool:
        return self.is_system or self.apps is None or app_id in self.apps

    def require_own_password(self) -> None:
        """Returns unless somebody else knows the password of this session: nothing lasting is made from it."""
        if self.password_change_due and self.session_id is not None:
            raise NotAllowed("Choose a new password first.", hint="Account, Security.")

    def require(self, permission: Permission, *, app: int | None = None) -> None:
        """Returns when the actor may do this, to this app. An app outside the grants does not exist for them."""
        if app is not None and not self.sees_app(app):
            raise NotFound("There is no such app.")
        if self.may(permission):
            return
        if not self.is_signed_in:
            raise NotSignedIn("Please sign in.", hint="Sign in, or send a token: Authorization: Bearer …")
        raise NotAllowed(_refusal(permission, self.scope), hint=_next_step(permission, self.scope))


def _refusal(permission: Permission, scope: Scope | None) -> str:
    if scope is not None and permission not in ALLOWED_BY_SCOPE[scope]:
        return f"This token's scope is “{scope}”, which does not allow this."
    least = next(role for role in Role if role in HELD_BY[permission])  # Role's order is from least to most
    return f"{least.label}s can do this."


def _next_step(permission: Permission, scope: Scope | None) -> str:
    if scope is not None and permission not in ALLOWED_BY_SCOPE[scope]:
        return "Create a token with a wider scope under Account, Tokens."
    return "Ask an Admin."
