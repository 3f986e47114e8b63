from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from bakery.access.audit import Activity
from bakery.delivery.fleet import Overview
from bakery.delivery.history import Step
from bakery.model.activity import DID
from bakery.model.actor import Actor, Origin
from bakery.model.apps import AppStatus
from bakery.model.deployments import StepState
from bakery.model.permissions import Permission, Role
from bakery.store.logs import Piece
from bakery.web.presenters.activity import activity_row
from bakery.web.presenters.apps import short_address
from bakery.web.presenters.dashboard import summary
from bakery.web.presenters.durations import duration
from bakery.web.presenters.logs import MOST_LINES, log_of_step
from bakery.web.presenters.refusals import why_not
from bakery.web.presenters.terminal import log_lines, plain

NOW = datetime(2026, 11, 21, 14, 2, 51, tzinfo=UTC)
ADMIN = Actor(Origin("browser"), person_id=1, role=Role.ADMIN)
VIEWER = Actor(Origin("browser"), person_id=2, role=Role.VIEWER)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0.0 s"),
        (0.42, "0.4 s"),
        (9.96, "10.0 s"),
        (38.4, "38 s"),
        (59.6, "1:00"),
        (130, "2:10"),
        (3730, "1:02:10"),
    ],
)
def test_a_duration_has_as_many_digits_as_matter(seconds: float, words: str) -> None:
    assert duration(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain", "plain"),
        ("<script>&'\"", "&lt;script&gt;&amp;&#39;&#34;"),
        ("\x1b[32mok\x1b[0m done", '<span class="a2">ok</span> done'),
        ("\x1b[1;91mbad", '<span class="bold a9">bad</span>'),
        ("\x1b[1mb\x1b[22mn", '<span class="bold">b</span>n'),
        ("\x1b[41mon red\x1b[46mon cyan", '<span class="b1">on red</span>on cyan'),
        ("\x1b[38;5;9mx\x1b[38;5;240my", '<span class="a9">x</span><span class="a8">y</span>'),
        ("\x1b[38;5;196mx\x1b[38;5;28my", '<span class="a9">x</span><span class="a2">y</span>'),
        ("\x1b[38;2;20;130;30mx", '<span class="a2">x</span>'),
        ("\x1b[38;2m\x1b[38;5m\x1b[38m\x1b[99999m\x1b[;mx", "x"),
        (" 10 %\r 90 %\r100 %", "100 %"),
        ("done\r\x1b[K", "done"),
        ("\x1b]0;a title\x07text\x1b[2J\x1b(B\x1b", "text"),
        ("\x00\x07a\tb\x7f", "a\tb"),
    ],
)  # fmt: skip
def test_a_line_of_a_terminal_is_safe_html(text: str, html: str) -> None:
    assert [str(line.html) for line in log_lines(text, 1)] == [html]


def test_a_colour_lasts_over_the_end_of_its_line() -> None:
    assert [str(line.html) for line in log_lines("\x1b[31mone\ntwo\x1b[0m\nthree\n", 1)] == [
        '<span class="a1">one</span>',
        '<span class="a1">two</span>',
        "three",
    ]


def test_a_line_without_its_colours_is_as_it_was_written() -> None:
    assert plain(log_lines("\x1b[31m1 < 2  &amp;\x1b[0m", 1)[0]) == "1 < 2  &amp;"


def test_a_step_has_its_own_lines_counted_through_the_whole_log() -> None:
    log = Piece(7, 0, 12, 0, b"one\ntwo\nsix\n")

    found = log_of_step(_step(from_byte=4, to_byte=8), 7, log, "/raw")

    assert found is not None
    assert [(line.number, line.html) for line in found.lines] == [(2, "two")]
    assert (found.to, found.is_cut) == (8, False)


def test_a_step_that_runs_goes_on_where_the_log_ended() -> None:
    found = log_of_step(_step(from_byte=4), 7, Piece(7, 0, 10, 0, b"one\ntwo\nhal"), "/raw")

    assert found is not None
    assert ([line.number for line in found.lines], found.to) == ([2, 3], 10)


def test_a_step_that_has_not_written_yet_is_followed_from_its_beginning() -> None:
    found = log_of_step(_step(from_byte=0), 7, None, "/raw")

    assert found is not None
    assert (found.lines, found.to) == ((), 0)


def test_of_a_long_log_the_last_lines_are_shown() -> None:
    text = b"".join(b"%d\n" % number for number in range(1, 1001))

    found = log_of_step(_step(from_byte=0), 7, Piece(7, 0, len(text), 0, text), "/raw")

    assert found is not None
    assert [str(found.lines[0].html), len(found.lines), found.is_cut] == ["501", MOST_LINES, True]
    assert found.lines[0].number == 501


