"""Why somebody sees what they may not do: the sentence that doing it would be answered with."""

from bakery.model.actor import Actor
from bakery.model.errors import NotAllowed
from bakery.model.permissions import Permission


def why_not(actor: Actor, permission: Permission) -> str:
    """Empty when they may."""
    try:
        actor.require(permission)
    except NotAllowed as refusal:
        return f"{refusal.message} {refusal.hint}"
    return ""
