"""The double refuses what GitHub refuses: otherwise what is tested against it proves nothing."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.github_double.server import GitHubDouble, a_github
from tests.github_double.world import App, OAuthClient

BACK = "https://bakery.example/github/back"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
MANIFEST = {
    "name": "Bakery of Ann", "url": "https://bakery.example", "redirect_url": f"{BACK}/app",
    "hook_attributes": {"url": "https://bakery.example/hooks/github"}, "callback_urls": [BACK],
    "default_permissions": {"contents": "read", "statuses": "write"}, "default_events": ["push"],
}  # fmt: skip


@pytest.fixture
def github() -> Iterator[GitHubDouble]:
    with a_github() as double:
        yield double


@pytest.fixture
def web() -> Iterator[httpx.Client]:
    with httpx.Client(headers={"accept": "application/json"}) as client:
        yield client


def ask_for_code(github: GitHubDouble, web: httpx.Client, client: OAuthClient, **changes: str) -> dict[str, str]:
    asked = {
        "client_id": client.client_id, "redirect_uri": BACK, "state": "st", "code_challenge": CHALLENGE,
        "code_challenge_method": "S256", **changes,
    }  # fmt: skip
    sent_to = web.get(f"{github.url}/login/oauth/authorize", params=asked).headers["location"]
    assert sent_to.startswith(f"{BACK}?")
    return {name: values[0] for name, values in parse_qs(urlsplit(sent_to).query).items()}


def trade(github: GitHubDouble, web: httpx.Client, client: OAuthClient, **asked: str) -> dict[str, Any]:
    known = {"client_id": client.client_id, "client_secret": client.client_secret}
    return dict(web.post(f"{github.url}/login/oauth/access_token", data={**known, **asked}).json())


def an_app(github: GitHubDouble, web: httpx.Client) -> App:
    pressed = web.post(
        f"{github.url}/settings/apps/new", params={"state": "st"}, data={"manifest": json.dumps(MANIFEST)}
    )
    code = parse_qs(urlsplit(pressed.headers["location"]).query)["code"][0]
    made = web.post(f"{github.api}/app-manifests/{code}/conversions")
    assert made.status_code == 201
    assert web.post(f"{github.api}/app-manifests/{code}/conversions").status_code == 404
    return github.world.apps[made.json()["id"]]


def a_jwt(github: GitHubDouble, app: App, *, algorithm: str = "RS256", seconds: int = 540) -> dict[str, str]:
    now = int(github.world.now())
    head, claims = {"alg": algorithm, "typ": "JWT"}, {"iat": now - 60, "exp": now + seconds, "iss": str(app.id)}
    parts = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=").decode() for each in (head, claims)]
    key = cast("rsa.RSAPrivateKey", load_pem_private_key(app.private_key.encode(), None))
    signature = key.sign(".".join(parts).encode(), padding.PKCS1v15(), hashes.SHA256())
    parts.append(base64.urlsafe_b64encode(signature).rstrip(b"=").decode())
    return {"authorization": f"Bearer {'.'.join(parts)}"}


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_a_code_is_good_once_for_who_has_its_verifier(github: GitHubDouble, web: httpx.Client) -> None:
    client = github.world.oauth_client(BACK)
    wrong = ask_for_code(github, web, client)
    assert wrong["state"] == "st"
    assert trade(github, web, client, code=wrong["code"], code_verifier="w" * 43)["error"] == "bad_verification_code"
    right = ask_for_code(github, web, client)["code"]
    told = trade(github, web, client, code=right, code_verifier=VERIFIER)
    assert web.get(f"{github.api}/user", headers=bearer(told["access_token"])).json()["login"] == "ann"
    assert trade(github, web, client, code=right, code_verifier=VERIFIER)["error"] == "bad_verification_code"


def test_nobody_is_sent_where_no_callback_was_registered(github: GitHubDouble, web: httpx.Client) -> None:
    client = github.world.oauth_client(BACK)
    assert ask_for_code(github, web, client, redirect_uri="https://evil.example")["error"] == "redirect_uri_mismatch"


def test_a_wrong_secret_and_a_plain_challenge_are_refused(github: GitHubDouble, web: httpx.Client) -> None:
    client = github.world.oauth_client(BACK)
    assert trade(github, web, client, client_secret="no")["error"] == "incorrect_client_credentials"
    assert ask_for_code(github, web, client, code_challenge_method="plain")["error"] == "invalid_request"


def test_a_refresh_token_is_good_once_and_a_token_ends_after_eight_hours(
    github: GitHubDouble, web: httpx.Client
) -> None:
    client = github.world.oauth_client(BACK)
    first = trade(github, web, client, code=ask_for_code(github, web, client)["code"], code_verifier=VERIFIER)
    github.world.later = 28_801
    assert web.get(f"{github.api}/user", headers=bearer(first["access_token"])).status_code == 401
    again = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = trade(github, web, client, **again)
    assert web.get(f"{github.api}/user", headers=bearer(second["access_token"])).status_code == 200
    assert trade(github, web, client, **again)["error"] == "bad_refresh_token"


def test_a_revoked_grant_takes_the_refresh_token_along(github: GitHubDouble, web: httpx.Client) -> None:
    client = github.world.oauth_client(BACK)
    told = trade(github, web, client, code=ask_for_code(github, web, client)["code"], code_verifier=VERIFIER)
    url, body = f"{github.api}/applications/{client.client_id}/grant", {"access_token": told["access_token"]}
    assert web.request("DELETE", url, json=body, auth=(client.client_id, "wrong")).status_code == 404
    assert web.request("DELETE", url, json=body, auth=(client.client_id, client.client_secret)).status_code == 204
    assert web.get(f"{github.api}/user", headers=bearer(told["access_token"])).status_code == 401
    refreshed = trade(github, web, client, grant_type="refresh_token", refresh_token=told["refresh_token"])
    assert refreshed["error"] == "bad_refresh_token"


def test_an_app_is_known_by_its_signature(github: GitHubDouble, web: httpx.Client) -> None:
    app, other = an_app(github, web), an_app(github, web)
    assert web.get(f"{github.api}/app", headers=a_jwt(github, app)).json()["slug"] == "bakery-of-ann"
    forged = a_jwt(github, App(**{**vars(app), "private_key": other.private_key}))
    for refused in (forged, a_jwt(github, app, algorithm="none"), a_jwt(github, app, seconds=700), bearer("a.b.c")):
        assert web.get(f"{github.api}/app", headers=refused).status_code == 401


def test_a_token_of_an_installation_sees_what_it_was_made_for(github: GitHubDouble, web: httpx.Client) -> None:
    app = an_app(github, web)
    shop, blog = github.world.repository("acme/shop"), github.world.repository("acme/blog")
    installation = github.world.install(app, "acme", "acme/shop", "acme/blog")
    url = f"{github.api}/app/installations/{installation.id}/access_tokens"
    made = web.post(url, headers=a_jwt(github, app), json={"repository_ids": [shop.id]})
    token = bearer(made.json()["token"])
    told = web.get(f"{github.api}/installation/repositories", headers=token).json()
    assert (told["total_count"], told["repositories"][0]["id"]) == (1, shop.id)
    assert web.get(f"{github.api}/repos/acme/blog", headers=token).status_code == 404
    assert web.post(f"{github.api}/repos/acme/shop/hooks", headers=token, json={}).status_code == 403
    for refused in ({"repository_ids": [blog.id + 99]}, {"permissions": {"contents": "write"}}):
        assert web.post(url, headers=a_jwt(github, app), json=refused).status_code == 422


def test_lists_come_in_pages_and_the_same_again_costs_nothing(github: GitHubDouble, web: httpx.Client) -> None:
    for number in range(5):
        github.world.repository(f"acme/r{number}")
    github.world.repository("acme/hidden", readers=())
    head = bearer(github.world.token_of("ann"))
    seen, url = [], f"{github.api}/orgs/acme/repos?per_page=2"
    while url:
        page = web.get(url, headers=head)
        seen += [each["name"] for each in page.json()]
        url = page.links.get("next", {}).get("url", "")
    assert seen == ["r0", "r1", "r2", "r3", "r4"]
    left = page.headers["x-ratelimit-remaining"]
    assert left == "4997"  # after three pages
    again = web.get(str(page.url), headers={**head, "if-none-match": page.headers["etag"]})
    assert (again.status_code, again.headers["x-ratelimit-remaining"]) == (304, left)


def test_what_goes_wrong_is_told_as_github_tells_it(github: GitHubDouble, web: httpx.Client) -> None:
    head, user = bearer(github.world.token_of("ann")), f"{github.api}/user"
    assert web.get(user).json()["message"] == "Requires authentication"
    assert web.get(user, headers=bearer("ghu_wrong")).json()["message"] == "Bad credentials"
    assert web.get(user, headers={**head, "user-agent": ""}).status_code == 403
    github.world.faults += [(502, {}), (429, {"retry-after": "60"})]
    assert [web.get(user, headers=head).status_code for _ in range(3)] == [502, 429, 200]
    github.world.remaining = 0
    refused = web.get(user, headers=head)
    assert (refused.status_code, refused.headers["x-ratelimit-remaining"]) == (403, "0")


def test_a_slow_github_answers_when_it_is_let(github: GitHubDouble, web: httpx.Client) -> None:
    github.world.answers.clear()
    head, got = bearer(github.world.token_of("ann")), []
    asking = threading.Thread(target=lambda: got.append(web.get(f"{github.api}/user", headers=head).status_code))
    asking.start()
    assert got == []
    github.world.answers.set()
    asking.join()
    assert got == [200]


def test_a_hook_keeps_its_secret_to_itself(github: GitHubDouble, web: httpx.Client) -> None:
    github.world.repository("acme/shop")
    web.headers.update(bearer(github.world.token_of("ann")))
    hooks, config = f"{github.api}/repos/acme/shop/hooks", {"url": "https://bakery.example/h", "secret": "s"}
    made = web.post(hooks, json={"config": config, "events": ["push"]})
    assert (made.status_code, made.json()["config"]["secret"]) == (201, "********")
    assert web.post(hooks, json={"config": config}).status_code == 422
    one = f"{hooks}/{made.json()['id']}"
    assert web.patch(one, json={"active": False}).json()["active"] is False
    assert [web.delete(one).status_code, web.delete(one).status_code] == [204, 404]
    assert web.get(hooks).json() == []


def test_a_deployment_is_told_back(github: GitHubDouble, web: httpx.Client) -> None:
    github.world.repository("acme/shop", main="a" * 40)
    web.headers.update(bearer(github.world.token_of("ann")))
    shop = f"{github.api}/repos/acme/shop"
    assert web.get(f"{shop}/branches/main").json()["commit"]["sha"] == "a" * 40
    assert web.get(f"{shop}/branches/gone").status_code == 404
    assert web.post(f"{shop}/statuses/{'a' * 40}", json={"state": "success"}).status_code == 201
    assert web.post(f"{shop}/statuses/{'a' * 40}", json={"state": "live"}).status_code == 422
    assert web.post(f"{shop}/statuses/{'b' * 40}", json={"state": "success"}).status_code == 422
    deployment = web.post(f"{shop}/deployments", json={"ref": "main"}).json()["id"]
    statuses = f"{shop}/deployments/{deployment}/statuses"
    assert web.post(statuses, json={"state": "in_progress", "description": "d" * 141}).status_code == 422
    assert web.post(statuses, json={"state": "in_progress"}).json()["environment"] == "production"
    comment = web.post(f"{shop}/issues/7/comments", json={"body": "Soon"}).json()["id"]
    assert web.patch(f"{shop}/issues/comments/{comment}", json={"body": "Live"}).json()["body"] == "Live"
