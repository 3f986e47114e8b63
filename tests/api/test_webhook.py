"""Pushes that arrive, and what becomes of them."""

import asyncio
import base64
import hmac
import itertools
import re
import time

import httpx
import psycopg

from bakery.hooks.receive import deploy_what_was_cut
from bakery.hooks.webhooks import make_secret, show_webhook
from tests.api.site import BASE, Site
from tests.hooks import github_events
from tests.hooks.pushes import NONE, A, B, C, D, github, gitlab, packed, signed
from tests.hooks.test_payloads import OTHERS
from tests.support.asgi import way_to
from tests.support.people import SYSTEM, a_viewer, an_admin
from tests.support.places import at
from tests.web.goods import an_app

SOURCE = """
INSERT INTO git_sources (environment_id, url, branch, changed_by)
SELECT environments.id, 'https://github.com/acme/shop.git', 'main', 'Ada'
FROM environments JOIN apps ON apps.id = app_id WHERE slug = 'shop'
"""


async def a_shop(site: Site) -> tuple[str, str]:
    """Follows a repository: the address of its webhook, and its secret."""
    await an_app(site)
    async with site.store.transaction() as tx:
        await tx.connection.execute(SOURCE)
    secret = await make_secret(site.store, at("shop"), actor=SYSTEM)
    found = await show_webhook(site.store, at("shop"), actor=SYSTEM)
    return f"/hooks/github/{found.hook}", secret.reveal()


def a_server(site: Site) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=way_to(site.web), base_url=BASE)


async def push(
    server: httpx.AsyncClient, hook: tuple[str, str], before: str, after: str, delivery: str
) -> httpx.Response:
    body = packed(github(before, after))
    return await server.post(hook[0], content=body, headers=dict(signed(body, delivery=delivery, secret=hook[1])))


async def test_a_push_is_deployed_once_and_what_was_decided_is_kept(site: Site) -> None:
    hook = await a_shop(site)
    async with a_server(site) as server, site.as_(await an_admin(site.store)) as client:
        first = await push(server, hook, A, B, "1")
        replayed = await push(server, hook, A, B, "1")
        third = await push(server, hook, C, D, "3")
        second = await push(server, hook, B, C, "2")
        body = b'{"zen": "x", "hook_id": 1}'
        ping = await server.post(
            hook[0], content=body, headers=dict(signed(body, event="ping", delivery="4", secret=hook[1]))
        )
        listed = (await client.get("/apps/shop/webhook/deliveries")).json()["items"]
        deployments = (await client.get("/apps/shop/deployments")).json()["items"]
        again = await client.post(f"/apps/shop/webhook/deliveries/{listed[-2]['id']}/redeliver")
        shown = (await client.get("/apps/shop/webhook")).json()

    assert (first.status_code, first.json()["decision"], first.json()["deployment"]) == (202, "deploys", 1)
    assert (replayed.status_code, replayed.json()["decision"], replayed.json()["deployment"]) == (202, "ignored", None)
    assert third.json()["why"] == "ddddddd was pushed to main. Pushes between this one and the last never arrived."
    assert second.json()["why"] == "It is older than ddddddd, whose push arrived before it."
    assert ping.json()["why"] == "Its server asked whether we listen. We do."
    assert [(one["decision"], one["deployment"], one["times"]) for one in listed] == [
        ("ignored", None, 1), ("ignored", None, 1), ("deploys", 2, 1), ("deploys", 1, 2),
    ]  # fmt: skip
    assert [(one["number"], one["state"], one["trigger"], one["asked_by"]) for one in deployments] == [
        (2, "queued", "push", "ann"), (1, "superseded", "push", "ann"),
    ]  # fmt: skip
    assert (again.json()["decision"], again.json()["deployment"]) == ("deploys", 3)
    assert shown["head"] == D


