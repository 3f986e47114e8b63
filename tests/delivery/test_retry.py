"""A deployment that failed is repeated with what it made, or from its source."""

from dataclasses import replace
from pathlib import Path

import pytest

from bakery.delivery.app_settings import change_app
from bakery.delivery.moves import move_deployment
from bakery.delivery.retry import request_retry
from bakery.model.deployments import DeploymentState
from bakery.model.errors import BadInput, Conflict
from bakery.model.names import AppName
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.delivery.test_pipeline import a_project
from tests.support.places import at

# It starts well only when somebody mended what it needs.
WAITS = "if not os.path.exists(os.environ['HOME_OF_TEST'] + '/mended'): sys.exit(3)"


def releases(fleet: Fleet) -> list[str]:
    return sorted(path.name for path in Path(fleet.node.folders.root, "apps/shop/production/releases").iterdir())


async def test_what_was_made_is_taken_over_from_the_step_that_failed(fleet: Fleet, tmp_path: Path) -> None:
    await fleet.make(command="")
    await fleet.deploy_well(a_project("none"))
    before = WAITS.replace("os.environ['HOME_OF_TEST']", repr(str(tmp_path)))
    failed = await fleet.deploy({**a_project("one"), **an_app("one", before=before)})
    assert failed.deployment.state is DeploymentState.FAILED
    assert "What was made stays for an hour, for: bakery retry shop 2" in await fleet.log(failed.deployment)
    assert releases(fleet) == ["1", "2"]

    again = await fleet.run((await request_retry(fleet.store, fleet.queue, at("shop"), 2, actor=ADMIN)).deployment)
    assert again.deployment.state is DeploymentState.FAILED
    assert releases(fleet) == ["1", "2"]
    with pytest.raises(BadInput, match="#3 ended at its step check, so switch cannot be the first of a retry"):
        await request_retry(fleet.store, fleet.queue, at("shop"), 3, actor=ADMIN, from_step="switch")

    (tmp_path / "mended").touch()
    asked = await request_retry(fleet.store, fleet.queue, at("shop"), 3, actor=ADMIN)
    assert asked.note.startswith("What deployment #3 made is taken over; it goes on with check.")
    patient = replace(fleet, patience=replace(fleet.patience, bake=60.0))
    found = await patient.run(asked.deployment)
    log = await fleet.log(found.deployment)
    assert found.deployment.state is DeploymentState.SUCCEEDED, log
    assert [step.key for step in found.steps] == [
        "release", "before", "start", "check", "switch", "retire", "after",
    ]  # fmt: skip
    assert "▸ Prepare the release: nothing to do. Deployment #3 did it." in log
    assert found.deployment.watched_until is not None  # nobody has had it before
    assert await fleet.visitors_see("one")
    assert releases(fleet) == ["1", "2"]


async def test_a_release_that_is_being_retried_is_not_changed_by_another_retry(fleet: Fleet) -> None:
    await fleet.make(command="")
    await fleet.deploy({**a_project("one"), **an_app("one", before="sys.exit(3)")})
    await change_app(fleet.store, at(AppName("shop")), {"memory": "512", "cpus": "2"}, actor=ADMIN)
    running = await request_retry(fleet.store, fleet.queue, at("shop"), 1, actor=ADMIN)
    async with fleet.store.transaction() as tx:
        limits = await tx.connection.execute("SELECT memory_bytes, cpu_percent FROM releases")
        assert await limits.fetchall() == [(512 * 1024**2, 200)]  # today's settings count
        await move_deployment(tx, running.deployment.id, DeploymentState.RUNNING)
    with pytest.raises(Conflict, match="#1 of shop is being retried already, by #2"):
        await request_retry(fleet.store, fleet.queue, at("shop"), 1, actor=ADMIN)


async def test_an_upload_of_which_nothing_was_made_is_sent_again(fleet: Fleet) -> None:
    await fleet.make(command="")
    await fleet.deploy(a_project("one", test="exit 4"))
    assert releases(fleet) == []
    with pytest.raises(Conflict, match="the results of the steps before test are not kept, nor is its upload") as no:
        await request_retry(fleet.store, fleet.queue, at("shop"), 1, actor=ADMIN)
    assert no.value.hint == "Upload it again: bakery deploy shop --dir PATH"
    with pytest.raises(BadInput, match="has no step “bake”"):
        await request_retry(fleet.store, fleet.queue, at("shop"), 1, actor=ADMIN, from_step="bake")
