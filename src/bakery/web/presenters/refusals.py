"""Why somebody sees what they may not do: the sentence that doing it would be answered with. And what was refused."""

from collections.abc import Sequence

from bakery.model.actor import Actor
from bakery.model.errors import BakeryError, NotAllowed
from bakery.model.permissions import Permission
from bakery.web.views.shell import Toast


def why_not(actor: Actor, permission: Permission) -> str:
    """Empty when they may."""
    try:
        actor.require(permission)
    except NotAllowed as refusal:
        return f"{refusal.message} {refusal.hint}"
    return ""


def refusal_toasts(refusal: BakeryError | None) -> Sequence[Toast]:
    """Above the page that something was asked from."""
    return [Toast("bad", f"{refusal.message} {refusal.hint}".strip())] if refusal else []