async def test_a_body_that_was_captured_does_nothing_under_another_id(site: Site) -> None:
    """Also where the order of pushes would not tell: of a tag, and of a push that a forced one took back."""
    hook = await a_shop(site)
    pushed, back = packed(github(A, B)), packed(github(B, A, forced=True))
    tag = packed(github(NONE, C, ref="refs/tags/v1"))
    async with a_server(site) as server, site.as_(await an_admin(site.store)) as client:
        await client.patch("/apps/shop/webhook", json={"tags": "v*"})
        sent = [(pushed, "1"), (back, "2"), (tag, "3"), (pushed, "4"), (tag, "5"), (tag, "6")]
        answers = [
            (
                await server.post(hook[0], content=body, headers=dict(signed(body, delivery=number, secret=hook[1])))
            ).json()
            for body, number in sent
        ]
        listed = (await client.get("/apps/shop/webhook/deliveries")).json()["items"]
        async with site.store.transaction() as tx:  # as if they had been kept long enough
            await tx.connection.execute("DELETE FROM webhook_deliveries")
        late = await server.post(hook[0], content=tag, headers=dict(signed(tag, delivery="7", secret=hook[1])))
    assert [answer["deployment"] for answer in answers] == [1, 2, 3, None, None, None]
    assert {answer["why"] for answer in (*answers[3:], late.json())} == {
        "The same body came before. To deploy it again, redeliver it here."
    }
    assert [(one["delivery"], one["times"]) for one in listed] == [("3", 3), ("2", 1), ("1", 2)]


async def test_an_older_push_that_waited_is_not_deployed_after_a_newer(site: Site) -> None:
    hook = await a_shop(site)
    async with a_server(site) as server, site.as_(await an_admin(site.store)) as client:
        await push(server, hook, A, B, "1")
        await push(server, hook, B, C, "2")
        async with site.store.transaction() as tx:  # as if a kill had cut the first one's
            await tx.connection.execute(
                "UPDATE webhook_deliveries SET deployment = NULL, at = at - interval '2 minutes' WHERE delivery = '1'"
            )
        await deploy_what_was_cut(site.store, site.parts.queue)
        listed = (await client.get("/apps/shop/webhook/deliveries")).json()["items"]
        deployments = (await client.get("/apps/shop/deployments")).json()["items"]
    assert [(one["decision"], one["deployment"]) for one in listed] == [("deploys", 2), ("coalesced", None)]
    assert len(deployments) == 2


async def test_nothing_is_deployed_without_a_signature_that_holds(site: Site) -> None:
    hook = await a_shop(site)
    body = packed(github(A, B))
    good = dict(signed(body, secret=hook[1]))
    async with a_server(site) as server, site.as_(await an_admin(site.store)) as client:
        refused = [
            await server.post(hook[0], content=body),
            await server.post(hook[0], content=body + b" ", headers=good),
            await server.post(hook[0], content=body, headers=dict(signed(body, secret=""))),
            await server.post("/hooks/github/nothing", content=body, headers=good),
            await server.post("/api/apps/nothing/webhook", content=body, headers=good),
            await server.post("/api/apps/shop/webhook", content=body, headers={"x-gitlab-token": "x"}),
        ]
        too_large = await server.post(hook[0], content=b"x" * (25 * 1024 * 1024 + 1))
        await site.parts.rejections.written(site.store)
        listed = (await client.get("/apps/shop/webhook/deliveries")).json()["items"]
        rotated = await client.post("/apps/shop/webhook/rotate")
        old = await server.post(hook[0], content=body, headers=good)
        revealed = await client.post("/apps/shop/webhook/reveal")
        deployments = (await client.get("/apps/shop/deployments")).json()["items"]
    assert [answer.status_code for answer in (*refused, old)] == [401] * 7
    assert too_large.status_code == 413
    assert {one["decision"] for one in listed} == {"refused"}
    assert rotated.json() == revealed.json()
    assert deployments == []


async def test_pushes_at_once_become_the_newest(site: Site) -> None:
    hook = await a_shop(site)
    commits = [f"{number:02x}" * 20 for number in range(1, 22)]
    async with a_server(site) as server, site.as_(await an_admin(site.store)) as client:
        answers = await asyncio.gather(
            *(push(server, hook, one, then, then) for one, then in itertools.pairwise(commits))
        )
        deployments = (await client.get("/apps/shop/deployments")).json()["items"]
        head = (await client.get("/apps/shop/webhook")).json()["head"]
    assert [answer.status_code for answer in answers] == [202] * 20
    assert [one["title"] for one in deployments if one["state"] == "queued"] == [head[:7]]
    assert len(deployments) < 20


