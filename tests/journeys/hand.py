"""Somebody's hand on a page, which counts what it does."""

from dataclasses import dataclass

from playwright.sync_api import Page


@dataclass
class Hand:
    """`typed` counts fields, not letters."""

    page: Page
    clicks: int = 0
    typed: int = 0

    def click(self, name: str, *, is_link: bool = False) -> None:
        role = self.page.get_by_role("main").get_by_role("link" if is_link else "button", name=name, exact=True)
        role.first.click()
        self.clicks += 1

    def choose(self, label: str) -> None:
        self.page.get_by_label(label).check()
        self.clicks += 1

    def type_in(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).fill(text)
        self.typed += 1
