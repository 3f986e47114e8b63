"""The examples of this repository, deployed as they stand."""

from pathlib import Path

from bakery.model.deployments import DeploymentState
from tests.delivery.fleet import Fleet

EXAMPLES = Path(__file__).parents[2] / "examples"


def files_of(name: str) -> dict[str, str]:
    return {path.name: path.read_text() for path in (EXAMPLES / name).iterdir() if path.is_file()}


async def test_hello_says_hello(fleet: Fleet) -> None:
    await fleet.make("hello")
    found = await fleet.deploy(files_of("hello"), "hello")
    assert found.deployment.state is DeploymentState.SUCCEEDED, await fleet.log(found.deployment)
    assert await fleet.visitors_see(files_of("hello")["page.html"], "hello")
    assert (await fleet.visit("hello", "/health")).text == "ok\n"
    assert (
        "Hello listens on port"
        in (
            await fleet.node.transport.get(fleet.node.folders.logs / "bakery-hello-production-blue.log") or b""
        ).decode()
    )


async def test_pages_are_served_by_nginx_and_follow_a_deployment(fleet: Fleet) -> None:
    await fleet.make("pages", runtime="static")
    found = await fleet.deploy(files_of("pages"), "pages")
    assert [step.key for step in found.steps] == ["unpack", "switch"]
    assert found.deployment.state is DeploymentState.SUCCEEDED, await fleet.log(found.deployment)
    assert await fleet.visitors_see(files_of("pages")["index.html"], "pages")
    assert (await fleet.visit("pages", "/about")).text == files_of("pages")["about.html"]
    missing = await fleet.visit("pages", "/nothing")
    assert (missing.status_code, missing.text) == (404, files_of("pages")["404.html"])
    await fleet.deploy_well(files_of("pages") | {"index.html": "new"}, "pages")
    assert await fleet.visitors_see("new", "pages")