async def test_a_push_whose_deployment_was_cut_is_deployed_later(site: Site) -> None:
    hook = await a_shop(site)
    async with a_server(site) as server, site.as_(await an_admin(site.store)) as client:
        await push(server, hook, A, B, "1")
        async with site.store.transaction() as tx:
            await tx.connection.execute(
                "UPDATE webhook_deliveries SET deployment = NULL, delivery = '0', at = now() - interval '2 minutes'"
            )
        await deploy_what_was_cut(site.store, site.parts.queue)
        listed = (await client.get("/apps/shop/webhook/deliveries")).json()["items"]
    assert [one["deployment"] for one in listed] == [1]


async def test_what_a_push_does_is_set_by_who_may_deploy(site: Site) -> None:
    await a_shop(site)
    wanted = {"is_on": False, "paths": ["packages/**"], "tags": "v*"}
    async with site.as_(await an_admin(site.store)) as admin, site.as_(await a_viewer(site.store)) as viewer:
        changed = (await admin.patch("/apps/shop/webhook", json=wanted)).json()
        wrong = await admin.patch("/apps/shop/webhook", json={"paths": ["/etc"]})
        not_allowed = await viewer.post("/apps/shop/webhook/reveal")
    assert {name: changed[name] for name in wanted} == wanted
    assert (wrong.status_code, wrong.json()["field"]) == (422, "paths")
    assert not_allowed.status_code == 403


async def test_a_badge_is_for_who_knows_its_address(site: Site) -> None:
    await an_app(site)
    async with a_server(site) as anybody, site.as_(await an_admin(site.store)) as admin:
        path = await badge_path(admin)
        shown = await anybody.get(path)
        same = await anybody.get(path, headers={"if-none-match": shown.headers["etag"]})
        guessed = await anybody.get("/api/apps/shop/badge.svg?key=0")
        foreign = await anybody.get("/api/apps/nothing/badge.svg?key=0")
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/svg+xml")
    assert "<title>shop: never deployed</title>" in shown.text
    assert (same.status_code, same.content) == (304, b"")
    assert (guessed.status_code, foreign.status_code) == (404, 404)


async def badge_path(admin: httpx.AsyncClient) -> str:
    return str((await admin.get("/apps/shop/badge")).json()["path"])


async def test_another_address_of_a_badge_takes_the_place_of_those_before(site: Site) -> None:
    await an_app(site)
    secret = site.parts.signing_key.reveal().encode()
    by_name = f"/api/apps/shop/badge.svg?key={hmac.new(secret, b'badge shop production', 'sha256').hexdigest()[:32]}"
    async with a_server(site) as anybody, site.as_(await an_admin(site.store)) as admin:
        of_later = await anybody.get(by_name)
        async with site.store.transaction() as tx:  # as an app that was there before
            await tx.connection.execute(
                "INSERT INTO badges (environment_id, takes_name) SELECT id, true FROM environments"
            )
        first = await badge_path(admin)
        held_on = [(await anybody.get(path)).status_code for path in (by_name, first)]
        second = str((await admin.post("/apps/shop/badge/rotate")).json()["path"])
        rotated = [(await anybody.get(path)).status_code for path in (by_name, first, second)]
        actions = [one["action"] for one in (await admin.get("/activity")).json()["items"]]
    assert of_later.status_code == 404
    assert (held_on, rotated) == ([200, 200], [404, 404, 200])
    assert actions[0] == "app.badge_rotated"


async def test_the_badge_of_an_app_that_is_gone_shows_no_other_of_its_name(site: Site) -> None:
    await an_app(site)
    async with a_server(site) as anybody, site.as_(await an_admin(site.store)) as admin:
        path = await badge_path(admin)
        async with site.store.transaction() as tx:
            await tx.connection.execute("DELETE FROM environments")
            await tx.connection.execute("DELETE FROM apps")
        await an_app(site)
        answers = [(await anybody.get(place)).status_code for place in (path, await badge_path(admin))]
    assert answers == [404, 200]


