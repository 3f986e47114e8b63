"""A real Bakery that is killed the moment it has answered: what it was told of a pull request is done by the next."""

from pathlib import Path
from typing import Any

import httpx

from tests.delivery.fleet import an_app
from tests.faults.site import make_app, program_at, token_of, without_traceback
from tests.hooks.pull_requests import at_repository, github
from tests.hooks.pushes import packed, signed
from tests.support.git_server import a_git_server, git
from tests.support.serving import Serving
from tests.support.waiting import wait_until


def tell(program: httpx.Client, secret: str, told: dict[str, Any]) -> None:
    body = packed(told)
    headers = dict(signed(body, event="pull_request", delivery=told["action"], secret=secret))
    answer = program.post("/api/apps/shop/webhook", content=body, headers={**headers, "authorization": ""})
    assert (answer.status_code, answer.json()["decision"]) == (202, "previews"), answer.text


def the_preview(program: httpx.Client) -> dict[str, Any]:
    found = program.get("/api/apps/shop/previews").json()["items"]
    return dict(found[0]) if found else {}


def test_a_preview_is_made_and_taken_away_though_a_kill_follows_each_answer(bakery: Serving) -> None:
    token = token_of(bakery)
    with a_git_server() as server:
        repository = server.repository("shop")
        repository.commit("Open the shop", an_app("one"))
        commit = repository.commit("Round once", an_app("two"), branch="carts")
        git(repository.work, "push", "--quiet", "origin", f"{commit}:refs/pull/42/head", ":refs/heads/carts")
        here = repository.url.removesuffix(".git")
        with program_at(bakery, token) as program:
            make_app(program, "shop")
            source = {"url": repository.url, "branch": "main"}
            program.put("/api/apps/shop/source", json=source).raise_for_status()
            secret = program.post("/api/apps/shop/webhook/rotate").json()["secret"]
            program.patch("/api/apps/shop/previews/settings", json={"is_on": True}).raise_for_status()
            tell(program, secret, at_repository(github("opened", commit), 35129377, here))
        bakery.kill()
        bakery.start()
        with program_at(bakery, token) as program:
            wait_until(lambda: the_preview(program)["status"] == "healthy", what="the preview is live", seconds=60)
            found = the_preview(program)
            assert (found["deployed"], found["environment"], found["state"]) == (commit, "pr42", "placed")
            tell(program, secret, at_repository(github("closed", commit, at=1), 35129377, here))
        bakery.kill()
        bakery.start()
        home = Path(bakery.settings.node_dir, "apps/shop/pr42")
        with program_at(bakery, token) as program:
            wait_until(lambda: not home.exists(), what="nothing of it is left on the node", seconds=60)
            found = the_preview(program)
            assert (found["environment"], found["state"]) == (None, "closed")
            environments = program.get("/api/apps/shop/environments").json()["items"]
            assert [one["environment"] for one in environments] == ["production"]
    assert without_traceback(bakery.said())
