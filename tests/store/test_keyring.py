import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg.types.json import Jsonb

from bakery.model.actor import Actor
from bakery.model.errors import NotReady
from bakery.model.secret import Secret
from bakery.settings import Settings, read_settings
from bakery.store import keyring
from bakery.store.keyring import Rotation, open_vault
from bakery.store.vault import CannotOpen, Key, Place, Vault

PEOPLE = 250


def settings_in(folder: Path, **environ: str) -> Settings:
    return read_settings({"BAKERY_DATA_DIR": str(folder), **environ})


def seal_for_people(dsn: str, settings: Settings) -> None:
    vault = open_vault(settings, dsn)
    with psycopg.connect(dsn) as connection:
        for number in range(1, PEOPLE + 1):
            connection.execute(
                "INSERT INTO people (email, email_key, role) VALUES (%(email)s, %(email)s, 'viewer')",
                {"email": f"p{number}@example.com"},
            )
            sealed = vault.seal(Place("people", number, "totp_secret"), Secret(f"secret {number}"))
            connection.execute("UPDATE people SET totp_secret = %s WHERE id = %s", (sealed, number))


def rotate_keys(settings: Settings, dsn: str) -> Rotation:
    return keyring.rotate_keys(settings, dsn, actor=Actor.system("cli"))


def opened(dsn: str, settings: Settings) -> list[str]:
    vault = open_vault(settings, dsn)
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT id, totp_secret FROM people ORDER BY id").fetchall()
    return [vault.open(Place("people", row, "totp_secret"), bytes(sealed)).reveal() for row, sealed in rows]


ALL = [f"secret {number}" for number in range(1, PEOPLE + 1)]


def test_the_first_start_makes_a_key_that_only_we_can_read(migrated_database_url: str, tmp_path: Path) -> None:
    open_vault(settings_in(tmp_path), migrated_database_url)
    mode = (tmp_path / "encryption.key").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_two_installations_share_no_secret(tmp_path: Path, migrated_database_url: str) -> None:
    one, two = settings_in(tmp_path / "one"), settings_in(tmp_path / "two")
    open_vault(one, migrated_database_url)
    with psycopg.connect(migrated_database_url) as connection:
        connection.execute("UPDATE installation SET key_fingerprints = '{}'")
    open_vault(two, migrated_database_url)
    assert one.encryption_key_file.read_text() != two.encryption_key_file.read_text()


