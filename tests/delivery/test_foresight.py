"""What a deployment will do, as people read it."""

from dataclasses import replace

from bakery.delivery.foresight import Change, ForeseenPart, Names, compared, foresee
from bakery.delivery.plan import plan_deployment
from bakery.delivery.premises import Release
from bakery.delivery.recipe import Recipe
from bakery.model.apps import SourceKind
from bakery.model.runtimes import Runtime
from tests.delivery.test_plan import BLUE_IS_LIVE, DOCKER, OURS, wanted

RECIPE = Recipe(
    "python", ("requirements.txt: Python.",), install=("pip", "install", "-r", "requirements.txt"), test=("pytest",),
    start=("gunicorn", "shop:app"), release=("./migrate",), health_path="/health",
)  # fmt: skip
GOLDEN = """
Fetch the commit
See what is in it
  requirements.txt: Python.
Install what it needs
  $ pip install -r requirements.txt
Build it
  Nothing to do. It has nothing to build.
Run the project's tests
  Skipped for this deployment by Ada.
Prepare the release
  $ ./migrate
Run its command before the start
  Nothing to do. It names no command to run before its start.
Start the release on green
  $ gunicorn shop:app
  Listens on 127.0.0.1, at the port of its slot, as PORT says.
Check that it answers
  Asks for /health, which has to answer well.
  Up to 120 s, twice in a row.
Switch traffic to it
  Visitors of shop.localhost get it.
Retire the old slot
  When no connection is left, at most after 30 s.
Run its command after the switch
  Nothing to do. It names no command to run after that.
Variables
  While it is built: TOKEN
  While it runs: DATABASE_URL, TOKEN
"""


def parts_of(recipe: Recipe, *, release: Release | None = None, skipped_by: str = "") -> tuple[ForeseenPart, ...]:
    made = replace(release or Release(2, 2, Runtime.PROCESS, (), None), recipe=recipe)
    of = replace(wanted(BLUE_IS_LIVE), release=made, source=SourceKind.GIT, tests_skipped_by=skipped_by)
    names = Names(("TOKEN",), ("DATABASE_URL", "TOKEN"))
    return foresee(plan_deployment(of), names, check_seconds=120.0, drain_seconds=30.0)


def told(parts: tuple[ForeseenPart, ...]) -> str:
    return "".join("\n".join([part.title, *(f"  {line.text}" for line in part.lines)]) + "\n" for part in parts)


def test_every_step_is_told_with_what_it_runs() -> None:
    assert told(parts_of(RECIPE, skipped_by="Ada")) == GOLDEN[1:]


def test_the_dockerfile_that_bakery_writes_is_shown_whole() -> None:
    build = next(part for part in parts_of(OURS, release=DOCKER) if part.key == "build")
    assert [line.text for line in build.lines] == ["With this Dockerfile, in the top of the source:", "FROM x"]


def test_what_is_other_than_before_is_marked_line_by_line() -> None:
    now = compared(parts_of(replace(RECIPE, install=("uv", "sync"))), parts_of(RECIPE))
    assert [part.key for part in now if part.differs] == ["install"]
    install = next(part for part in now if part.key == "install")
    assert [(line.change, line.text) for line in install.lines] == [
        (Change.REMOVED, "$ pip install -r requirements.txt"),
        (Change.ADDED, "$ uv sync"),
    ]


def test_a_step_that_was_not_there_is_new_as_a_whole() -> None:
    now = parts_of(RECIPE)
    before = tuple(part for part in now if part.key != "retire")
    assert compared(now, before)[-3].change is Change.ADDED
    assert compared(before, now)[-1].change is Change.REMOVED


def test_what_is_the_same_differs_in_nothing() -> None:
    assert not any(part.differs for part in compared(parts_of(RECIPE), parts_of(RECIPE)))
