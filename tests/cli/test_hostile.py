"""Odd and hostile values in every argument and option: done, or refused in a sentence with its exit code."""

import os
import ssl
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx
import pytest
from anyio.from_thread import BlockingPortal
from typer.core import TyperArgument, TyperCommand, TyperOption

from bakery.cli.client.context import parse_url
from bakery.delivery.local import Address, ensure_local_node
from bakery.model.errors import BadInput
from bakery.store.queue import Queue
from bakery.store.store import Store
from tests.cli.commands import commands
from tests.cli.conftest import Terminal
from tests.cli.server import BAKERY, a_server
from tests.support.hostile import SURROGATES, VALUES
from tests.support.machine import machine_of, node_in
from tests.support.people import a_developer, a_token, an_admin
from tests.support.postgres import new_database
from tests.support.store import a_store
from tests.support.tables import TRACES, rows_of_all_tables

# By default each argument meets a sixth of the values, each another one.
_STRIDE = 1 if os.environ.get("BAKERY_TEST_ALL") else 6
_EXITS = {1, 2, 3, 4, 5}

GOOD: Mapping[str, Mapping[str, str]] = {
    "login": {"url": "http://127.0.0.1:9"},
    "deploy": {
        "app": "odd",
        "--dir": "FOLDER",
        "--ref": "main",
        "--image": "nginx",
        "--tag": "1",
        "--at": "2999-01-01T03:00",
        "--env": "production",
    },
    "plan": {"app": "odd", "--ref": "main", "--image": "nginx", "--tag": "1", "--env": "production"},
    "deployments": {"app": "odd", "--env": "production"},
    "logs": {
        "app": "odd",
        "--process": "web",
        "--slot": "blue",
        "--since": "5m",
        "--grep": "x",
        "--lines": "9",
        "--deployment": "1",
        "--env": "production",
    },
    "cancel": {"app": "odd", "number": "1", "--env": "production"},
    "rollback": {"app": "odd", "number": "1", "--env": "production"},
    "retry": {"app": "odd", "number": "1", "--from": "check", "--env": "production"},
    "releases": {"app": "odd", "--env": "production"},
    "restart": {"app": "odd", "--env": "production"},
    "stop": {"app": "odd", "--env": "production"},
    "start": {"app": "odd", "--env": "production"},
    "scale": {"app": "odd", "counts": "worker=2", "--env": "production"},
    "run": {"app": "odd", "command": "true", "--env": "production"},
    "apps show": {"app": "odd", "--env": "production"},
    "apps create": {
        "app": "odd",
        "--name": "Odd",
        "--runtime": "process",
        "--command": "true",
        "--health": "/",
        "--node": "local",
        "--repo": "http://127.0.0.1:9/shop.git",
        "--branch": "main",
        "--base": "web",
        "--image": "nginx",
        "--port": "8080",
        "--registry-user": "",
        "--env": "production",
    },
    "defaults set": {"settings": "memory=512"},
    "apps set": {"app": "odd", "settings": "memory=512", "--env": "production"},
    "apps delete": {"app": "nothing", "--env": "production"},
    "site show": {"app": "odd", "--env": "production"},
    "site set": {"app": "odd", "settings": "upload_mb=10", "--env": "production"},
    "site password": {"app": "odd", "user": "ann", "--env": "production"},
    "site forget": {"app": "odd", "user": "ann", "--env": "production"},
    "apply": {"app": "odd", "--env": "production"},
    "source show": {"app": "odd", "--env": "production"},
    "apps clone": {"app": "nothing", "new": "other", "--node": "local", "--env": "production"},
    "source set": {
        "app": "odd",
        "--repo": "http://127.0.0.1:9/shop.git",
        "--branch": "main",
        "--base": "web",
        "--username": "ann",
        "--image": "nginx",
        "--port": "8080",
        "--registry-user": "ann",
        "--env": "production",
    },
    "source key": {"app": "odd", "--env": "production"},
    "source forget-token": {"app": "odd", "--env": "production"},
    "env list": {"app": "odd", "--env": "production"},
    "env set": {"app": "odd", "pairs": "KEY=1", "--scope": "run", "--env": "production"},
    "env unset": {"app": "odd", "names": "KEY", "--env": "production"},
    "env import": {"app": "odd", "file": "-", "--scope": "run", "--env": "production"},
    "env export": {"app": "odd", "--env": "production"},
    "env reveal": {"app": "odd", "names": "KEY", "--env": "production"},
    "env history": {"app": "odd", "--env": "production"},
    "env restore": {"app": "odd", "version": "1", "--env": "production"},
    "environments list": {"app": "odd"},
    "environments add": {
        "app": "odd",
        "name": "staging",
        "--branch": "main",
        "--node": "local",
        "--env": "production",
    },
    "certificates list": {"app": "odd", "--env": "production"},
    "certificates renew": {"app": "odd", "--env": "production"},
    "certificates upload": {"app": "odd", "certificate": "no.pem", "key": "no.key", "--env": "production"},
    "certificates remove": {"app": "odd", "certificate": "999999", "--env": "production"},
    "domains list": {"app": "odd", "--env": "production"},
    "domains add": {"app": "odd", "host": "odd.example.com", "--env": "production"},
    "domains verify": {"app": "odd", "host": "nothing.example.com", "--env": "production"},
    "domains primary": {"app": "odd", "host": "nothing.example.com", "--env": "production"},
    "domains remove": {"app": "odd", "host": "nothing.example.com", "--env": "production"},
    "volumes list": {"app": "odd", "--node": "nothing", "--env": "production"},
    "volumes add": {"app": "odd", "volume": "data:data", "--env": "production"},
    "volumes remove": {"app": "odd", "volume": "data", "--env": "production"},
    "volumes delete": {"app": "odd", "volume": "data", "--node": "nothing", "--env": "production"},
    "nodes show": {"node": "local"},
    "nodes add": {
        "node": "oven-9",
        "--host": "127.0.0.1",
        "--port": "22",
        "--user": "bakery-agent",
        "--bastion": "ops@127.0.0.1:22",
        "--name": "Oven",
    },
    "nodes edit": {
        "node": "oven-1",
        "--host": "127.0.0.1",
        "--port": "9",
        "--user": "bakery-agent",
        "--bastion": "ops@127.0.0.1:22",
        "--name": "Oven",
        "--apps-domain": "oven.example.com",
        "--public-address": "203.0.113.7",
        "--public-ipv6": "2001:db8::7",
    },
    "nodes verify": {"node": "nothing"},
    "nodes drain": {"node": "oven-1"},
    "nodes prune": {"node": "nothing"},
    "nodes drift": {"node": "nothing", "--repair": "site:shop-production"},
    "nodes rotate-key": {"node": "nothing"},
    "nodes accept-key": {"node": "oven-1", "--fingerprint": "SHA256:nothing"},
    "nodes repair": {"node": "oven-1"},
    "nodes bootstrap": {"node": "oven-1", "--ssh-user": "root"},
    "nodes remove": {"node": "nothing"},
    "nodes exec": {"node": "oven-1", "words": "true", "--seconds": "60"},
    "users grant": {"email": "dev@example.com", "--role": "viewer", "--app": "odd"},
    "users suspend": {"email": "nobody@example.com"},
    "users remove": {"email": "nobody@example.com"},
    "invites create": {"email": "new@example.com", "--role": "viewer"},
    "invites revoke": {"invite": "1"},
    "token create": {"name": "CI", "--scope": "read", "--expires": "90d"},
    "token revoke": {"token": "1"},
    "source branch": {"app": "odd", "--env": "production"},
    "dns-providers add": {
        "name": "our-bind",
        "--plugin": "rfc2136",
        "--endpoint": "ovh-eu",
        "--zone": "example.com",
        "--server": "192.0.2.53",
        "--key-name": "bakery-key",
        "--port": "53",
        "--algorithm": "HMAC-SHA256",
        "--wait": "60",
    },
    "dns-providers edit": {
        "name": "nothing",
        "--endpoint": "ovh-eu",
        "--zone": "example.com",
        "--server": "192.0.2.53",
        "--key-name": "bakery-key",
        "--port": "53",
        "--algorithm": "HMAC-SHA256",
        "--wait": "60",
    },
    "dns-providers remove": {"name": "nothing"},
    "github repos": {"search": "shop", "--account": "acme"},
    "github branches": {"repository": "acme/shop", "--account": "acme"},
    "github configure": {"--client-id": "Iv1.8a61", "--server": "https://127.0.0.1:9"},
    "github left-hooks": {"--try": "1", "--forget": "1"},
    "previews list": {"app": "odd"},
    "previews show": {"app": "odd"},
    "previews set": {
        "app": "odd",
        "--like": "production",
        "--variable": "KEY",
        "--most": "5",
        "--days": "14",
        "--memory": "512M",
        "--cpus": "0.5",
        "--forks": "never",
    },
    "previews approve": {"app": "odd", "number": "42", "commit": "a" * 40},
    "previews close": {"app": "odd", "number": "42"},
    "webhook show": {"app": "odd", "--env": "production"},
    "webhook add": {"app": "odd", "--env": "production"},
    "webhook rotate": {"app": "odd", "--env": "production"},
    "webhook reveal": {"app": "odd", "--env": "production"},
    "webhook badge": {"app": "odd", "--env": "production"},
    "webhook set": {"app": "odd", "--path": "web/**", "--tags": "v*", "--env": "production"},
    "webhook deliveries": {"app": "odd", "--env": "production"},
    "webhook redeliver": {"app": "odd", "delivery": "1", "--env": "production"},
}
"""A value for each argument and option of the commands that are clients. `users remove` and the like never succeed."""

