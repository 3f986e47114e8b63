"""Variables as they are stored: changed, brought back, revealed, and never in clear anywhere else."""

import asyncio
import json
from pathlib import Path

import pytest

from bakery.delivery import variables
from bakery.delivery.pending import what_is_not_live
from bakery.delivery.variables import Setting, change_variables, import_variables, list_variables, reveal
from bakery.model.errors import BadInput, ChangedMeanwhile, NotAllowed, NotFound
from bakery.model.secret import Secret
from bakery.model.variables import VariableName, VariableScope
from bakery.settings import read_settings
from bakery.store.keyring import rotate_keys
from bakery.store.store import Store
from bakery.store.vault import CannotOpen, Key, Vault
from tests.api.site import Site, a_site
from tests.support.people import SYSTEM, a_developer, a_viewer, an_admin
from tests.support.places import at
from tests.support.tables import rows_of_all_tables
from tests.web.goods import a_live_app, a_live_deployment, an_app


@pytest.fixture
async def site(store: Store, tmp_path: Path) -> Site:
    return await a_site(store, tmp_path)


def setting(
    name: str, value: str | None, *, scope: VariableScope | None = None, is_secret: bool | None = None
) -> Setting:
    return Setting(VariableName(name), None if value is None else Secret(value), scope, is_secret)


async def values(store: Store, slug: str = "shop") -> str:
    return (await variables.export_variables(store, at(slug), actor=SYSTEM)).reveal()


async def test_what_is_set_is_there_and_the_rest_stays(site: Site) -> None:
    await an_app(site)
    first = await change_variables(site.store, at("shop"), [setting("A", "1"), setting("B", "2")], actor=SYSTEM)
    second = await change_variables(
        site.store, at("shop"), [setting("B", "3"), setting("C", "4")], unset=["A"], actor=SYSTEM
    )
    assert (first.version, second.version) == (1, 2)
    assert (second.difference.added, second.difference.changed, second.difference.removed) == (("C",), ("B",), ("A",))
    assert await values(site.store) == "B=3\nC=4\n"


async def test_what_changes_nothing_is_no_version(site: Site) -> None:
    await an_app(site)
    await change_variables(site.store, at("shop"), [setting("A", "1")], actor=SYSTEM)
    again = await change_variables(site.store, at("shop"), [setting("A", "1")], actor=SYSTEM)
    assert (again.version, bool(again.difference)) == (1, False)


async def test_a_save_from_an_old_version_is_refused_and_loses_nothing(site: Site) -> None:
    await an_app(site)
    await change_variables(site.store, at("shop"), [setting("A", "1")], made_from={"0"}, actor=SYSTEM)
    with pytest.raises(ChangedMeanwhile):
        await change_variables(site.store, at("shop"), [setting("A", "mine")], made_from={"0"}, actor=SYSTEM)
    assert await values(site.store) == "A=1\n"


async def test_an_imported_text_adds_and_replacing_removes(site: Site) -> None:
    await an_app(site)
    await import_variables(site.store, at("shop"), Secret("A=1\nB=2"), actor=SYSTEM)
    await import_variables(site.store, at("shop"), Secret("B=3"), actor=SYSTEM)
    assert await values(site.store) == "A=1\nB=3\n"
    await import_variables(site.store, at("shop"), Secret("B=••••\nC='4 5'"), replaces=True, actor=SYSTEM)
    assert await values(site.store) == "B=3\nC='4 5'\n"


async def test_an_import_is_refused_by_line_and_never_says_what_stands_there(site: Site) -> None:
    await an_app(site)
    for text, told in (
        ("A=1\nPORT=hunter2", "Line 2: Bakery sets PORT itself."),
        ("BAKERY_URL=hunter2", "Line 1: Bakery sets BAKERY_URL itself."),
        ("A=••••", "A has no stored value that could be kept."),
        (f"A={'hunter2' * 9000}", "Line 1: the value has more than 32 KiB."),
        ("A=hunter2\0", "Line 1: the value cannot hold a NUL character."),
    ):
        with pytest.raises(BadInput) as refused:
            await import_variables(site.store, at("shop"), Secret(text), actor=SYSTEM)
        assert (refused.value.message, refused.value.field) == (told, "text")


