import asyncio
from pathlib import Path

import httpx
import pytest

from bakery.model.apps import AppStatus
from bakery.model.deployments import DeploymentState, StepState
from tests.delivery.fleet import Fleet, an_app


async def test_a_first_deployment_makes_an_app_reachable(fleet: Fleet) -> None:
    await fleet.make()
    found = await fleet.deploy(an_app("one"))
    assert found.deployment.state is DeploymentState.SUCCEEDED, await fleet.log(found.deployment)
    assert [(step.key, step.state) for step in found.steps] == [
        ("unpack", StepState.DONE),
        ("start", StepState.DONE),
        ("check", StepState.DONE),
        ("switch", StepState.DONE),
    ]
    assert await fleet.visitors_see("one")
    assert (await fleet.app()).status is AppStatus.HEALTHY


async def test_a_second_deployment_loses_no_request(fleet: Fleet) -> None:
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    assert await fleet.visitors_see("one")
    app = await fleet.app()
    assert app.address is not None
    assert fleet.node.ingress is not None
    seen: list[str] = []
    failed: list[str] = []
    stop = asyncio.Event()

    async def visit_again_and_again(client: httpx.AsyncClient) -> None:
        host = httpx.URL(app.address or "").netloc.decode()
        while not stop.is_set():
            try:
                answer = await client.get("/", headers={"Host": host, "Connection": "close"})
            except httpx.TransportError as error:
                failed.append(repr(error))
            else:
                (seen if answer.status_code == 200 else failed).append(answer.text)

    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{fleet.node.ingress.port}", trust_env=False) as client,
        asyncio.TaskGroup() as visitors,
    ):
        for _ in range(4):
            visitors.create_task(visit_again_and_again(client))
        found = await fleet.deploy(an_app("two"))
        stop.set()
    assert [step.state for step in found.steps] == [StepState.DONE] * 5, await fleet.log(found.deployment)
    assert failed == []
    assert set(seen) == {"one", "two"}
    assert seen[-1] == "two"


async def test_the_steps_of_a_deployment_say_which_part_of_the_log_is_theirs(fleet: Fleet) -> None:
    await fleet.make()
    found = await fleet.deploy(an_app("one"))
    text = (await fleet.log(found.deployment)).encode()
    parts = [text[step.from_byte : step.to_byte].decode() for step in found.steps]
    assert "".join(parts) == text.decode()
    assert "Healthy after" in parts[2]


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (an_app("two", answer="(500, b'broken')"), "GET /health answered 500"),
        (an_app("two", before="sys.exit(3)"), "ended with status 3"),
        ({"other.py": ""}, "ended with status 2"),
    ],
    ids=["answers 500", "ends", "has no such file"],
)
async def test_a_release_that_fails_leaves_the_old_one_live(fleet: Fleet, files: dict[str, str], sentence: str) -> None:
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    found = await fleet.deploy(files)
    assert found.deployment.state is DeploymentState.FAILED
    assert sentence in found.deployment.failure
    assert found.deployment.hint
    assert [step.state for step in found.steps][2:] == [StepState.FAILED, StepState.SKIPPED, StepState.SKIPPED]
    assert await fleet.visitors_see("one")
    assert await fleet.node.transport.names_in(fleet.node.folders.units) == ("bakery-shop-production-blue",)


async def test_a_switch_that_nginx_refuses_leaves_nothing_to_be_taken_away_later(fleet: Fleet) -> None:
    """It refuses to put the site back as well, of which nothing had changed."""
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    foreign = Path(fleet.node.folders.root) / "nginx/bakery.d/somebody.conf"
    foreign.write_text("server { proxy_pas http://127.0.0.1:1; }\n")
    found = await fleet.deploy(an_app("two"))
    foreign.unlink()
    assert found.deployment.state is DeploymentState.FAILED
    assert found.deployment.failure.startswith("nginx refused the site shop-production: ")
    said = await fleet.log(found.deployment)
    assert "Not everything could be taken away" not in said
    assert "Release #1 is still live; nothing changed for visitors." in said
    async with fleet.store.connection() as connection:
        rows = await connection.execute("SELECT colour, state FROM slots ORDER BY colour")
        assert await rows.fetchall() == [("blue", "live"), ("green", "idle")]
    assert await fleet.visitors_see("one")