FLAGS = {
    "login": ["--token-stdin"],
    "apps delete": ["--yes"],
    "volumes delete": ["--yes"],
    "env set": ["--plain"],
    "env import": ["--replace"],
    "users remove": ["--yes"],
    "nodes remove": ["--yes"],
    "nodes bootstrap": ["--print"],
    "nodes exec": ["--detach"],
}


@dataclass(frozen=True)
class Field:
    """An argument or option that gets the odd values; the others of its command are good."""

    command: str
    name: str

    def __str__(self) -> str:
        return f"{self.command} {self.name}"

    def words(self, odd: str, folder: Path) -> list[str]:
        given = {**GOOD[self.command], self.name: odd}
        if self.name == "app" and self.command == "apps create":
            for other in ("--name", "--repo", "--branch", "--base"):  # an odd name that is one makes an app
                given.pop(other)
        given = {name: str(folder) if value == "FOLDER" else value for name, value in given.items()}
        options = [f"{name}={value}" for name, value in given.items() if name.startswith("--")]
        arguments = [value for name, value in given.items() if not name.startswith("--")]
        return [*self.command.split(), *FLAGS.get(self.command, ()), *options, "--", *arguments]


FIELDS = [Field(command, name) for command, names in GOOD.items() for name in names]


@pytest.fixture(scope="module")
def odd_database(database_server: str, migrated_template: str) -> Iterator[str]:
    with new_database(database_server, template=migrated_template) as database:
        yield database