async def test_more_than_a_process_can_have_is_refused(site: Site) -> None:
    await an_app(site)
    with pytest.raises(BadInput, match="at most 500"):
        await import_variables(site.store, at("shop"), Secret("\n".join(f"A{n}=1" for n in range(501))), actor=SYSTEM)
    big = "x" * 32 * 1024
    with pytest.raises(BadInput, match="at most 256 KiB together"):
        await import_variables(site.store, at("shop"), Secret("\n".join(f"A{n}={big}" for n in range(9))), actor=SYSTEM)


async def test_an_earlier_version_comes_back_as_a_new_one(site: Site) -> None:
    await an_app(site)
    await change_variables(site.store, at("shop"), [setting("A", "1"), setting("B", "2")], actor=SYSTEM)
    await change_variables(site.store, at("shop"), [setting("A", "changed")], unset=["B"], actor=SYSTEM)
    saved = await variables.restore_version(site.store, at("shop"), 1, actor=SYSTEM)
    assert saved.version == 3
    assert await values(site.store) == "A=1\nB=2\n"
    history = (await variables.list_versions(site.store, at("shop"), actor=SYSTEM)).items
    assert [(one.number, one.added, one.changed, one.removed, one.restores) for one in history] == [
        (3, ("B",), ("A",), (), 1),
        (2, (), ("A",), ("B",), None),
        (1, ("A", "B"), (), (), None),
    ]
    for number in (0, 4, -1, 2**40):
        with pytest.raises(NotFound):
            await variables.restore_version(site.store, at("shop"), number, actor=SYSTEM)


async def test_who_may_see_and_change_values(site: Site) -> None:
    await an_app(site)
    await change_variables(
        site.store, at("shop"), [setting("KEY", "hunter2"), setting("LEVEL", "info", is_secret=False)], actor=SYSTEM
    )
    developer, viewer = await a_developer(site.store), await a_viewer(site.store)

    async def seen(actor: object) -> list[str | None]:
        rows = (await list_variables(site.store, at("shop"), actor=actor)).rows  # type: ignore[arg-type]  # an Actor
        return [row.value.reveal() if row.value else None for row in rows]

    assert await seen(developer) == [None, "info"]
    assert await seen(viewer) == [None, None]
    assert (await reveal(site.store, at("shop"), ["KEY"], actor=developer))[VariableName("KEY")].reveal() == "hunter2"
    for refused in (
        reveal(site.store, at("shop"), ["KEY"], actor=viewer),
        reveal(site.store, at("shop"), ["LEVEL"], actor=viewer),
        variables.export_variables(site.store, at("shop"), actor=viewer),
        change_variables(site.store, at("shop"), [setting("KEY", "x")], actor=viewer),
        variables.restore_version(site.store, at("shop"), 1, actor=viewer),
    ):
        with pytest.raises(NotAllowed):
            await refused


async def test_a_secret_is_not_made_plain_without_its_value(site: Site) -> None:
    """Else it would be seen without a line in the audit."""
    await an_app(site)
    await change_variables(site.store, at("shop"), [setting("KEY", "hunter2")], actor=SYSTEM)
    with pytest.raises(BadInput):
        await change_variables(site.store, at("shop"), [setting("KEY", None, is_secret=False)], actor=SYSTEM)
    await change_variables(site.store, at("shop"), [setting("KEY", "open", is_secret=False)], actor=SYSTEM)


async def test_the_audit_names_variables_and_marks_values(site: Site) -> None:
    await an_app(site)
    ada = await an_admin(site.store)
    await change_variables(site.store, at("shop"), [setting("KEY", "hunter2"), setting("OTHER", "hunter2")], actor=ada)
    await reveal(site.store, at("shop"), ["KEY"], actor=ada)
    async with site.store.connection() as connection:
        cursor = await connection.execute("SELECT action, after FROM audit WHERE action LIKE 'variables.%' ORDER BY id")
        (changed, after), (revealed, names) = await cursor.fetchall()
    assert (changed, revealed) == ("variables.changed", "variables.revealed")
    assert after["variables"]["KEY"]["value"] == after["variables"]["OTHER"]["value"]
    assert after["variables"]["KEY"]["value"].startswith("hmac-sha256:")
    assert names == {"names": ["KEY"], "version": 1}


