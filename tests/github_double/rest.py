"""The REST answers: each row of the table is a method, a path and what answers it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.github_double import oauth, tokens
from tests.github_double.world import App, Grant, Installation, Refused, Repository, World

STATES = {"error", "failure", "pending", "success"}
DEPLOYED = {"error", "failure", "inactive", "in_progress", "queued", "pending", "success"}


@dataclass(frozen=True)
class Request:
    world: World
    url: str  # of GitHub's pages
    authorization: str
    query: Mapping[str, str]
    body: Mapping[str, Any]
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """`rows` are shown in pages, in `content` under the name `under` where GitHub wraps them."""

    status: int = 200
    content: Mapping[str, object] | None = None
    rows: list[dict[str, object]] | None = None
    under: str = ""


def answer(method: str, path: str, request: Request) -> Answer:
    allowed = False
    for verb, pattern, respond in ROUTES:
        if found := re.fullmatch(pattern, path):
            if verb == method:
                return respond(Request(**{**vars(request), "parts": found.groups()}))
            allowed = True
    raise Refused(405 if allowed else 404, "Method Not Allowed" if allowed else "Not Found")


def _user(asked: Request) -> Answer:
    login = _person(asked).login
    return Answer(content={**_account(asked, login), "name": login.title(), "email": None})


def _person(asked: Request) -> Grant:
    grant = tokens.who_asks(asked.world, asked.authorization)
    if grant.installation:
        raise Refused(403, "Resource not accessible by integration")
    return grant


def _user_repositories(asked: Request) -> Answer:
    login = _person(asked).login
    return _list(asked, [each for each in asked.world.repositories.values() if login in each.readers])


def _organisation_repositories(asked: Request) -> Answer:
    grant = tokens.who_asks(asked.world, asked.authorization)
    if asked.parts[0] not in asked.world.organisations:
        raise Refused(404, "Not Found")
    of_it = [each for each in asked.world.repositories.values() if each.owner == asked.parts[0]]
    return _list(asked, [each for each in of_it if tokens.can_see(grant, each)])


def _installation_repositories(asked: Request) -> Answer:
    grant = tokens.who_asks(asked.world, asked.authorization)
    if not grant.installation:
        raise Refused(403, "You must authenticate with an installation access token in order to list repositories.")
    shown = [asked.world.repositories[name] for name in sorted(grant.repositories)]
    return Answer(rows=_list(asked, shown).rows, under="repositories")


def _list(asked: Request, found: list[Repository]) -> Answer:
    return Answer(rows=[_repository_shape(asked, each) for each in sorted(found, key=lambda each: each.full_name)])


def _repository(asked: Request) -> Answer:
    return Answer(content=_repository_shape(asked, _reached(asked, "metadata", "read")))


def _reached(asked: Request, permission: str, level: str) -> Repository:
    """What the token may not see does not exist."""
    grant = tokens.who_asks(asked.world, asked.authorization)
    found = asked.world.repositories.get(f"{asked.parts[0]}/{asked.parts[1]}")
    if found is None or not tokens.can_see(grant, found):
        raise Refused(404, "Not Found")
    if permission != "metadata":
        tokens.need(grant, permission, level)
        if level == "write" and grant.login not in {"", *found.readers}:
            raise Refused(403, "Must have admin rights to Repository.")
    return found


def _branches(asked: Request) -> Answer:
    found = _reached(asked, "contents", "read")
    names = sorted(found.branches.items())
    return Answer(rows=[_branch_shape(asked, found, name, sha) for name, sha in names])


def _branch(asked: Request) -> Answer:
    found = _reached(asked, "contents", "read")
    if asked.parts[2] not in found.branches:
        raise Refused(404, "Branch not found")
    return Answer(content=_branch_shape(asked, found, asked.parts[2], found.branches[asked.parts[2]]))


def _hooks(asked: Request) -> Answer:
    found = _reached(asked, "repository_hooks", "read")
    return Answer(rows=[_told_hook(hook) for hook in found.hooks.values()])


def _hook(asked: Request) -> Answer:
    return Answer(content=_told_hook(_row(_reached(asked, "repository_hooks", "read").hooks, asked.parts[2])))


def _make_hook(asked: Request) -> Answer:
    found = _reached(asked, "repository_hooks", "write")
    config = _hook_config(asked)
    if any(hook["config"]["url"] == config["url"] for hook in _kept(found.hooks)):
        raise _invalid("Hook", "Hook already exists on this repository")
    made: dict[str, Any] = {
        "type": "Repository", "id": asked.world.next_id(), "name": "web", "active": asked.body.get("active", True),
        "events": asked.body.get("events", ["push"]), "config": config,
        "last_response": {"code": None, "status": "unused", "message": None},
    }  # fmt: skip
    found.hooks[made["id"]] = made
    return Answer(201, _told_hook(made))


def _change_hook(asked: Request) -> Answer:
    hook = _row(_reached(asked, "repository_hooks", "write").hooks, asked.parts[2])
    if "config" in asked.body:
        hook["config"] = _hook_config(asked)
    hook.update({name: asked.body[name] for name in ("active", "events") if name in asked.body})
    return Answer(content=_told_hook(hook))


def _drop_hook(asked: Request) -> Answer:
    hooks = _reached(asked, "repository_hooks", "write").hooks
    hooks.pop(int(_row(hooks, asked.parts[2])["id"]))
    return Answer(204)


def _hook_config(asked: Request) -> dict[str, object]:
    config = asked.body.get("config")
    if not isinstance(config, dict) or urlsplit(str(config.get("url", ""))).scheme not in {"http", "https"}:
        raise _invalid("Hook", "url is missing or no URL")
    if config.get("content_type", "form") not in {"json", "form"}:
        raise _invalid("Hook", "content_type is json or form")
    return {"content_type": "form", "insecure_ssl": "0", **config}


def _told_hook(hook: Mapping[str, Any]) -> dict[str, object]:
    """A secret that was set is stars ever after."""
    config = {name: "********" if name == "secret" else value for name, value in hook["config"].items()}
    return {**hook, "config": config}


def _set_status(asked: Request) -> Answer:
    found = _reached(asked, "statuses", "write")
    if asked.parts[2] not in found.branches.values():
        raise Refused(422, f"No commit found for SHA: {asked.parts[2]}")
    made = {
        "id": asked.world.next_id(), "state": _one_of(asked, "Status", STATES), "sha": asked.parts[2],
        "target_url": asked.body.get("target_url"), "context": asked.body.get("context", "default"),
        "description": _short(asked, "Status"),
    }  # fmt: skip
    found.statuses.append(made)
    return Answer(201, made)


def _make_deployment(asked: Request) -> Answer:
    found = _reached(asked, "deployments", "write")
    ref = str(asked.body.get("ref", ""))
    sha = found.branches.get(ref, ref if ref in found.branches.values() else "")
    if not sha:
        raise _invalid("Deployment", f"No ref found for: {ref}")
    made: dict[str, object] = {
        "id": asked.world.next_id(), "sha": sha, "ref": ref, "task": asked.body.get("task", "deploy"),
        "environment": asked.body.get("environment", "production"), "description": _short(asked, "Deployment"),
        "payload": asked.body.get("payload", {}), "statuses": [],
    }  # fmt: skip
    found.deployments[int(str(made["id"]))] = made
    return Answer(201, {name: value for name, value in made.items() if name != "statuses"})


def _deployment_status(asked: Request) -> Answer:
    deployment = _row(_reached(asked, "deployments", "write").deployments, asked.parts[2])
    made = {
        "id": asked.world.next_id(), "state": _one_of(asked, "DeploymentStatus", DEPLOYED),
        "log_url": asked.body.get("log_url", ""), "environment_url": asked.body.get("environment_url", ""),
        "description": _short(asked, "DeploymentStatus"), "environment": deployment["environment"],
    }  # fmt: skip
    deployment["statuses"].append(made)
    return Answer(201, made)


def _comment(asked: Request) -> Answer:
    found = _reached(asked, "issues", "write")
    made: dict[str, object] = {
        "id": asked.world.next_id(), "issue": int(asked.parts[2]), "body": _text(asked),
        **_written(asked),
    }  # fmt: skip
    found.comments[int(str(made["id"]))] = made
    return Answer(201, made)


def _written(asked: Request) -> dict[str, object]:
    """By whom. An App has a bot that writes, with a number of its own."""
    grant = tokens.who_asks(asked.world, asked.authorization)
    if not grant.installation:
        return {"user": _account(asked, grant.login), "performed_via_github_app": None}
    app = asked.world.apps[asked.world.installations[grant.installation].app]
    shape = _app_shape(asked, app)
    bot = {"login": f"{shape['slug']}[bot]", "id": app.id + 1_000_000, "type": "Bot"}
    return {"user": bot, "performed_via_github_app": shape}


def _comments(asked: Request) -> Answer:
    found = _reached(asked, "issues", "read")
    return Answer(rows=[each for each in found.comments.values() if each["issue"] == int(asked.parts[2])])


def _change_comment(asked: Request) -> Answer:
    comment = _row(_reached(asked, "issues", "write").comments, asked.parts[2])
    comment["body"] = _text(asked)
    return Answer(content=comment)


def _app(asked: Request) -> Answer:
    return Answer(content=_app_shape(asked, tokens.which_app(asked.world, asked.authorization)))


def _installations(asked: Request) -> Answer:
    app = tokens.which_app(asked.world, asked.authorization)
    found = [each for each in asked.world.installations.values() if each.app == app.id]
    return Answer(rows=[_installation_shape(asked, app, each) for each in found])


def _installation_token(asked: Request) -> Answer:
    app = tokens.which_app(asked.world, asked.authorization)
    return Answer(201, tokens.token_for(asked.world, app, int(asked.parts[0]), asked.body))


def _convert(asked: Request) -> Answer:
    app = oauth.convert(asked.world, asked.parts[0])
    secret = {
        "client_id": app.client.client_id, "client_secret": app.client.client_secret,
        "webhook_secret": app.webhook_secret, "pem": app.private_key,
    }  # fmt: skip
    return Answer(201, {**_app_shape(asked, app), **secret})


def _revoke_token(asked: Request) -> Answer:
    oauth.revoke(asked.world, asked.parts[0], asked.authorization, asked.body, everything=False)
    return Answer(204)


def _revoke_grant(asked: Request) -> Answer:
    oauth.revoke(asked.world, asked.parts[0], asked.authorization, asked.body, everything=True)
    return Answer(204)


def _account(asked: Request, login: str) -> dict[str, object]:
    is_person = login in asked.world.people
    return {
        "login": login, "id": asked.world.people[login] if is_person else asked.world.organisations[login],
        "type": "User" if is_person else "Organization", "html_url": f"{asked.url}/{login}",
    }  # fmt: skip


def _repository_shape(asked: Request, found: Repository) -> dict[str, object]:
    return {
        "id": found.id, "name": found.name, "full_name": found.full_name, "private": found.private,
        "owner": _account(asked, found.owner), "html_url": f"{asked.url}/{found.full_name}",
        "clone_url": f"{asked.url}/{found.full_name}.git", "default_branch": next(iter(found.branches)),
        "pushed_at": "2026-11-26T08:00:00Z",
        "archived": False, "disabled": False, "visibility": "private" if found.private else "public",
    }  # fmt: skip


def _branch_shape(asked: Request, found: Repository, name: str, sha: str) -> dict[str, object]:
    url = f"{asked.url}/api/v3/repos/{found.full_name}/commits/{sha}"
    return {"name": name, "commit": {"sha": sha, "url": url}, "protected": False}


def _app_shape(asked: Request, app: App) -> dict[str, object]:
    return {
        "id": app.id, "slug": app.name.lower().replace(" ", "-"), "name": app.name, "events": list(app.events),
        "permissions": dict(app.permissions), "owner": _account(asked, app.owner),
        "html_url": f"{asked.url}/apps/{app.name.lower().replace(' ', '-')}",
    }  # fmt: skip


def _installation_shape(asked: Request, app: App, found: Installation) -> dict[str, object]:
    return {
        "id": found.id, "app_id": app.id, "account": _account(asked, found.account),
        "html_url": f"{asked.url}/organizations/{found.account}/settings/installations/{found.id}",
        "suspended_at": "2026-11-26T08:00:00Z" if found.is_suspended else None,
        "repository_selection": "selected", "permissions": dict(app.permissions), "events": list(app.events),
    }  # fmt: skip


def _invalid(resource: str, message: str) -> Refused:
    return Refused(422, "Validation Failed", errors=[{"resource": resource, "code": "custom", "message": message}])


def _one_of(asked: Request, resource: str, allowed: set[str]) -> str:
    if asked.body.get("state") not in allowed:
        raise _invalid(resource, "state is not included in the list")
    return str(asked.body["state"])


def _short(asked: Request, resource: str) -> str:
    text = str(asked.body.get("description") or "")
    if len(text) > 140:
        raise _invalid(resource, "description is too long (maximum is 140 characters)")
    return text


def _text(asked: Request) -> str:
    if not asked.body.get("body"):
        raise _invalid("IssueComment", "body can't be blank")
    return str(asked.body["body"])


def _kept(rows: Mapping[int, Any]) -> list[dict[str, Any]]:
    return list(rows.values())


def _row(rows: Mapping[int, Any], number: str) -> dict[str, Any]:
    if int(number) not in rows:
        raise Refused(404, "Not Found")
    found: dict[str, Any] = rows[int(number)]
    return found


R = r"/repos/([\w.-]+)/([\w.-]+)"
ROUTES: list[tuple[str, str, Callable[[Request], Answer]]] = [
    ("GET", "/user", _user),
    ("GET", "/user/repos", _user_repositories),
    ("GET", r"/orgs/([\w.-]+)/repos", _organisation_repositories),
    ("GET", "/installation/repositories", _installation_repositories),
    ("GET", R, _repository),
    ("GET", f"{R}/branches", _branches),
    ("GET", f"{R}/branches/(.+)", _branch),
    ("GET", f"{R}/hooks", _hooks),
    ("POST", f"{R}/hooks", _make_hook),
    ("GET", rf"{R}/hooks/(\d+)", _hook),
    ("PATCH", rf"{R}/hooks/(\d+)", _change_hook),
    ("DELETE", rf"{R}/hooks/(\d+)", _drop_hook),
    ("POST", rf"{R}/statuses/([0-9a-f]{{40}})", _set_status),
    ("POST", f"{R}/deployments", _make_deployment),
    ("POST", rf"{R}/deployments/(\d+)/statuses", _deployment_status),
    ("POST", rf"{R}/issues/(\d+)/comments", _comment),
    ("GET", rf"{R}/issues/(\d+)/comments", _comments),
    ("PATCH", rf"{R}/issues/comments/(\d+)", _change_comment),
    ("GET", "/app", _app),
    ("GET", "/app/installations", _installations),
    ("POST", r"/app/installations/(\d+)/access_tokens", _installation_token),
    ("POST", r"/app-manifests/(\w+)/conversions", _convert),
    ("DELETE", r"/applications/([\w.]+)/token", _revoke_token),
    ("DELETE", r"/applications/([\w.]+)/grant", _revoke_grant),
]
