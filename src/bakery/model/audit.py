"""One line of the audit: who did what to which thing, and what changed."""

from collections.abc import Mapping
from dataclasses import dataclass

from bakery.model.actor import Actor


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """`action` is `noun.verb` (`person.invited`). Secrets stand in `before` and `after` only as an HMAC."""

    actor: Actor
    action: str
    target_kind: str
    target_id: str
    target_label: str
    app_id: int | None = None
    before: Mapping[str, object] | None = None
    after: Mapping[str, object] | None = None
