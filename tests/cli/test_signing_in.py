import json
import stat
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal

from bakery.access.cli_login import confirm_cli_login
from bakery.cli.client import login
from bakery.cli.client.api import Api
from bakery.cli.client.context import Context, read_context, save_context
from bakery.model.errors import NotReady, NotSignedIn
from bakery.model.secret import Secret
from bakery.store.store import Store
from tests.cli.conftest import Terminal
from tests.cli.server import Server
from tests.support.people import a_developer, signed_in


def test_a_token_from_stdin_is_kept_for_this_user_alone(server: Server, token: str, stranger: Terminal) -> None:
    done = stranger.run("login", server.url, "--token-stdin", "--json", stdin=f"{token}\n")

    assert done.exit_code == 0
    kept = Path(json.loads(done.stdout)["context"])
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert token not in done.output
    assert "ada@example.com" in stranger.run("whoami").stdout


def test_a_wrong_token_is_not_kept(server: Server, stranger: Terminal) -> None:
    refused = stranger.run("login", server.url, "--token-stdin", stdin="bky_wrong\n")
    assert refused.exit_code == 3
    assert refused.stderr.startswith("This token is unknown, expired or revoked.\nHint: ")
    assert stranger.run("whoami").exit_code == 3


def test_a_browser_confirms_the_code_that_is_shown(
    server: Server, live_store: Store, portal: BlockingPortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def confirm(code: str) -> None:
        person = await signed_in(live_store, await a_developer(live_store, "grace@example.com"))
        await confirm_cli_login(live_store, code, actor=person)

    shown: list[str] = []

    def on_screen(text: str) -> None:
        code = text.split("\n\n")[1].strip()
        shown.append(code)
        portal.call(confirm, code)

    monkeypatch.setattr(login, "warn", on_screen)
    token = login.confirmed_in_browser(server.url, sleep=lambda _: None)

    with Api(server.url, token) as api:
        assert api.get("/whoami")["email"] == "grace@example.com"


def test_without_an_address_the_way_in_is_told(stranger: Terminal) -> None:
    refused = stranger.run("apps", "list")
    assert refused.exit_code == 3
    assert refused.stderr == (
        "It is not known which Bakery you mean.\nHint: Run: bakery login URL, or set BAKERY_URL and BAKERY_TOKEN.\n"
    )


def test_a_saved_token_goes_to_no_other_address(tmp_path: Path) -> None:
    path = tmp_path / "context.json"
    save_context(Context("https://bakery.example.com", Secret("bky_1")), path)

    assert read_context({}, path).token == Secret("bky_1")
    with pytest.raises(NotSignedIn):
        read_context({"BAKERY_URL": "https://elsewhere.example.com"}, path)


def test_a_context_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "context.json"
    save_context(Context("https://bakery.example.com", Secret("bky_1")), path)
    path.chmod(0o644)
    with pytest.raises(NotReady, match="Others may read"):
        read_context({}, path)


def test_what_does_not_answer_is_unreachable(stranger: Terminal) -> None:
    stranger.environ |= {"BAKERY_URL": "http://127.0.0.1:9", "BAKERY_TOKEN": "bky_1"}
    refused = stranger.run("whoami")
    assert refused.exit_code == 5
    assert "did not answer" in refused.stderr
