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
    assert [step.key for step in found.steps] == ["unpack", "detect", "test", "build", "switch"]
    assert found.deployment.state is DeploymentState.SUCCEEDED, await fleet.log(found.deployment)
    assert await fleet.visitors_see(files_of("pages")["index.html"], "pages")
    assert (await fleet.visit("pages", "/about")).text == files_of("pages")["about.html"]
    missing = await fleet.visit("pages", "/nothing")
    assert (missing.status_code, missing.text) == (404, files_of("pages")["404.html"])
    await fleet.deploy_well(files_of("pages") | {"index.html": "new"}, "pages")
    assert await fleet.visitors_see("new", "pages")


async def test_a_site_is_served_from_the_folder_that_it_has_for_that(fleet: Fleet) -> None:
    await fleet.make("site", runtime="static")
    await fleet.deploy_well({"public/index.html": "hello", "README.md": "secret"}, "site")
    assert await fleet.visitors_see("hello", "site")
    assert (await fleet.visit("site", "/README.md")).status_code == 404


async def test_files_of_which_nothing_is_known_are_served_as_they_are(fleet: Fleet) -> None:
    await fleet.make("site", runtime="static")
    found = await fleet.deploy({"report.txt": "all is well"}, "site")
    assert found.deployment.state is DeploymentState.SUCCEEDED
    assert "So its files are served as they are." in await fleet.log(found.deployment)
    assert (await fleet.visit("site", "/report.txt")).text == "all is well"
