"""What axe-core finds on a page, as it is right now, in both themes."""

from pathlib import Path
from typing import Literal

from playwright.sync_api import Page

AXE = Path(__file__).parent / "vendor/axe.min.js"
_RUN = """
async () => (await axe.run(document, {resultTypes: ["violations"]})).violations.flatMap(
    ({id, nodes}) => nodes.map((node) => `${id}: ${node.target.join(" ")}: ${node.failureSummary}`))
"""
_THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def violations(page: Page) -> list[str]:
    """A sentence for each. Nothing is switched off."""
    found = []
    page.evaluate(AXE.read_text())  # not as a script of the page: its policy would rightly refuse it
    for theme in _THEMES:
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        found += [f"{theme}: {violation}" for violation in page.evaluate(_RUN)]
    page.emulate_media(color_scheme="null", reduced_motion="null")
    return found
