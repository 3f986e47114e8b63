"""An image of a registry as the source of an app: its name, the port that it serves, and what opens its registry."""

from dataclasses import dataclass, replace

from bakery.helper.image_references import DIGEST, OF_BUILDS, REFERENCE, TAG, host_of, split_reference
from bakery.model.errors import BadInput
from bakery.model.names import Port
from bakery.model.secret import Secret

LONGEST_PASSWORD = 10_000
LONGEST_USER = 200
_HIGHEST_PORT = 65535
_USUAL_TAG = "latest"
_HINT = "Like nginx:1.27 or registry.example.com/team/shop:1.2."


@dataclass(frozen=True, slots=True)
class ImageReference:
    """What names an image: its registry and path, and a tag, a digest, or both; then the digest says which it is."""

    name: str
    tag: str = _USUAL_TAG
    digest: str = ""

    def __str__(self) -> str:
        return f"{self.name}:{self.tag}@{self.digest}" if self.digest else f"{self.name}:{self.tag}"

    @property
    def registry(self) -> str:
        """Its host; empty: Docker's own. What opens one opens no other."""
        return host_of(self.name)

    @property
    def exact(self) -> str:
        """As Docker takes it; a tag beside a digest says nothing."""
        return f"{self.name}@{self.digest}" if self.digest else f"{self.name}:{self.tag}"

    def pinned(self, digest: str) -> "ImageReference":
        return replace(self, digest=digest)

    def tagged(self, tag: str) -> "ImageReference":
        """Another one of the same name."""
        return replace(self, tag=tag, digest="")


@dataclass(frozen=True, slots=True)
class NewImage:
    """What `set_image` needs; made by `parse_new_image`. `port` None: what the image exposes.

    `password` None: the one that is stored stays, for the same registry and user.
    """

    reference: ImageReference
    port: Port | None = None
    username: str = ""
    password: Secret | None = None


def parse_new_image(
    *, image: str, port: str | int | None = None, username: str = "", password: Secret | None = None
) -> NewImage:
    """Texts from a form, a JSON body or the command line; each mistake names its field."""
    user = username.strip()
    if user and (len(user) > LONGEST_USER or not user.isprintable() or ":" in user):
        raise BadInput(f"A user's name is up to {LONGEST_USER} characters, without a colon.", field="username")
    given = _parse_password(password) if password else None
    if given and not user:
        raise BadInput("Say whose password this is.", field="username", hint="Registries want a user beside it.")
    at = parse_port(port)
    return NewImage(parse_image(image), at, user, given)


def parse_image(text: str, *, field: str = "image") -> ImageReference:
    reference = text.strip()
    if reference.startswith(("http://", "https://")):
        raise BadInput(
            "Leave http:// or https:// out: an image is named by its registry's host.", field=field, hint=_HINT
        )
    if not reference.isascii() or not REFERENCE.fullmatch(reference):
        raise BadInput("This does not name an image.", field=field, hint=_why_not(reference))
    if OF_BUILDS.match(reference):
        raise BadInput("Names that begin with bakery/ are those of what Bakery builds itself.", field=field, hint=_HINT)
    name, last = split_reference(reference)
    before, _, digest = reference.partition("@")
    tag = before[len(name) + 1 :] if before != name else _USUAL_TAG
    return ImageReference(name, tag, digest) if digest else ImageReference(name, last)


def parse_tag(text: str, *, field: str = "tag") -> str:
    """Or a digest."""
    tag = text.strip()
    if not TAG.fullmatch(tag) and not DIGEST.fullmatch(tag):
        raise BadInput("This cannot be the tag of an image.", field=field, hint="Like 1.2 or sha-9f3c1e7.")
    return tag


def with_tag(reference: ImageReference, tag: str) -> ImageReference:
    return reference.pinned(tag) if DIGEST.fullmatch(tag) else reference.tagged(tag)


def parse_port(text: str | int | None, *, field: str = "port") -> Port | None:
    """In the container."""
    said = "" if text is None else str(text).strip()
    if not said:
        return None
    if not (said.isascii() and said.isdecimal() and len(said) <= len(str(_HIGHEST_PORT))) or not (
        1 <= int(said) <= _HIGHEST_PORT
    ):
        raise BadInput(f"A port is a number from 1 to {_HIGHEST_PORT}.", field=field)
    return Port(int(said))


def shown_digest(digest: str) -> str:
    """As much of it as people compare."""
    return digest.removeprefix("sha256:")[:12]


def _parse_password(password: Secret) -> Secret:
    text = password.reveal().strip("\r\n")
    if not text or len(text) > LONGEST_PASSWORD or not text.isprintable():
        raise BadInput(f"A password or token is one line of up to {LONGEST_PASSWORD} characters.", field="token")
    return Secret(text)


def _why_not(text: str) -> str:
    if text != text.lower() and REFERENCE.fullmatch(text.lower()):
        return f"Its path is written in small letters: {text.lower()}"
    return _HINT
