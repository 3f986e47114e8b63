"""What is made of an image's own facts: whether it runs on its node, at which port it listens, and what is said of it.
Pure."""

from collections.abc import Collection, Sequence

from bakery.delivery.recipe import Recipe
from bakery.model.errors import BadInput
from bakery.model.images import ImageReference, shown_digest
from bakery.model.names import AppName, Port

STACK = "image"
_USUAL = 80  # of several that an image exposes


def expect_platform(image: str, platforms: Collection[str], machine: str) -> None:
    """A registry that does not say it, does not matter: the pull finds out."""
    if not platforms or machine in platforms:
        return
    raise BadInput(
        f"{image} is for {_listed(sorted(platforms))}, and its node is {machine}.",
        field="image",
        hint=f"Build it for this one too, with docker buildx build --platform {machine}, and push it again.",
    )


def choose_port(image: str, said: Port | None, exposed: Sequence[int], app: AppName) -> Port:
    """What a person said; else the only one that it exposes, or the one of http."""
    if said is not None:
        return said
    if len(exposed) == 1 or _USUAL in exposed:
        return Port(_USUAL if _USUAL in exposed else exposed[0])
    hint = (
        f"Say it: bakery source set {app} --port PORT, or on the app's page Source. Or write EXPOSE in its Dockerfile."
    )
    if not exposed:
        raise BadInput(f"{image} does not say at which port it listens.", field="port", hint=hint)
    raise BadInput(f"{image} exposes the ports {_listed(exposed)}; which is the app's?", field="port", hint=hint)


def recipe_of_image(image: ImageReference, port: Port) -> Recipe:
    return Recipe(stack=STACK, why=(f"It is the image {image}.",), port=port)


def told_digest(image: ImageReference, digest: str, *, live: int | None) -> str:
    """`live` is the release with this very image that visitors get."""
    said = f"{image.name}:{image.tag} is {shown_digest(digest)} ({digest})."
    return said if live is None else f"{said} Release #{live}, which is live, has the same: nothing new was pushed."


def _listed(items: Sequence[object]) -> str:
    words = [str(item) for item in items]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