async def test_each_wrong_signature_is_counted_with_its_reason(site: Site) -> None:
    hook = await a_shop(site)
    body = packed(github(A, B))
    good = dict(signed(body, secret=hook[1]))
    named = {name: good[name] for name in ("x-github-event", "x-github-delivery")}
    sha1 = hmac.new(hook[1].encode(), body, "sha1").hexdigest()
    async with a_server(site) as server, site.as_(await an_admin(site.store)) as client:
        sent: list[tuple[bytes, dict[str, str]]] = [
            (body, named),
            (body, {**named, "x-hub-signature": f"sha1={sha1}"}),
            (body, {**named, "x-hub-signature-256": f"sha1={sha1}"}),
            (body, dict(signed(body, secret=""))),
            (body, dict(signed(body, secret="another"))),
            (body.replace(b"cart", b"card", 1), good),
        ]
        answers = [await server.post(hook[0], content=content, headers=headers) for content, headers in sent]
        await site.parts.rejections.written(site.store)
        listed = (await client.get("/apps/shop/webhook/deliveries")).json()["items"]
        deployments = (await client.get("/apps/shop/deployments")).json()["items"]
    assert [answer.status_code for answer in answers] == [401] * 6
    assert {one["why"]: one["times"] for one in listed} == {
        "It came without a signature.": 1,
        "It is signed with SHA-1 alone, which is not accepted.": 1,
        "Its signature is not written as one of HMAC-SHA256.": 1,
        "Its signature does not fit the body and the secret of this app.": 3,
    }
    assert deployments == []


async def test_who_knows_no_secret_cannot_tell_whether_there_is_such_a_webhook(site: Site) -> None:
    """Nor by how long it takes: what is written down of it nobody waits for."""
    hook = await a_shop(site)
    body = packed(github(A, B))
    wrong = dict(signed(body, secret="another"))
    places = [hook[0], "/hooks/github/nothing", *(f"/api/apps/{app}/webhook" for app in ("shop", "nothing"))]
    async with a_server(site) as server, await psycopg.AsyncConnection.connect(site.store.dsn) as other:
        await other.execute("LOCK TABLE webhook_deliveries IN ACCESS EXCLUSIVE MODE")
        for headers in (wrong, {"x-gitlab-event": "Push Hook", "x-gitlab-token": "x"}, {}):
            answers = [await server.post(place, content=body, headers=headers) for place in places]
            told = [[answer.json()[name] for name in ("title", "status", "detail", "hint")] for answer in answers]
            assert [answer.status_code for answer in answers] == [401] * 4
            assert told == [told[0]] * 4
            assert len({tuple(sorted(set(answer.headers))) for answer in answers}) == 1
    await site.parts.rejections.written(site.store)
    async with site.as_(await an_admin(site.store)) as client:
        listed = (await client.get("/apps/shop/webhook/deliveries")).json()["items"]
    assert [one["times"] for one in listed] == [2, 2, 2]


async def test_a_gitlab_that_signs_is_heard_once_for_each_id(site: Site) -> None:
    await an_app(site)
    async with site.store.transaction() as tx:
        await tx.connection.execute(SOURCE.replace("github.com", "gitlab.example.com").encode())
    moment = str(int(time.time()))
    body = packed(gitlab(A, B))
    async with a_server(site) as server, site.as_(await an_admin(site.store)) as client:
        token = (await client.post("/apps/shop/webhook/rotate")).json()["gitlab_signing_token"]
        key = base64.b64decode(token.removeprefix("whsec_"))
        signature = base64.b64encode(hmac.digest(key, f"7.{moment}.".encode() + body, "sha256")).decode()
        headers = {"x-gitlab-event": "Push Hook", "webhook-id": "7", "webhook-timestamp": moment}
        answers = [
            await server.post(
                "/api/apps/shop/webhook",
                content=body,
                headers={**headers, "idempotency-key": other, "webhook-signature": f"v1,{signature}"},
            )
            for other in ("7", "8")
        ]
        unsigned = await server.post("/api/apps/shop/webhook", content=body, headers=headers)
    assert [(one.status_code, one.json()["decision"]) for one in answers] == [(202, "deploys"), (202, "ignored")]
    assert answers[1].json()["why"] == "Delivery 7 came before. To deploy it again, redeliver it here."
    assert unsigned.status_code == 401


