"""What a change was made from: a short text that is another one as soon as the thing is."""

from collections.abc import Collection
from hashlib import blake2b

from bakery.model.errors import ChangedMeanwhile


def version_of(*parts: object) -> str:
    return blake2b(repr(parts).encode(), digest_size=12).hexdigest()


def expect_version(is_now: str, made_from: Collection[str] | None) -> None:
    """`made_from`: the versions that the change may have been made from; None: it does not say."""
    if made_from is not None and is_now not in made_from:
        raise ChangedMeanwhile(
            "Somebody else saved this in the meantime.", hint="Look at what is stored now, and change it again."
        )
