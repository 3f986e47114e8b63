"""What an app writes while it runs, read where it runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, aclosing
from datetime import timedelta

import pytest

from bakery.delivery import app_logs
from bakery.delivery.app_logs import Source, Wanted, open_app_log
from bakery.delivery.find import app_of_stream, node_of_environment
from bakery.delivery.variables import import_variables
from bakery.model.errors import BadInput, TooMany
from bakery.model.masking import Masker
from bakery.model.names import Colour, UnitName
from bakery.model.runtimes import Runtime
from bakery.model.secret import Secret
from bakery.nodes.few_channels import PlanTurns
from bakery.store import logs
from bakery.store.events import EventHub
from bakery.web import tails
from bakery.web.live import encode
from bakery.web.moments import now
from bakery.web.tails import Tails
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.support.places import at

CONTAINER = Source(UnitName("bakery-shop-production-blue"), Runtime.DOCKER, Colour.BLUE, "web", 1)
TALKATIVE = """
def talk(path):
    print(f"asked for {path} with " + os.environ["TOKEN"], flush=True)
    return (200, b"")
"""


async def read(fleet: Fleet, wanted: Wanted) -> str:
    log = await open_app_log(fleet.store, fleet.links, at("shop"), wanted, actor=ADMIN, now=now())
    return b"".join([line async for line in log.lines()]).decode()


async def test_what_an_app_writes_is_read_searched_and_followed_without_its_secrets(bare_fleet: Fleet) -> None:
    fleet = bare_fleet
    await fleet.make()
    await import_variables(fleet.store, at("shop"), Secret("TOKEN=s3cr3t-enough"), is_secret=True, actor=ADMIN)
    await fleet.deploy_well(an_app("one", answer="talk(self.path)", before=TALKATIVE))
    await fleet.visit(path="/first")
    await fleet.visit(path="/second")
    text = await read(fleet, Wanted(containing="FIRST"))
    assert text == "asked for /first with ••••\n"
    assert await read(fleet, Wanted(lines=1)) == "asked for /second with ••••\n"
    assert "starting one\n" in await read(fleet, Wanted(lines=None, since=timedelta(minutes=5)))
    assert "nothing runs there" in await read(fleet, Wanted(slot=Colour.GREEN))
    with pytest.raises(BadInput, match="up to 2000 lines"):
        Wanted(lines=3000)

    log = await open_app_log(
        fleet.store, fleet.links, at("shop"), Wanted(lines=1, containing="asked"), actor=ADMIN, now=now()
    )
    arrived: list[bytes] = []
    async with asyncio.timeout(20), aclosing(log.follow()) as lines:
        async for line in lines:
            arrived.append(line)
            if len(arrived) == 1:
                await fleet.visit(path="/third")
            if b"/third" in line:
                break
    assert b"".join(arrived).decode() == "asked for /second with ••••\nasked for /third with ••••\n"


async def test_while_many_logs_of_a_node_are_followed_the_others_are_read_now_and_then(
    bare_fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_logs, "_LOOK_AGAIN", 0.05)
    await bare_fleet.make()
    await bare_fleet.deploy_well(an_app("one", answer="(print(self.path, flush=True), (200, b''))[1]"))
    node_id = await node_of_environment(bare_fleet.store, (await bare_fleet.app()).environment_id)
    assert node_id is not None
    wanted = Wanted(containing="/loaf")
    log = await open_app_log(bare_fleet.store, bare_fleet.links, at("shop"), wanted, actor=ADMIN, now=now())
    await bare_fleet.visit(path="/loaf0")
    arrived: list[bytes] = []
    with ExitStack() as others:
        assert [others.enter_context(bare_fleet.links.following(node_id)) for _ in range(4)] == [True] * 3 + [False]
        async with asyncio.timeout(20), aclosing(log.follow()) as lines:
            async for line in lines:
                arrived.append(line)
                if len(arrived) == 3:
                    break
                await bare_fleet.visit(path=f"/loaf{len(arrived)}")
    assert arrived == [b"/loaf0\n", b"/loaf1\n", b"/loaf2\n"]


@pytest.mark.parametrize(
    ("written", "whole"),
    [(b"one\ntwo", b"one\n"), (b"one", b""), (b"one\n", b"one\n"), (b"x" * 70_000, b"x" * 70_000)],
)
def test_a_line_without_an_end_is_not_cut_where_more_of_it_comes(written: bytes, whole: bytes) -> None:
    assert app_logs._whole_lines(written) == (whole, written[len(whole) :])


@pytest.mark.parametrize("width", [1, 4096, 100_000])
async def test_no_secret_of_a_container_is_cut_in_two_by_a_line_that_is_too_long(width: int) -> None:
    line = b"2026-01-31T23:59:59.123456789Z " + b"x" * (64 * 1024 - 5) + b"s3cr3t-enough" + b"y" * 10 + b"\n"
    position = app_logs._Position()
    reading = app_logs._Reading(CONTAINER, position, tells_rest=True, most=None)

    async def chunks() -> AsyncIterator[bytes]:
        for begin in range(0, len(line), width):
            yield line[begin : begin + width]

    masker = Masker([Secret("s3cr3t-enough")])
    text = b"".join([one async for one in app_logs._masked(reading.blocks(chunks()), masker)])
    assert text.replace(b"\n", b"") == b"x" * (64 * 1024 - 5) + "••••".encode() + b"y" * 10
    assert position.moment == "1769903999.123456789"


def test_only_so_many_look_at_plans_on_a_node_at_once() -> None:
    plans = PlanTurns()
    with plans.looking(1), plans.looking(1), pytest.raises(TooMany), plans.looking(1):
        pass
    with plans.looking(1), plans.looking(2):
        pass


async def test_a_page_of_a_log_is_written_for_as_long_as_somebody_has_it_open(
    bare_fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet, hub = bare_fleet, EventHub(bare_fleet.store, encode)
    monkeypatch.setattr(tails, "_LOOK_AGAIN", 2.0)
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    opened = Tails(fleet.store, hub)

    async def opening() -> int:
        return await opened.open(
            await open_app_log(fleet.store, fleet.links, at("shop"), Wanted(), actor=ADMIN, now=now())
        )

    stream = await opening()
    assert await opening() == stream  # whoever looks
    assert await app_of_stream(fleet.store, stream) == (await fleet.app()).id
    async with asyncio.timeout(20):
        while (found := await logs.extent(fleet.store, stream)) is None or not found.is_closed:
            await asyncio.sleep(0.05)
    piece = await logs.read(fleet.store, stream, 0)
    assert piece is not None
    assert piece.bytes == b"starting one\n"
    assert await opening() != stream
    monkeypatch.setattr(tails, "MOST_OF_APP", 1)
    await opened.open(await open_app_log(fleet.store, fleet.links, at("shop"), Wanted(lines=2), actor=ADMIN, now=now()))
    assert await logs.extent(fleet.store, stream) is None  # an app has only so many
    await opened.close()
