from bakery.nodes.accounts import ensure_account, remove_account
from tests.nodes.memory import MemoryTransport, done


async def test_an_account_is_made_once() -> None:
    machine = MemoryTransport(lambda command: done(status=2 if command.argv[0] == "getent" else 0))
    await ensure_account(machine, "bk-1")
    assert machine.told == [
        "getent passwd bk-1",
        "useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin bk-1",
    ]


async def test_an_account_that_is_there_stays() -> None:
    machine = MemoryTransport()
    await ensure_account(machine, "bk-1")
    assert machine.told == ["getent passwd bk-1"]


async def test_an_account_is_removed_once() -> None:
    machine = MemoryTransport()
    await remove_account(machine, "bk-1")
    machine.answers = lambda _: done(status=2)
    await remove_account(machine, "bk-1")
    assert machine.told == ["getent passwd bk-1", "userdel bk-1", "getent passwd bk-1"]
