"""What was typed of a new app: kept as a draft, and read from it."""

import re
from collections.abc import Mapping

from bakery.delivery.drafts import Draft, keep_typed, read_draft
from bakery.delivery.variables import settings_in
from bakery.model.actor import Actor
from bakery.model.apps import SourceKind
from bakery.model.errors import BadInput, Conflict, NodeUnreachable, TooMany, Unavailable
from bakery.model.images import NewImage, parse_new_image
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.model.sources import NewSource, is_ssh, parse_new_source, server_of
from bakery.model.variables import VariableName, parse_value, parse_variable_name
from bakery.web.context import Parts
from bakery.web.forms import Typed
from bakery.web.presenters.new_app import SECTIONS

CREATE = {"permission": Permission.CREATE_APP}
FIELDS: Mapping[str, tuple[str, ...]] = {
    "source": ("kind", "url", "branch", "username", "image", "port"),
    "build": ("base", "runtime", "command", "health"),
    "address": ("node", "slug", "name", "skip_tests"),
    "variables": (),
    "review": (),
}
VALUE = "value-"
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_LONGEST = 2000  # of a field that is no text of variables
Refusal = BadInput | Conflict | NodeUnreachable | Unavailable | TooMany
REFUSALS = (BadInput, Conflict, NodeUnreachable, Unavailable, TooMany)


def section_in(form: Typed) -> str:
    return form.text("section") if form.text("section") in SECTIONS else "source"


def plain_in(form: Typed, section: str) -> dict[str, str]:
    """What was typed, without secrets. A box of this section that is not there was not ticked."""
    found = {name: form.text(name) for names in FIELDS.values() for name in names if name in form.values}
    if section == "address" and "section" in form.values:
        found["skip_tests"] = form.text("skip_tests")
    return found


def _expect_kept(fields: Mapping[str, str]) -> None:
    """Returns when the database takes them all."""
    for name, text in fields.items():
        if not is_kept(name, text):
            raise BadInput("This is longer than anybody types, or holds what is no character.", field=name)


def is_kept(name: str, text: str) -> bool:
    return (len(text) <= _LONGEST or name == "command") and "\0" not in text and not _SURROGATE.search(text)


def typed_values(form: Typed) -> list[tuple[str, str]]:
    return [(name.removeprefix(VALUE), text) for name, text in form.values.items() if name.startswith(VALUE) and text]


async def keep(parts: Parts, form: Typed, section: str, actor: Actor) -> Draft:
    before = await read_draft(parts.store, actor=actor)
    fields = plain_in(form, section)
    _expect_kept(fields)
    opens = _opens({**before.fields, **fields})
    token = form.secret("token") if form.text("token").strip() else None
    if token is not None:
        fields["opens"] = opens
    return await keep_typed(
        parts.store,
        fields,
        token=token,
        forgets_token=before.text("opens") != opens,  # a credential for one server opens nothing elsewhere
        variables=_variables_in(form),
        began=form.text("began"),
        actor=actor,
    )


def _opens(fields: Mapping[str, str]) -> str:
    """What a token is for."""
    if fields.get("kind") == SourceKind.IMAGE:
        return f"image {fields.get('image', '').partition('/')[0]} {fields.get('username', '')}"
    return f"git {server_of(fields.get('url', '').strip())}"


def _variables_in(form: Typed) -> dict[VariableName, Secret | None]:
    found: dict[VariableName, Secret | None] = {parse_variable_name(name): None for name in form.all("forget")}
    for name, text in typed_values(form):
        field = VALUE + name
        found[parse_variable_name(name, field=field)] = parse_value(Secret(text), field=field)
    if form.text("text").strip():
        found |= {
            one.name: one.value for one in settings_in(form.secret("text"), scope=None, is_secret=None) if one.value
        }
    return found


def source_in(draft: Draft, actor: Actor) -> NewSource:
    url = draft.text("url")
    by_github = draft.text("github") == url.strip()
    return parse_new_source(
        url=url,
        branch=draft.text("branch"),
        base=draft.text("base"),
        username=draft.text("username"),
        token=None if is_ssh(url.strip()) else draft.token,
        github_person=actor.person_id if by_github and not draft.text("by") else None,
        by_github_app=by_github and draft.text("by") == "app" and draft.token is None,
    )


def image_in(draft: Draft) -> NewImage:
    return parse_new_image(
        image=draft.text("image"), port=draft.text("port"), username=draft.text("username"), password=draft.token
    )
