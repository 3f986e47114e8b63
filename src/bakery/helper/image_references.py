"""What an image of a registry is called: registry.example:5000/team/shop:1.2, and its parts."""

from __future__ import annotations

import re

HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(?::[0-9]{1,5})?")
PART = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)
DIGEST = re.compile("sha256:[0-9a-f]{64}")
REFERENCE = re.compile(
    f"(?=.{{1,400}}$)(?:{HOST.pattern}/)?{PART}(?:/{PART})*"
    r"(?P<last>:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|@sha256:[0-9a-f]{64}|:[A-Za-z0-9_][\w.-]{0,127}@sha256:[0-9a-f]{64})?",
    re.ASCII,
)
OF_BUILDS = re.compile("(?:(?:index\\.)?docker\\.io/)?bakery/")


def split_reference(reference: str) -> tuple[str, str]:
    """The name, and its tag or digest; a digest says all."""
    name, _, digest = reference.partition("@")
    head, colon, tag = name.rpartition(":")
    name, tag = (head, tag) if colon and "/" not in tag else (name, "latest")
    return name, digest or tag


def whole_name(name: str, last: str) -> str:
    return f"{name}@{last}" if last.startswith("sha256:") else f"{name}:{last}"


def host_of(reference: str) -> str:
    """As Docker finds it: the first part when it looks like one; empty: Docker's own."""
    first, slash, _ = reference.partition("/")
    is_host = slash and ("." in first or ":" in first or first == "localhost" or first != first.lower())
    return first if is_host else ""