def test_a_log_read_from_the_middle_of_a_line_begins_with_the_next() -> None:
    found = log_of_step(_step(from_byte=0), 7, Piece(7, 100, 110, 9, b"alf\nwhole\n"), "/raw")

    assert found is not None
    assert [(line.number, line.html) for line in found.lines] == [(11, "whole")]
    assert found.is_cut


def test_a_step_that_did_not_begin_has_no_log() -> None:
    assert log_of_step(_step(from_byte=None), 7, None, "/raw") is None


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ({}, "There are no apps yet."),
        ({AppStatus.HEALTHY: 1}, "The only app is healthy."),
        ({AppStatus.NEVER_DEPLOYED: 2}, "All 2 apps were never deployed."),
        ({AppStatus.FAILED: 1}, "The only app could not be deployed."),
        ({AppStatus.HEALTHY: 2, AppStatus.FAILED: 1}, "Of 3 apps, 2 are healthy and 1 could not be deployed."),
        ({AppStatus.HEALTHY: 9, AppStatus.DOWN: 1}, "Of 10 apps, 1 is down and 9 are healthy."),
    ],
)
def test_the_fleet_is_told_in_a_sentence(counts: dict[AppStatus, int], sentence: str) -> None:
    assert summary(Overview(Counter(counts), (), ()), ADMIN) == sentence


def test_who_may_not_do_something_reads_what_doing_it_would_say() -> None:
    assert why_not(VIEWER, Permission.DEPLOY) == "Developers can do this. Ask an Admin."
    assert why_not(ADMIN, Permission.DEPLOY) == ""


@pytest.mark.parametrize("action", sorted(DID))
def test_every_action_has_an_icon_of_its_own(action: str) -> None:
    assert activity_row(_done(action), actor=ADMIN, url=_url, now=NOW).icon != "history"


@pytest.mark.parametrize(
    ("action", "kind", "label", "app", "href"),
    [
        ("deployment.requested", "deployment", "shop #4", "shop", "/apps/shop/deployments/4"),
        ("app.created", "app", "shop", "shop", "/apps/shop"),
        ("app.deleted", "app", "shop", "shop", None),
        ("person.suspended", "person", "a@b.c", None, "/team/members/5"),
        ("person.removed", "person", "a@b.c", None, None),
        ("token.created", "token", "CI", None, None),
    ],
)
def test_activity_leads_to_its_thing_while_that_is_there(
    action: str, kind: str, label: str, app: str | None, href: str | None
) -> None:
    done = _done(action, kind=kind, label=label, app=app)

    assert activity_row(done, actor=ADMIN, url=_url, now=NOW).href == href


def test_from_which_address_somebody_came_is_for_themselves_and_admins() -> None:
    themselves = Actor(Origin("browser"), person_id=1, role=Role.DEVELOPER)
    origins = [activity_row(_done("app.created"), actor=who, url=_url, now=NOW).origin for who in (ADMIN, themselves)]
    assert origins == ["browser, 192.0.2.1"] * 2
    assert activity_row(_done("app.created"), actor=VIEWER, url=_url, now=NOW).origin == "browser"


def _done(action: str, *, kind: str = "person", label: str = "a@b.c", app: str | None = None) -> Activity:
    return Activity(
        id=1,
        at=NOW,
        who="Ada",
        actor="ada@example.com",
        person_id=1,
        source="browser",
        address="192.0.2.1",
        action=action,
        target_kind=kind,
        target_id="5",
        target_label=label,
        app=app,
        before=None,
        after=None,
    )


def _step(*, from_byte: int | None, to_byte: int | None = None) -> Step:
    return Step(3, "check", "Check that it answers", StepState.RUNNING, NOW, None, from_byte, to_byte)


def _url(path: str, **_: str | int | None) -> str:
    return path


@pytest.mark.parametrize(
    ("url", "short"),
    [
        ("https://github.com/acme/shop.git", "github.com/acme/shop"),
        ("http://git.example.com:3000/acme/shop.git", "git.example.com:3000/acme/shop"),
        ("ssh://git@git.example.com:2222/acme/shop.git", "git.example.com:2222/acme/shop"),
        ("git@git.example.com:acme/shop.git", "git.example.com/acme/shop"),
    ],
)
def test_the_address_of_a_repository_is_short_and_keeps_its_port(url: str, short: str) -> None:
    assert short_address(url) == short
