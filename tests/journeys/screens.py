"""Pictures of every page in every width and theme, for people to look at: `scripts/screens`."""

import html
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page, expect

from bakery.store import migrate
from tests.support.chromium import a_chromium, a_page, sign_in
from tests.support.morning import ADMIN, PAGES, a_morning
from tests.support.people import PASSWORD
from tests.support.postgres import new_database, running_server

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build/screens"
OF_THE_README = ROOT / "docs/pictures/dashboard.png"
WIDTHS = (1440, 768, 390)
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="bakery-screens-") as name,
        running_server(Path(name) / "postgres") as server,
        new_database(server) as database,
    ):
        migrate.upgrade(database)
        with a_morning(database, Path(name)) as morning, a_chromium() as browser:
            with a_page(browser, morning.serving.url) as guest:
                take(guest, morning.gates)
            with a_page(browser, morning.serving.url) as ada:
                sign_in(ada, ADMIN, PASSWORD)
                take(ada, PAGES)
                take_for_readme(ada)
    write_contact_sheet([*morning.gates, *PAGES])
    sys.stdout.write(f"Look at {FOLDER / 'index.html'}\n")


def take(page: Page, paths: Mapping[str, str]) -> None:
    for name, path in paths.items():
        page.goto(path)
        for theme in THEMES:
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            for width in WIDTHS:
                # As high as the page, so that what sticks to the window is at its ends.
                page.set_viewport_size({"width": width, "height": 900})
                height = page.evaluate("document.documentElement.scrollHeight")
                page.set_viewport_size({"width": width, "height": height})
                page.screenshot(path=FOLDER / _picture(name, width, theme))


def take_for_readme(page: Page) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.goto("/")
    expect(page.locator("#live")).to_have_text("Live")
    OF_THE_README.parent.mkdir(exist_ok=True)
    page.screenshot(path=OF_THE_README)


def write_contact_sheet(names: list[str]) -> None:
    rows = "".join(
        f"<h2>{html.escape(name)}</h2><p>"
        + "".join(
            f'<a href="{_picture(name, width, theme)}"><img src="{_picture(name, width, theme)}" height="420" '
            f'alt="{html.escape(name)}, {width} px, {theme}" loading="lazy"></a> '
            for theme in THEMES
            for width in WIDTHS
        )
        for name in names
    )
    sheet = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Every page of Bakery</title>{rows}</html>'
    (FOLDER / "index.html").write_text(sheet)


def _picture(name: str, width: int, theme: str) -> str:
    return f"{name}-{width}-{theme}.png"


if __name__ == "__main__":
    main()
