"""Drift on a real machine with systemd: edited, deleted and foreign files, seen as on a node, through sudo, and put
right by the verbs that repairing uses."""

from pathlib import PurePosixPath

from bakery.model.names import HostName, SiteName
from bakery.nodes.drift import SiteDrift, SitesDrift
from bakery.nodes.helper_calls import Helper
from bakery.nodes.helper_ingress import HelperIngress
from bakery.nodes.ingress import StaticSite
from tests.lab.nodes import Node
from tests.lab.test_sites_systemd import HOME, SITES, helper, visit

__all__ = ["helper"]  # the fixture


async def test_what_is_changed_by_hand_is_seen_and_put_right_and_foreign_files_stay(node: Node, helper: Helper) -> None:
    ingress = HelperIngress(helper)
    await ingress.ensure_running()
    node.put(f"{HOME}/releases/1/index.html", b"docs")
    docs = StaticSite(SiteName("docs-production"), (HostName("docs.example"),), PurePosixPath(f"{HOME}/releases/1"))
    await ingress.apply_site(docs)
    nothing = SitesDrift({}, (), (), (), (), is_running=True)
    assert await ingress.look_for_drift([docs]) == nothing

    conf, mine = f"{SITES}/docs-production.conf", f"{SITES}/mine.conf"
    node.put(mine, b"# Mine.\n")
    node.run("sh", "-c", f"echo '# By hand.' >> {conf}")
    found = await ingress.look_for_drift([docs])
    assert (found.sites[docs.name].diff[-1], found.foreign) == ("+# By hand.", (mine,))
    await ingress.apply_site(docs)

    node.run("rm", conf)
    found = await ingress.look_for_drift([docs])
    assert found.sites == {docs.name: SiteDrift(conf, is_there=False)}
    await ingress.refresh_site(docs)  # which writes no site that is missing
    assert (await ingress.look_for_drift([docs])).sites == found.sites
    await ingress.apply_site(docs)
    assert await visit(node, "docs.example") == "200 docs"

    assert (await ingress.look_for_drift([])).nobodys == (docs.name,)
    assert await ingress.look_for_drift([docs]) == SitesDrift({}, (), (), (mine,), (), is_running=True)
    assert node.run("cat", mine) == "# Mine."
