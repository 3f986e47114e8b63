"""What was chosen for a site is what its visitors see, from one release to the next."""

from pathlib import Path

from bakery.delivery.rollback import request_rollback
from bakery.delivery.sites import refresh_site
from bakery.ingress.site_options import change_site, show_site
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.support.places import at


async def test_a_choice_holds_at_once_and_over_releases_and_says_so_when_nginx_refuses_it(fleet: Fleet) -> None:
    app = await fleet.make()
    await fleet.deploy_well(an_app("one"))
    await change_site(fleet.store, fleet.queue, at("shop"), {"headers": "X-Bakes: bread"}, actor=ADMIN)
    await refresh_site(fleet.store, fleet.node, app.environment_id)
    assert await _seen(fleet) == ("one", "bread")
    await fleet.deploy_well(an_app("two"))
    assert await _seen(fleet) == ("two", "bread")

    theirs = Path(str(fleet.node.folders.root)) / "nginx/bakery.d/theirs.conf"
    theirs.write_text("oops;\n")
    await change_site(fleet.store, fleet.queue, at("shop"), {"headers": "X-Bakes: cake"}, actor=ADMIN)
    await refresh_site(fleet.store, fleet.node, app.environment_id)
    trouble = (await show_site(fleet.store, at("shop"), actor=ADMIN)).trouble
    assert f'unknown directive "oops" in {theirs}:1' in trouble
    assert await _seen(fleet) == ("two", "bread")

    theirs.unlink()
    await fleet.run(await request_rollback(fleet.store, fleet.queue, at("shop"), actor=ADMIN))
    assert await _seen(fleet) == ("one", "cake")
    assert (await show_site(fleet.store, at("shop"), actor=ADMIN)).trouble == ""


async def _seen(fleet: Fleet) -> tuple[str, str]:
    answer = await fleet.visit()
    return answer.text, answer.headers["X-Bakes"]
