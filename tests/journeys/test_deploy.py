"""An app from its first deployment to its end, and a server that dies meanwhile, as a person watches it."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.accessibility import violations
from tests.support.morning import ADMIN
from tests.support.serving import Serving
from tests.support.terminal import Terminal, a_terminal
from tests.support.waiting import wait_until

pytestmark = pytest.mark.browser
EXAMPLE = Path(__file__).parents[2] / "examples/hello"
_WAITS = """
import time
from pathlib import Path
while not Path({door!r}).exists():
    time.sleep(0.02)
"""
_COUNTS = """
import time
from pathlib import Path
for part, door in enumerate([*{doors!r}, ""]):
    for number in range(100 * part + 1, 100 * part + 101):
        print("line", number, flush=True)
    while door and not Path(door).exists():
        time.sleep(0.02)
    if door:
        Path(door + ".passed").touch()
"""


@dataclass(frozen=True)
class Slow:
    """The example, which answers only once its door is open."""

    folder: Path
    door: Path


@pytest.fixture
def slow(tmp_path: Path) -> Slow:
    made = Slow(tmp_path / "hello", tmp_path / "door")
    shutil.copytree(EXAMPLE, made.folder)
    program = made.folder / "app.py"
    program.write_text(_WAITS.format(door=str(made.door)) + program.read_text())
    return made


@pytest.fixture
def anybodys() -> Iterator[Path]:
    """A folder that a build, which has an account of its own, reaches too."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)


@pytest.fixture
def terminal(bakery: Serving) -> Terminal:
    return a_terminal(bakery, ADMIN)


def test_an_app_from_its_first_deployment_to_its_end(page: Page, terminal: Terminal, slow: Slow) -> None:
    terminal.run("apps", "create", "hello", "--name", "Hello", "--command", "python3 app.py", "--health", "/health")
    elsewhere = page.context.new_page()
    elsewhere.goto("/activity")
    of_hello = elsewhere.get_by_role("navigation", name="Main").get_by_role("link", name="Hello")
    expect(of_hello).to_contain_text("Never deployed")
    page.goto("/apps/hello")
    expect(page.get_by_role("heading", name="Never deployed")).to_be_visible()
    stay(page)

    terminal.run("deploy", "hello", "--dir", str(slow.folder))
    page.get_by_role("main").get_by_role("link", name="#1", exact=True).click()
    watch_it_go_live(page, slow)
    expect(of_hello).to_contain_text("Healthy")

    run_commands(page)
    stop_and_start(page, of_hello)
    delete(page)
    expect(of_hello).to_have_count(0)


def watch_it_go_live(page: Page, slow: Slow) -> None:
    stay(page)
    log = page.get_by_role("region", name="Log of Check")
    expect(log).to_contain_text("Check that it answers")
    expect(page.locator("h1 + .badge")).to_have_text("Running")
    assert violations(page) == []

    slow.door.touch()
    expect(page.locator("h1 + .badge")).to_have_text("Succeeded", timeout=15_000)

    expect(page.locator(".strip li.ok")).to_have_count(page.locator(".strip li").count())
    expect(page.locator("#step-check")).to_contain_text("Healthy after")
    expect(page.get_by_role("link", name="Open site")).to_be_visible()
    stayed(page)
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Open site").click()
    expect(opened.value.get_by_role("heading", level=1)).to_be_visible()
    opened.value.close()


def run_commands(page: Page) -> None:
    """In a terminal on its page: what is typed reaches it, the policy allows its colours, and there is a way out."""
    page.goto("/apps/hello/terminal")
    said, screen = page.locator("#said"), page.locator(".xterm-rows")
    command = page.get_by_role("textbox", name="Command")
    command.fill("stty size; printf '\\033[38;2;200;0;0mred\\033[0m'; read word; exit 7")
    page.get_by_role("button", name="Run command").click()
    expect(said).to_have_text("It runs.")
    expect(screen).to_contain_text("red")
    assert page.locator(".xterm-rows span", has_text="red").evaluate("it => it.style.color") == "rgb(200, 0, 0)"
    assert violations(page) == []
    page.keyboard.type("over")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.get_by_label("For a screen reader")).to_be_focused()
    page.locator(".xterm-helper-textarea").focus()
    page.keyboard.press("Enter")
    expect(said).to_have_text("Ended with exit code 7.")
    expect(page.get_by_role("button", name="Run command")).to_be_focused()

    command.fill("")
    page.get_by_role("button", name="Run command").click()
    expect(said).to_have_text("It runs.")
    page.keyboard.type("echo $((6 * 7))\n")
    expect(screen).to_contain_text("42")
    page.get_by_role("button", name="End command").click()
    expect(said).to_have_text("You ended it.")


