"""The line by which a file of nginx says what Bakery wrote."""

from __future__ import annotations


def sealed(text: str) -> str:
    """With a line that says what Bakery wrote: so what it wrote otherwise once is told from what somebody changed."""
    head, _, rest = text.partition("\n")
    return f"{head}\n{_SEAL}{_digest(rest)}\n{rest}"


def is_sealed(text: str) -> bool:
    """Whether it is as Bakery wrote it, now or once."""
    head, seal, rest = [*text.split("\n", 2), "", ""][:3]
    return head == WRITTEN_BY_BAKERY and seal == f"{_SEAL}{_digest(rest)}"


def has_seal(text: str) -> bool:
    """Whether it says what Bakery wrote, be that true or not."""
    return text.startswith(f"{WRITTEN_BY_BAKERY}\n{_SEAL}")


def _digest(text: str) -> str:
    import hashlib  # noqa: PLC0415 - it loads OpenSSL, and not all verbs need it

    return hashlib.sha256(text.encode()).hexdigest()


_SEAL = "# sha256 of what follows: "
WRITTEN_BY_BAKERY = "# Written by Bakery. Changes here are lost with the next deployment."
