"""Registries as nodes see them, without a Docker."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bakery.model.errors import BadInput
from bakery.nodes.images import FoundImage, RegistryLogin

DIGEST = f"sha256:{'0a' * 32}"
NEWER = f"sha256:{'0b' * 32}"


@dataclass
class Registry:
    """`shown` are digests by name; `wants` is the password of those that are private. `asked` is who came with what."""

    shown: dict[str, str] = field(default_factory=dict)
    wants: Mapping[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    platforms: tuple[str, ...] = ("linux/amd64",)

    async def resolve(self, reference: str, login: RegistryLogin | None) -> FoundImage:
        self.asked.append((reference, login.password.reveal() if login else None))
        if reference in self.wants and (login is None or login.password.reveal() != self.wants[reference]):
            raise BadInput(f"The registry does not let us have {reference}.", field="image", hint="Give a password.")
        if reference not in self.shown:
            raise BadInput(f"There is no {reference}.", field="image", hint="Look for a typing error.")
        return FoundImage(self.shown[reference], self.platforms, "linux/amd64")