def stop_and_start(page: Page, of_hello: Locator) -> None:
    page.goto("/apps/hello")
    page.get_by_role("button", name="Stop…").click()
    page.get_by_role("button", name="Stop Hello").click()
    expect(page.locator("h1 + .badge")).to_have_text("Stopped")
    expect(of_hello).to_contain_text("Stopped")

    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator("h1 + .badge")).to_have_text("Healthy", timeout=15_000)
    expect(of_hello).to_contain_text("Healthy")


def delete(page: Page) -> None:
    page.get_by_role("button", name="Delete…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Lost: 1 release")
    assert violations(page) == []
    page.get_by_label("Type hello to continue").fill("hello")
    page.get_by_role("button", name="Delete Hello").click()
    expect(page.get_by_role("heading", name="Apps", exact=True)).to_be_visible()
    expect(page.get_by_role("main").get_by_role("link", name="Hello")).to_have_count(0)


def test_a_server_that_died_is_awaited_and_what_happened_meanwhile_is_shown(page: Page, bakery: Serving) -> None:
    page.goto("/")
    live = page.locator("#live")
    expect(live).to_have_text("Live")
    stay(page)

    bakery.kill()
    expect(live).to_contain_text("Reconnecting… last update")
    bakery.command("admin", "create", "eve@example.com")
    bakery.start()

    expect(live).to_have_text("Live", timeout=30_000)
    expect(page.get_by_role("main").get_by_text("eve@example.com").first).to_be_visible()
    stayed(page)


def test_a_deployment_is_watched_through_a_kill_without_a_line_missing_or_doubled(
    page: Page, bakery: Serving, terminal: Terminal, tmp_path: Path, anybodys: Path
) -> None:
    """Its build writes before Bakery is killed, while it is dead, and when it is back."""
    doors = [anybodys / "dead", anybodys / "back"]
    deploy_counting(terminal, "counted", tmp_path / "counted", doors)
    page.goto("/apps/counted/deployments/1")
    log = page.get_by_role("region", name="Log of Build")
    expect(log).to_contain_text("line 100")
    stay(page)

    bakery.kill()
    expect(page.locator("#live")).to_contain_text("Reconnecting… last update")
    doors[0].touch()
    wait_until(lambda: Path(f"{doors[0]}.passed").exists(), what="the build goes on")
    bakery.start()
    expect(log).to_contain_text("line 200", timeout=30_000)
    doors[1].touch()

    expect(page.locator("h1 + .badge")).to_have_text("Succeeded", timeout=30_000)
    page.locator("#step-build summary").click()
    expect(log).to_contain_text("line 300")
    has_each_line_once(log)
    stayed(page)


def deploy_counting(terminal: Terminal, name: str, folder: Path, doors: list[Path]) -> None:
    """Its build says a hundred lines, waits for a door to be there, and so on; once it is through, NAME.passed is."""
    shutil.copytree(EXAMPLE, folder)
    (folder / "count.py").write_text(_COUNTS.format(doors=[str(door) for door in doors]))
    (folder / "bakery.toml").write_text('[build]\ncommand = "python3 count.py"\n[run]\ncommand = "python3 app.py"\n')
    terminal.run("apps", "create", name)
    terminal.run("deploy", name, "--dir", str(folder))


def has_each_line_once(log: Locator) -> None:
    said = re.findall(r"line (\d+)", log.inner_text())
    assert said == [str(number) for number in range(1, 301)]


def stay(page: Page) -> None:
    """From here on this very page must not be loaded again."""
    page.evaluate("window.isTheSame = true")


def stayed(page: Page) -> None:
    assert page.evaluate("window.isTheSame === true")
