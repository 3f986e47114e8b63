"""A browser's own name, from what it sends: for telling sessions apart, never for deciding."""

import re

_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Version", "Safari"))
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def name_of_browser(user_agent: str) -> str:
    """“Firefox 143 on Linux”; for anything else its first word."""
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    for mark, name in _BROWSERS:
        if found := re.search(rf"\b{mark}/(\d+)", user_agent):
            return f"{name} {found[1]} on {system}" if system else f"{name} {found[1]}"
    return user_agent.split(" ", maxsplit=1)[0][:40] or "Unknown browser"
