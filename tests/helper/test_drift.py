"""The helper's look at what is not as it should be, with a real nginx of the node's own, and the files of units."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bakery.helper.drift import difference
from bakery.helper.nginx_seal import sealed
from bakery.model.names import CertificateName, HostName, Port, SiteName
from bakery.model.secret import Secret
from bakery.model.site_options import SiteOptions
from bakery.nodes.certificates import NodeCertificates
from bakery.nodes.drift import FileDrift, SiteDrift, SitesDrift
from bakery.nodes.helper_calls import Helper
from bakery.nodes.helper_ingress import HelperIngress, OwnPlace
from bakery.nodes.ingress import ProxySite
from bakery.nodes.local import LocalTransport
from tests.helper.test_sites import DOCS, Place, a_place
from tests.helper.test_units import NAME
from tests.helper.test_units import Place as Units
from tests.helper.test_units import place as a_place_of_units
from tests.support.authority import make_authority, make_certificate
from tests.support.machine import a_free_port

DOCS_HOST = HostName("docs.example")
HASHED = "$2y$05$" + "a" * 53
units = a_place_of_units


@pytest.fixture
def place() -> Iterator[Place]:
    yield from a_place()


@pytest.fixture
async def ingress(place: Place) -> HelperIngress:
    assert await place.ingress.ensure_running() == ()
    return place.ingress


def shop(**options: object) -> ProxySite:
    return ProxySite(
        SiteName("shop-production"),
        (HostName("shop.example"),),
        Port(20001),
        4,
        4,
        options=SiteOptions(**options),  # type: ignore[arg-type]  # each test names one of its own kind
    )


def all_is_well(**more: object) -> SitesDrift:
    return replace_in(SitesDrift({}, (), (), (), (), is_running=True), **more)


def replace_in(drift: SitesDrift, **more: object) -> SitesDrift:
    fields = {name: getattr(drift, name) for name in drift.__struct_fields__}
    return SitesDrift(**{**fields, **more})


# Sites.


async def test_sites_that_are_as_bakery_writes_them_do_not_differ_and_nothing_is_changed(
    ingress: HelperIngress, place: Place
) -> None:
    site = shop(pages={"502": "<h1>Away</h1>"}, users={"kim": HASHED})
    await ingress.apply_site(place.docs(1))
    await ingress.apply_site(site)
    before = place.files()
    later = replace(site, generation=9)  # of a deployment that began since, and did not switch
    assert await ingress.look_for_drift([place.docs(1), later]) == all_is_well()
    assert place.files() == before


async def test_a_look_at_a_node_without_sites_makes_nothing_there(place: Place) -> None:
    assert await place.ingress.look_for_drift([]) == all_is_well(is_running=False)
    assert not place.root.joinpath("sites").exists()
    assert not place.root.joinpath("nginx").exists()


async def test_a_file_that_was_changed_by_hand_is_shown_as_a_difference(ingress: HelperIngress, place: Place) -> None:
    await ingress.apply_site(place.docs(1))
    place.conf.write_text(place.conf.read_text().replace("    gzip on;\n", "    gzip off;\n    etag off;\n", 1))
    found = (await ingress.look_for_drift([place.docs(1)])).sites[DOCS]
    assert (found.path, found.is_there, found.marker) == (str(place.conf), True, "good")
    assert found.diff[:2] == ("--- as Bakery writes it", "+++ as it is here")
    assert [line for line in found.diff if line.startswith(("-  ", "+  "))] == [
        "-    gzip on;",
        "+    gzip off;",
        "+    etag off;",
    ]


async def test_a_file_that_is_gone_is_missing(ingress: HelperIngress, place: Place) -> None:
    await ingress.apply_site(place.docs(1))
    place.conf.unlink()
    found = await ingress.look_for_drift([place.docs(1)])
    assert found == all_is_well(sites={DOCS: SiteDrift(str(place.conf), is_there=False)})


async def test_what_leads_to_another_release_differs(ingress: HelperIngress, place: Place) -> None:
    await ingress.apply_site(place.docs(1))
    found = (await ingress.look_for_drift([place.docs(2)])).sites[DOCS]
    assert found.marker == "another"
    assert any("releases/2" in line for line in found.diff)


@pytest.mark.parametrize(("written", "marker"), [(None, "missing"), ("{", "damaged"), ("{}", "damaged")])
async def test_a_marker_that_is_gone_or_damaged_is_told(
    ingress: HelperIngress, place: Place, written: str | None, marker: str
) -> None:
    await ingress.apply_site(place.docs(1))
    file = place.root / "sites/docs-production.json"
    file.unlink() if written is None else file.write_text(written)
    found = (await ingress.look_for_drift([place.docs(1)])).sites[DOCS]
    assert (found.is_there, found.diff, found.marker) == (True, (), marker)


async def test_of_pages_and_passwords_only_the_names_are_told(ingress: HelperIngress, place: Place) -> None:
    site = shop(pages={"502": "<h1>Away</h1>"}, users={"kim": HASHED})
    await ingress.apply_site(site)
    [page] = place.conf.parent.glob("*.html")
    [users] = place.conf.parent.glob("*.users")
    page.unlink()
    users.write_text("kim:open\n")
    found = (await ingress.look_for_drift([site])).sites[site.name]
    assert found == SiteDrift(
        str(place.conf.with_name("shop-production.conf")), is_there=True, beside=tuple(sorted((page.name, users.name)))
    )


async def test_what_nobody_asked_for_is_ours_by_its_first_line_and_else_foreign(
    ingress: HelperIngress, place: Place
) -> None:
    await ingress.apply_site(place.docs(1))
    await ingress.apply_site(shop())
    theirs = place.conf.with_name("theirs.conf")
    theirs.write_text("# Mine.\n")
    found = await ingress.look_for_drift([place.docs(1)])
    assert found == all_is_well(nobodys=("shop-production",), foreign=(str(theirs),))


async def test_a_site_that_is_being_changed_is_not_looked_at(ingress: HelperIngress, place: Place) -> None:
    await ingress.apply_site(place.docs(1))
    place.conf.with_name("docs-production.conf.before").touch()
    place.conf.write_text("# Half of it.\n")
    assert await ingress.look_for_drift([place.docs(1)]) == all_is_well(under_way=(DOCS,))


async def test_a_link_is_not_followed(ingress: HelperIngress, place: Place) -> None:
    await ingress.apply_site(place.docs(1))
    secret = place.folder / "secret"
    secret.write_text("hush")
    place.conf.unlink()
    place.conf.symlink_to(secret)
    found = (await ingress.look_for_drift([place.docs(1)])).sites[DOCS]
    assert found.diff[-1] == "+(This is no plain file.)"
    assert "hush" not in "".join(found.diff)


async def test_files_that_all_sites_need_are_looked_at(ingress: HelperIngress, place: Place) -> None:
    await ingress.apply_site(place.docs(1))
    nginx = place.root / "nginx"
    (nginx / "bakery.conf").write_text((nginx / "bakery.conf").read_text() + "server_tokens on;\n")
    (nginx / "bakery.d/00-catch-all.conf").unlink()
    settings, catch_all = (await ingress.look_for_drift([place.docs(1)])).shared
    assert (settings.path, settings.diff[-1]) == (str(nginx / "bakery.conf"), "+server_tokens on;")
    assert catch_all == FileDrift(str(nginx / "bakery.d/00-catch-all.conf"), is_there=False)


async def test_a_catch_all_of_somebody_elses_needs_none_of_ours(ingress: HelperIngress, place: Place) -> None:
    await ingress.apply_site(place.docs(1))
    theirs = place.folder / "theirs.conf"
    theirs.write_text(f"server {{ listen 127.0.0.1:{place.port} default_server; }}\n")
    main = place.root / "nginx/nginx.conf"
    main.write_text(main.read_text().replace("http {\n", f'http {{\n    include "{theirs}";\n', 1))
    (place.root / "nginx/bakery.d/00-catch-all.conf").unlink()
    assert [Path(one.path).name for one in (await ingress.look_for_drift([place.docs(1)])).shared] == ["nginx.conf"]


async def test_an_nginx_that_does_not_run_is_told(ingress: HelperIngress, place: Place) -> None:
    await ingress.apply_site(place.docs(1))
    place.stop_nginx()
    assert await ingress.look_for_drift([place.docs(1)]) == all_is_well(is_running=False)


@pytest.mark.parametrize(
    "told",
    [
        {"sites": [], "listen": None},
        {"sites": {"../x": {}}, "listen": None},
        {"sites": {"docs-production": {"hosts": []}}, "listen": None},
        {"sites": {"docs-production": []}, "listen": None},
        {"listen": None},
    ],
)
async def test_odd_wishes_are_refused(place: Place, told: object) -> None:
    status, said = place.attempt("drift-sites", told=told)
    assert status == 1
    assert "\n" not in said


async def test_a_site_that_the_node_would_refuse_keeps_no_other_from_being_looked_at(
    ingress: HelperIngress, place: Place
) -> None:
    await ingress.apply_site(place.docs(1))
    place.conf.unlink()
    odd = replace(shop(), hosts=())
    found = (await ingress.look_for_drift([place.docs(1), odd])).sites
    assert not found[DOCS].is_there
    assert found[odd.name].said == "hosts has to be a list of 1 to 200 host names."


# Units.


def look_at(units: Units, **more: object) -> dict[str, object]:
    status, said = units.attempt("drift-units", told={"units": {NAME: units.told(**more)}})
    assert status == 0, said
    found: dict[str, dict[str, object]] = json.loads(said)["units"]
    return found.get(NAME, {})


def test_a_unit_that_runs_as_described_does_not_differ(units: Units) -> None:
    units.start()
    before = units.leftovers()
    assert look_at(units) == {}
    assert units.leftovers() == before


def test_a_unit_that_is_not_there_is_missing_and_leaves_nothing_behind(units: Units) -> None:
    found = look_at(units)
    assert (found["is_there"], found["is_running"], found["is_enabled"], found["diff"]) == (False, False, False, [])
    assert units.leftovers() == []


def test_a_unit_file_that_was_changed_is_shown_as_a_difference(units: Units) -> None:
    units.start()
    units.unit_file.write_text(units.unit_file.read_text() + "Nice=5\n")
    found = look_at(units)
    assert found["diff"][-1] == "+Nice=5"  # type: ignore[index]  # JSON
    assert (found["has_its_variables"], found["is_running"]) == (True, True)


def test_of_variables_only_that_they_differ_is_told(units: Units) -> None:
    units.start()
    found = look_at(units, environment={"TOKEN": "sesame"})
    assert (found["has_its_variables"], found["diff"]) == (False, [])
    assert "hush" not in str(found)
    assert "sesame" not in str(found)


def test_a_file_beside_it_that_changes_it_is_named(units: Units) -> None:
    units.start()
    beside = units.unit_file.with_name(f"{units.unit_file.name}.d")
    beside.mkdir()
    (beside / "override.conf").write_text("[Service]\nNice=5\n")
    assert look_at(units)["changed_by"] == [str(beside / "override.conf")]


def test_a_unit_that_was_stopped_by_hand_does_not_run(units: Units) -> None:
    units.start()
    assert units.attempt("unit-stop", NAME) == (0, "")
    found = look_at(units)
    assert (found["is_there"], found["is_running"], found["is_enabled"]) == (True, False, False)


def test_a_unit_whose_folder_is_gone_says_why_it_could_not_be_started(units: Units) -> None:
    units.start()
    found = look_at(units, writable=[str(units.home / "releases/2")])
    assert "No such file" in str(found["said"])


# The difference itself.


def test_a_long_difference_is_cut_and_one_that_is_not_seen_is_told() -> None:
    lines = difference("", "x\n" * 1000)
    assert (len(lines), lines[-1]) == (301, "(703 more lines)")
    assert difference("a\n", "a\r\n") == ["(They differ in characters that are not shown.)"]


# What Bakery wrote otherwise once.


async def test_what_an_earlier_bakery_wrote_is_told_from_what_somebody_changed(
    ingress: HelperIngress, place: Place
) -> None:
    site = place.docs(1)
    await ingress.apply_site(site)
    conf = place.root / "nginx/bakery.d/docs-production.conf"
    now = conf.read_text()
    head, _, rest = now.partition("\n")
    unsealed = f"{head}\n{rest.partition(chr(10))[2]}"
    conf.write_text(sealed(unsealed.replace("gzip_vary on", "gzip_vary off")))
    (found,) = (await ingress.look_for_drift([site])).sites.values()
    assert (found.is_by_bakery, bool(found.diff)) == (True, True)
    conf.write_text(conf.read_text() + "# By hand.\n")
    (found,) = (await ingress.look_for_drift([site])).sites.values()
    assert (found.is_by_bakery, found.diff[-1]) == (False, "+# By hand.")
    conf.write_text(unsealed)  # of a Bakery that did not say yet what it wrote
    assert await ingress.look_for_drift([site]) == all_is_well()
    await ingress.apply_site(site)
    assert conf.read_text() == now


async def test_the_answer_for_unknown_names_over_tls_is_compared(place: Place) -> None:
    ingress = HelperIngress(
        Helper(LocalTransport(), place.program), OwnPlace(place.port, address="127.0.0.1", tls_port=a_free_port())
    )
    await ingress.ensure_running()
    certificates = NodeCertificates(Helper(LocalTransport(), place.program), ingress)
    made = make_certificate(make_authority("Top"), (DOCS_HOST,))
    name = CertificateName("c1")
    await certificates.upload(name, made.chain, Secret(made.key), (DOCS_HOST,))
    site = replace(place.docs(1), hosts=(DOCS_HOST,), certificates=(name,))
    await ingress.apply_site(site)
    assert await ingress.look_for_drift([site]) == all_is_well()
    conf = place.root / "nginx/bakery.d/00-catch-all-tls.conf"
    conf.write_text(conf.read_text() + "# By hand.\n")
    (found,) = (await ingress.look_for_drift([site])).shared
    assert (found.path, found.diff[-1], found.is_by_bakery) == (str(conf), "+# By hand.", False)


async def test_a_certificate_whose_files_were_changed_is_another(place: Place) -> None:
    ingress = HelperIngress(Helper(LocalTransport(), place.program), OwnPlace(place.port, address="127.0.0.1"))
    certificates = NodeCertificates(Helper(LocalTransport(), place.program), ingress)
    made = make_certificate(make_authority("Top"), (DOCS_HOST,))
    held = await certificates.upload(CertificateName("c1"), made.chain, Secret(made.key), (DOCS_HOST,))
    assert list((await certificates.fingerprints()).values()) == [held.fingerprint]
    for file in ("chain.pem", "key.pem"):
        (path,) = (place.root / "certificates/live/c1").glob(f"*/{file}")
        before = path.read_text()
        path.write_text(before + "By hand.\n")
        assert list((await certificates.fingerprints()).values()) != [held.fingerprint]
        path.write_text(before)
    assert list((await certificates.fingerprints()).values()) == [held.fingerprint]


async def test_that_somebody_changed_bakerys_own_site_it_says_itself(ingress: HelperIngress, place: Place) -> None:
    conf = place.root / "nginx/bakery.d/01-bakery.conf"
    assert (await ingress.look_for_drift([])).shared == ()
    missing = FileDrift(str(conf), is_there=False)
    assert (await ingress.look_for_drift([], has_own_site=True)).shared == (missing,)
    await ingress.put_own_site("bakery.example", Port(4100))
    assert (await ingress.look_for_drift([], has_own_site=True)).shared == ()
    conf.write_text(conf.read_text() + "# By hand.\n")
    (changed,) = (await ingress.look_for_drift([], has_own_site=True)).shared
    assert changed.diff == ("(It is not as Bakery wrote it.)",)
    await ingress.put_own_site("bakery.example", Port(4100))
    assert (await ingress.look_for_drift([], has_own_site=True)).shared == ()
    head, _, rest = conf.read_text().partition("\n")
    conf.write_text(f"{head}\n{rest.partition(chr(10))[2]}")  # of a Bakery that did not say yet what it wrote
    assert (await ingress.look_for_drift([], has_own_site=True)).shared == ()