async def test_pushes_of_every_fate_are_explained_and_only_the_meant_are_deployed(site: Site) -> None:
    hook = await a_shop(site)
    repository = {**github(A, B)["repository"], "full_name": "acme/store", "html_url": "https://github.com/acme/store",
                  "clone_url": "https://github.com/acme/store.git", "ssh_url": "git@github.com:acme/store.git",
                  "git_url": "git://github.com/acme/store.git"}  # fmt: skip
    told = [
        github(A, B),
        github(B, C, forced=True),
        github(C, NONE, deleted=True, head_commit=None, commits=[]),
        github(C, D, repository=repository),
        github(A, B, repository={**repository, "id": 7}),
    ]
    async with a_server(site) as server, site.as_(await an_admin(site.store)) as client:
        answers = []
        for number, one in enumerate(told):
            body = packed(one)
            headers = dict(signed(body, delivery=str(number), secret=hook[1]))
            answers.append((await server.post(hook[0], content=body, headers=headers)).json())
        deployments = (await client.get("/apps/shop/deployments")).json()["items"]
    assert [(answer["decision"], answer["why"]) for answer in answers] == [
        ("deploys", "bbbbbbb was pushed to main."),
        ("deploys", "ccccccc was force-pushed to main."),
        ("ignored", "The branch main was deleted. What is live stays live."),
        (
            "deploys",
            "ddddddd was pushed to main. The repository is called acme/store now: change the address of the source.",
        ),
        (
            "refused",
            (
                "It is of acme/store, which is not the repository that pushed here before: "
                "its server counts it as another."
            ),
        ),
    ]
    assert [one["title"] for one in deployments] == [D[:7], C[:7], B[:7]]


async def test_every_other_event_of_github_is_acknowledged_and_ignored(site: Site) -> None:
    hook = await a_shop(site)
    async with a_server(site) as server, site.as_(await an_admin(site.store)) as client:
        answers = {}
        for event in (*OTHERS, "an_event_of_tomorrow"):
            body = packed({"action": "created", "repository": github(A, B)["repository"], "ref": "refs/heads/main"})
            headers = dict(signed(body, event=event, delivery=event, secret=hook[1]))
            answers[event] = await server.post(hook[0], content=body, headers=headers)
        deployments = (await client.get("/apps/shop/deployments")).json()["items"]
    assert {event: (answer.status_code, answer.json()["why"]) for event, answer in answers.items()} == {
        event: (202, f"It is an event “{event}”, which changes nothing here.") for event in answers
    }
    assert deployments == []


async def test_what_really_came_from_github_is_answered_whatever_its_kind(site: Site) -> None:
    """Of a stranger's repository, and as if it were of the app's."""
    hook, number = await a_shop(site), itertools.count(1)
    ours = github(A, B)["repository"]
    async with a_server(site) as server, site.as_(await an_admin(site.store)) as client:
        answers = []
        for event, deliveries in github_events.as_they_came().items():
            for told in deliveries:
                for body in map(packed, (told, github_events.of_repository(told, ours))):
                    headers = dict(signed(body, event=event, delivery=str(next(number)), secret=hook[1]))
                    answers.append((event, await server.post(hook[0], content=body, headers=headers)))
        deployments = (await client.get("/apps/shop/deployments")).json()["items"]
    assert {answer.status_code for _, answer in answers} == {202}
    said: dict[str, set[str]] = {}
    for event, answer in answers:
        said.setdefault(event, set()).add(answer.json()["why"])
    understood = {event: said.pop(event) for event in ("ping", "pull_request", "push")}
    assert len(said) == 55
    assert said == {event: {f"It is an event “{event}”, which changes nothing here."} for event in said}
    assert understood["ping"] == {"Its server asked whether we listen. We do."}
    stranger = "It is of Codertocat/Hello-World, and the app follows https://github.com/acme/shop.git."
    assert understood["push"] == {
        stranger,
        "It is of the branch master, and the app follows main.",
        "Tags do not deploy, and this is the tag simple-tag.",
        "The tag simple-tag was deleted.",
    }
    known = {stranger, "Previews are off."}
    assert known < understood["pull_request"]
    others = understood["pull_request"] - known
    assert all(re.fullmatch(r"That it was [a-z ]+ changes nothing here\.", one) for one in others), others
    assert deployments == []
