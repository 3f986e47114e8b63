import json

from anyio.from_thread import BlockingPortal

from bakery.store.store import Store
from tests.cli.conftest import Terminal
from tests.support.people import a_developer, a_token


def test_somebody_is_invited_and_the_invitation_revoked(shell: Terminal) -> None:
    invited = shell.run("invites", "create", "eve@example.com", "--role", "developer")
    assert invited.exit_code == 0
    assert "/invite/" in invited.stdout
    listed = json.loads(shell.run("invites", "list", "--json").stdout)["items"]
    assert [(invite["email"], invite["state"]) for invite in listed] == [("eve@example.com", "open")]

    assert shell.run("invites", "revoke", str(listed[0]["id"])).exit_code == 0
    assert "revoked" in shell.run("invites", "list").stdout


def test_a_person_is_granted_suspended_and_removed(shell: Terminal, console: Terminal) -> None:
    console.run("admin", "create", "Bob@example.com")

    granted = shell.run("users", "grant", "bob@example.com", "--role", "viewer", "--all-apps")
    assert granted.stdout == "Bob@example.com is viewer and sees all apps.\n"
    assert shell.run("users", "suspend", "bob@example.com").stdout == "Bob@example.com is suspended.\n"
    assert shell.run("users", "suspend", "bob@example.com", "--undo").exit_code == 0
    assert shell.run("users", "remove", "bob@example.com", "--yes").exit_code == 0
    assert shell.run("users", "suspend", "bob@example.com").exit_code == 4


def test_role_and_apps_are_granted_together_or_not_at_all(shell: Terminal, console: Terminal) -> None:
    console.run("admin", "create", "cy@example.com")
    shell.run("users", "grant", "cy@example.com", "--role", "viewer")

    refused = shell.run("users", "grant", "cy@example.com", "--role", "developer", "--app", "gone")

    assert (refused.exit_code, refused.stderr) == (2, "apps: There is no app “gone”.\n")
    people = json.loads(shell.run("users", "list", "--json").stdout)["items"]
    assert [person["role"] for person in people if person["email"] == "cy@example.com"] == ["viewer"]
    assert shell.run("users", "remove", "cy@example.com", "--yes").exit_code == 0


def test_a_grant_says_what_it_grants(shell: Terminal) -> None:
    assert shell.run("users", "grant", "ada@example.com").exit_code == 2
    assert shell.run("users", "grant", "ada@example.com", "--app", "x", "--all-apps").exit_code == 2


def test_a_token_is_printed_once_and_alone(shell: Terminal) -> None:
    made = shell.run("token", "create", "for CI", "--scope", "read", "--expires", "7d")
    assert made.exit_code == 0
    reader = Terminal({**shell.environ, "BAKERY_TOKEN": made.stdout.strip()})
    assert json.loads(reader.run("whoami", "--json").stdout)["scope"] == "read"
    refused = reader.run("apps", "create", "more", "--command", "true")
    assert refused.exit_code == 3


def test_tokens_are_listed_and_revoked(shell: Terminal) -> None:
    made = json.loads(shell.run("token", "create", "a robot", "--scope", "read", "--json").stdout)
    listed = json.loads(shell.run("token", "list", "--json").stdout)["items"]
    assert listed[0] == made["details"]
    assert "a robot" in shell.run("token", "list").stdout

    number = str(made["details"]["id"])
    assert shell.run("token", "revoke", number).stdout == f"Token {number} is revoked.\n"
    assert shell.run("token", "revoke", number).exit_code == 4
    assert Terminal({**shell.environ, "BAKERY_TOKEN": made["token"]}).run("whoami").exit_code == 3


def test_a_scope_without_its_app_is_no_token_for_all(shell: Terminal) -> None:
    refused = shell.run("token", "create", "for CI", "--scope", "deploy:")
    assert (refused.exit_code, refused.stderr) == (2, "--scope: Name the app, as in deploy:shop.\n")


def test_a_duration_that_makes_no_sense_is_a_mistake_of_use(shell: Terminal) -> None:
    refused = shell.run("token", "create", "for CI", "--scope", "read", "--expires", "soon")
    assert (refused.exit_code, refused.stderr) == (2, "--expires: “soon” is not a number of days like 90d.\n")


def test_who_has_a_second_factor_is_told_how_to_send_a_code(
    shell: Terminal, live_store: Store, portal: BlockingPortal
) -> None:
    async def with_second_factor() -> str:
        person = await a_developer(live_store, "two@example.com")
        async with live_store.transaction() as tx:
            await tx.connection.execute(
                r"UPDATE people SET totp_secret = '\x00', totp_confirmed_at = now() WHERE id = %s", (person.person_id,)
            )
        return (await a_token(live_store, person)).reveal()

    careful = Terminal({**shell.environ, "BAKERY_TOKEN": portal.call(with_second_factor)})
    refused = careful.run("token", "create", "for CI", "--scope", "read")
    assert (refused.exit_code, refused.stderr) == (2, "There is no terminal to ask at; use --code-stdin.\n")
