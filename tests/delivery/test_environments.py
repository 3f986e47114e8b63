"""An app in places beside production."""

import pytest

from bakery.delivery.apps import show_app
from bakery.delivery.delete import clear_environment, delete_app, what_goes
from bakery.delivery.environments import add_environment, list_environments, parse_new_environment
from bakery.delivery.find import find_app
from bakery.delivery.git_rows import StoredSource, read_source, write_source
from bakery.delivery.history import list_deployments
from bakery.delivery.new_deployment import next_number
from bakery.delivery.request import request_deployment
from bakery.delivery.variables import Setting, change_variables, list_variables
from bakery.model.apps import AppStatus
from bakery.model.deployments import DeploymentState
from bakery.model.errors import BadInput, Conflict, NotFound
from bakery.model.secret import Secret
from bakery.model.sources import Branch, GitUrl
from bakery.model.variables import parse_variable_name
from tests.delivery.fleet import ADMIN, Fleet, an_app, packed
from tests.delivery.test_lifecycle import everything_below
from tests.support.places import at

STAGING = parse_new_environment("staging", branch="", node="", with_variables=False)


async def test_another_environment_has_releases_an_address_and_an_end_of_its_own(fleet: Fleet) -> None:
    await fleet.make()
    await fleet.deploy_well(an_app("production"))
    before = await everything_below(fleet)
    made = await add_environment(fleet.store, at("shop"), STAGING, actor=ADMIN)
    assert (str(made.where), made.status) == ("shop in staging", AppStatus.NEVER_DEPLOYED)
    asked = await request_deployment(
        fleet.store, fleet.queue, at("shop", "staging"), await fleet.upload(packed(an_app("staging"))), actor=ADMIN
    )
    found = await fleet.run(asked)
    assert (found.deployment.number, found.deployment.state) == (2, DeploymentState.SUCCEEDED)
    assert await fleet.visitors_see("production")
    shown = await list_environments(fleet.store, at("shop"), actor=ADMIN)
    assert [(one.environment, one.live_number) for one in shown] == [("production", 1), ("staging", 2)]
    assert shown[1].address is not None
    assert shown[1].address.startswith("http://staging.shop.")
    listed = await list_deployments(fleet.store, at("shop", "staging"), actor=ADMIN)
    assert [one.number for one in listed.items] == [2]

    goes = await what_goes(fleet.store, at("shop", "staging"), actor=ADMIN)
    assert (goes.releases, goes.deployments, goes.environments) == (1, 1, ())
    await delete_app(fleet.store, fleet.queue, at("shop", "staging"), actor=ADMIN)
    with pytest.raises(NotFound, match="shop has no environment staging"):
        await show_app(fleet.store, at("shop", "staging"), actor=ADMIN)
    await clear_environment(fleet.store, fleet.node, made.environment_id)
    assert await everything_below(fleet) == before
    assert await fleet.visitors_see("production")


async def test_with_an_app_go_its_environments(fleet: Fleet) -> None:
    before = await everything_below(fleet)
    production = await fleet.make()
    staging = await add_environment(fleet.store, at("shop"), STAGING, actor=ADMIN)
    assert (await what_goes(fleet.store, at("shop"), actor=ADMIN)).environments == ("staging",)
    await delete_app(fleet.store, fleet.queue, at("shop"), actor=ADMIN)
    for environment_id in (production.environment_id, staging.environment_id):
        with pytest.raises(NotFound):
            await fleet.app()
        await clear_environment(fleet.store, fleet.node, environment_id)
    assert await everything_below(fleet) == before
    async with fleet.store.connection() as connection:
        assert await (await connection.execute("SELECT FROM apps")).fetchone() is None
    await fleet.make()


async def test_it_begins_with_the_source_and_with_the_variables_if_wanted(fleet: Fleet) -> None:
    app = await fleet.make()
    settings = [Setting(parse_variable_name("KEY"), Secret("canary-1"))]
    await change_variables(fleet.store, at("shop"), settings, actor=ADMIN)
    async with fleet.store.transaction() as tx:
        url = GitUrl("https://git.example.com/shop.git")
        await write_source(tx.connection, StoredSource(app.environment_id, url, Branch("main")))
    wanted = parse_new_environment("preview", branch="next", node="", with_variables=True)
    made = await add_environment(fleet.store, at("shop"), wanted, actor=ADMIN)
    async with fleet.store.connection() as connection:
        source = await read_source(connection, made.environment_id)
    assert source is not None
    assert (source.url, source.branch) == (url, "next")
    assert [one.name for one in (await list_variables(fleet.store, made.where, actor=ADMIN)).rows] == ["KEY"]
    plain = await add_environment(fleet.store, at("shop"), STAGING, actor=ADMIN)
    assert (await list_variables(fleet.store, plain.where, actor=ADMIN)).rows == ()


@pytest.mark.parametrize("name", ["production", "blue", "Staging", "a-b", "", "x" * 17])
def test_a_name_that_no_environment_can_have_is_refused(name: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_new_environment(name, branch="", node="", with_variables=False)
    assert refused.value.field == "name"


async def test_there_is_one_of_a_name(fleet: Fleet) -> None:
    await fleet.make()
    await add_environment(fleet.store, at("shop"), STAGING, actor=ADMIN)
    with pytest.raises(Conflict, match="shop has an environment staging"):
        await add_environment(fleet.store, at("shop"), STAGING, actor=ADMIN)
    branch = parse_new_environment("other", branch="next", node="", with_variables=False)
    with pytest.raises(BadInput, match="shop follows no repository"):
        await add_environment(fleet.store, at("shop"), branch, actor=ADMIN)


async def test_what_was_asked_in_the_moment_in_which_an_environment_goes_is_refused(fleet: Fleet) -> None:
    await fleet.make()
    await add_environment(fleet.store, at("shop"), STAGING, actor=ADMIN)
    staging = at("shop", "staging")
    found = await find_app(fleet.store, staging, ADMIN)

    await delete_app(fleet.store, fleet.queue, staging, actor=ADMIN)

    with pytest.raises(NotFound, match="There is no such environment any more"):
        async with fleet.store.transaction() as tx:
            await next_number(tx, found)