@pytest.fixture(scope="module")
def odd_store(odd_database: str, portal: BlockingPortal) -> Iterator[Store]:
    with portal.wrap_async_context_manager(a_store(odd_database)) as store:
        yield store


@pytest.fixture(scope="module")
def odd_shell(
    odd_database: str, odd_store: Store, portal: BlockingPortal, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Terminal]:
    """An Admin's, at a Bakery of its own, for what is accepted is stored."""

    async def make() -> str:
        ada = await an_admin(odd_store)
        await a_developer(odd_store)
        await a_token(odd_store, ada)  # the first may be revoked by its number
        return (await a_token(odd_store, ada)).reveal()

    folder, home = tmp_path_factory.mktemp("bakery"), tmp_path_factory.mktemp("home")
    machine = machine_of(portal.call(node_in, folder / "node", None))
    portal.call(ensure_local_node, odd_store, Queue(odd_store), machine, Address(public=None, apps_domain="localhost"))
    token = portal.call(make)
    with a_server(odd_database, folder) as server, pytest.MonkeyPatch.context() as patched:
        # Each command reads the certificates of the world anew; a thousand commands may share them.
        patched.setattr(ssl, "create_default_context", cache(ssl.create_default_context))
        shell = Terminal({"BAKERY_URL": server.url, "BAKERY_TOKEN": token, "HOME": str(home)})
        assert shell.run("apps", "create", "odd", "--command", "true").exit_code == 0
        assert shell.run("nodes", "add", "oven-1", "--host", "127.0.0.1", "--port", "9").exit_code == 0
        yield shell