def test_a_lost_key_is_not_replaced_by_a_new_one(migrated_database_url: str, tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    open_vault(settings, migrated_database_url)
    settings.encryption_key_file.unlink()
    with pytest.raises(NotReady, match="is missing"):
        open_vault(settings, migrated_database_url)


def test_the_key_of_another_installation_is_refused(migrated_database_url: str, tmp_path: Path) -> None:
    open_vault(settings_in(tmp_path / "ours"), migrated_database_url)
    theirs = settings_in(tmp_path, ENCRYPTION_KEY=Key.mint().text.reveal())
    with pytest.raises(NotReady, match="is not the one of this database"):
        open_vault(theirs, migrated_database_url)


def test_a_key_that_others_may_read_is_refused(migrated_database_url: str, tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    open_vault(settings, migrated_database_url)
    settings.encryption_key_file.chmod(0o644)
    with pytest.raises(NotReady, match="Others may read"):
        open_vault(settings, migrated_database_url)


def test_rotation_seals_everything_again_and_refuses_the_old_key(migrated_database_url: str, tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    seal_for_people(migrated_database_url, settings)
    old = settings.encryption_key_file.read_text()

    rotation = rotate_keys(settings, migrated_database_url)

    assert rotation.values == PEOPLE
    assert opened(migrated_database_url, settings) == ALL
    settings.encryption_key_file.write_text(old)
    with pytest.raises(NotReady, match="is not the one of this database"):
        open_vault(settings, migrated_database_url)


def test_a_rotation_that_was_killed_goes_on(
    migrated_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_in(tmp_path)
    seal_for_people(migrated_database_url, settings)
    child = os.fork()
    if child == 0:  # dies as by SIGKILL, in the middle of the second batch
        batches = iter(range(1000))
        genuine = Vault.seal

        def seal(self: Vault, place: Place, secret: Secret) -> bytes:
            if next(batches) == 150:
                os._exit(9)
            return genuine(self, place, secret)

        monkeypatch.setattr(Vault, "seal", seal)
        rotate_keys(settings, migrated_database_url)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 9
    assert opened(migrated_database_url, settings) == ALL  # between the two, both keys open

    rotation = rotate_keys(settings, migrated_database_url)

    assert 0 < rotation.values < PEOPLE
    assert opened(migrated_database_url, settings) == ALL
    assert len(settings.encryption_key_file.read_text().split()) == 1


def test_rotations_at_the_same_time_wait_for_each_other(migrated_database_url: str, tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    seal_for_people(migrated_database_url, settings)
    with ThreadPoolExecutor() as threads:
        rotations = list(threads.map(lambda _: rotate_keys(settings, migrated_database_url), range(3)))
    assert [rotation.values for rotation in rotations] == [PEOPLE] * 3
    assert opened(migrated_database_url, settings) == ALL


def test_a_key_of_another_database_is_not_rotated(migrated_database_url: str, tmp_path: Path) -> None:
    seal_for_people(migrated_database_url, settings_in(tmp_path / "ours"))
    foreign = settings_in(tmp_path / "foreign")
    foreign.data_dir.mkdir()
    foreign.encryption_key_file.touch(mode=0o600)
    foreign.encryption_key_file.write_text(before := f"{Key.mint().text.reveal()}\n")
    with pytest.raises(NotReady, match="No key here is the one of this database"):
        rotate_keys(foreign, migrated_database_url)
    assert foreign.encryption_key_file.read_text() == before


def test_a_running_process_learns_of_a_rotation(migrated_database_url: str, tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    vault = open_vault(settings, migrated_database_url)
    before = vault.fingerprint
    rotate_keys(settings, migrated_database_url)
    place = Place("people", 1, "totp_secret")
    sealed = vault.seal(place, Secret("canary"))
    assert vault.fingerprint != before
    assert open_vault(settings, migrated_database_url).open(place, sealed) == Secret("canary")


def test_a_rotation_while_a_process_starts_reaches_it(
    migrated_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_in(tmp_path)
    open_vault(settings, migrated_database_url)
    new, genuine = Key.mint(), keyring._read

    def read(path: Path) -> list[Key]:
        keys = genuine(path)
        keyring._write(path, [new, *keys])
        return keys

    with monkeypatch.context() as patch:
        patch.setattr(keyring, "_read", read)
        vault = open_vault(settings, migrated_database_url)
    vault.seal(Place("people", 1, "totp_secret"), Secret("canary"))
    assert vault.fingerprint == new.fingerprint.hex()


def test_a_rotation_is_in_the_audit(migrated_database_url: str, tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    open_vault(settings, migrated_database_url)
    rotation = rotate_keys(settings, migrated_database_url)
    with psycopg.connect(migrated_database_url) as connection:
        rows = connection.execute("SELECT action, actor, source, before, after FROM audit ORDER BY id").fetchall()
        topics = connection.execute("SELECT DISTINCT topic FROM events").fetchall()
    old, both, new = [rotation.old], [rotation.new, rotation.old], [rotation.new]
    assert rows == [
        ("key.rotation_begun", "Bakery", "cli", {"fingerprints": old}, {"fingerprints": both}),
        ("key.rotated", "Bakery", "cli", {"fingerprints": both}, {"fingerprints": new}),
    ]
    assert topics == [("activity",)]


def test_a_rotation_that_cannot_be_recorded_is_not_made(migrated_database_url: str, tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    before = open_vault(settings, migrated_database_url).fingerprint
    with psycopg.connect(migrated_database_url) as connection:
        connection.execute("ALTER TABLE audit ADD CONSTRAINT nothing_new CHECK (id < 0) NOT VALID")
    with pytest.raises(psycopg.errors.CheckViolation):
        rotate_keys(settings, migrated_database_url)
    with psycopg.connect(migrated_database_url) as connection:
        assert connection.execute("SELECT key_fingerprints FROM installation").fetchall() == [([before],)]


def test_what_is_sealed_among_the_settings_is_sealed_again_and_nothing_else(
    migrated_database_url: str, tmp_path: Path
) -> None:
    settings, place = settings_in(tmp_path), Place("settings", "a secret", "value")
    sealed = open_vault(settings, migrated_database_url).seal(place, Secret("canary"))
    with psycopg.connect(migrated_database_url) as connection:
        for name, value in (("a secret", {"sealed": sealed.hex()}), ("general", {"apps_domain": "localhost"})):
            connection.execute("INSERT INTO settings (name, value) VALUES (%s, %s)", (name, Jsonb(value)))
    assert rotate_keys(settings, migrated_database_url).values == 1
    with psycopg.connect(migrated_database_url) as connection:
        rows = connection.execute("SELECT value FROM settings ORDER BY name").fetchall()
    (again,), (general,) = rows
    assert again["sealed"] != sealed.hex()
    vault = open_vault(settings, migrated_database_url)
    assert vault.open(place, bytes.fromhex(again["sealed"])) == Secret("canary")
    assert general == {"apps_domain": "localhost"}


def test_keys_in_the_environment_rotate_with_both_of_them(migrated_database_url: str, tmp_path: Path) -> None:
    old, new = Key.mint().text.reveal(), Key.mint().text.reveal()
    seal_for_people(migrated_database_url, settings_in(tmp_path, ENCRYPTION_KEY=old))
    with pytest.raises(NotReady, match="two keys"):
        rotate_keys(settings_in(tmp_path, ENCRYPTION_KEY=old), migrated_database_url)
    rotate_keys(settings_in(tmp_path, ENCRYPTION_KEY=f"{new},{old}"), migrated_database_url)
    assert opened(migrated_database_url, settings_in(tmp_path, ENCRYPTION_KEY=new)) == ALL


def test_swapped_ciphertexts_do_not_open(migrated_database_url: str, tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    seal_for_people(migrated_database_url, settings)
    with psycopg.connect(migrated_database_url) as connection:
        connection.execute(
            "UPDATE people SET totp_secret = other.totp_secret FROM people other "
            "WHERE people.id IN (1, 2) AND other.id = 3 - people.id"
        )
    with pytest.raises(CannotOpen, match=r"people\.totp_secret of row 1 was changed or moved"):
        opened(migrated_database_url, settings)
