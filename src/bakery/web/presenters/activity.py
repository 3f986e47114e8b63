"""What was done, as rows with an icon and a way to the thing."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from bakery.access.audit import Activity
from bakery.model.actor import Actor
from bakery.model.permissions import Permission
from bakery.web.moments import moment
from bakery.web.presenters.links import Url
from bakery.web.views.activity import ActivityRow, Transcript

_ICONS: Mapping[str, str] = {
    "installation": "house",
    "app": "layout-list",
    "variables": "key-round",
    "source": "git-commit-horizontal",
    "webhook": "git-pull-request-arrow",
    "preview": "git-pull-request-arrow",
    "deployment": "rocket",
    "person": "users",
    "invitation": "mail",
    "session": "log-out",
    "second_factor": "shield-check",
    "token": "key-round",
    "key": "key-round",
    "node": "server",
    "job": "terminal",
    "cli_login": "terminal",
    "settings": "settings-2",
    "github": "link",
    "dns_provider": "key-round",
    "github_app": "link",
}
_ICONS_OF_ACTIONS: Mapping[str, str] = {
    "person.invited": "user-plus",
    "person.signed_in": "circle-user",
    "person.signed_out": "log-out",
    "app.changed": "settings-2",
    "app.cloned": "copy",
    "environment.added": "plus",
    "environment.deleted": "trash-2",
    "domain.attached": "link",
    "domain.made_primary": "link",
    "domain.removed": "trash-2",
    "certificate.issued": "key-round",
    "certificate.renewed": "refresh-cw",
    "certificate.ends": "x",
    "certificate.asked_again": "refresh-cw",
    "certificate.uploaded": "key-round",
    "certificate.removed": "trash-2",
    "app.deleted": "trash-2",
    "app.scaled": "layout-list",
    "app.unhealthy": "x",
    "app.crash_loop": "rotate-cw",
    "app.recovered": "check",
    "deployment.retried": "refresh-cw",
    "app.command_ran": "terminal",
    "deployment.rolled_back": "undo-2",
    "deployment.taken_back": "undo-2",
    "person.removed": "trash-2",
    "node.removed": "trash-2",
    "node.pruned": "trash-2",
    "node.repaired": "rotate-cw",
    "volume.deleted": "trash-2",
    "site.changed": "settings-2",
    "site.password_set": "key-round",
    "site.user_removed": "key-round",
    "node.key_rotated": "key-round",
    "node.key_replaced": "key-round",
    "node.key_kept": "key-round",
    "node.host_key_accepted": "key-round",
}
_SOURCES: Mapping[str, str] = {
    "browser": "browser",
    "api": "API",
    "cli": "on the server",
    "system": "Bakery itself",
    "push": "a push",
}
_DEPLOYMENT = re.compile(r"[a-z0-9-]+ #([0-9]+)")
EXPORTED = ("id", "at", "who", "actor", "action", "kind", "target", "app", "source", "address", "before", "after")
_GONE = {"person.removed", "app.deleted"}


def activity_row(done: Activity, *, actor: Actor, url: Url, now: datetime) -> ActivityRow:
    """From which address somebody came is for themselves and for Admins, as in the API."""
    may_know = actor.may(Permission.SEE_AUDIT) or done.person_id == actor.person_id
    origins = (_SOURCES.get(done.source, done.source), done.address if may_know else "")
    return ActivityRow(
        id=done.id,
        icon=_ICONS_OF_ACTIONS.get(done.action) or _ICONS.get(done.action.partition(".")[0], "history"),
        actor=done.who,
        did=done.did,
        target=done.target_label,
        at=moment(done.at, now),
        href=_href(done, actor, url),
        origin=", ".join(part for part in origins if part),
        transcripts=[
            Transcript(node, url(f"/nodes/{node}/commands", request_id=done.request_id)) for node in done.ran_on
        ],
    )


def exported(done: Activity) -> list[str]:
    """Its cells, in the order of EXPORTED."""
    return [
        str(done.id),
        done.at.astimezone(UTC).isoformat(),
        done.who,
        done.actor,
        done.action,
        done.target_kind,
        done.target_label,
        done.app or "",
        done.source,
        done.address,
        _as_json(done.before),
        _as_json(done.after),
    ]


def _as_json(values: Mapping[str, object] | None) -> str:
    return "" if values is None else json.dumps(values, ensure_ascii=False)


def _href(done: Activity, actor: Actor, url: Url) -> str | None:
    if done.action in _GONE:
        return None
    if done.target_kind == "deployment" and done.app and (found := _DEPLOYMENT.fullmatch(done.target_label)):
        return url(f"/apps/{done.app}/deployments/{found[1]}")
    if done.app:
        return url(f"/apps/{done.app}")
    if done.node and actor.may(Permission.MANAGE_NODES):
        return url(
            f"/nodes/{done.node}" if done.target_kind == "node" else f"/nodes/{done.target_id.replace('/', '/jobs/')}"
        )
    if done.target_kind == "person" and actor.may(Permission.MANAGE_PEOPLE):
        return url(f"/team/members/{done.target_id}")
    return None