@pytest.fixture
def stored(odd_store: Store, portal: BlockingPortal) -> Callable[[], dict[str, list[str]]]:
    """All that the database holds."""

    async def read() -> dict[str, list[str]]:
        return await rows_of_all_tables(odd_store, but=TRACES)

    return lambda: portal.call(read)


def test_every_argument_of_a_client_has_its_turn() -> None:
    declared = {name: set(_names(command)) for name, command in commands() if _is_client(command)}
    assert {name: names for name, names in declared.items() if names} == {
        name: set(names) for name, names in GOOD.items()
    }


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_an_argument_is_taken_or_refused_in_words(
    field: Field, odd_shell: Terminal, stored: Callable[[], dict[str, list[str]]], tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text("")
    offset = FIELDS.index(field) % _STRIDE
    before = stored()
    for odd in (*VALUES[offset::_STRIDE], *SURROGATES):
        ended = odd_shell.run(*field.words(odd, tmp_path), stdin="bky_odd\n")
        after = stored()
        what = f"{field}={ascii(odd)[:80]}: {ended.exit_code} {ended.output[:300]}"
        if ended.exit_code == 0:
            assert odd not in SURROGATES, what
        else:
            assert ended.exit_code in _EXITS, what
            assert ended.stderr.strip(), what
            assert after == before, what
        assert "Traceback" not in ended.output, what
        before = after
    assert not Path(odd_shell.environ["HOME"], ".config").exists()


@pytest.mark.parametrize("name", ["BAKERY_URL", "BAKERY_TOKEN"])
def test_a_variable_is_taken_or_refused_in_words(odd_shell: Terminal, name: str) -> None:
    for odd in (
        *VALUES[::_STRIDE],
        "http://[",
        "http://x:abc",
        f"http://{'a' * 64}.example",
        "https://münchen.example",
        "\udcff",
    ):
        if "\0" in odd:
            continue  # no environment holds it
        ended = Terminal({**odd_shell.environ, name: odd}).run("apps", "list")
        what = f"{name}={ascii(odd)[:80]}: {ended.exit_code} {ended.output[:300]}"
        assert ended.exit_code in {2, 3}, what
        assert "Traceback" not in ended.output, what
        assert odd not in ended.output or name == "BAKERY_URL" or len(odd) < 9, what


def test_a_token_on_stdin_is_taken_or_refused_in_words(odd_shell: Terminal) -> None:
    for odd in VALUES[::_STRIDE]:
        ended = odd_shell.run("login", odd_shell.environ["BAKERY_URL"], "--token-stdin", stdin=odd)
        assert ended.exit_code in {2, 3}, ascii(odd)
        assert ended.stderr.strip(), ascii(odd)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_address_is_one_that_can_be_connected_to(scheme: str) -> None:
    """Whatever is accepted, HTTP and the name service take without a fault."""
    for odd in (*VALUES, *SURROGATES, "x:abc", "x:", "x:0", "x:99999", "[::1", "[::1]:80", "a" * 64, "a.." + "b"):
        try:
            address = parse_url(f"{scheme}://{odd}")
        except BadInput:
            continue
        assert address.isascii()
        httpx.URL(address).host.encode("idna")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    environ = {**os.environ, "HOME": str(tmp_path), "BAKERY_URL": "http://127.0.0.1:9", "BAKERY_TOKEN": "bky_1"}
    for words, stdin in (
        ([b"apps", b"create", b"\xff"], b""),
        ([b"apps", b"show", b"shop", b"--env", b"\xff"], b""),
        ([b"login", b"http://\xff"], b""),
        ([b"login", b"http://127.0.0.1:9", b"--token-stdin"], b"\xff\n"),
    ):
        done = subprocess.run([BAKERY.encode(), *words], env=environ, input=stdin, capture_output=True, check=False)
        assert (done.returncode, b"Traceback" in done.stderr) == (2, False), (words, done.stderr)
        assert b"UTF-8" in done.stderr


def _is_client(command: TyperCommand) -> bool:
    return command.callback is not None and command.callback.__module__.startswith("bakery.cli.client.")


def _names(command: TyperCommand) -> Iterator[str]:
    for one in command.params:
        if isinstance(one, TyperArgument):
            assert one.name
            yield one.name
        elif isinstance(one, TyperOption) and not one.is_flag:
            yield one.opts[0]