async def test_no_value_lies_in_the_database_in_clear(site: Site) -> None:
    await an_app(site)
    await import_variables(site.store, at("shop"), Secret("KEY=canary-4711\nPLAIN=canary-4711"), actor=SYSTEM)
    await variables.export_variables(site.store, at("shop"), actor=SYSTEM)
    everything = json.dumps(await rows_of_all_tables(site.store))
    assert "canary-4711" not in everything
    assert b"canary-4711".hex() not in everything


async def test_a_value_in_another_place_is_not_accepted(site: Site) -> None:
    await an_app(site)
    await import_variables(site.store, at("shop"), Secret("A=1\nB=2"), actor=SYSTEM)
    async with site.store.transaction() as tx:
        await tx.connection.execute(
            "UPDATE variables SET value = (SELECT value FROM variables WHERE name = 'B') WHERE name = 'A'"
        )
    with pytest.raises(CannotOpen):
        await values(site.store)
    rows = (await list_variables(site.store, at("shop"), actor=SYSTEM)).rows
    assert [row.name for row in rows] == ["A", "B"]


async def test_values_of_all_versions_are_sealed_again_when_the_key_changes(
    migrated_database_url: str, tmp_path: Path
) -> None:
    old, new = Key.mint(), Key.mint()
    async with Store(migrated_database_url, Vault([old])) as store:
        await an_app(await a_site(store, tmp_path))
        await import_variables(store, at("shop"), Secret("A=1\nB=2"), actor=SYSTEM)
        await import_variables(store, at("shop"), Secret("A=3"), replaces=True, actor=SYSTEM)
    keys = f"{new.text.reveal()},{old.text.reveal()}"
    settings = read_settings({"BAKERY_DATA_DIR": str(tmp_path), "ENCRYPTION_KEY": keys})
    await asyncio.to_thread(rotate_keys, settings, migrated_database_url, actor=SYSTEM)
    async with Store(migrated_database_url, Vault([new])) as store:
        assert await values(store) == "A=3\n"
        await variables.restore_version(store, at("shop"), 1, actor=SYSTEM)
        assert await values(store) == "A=1\nB=2\n"


async def test_what_is_live_is_what_the_release_was_made_with(site: Site) -> None:
    await change_nothing_yet(site)
    await change_variables(site.store, at("shop"), [setting("A", "1"), setting("B", "1")], actor=SYSTEM)
    pending = await what_is_not_live(site.store, at("shop"), actor=SYSTEM)
    assert pending is not None
    assert (pending.live_number, pending.difference.added, pending.to_build) == (1, ("A", "B"), ())

    await a_live_deployment(site, "shop")
    assert await what_is_not_live(site.store, at("shop"), actor=SYSTEM) is None

    await change_variables(site.store, at("shop"), [setting("A", "2")], unset=["B"], actor=SYSTEM)
    await change_variables(site.store, at("shop"), [setting("A", "1")], actor=SYSTEM)
    pending = await what_is_not_live(site.store, at("shop"), actor=SYSTEM)
    assert pending is not None
    assert (pending.difference.changed, pending.difference.removed) == ((), ("B",))


async def test_what_a_build_uses_needs_a_build(site: Site) -> None:
    await change_nothing_yet(site)
    await change_variables(
        site.store,
        at("shop"),
        [setting("A", "1", scope=VariableScope.BUILD), setting("B", "1", scope=VariableScope.BOTH)],
        actor=SYSTEM,
    )
    pending = await what_is_not_live(site.store, at("shop"), actor=SYSTEM)
    assert pending is not None
    assert (pending.to_build, pending.to_apply) == (("A", "B"), ("B",))


async def change_nothing_yet(site: Site) -> None:
    await a_live_app(site, "shop")
    assert await what_is_not_live(site.store, at("shop"), actor=SYSTEM) is None
