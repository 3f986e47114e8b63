"""Apps that are built in one image and started in another: what all compiled languages have in common."""

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from bakery.model.app_commands import AppCommand, words
from bakery.model.repository_paths import RepositoryPath
from bakery.model.runtimes import Runtime
from bakery.model.variables import VariableName
from bakery.stacks.image_text import FOLDER, ImageText
from bakery.stacks.plan import Commands, Found, GeneratedDockerfile
from bakery.stacks.tree import is_plain_path

DEBIAN = "debian:bookworm-slim"
# An image may have a user 1000 of its own, so the next number that is free is taken.
DEBIAN_USER = words("useradd", "--create-home", "app")
ALPINE_USER = words("adduser", "-D", "app")


class Brought(Struct, frozen=True):
    """Programs of another image: where they are there, and here. `then`: what is run when they are here."""

    image: str
    paths: Mapping[str, str]
    why: str
    then: AppCommand | None = None


class Image(Struct, frozen=True):
    """`first`: the files that are all that installing needs, then the folders, which end with “/”.

    `prepare`: what comes before that, once an image. `warm`: what compiles that much before the sources come.
    `results`: what a start needs of all that was built, below the app's folder; a folder ends with “/”. Empty: all.
    `has_user`: one that is not root is in the last image, named so. `packages_to_run`: of Alpine, where that is it.
    """

    sources: tuple[str, ...]
    build_from: str
    run_from: str = DEBIAN
    first: tuple[str, ...] = ()
    prepare: tuple[AppCommand, ...] = ()
    warm: AppCommand | None = None
    caches: tuple[str, ...] = ()
    packages_to_build: tuple[str, ...] = ()
    packages_to_run: tuple[str, ...] = ()
    build_variables: Mapping[str, str] = field(default_factory=dict)
    run_variables: Mapping[str, str] = field(default_factory=dict)
    results: tuple[str, ...] = ()
    ignores: tuple[str, ...] = ()
    brought: Brought | None = None  # that its build calls
    is_alpine: bool = False
    has_user: str | None = None
    needs_no_files: bool = False  # what installs names all that it needs
    is_deaf: bool = False  # as the first process of a container, to the signals that end it
    note: str = ""  # why the last image is what it is
    files: RepositoryPath | None = None  # what is served, where nothing is started


def compiled(found: Found, image: Image) -> Found:
    """With a Dockerfile, and the runtimes that this allows."""
    served = image.files is not None
    return replace(
        found,
        runtimes=(Runtime.STATIC,) if served else found.runtimes,
        static_folder=image.files,
        system_packages=tuple(sorted({*image.packages_to_build, *image.packages_to_run})),
        write_dockerfile=lambda final, names: write_compiled(image, found, final, names),
    )


def write_compiled(image: Image, found: Found, final: Commands, names: tuple[VariableName, ...]) -> GeneratedDockerfile:
    """`final`: the commands that were found, or what somebody said in their place."""
    own = found.commands
    text = ImageText([name for name in image.sources if is_plain_path(name.lstrip("."))], ignores=image.ignores)
    if not (final.install or final.build or final.test or image.prepare):
        _add_base(text, image)
        text.copy(".", owner=image.has_user or "app")
        _serve(text, image, found, final)
        return text.done()
    text.stage("build", image.build_from)
    text.packages(*image.packages_to_build)
    if image.brought:
        _bring(text, image.brought)
    if image.build_variables:
        text.env(**image.build_variables)
    for command in image.prepare:
        text.run(command)
    text.arguments(names)
    _add_what_it_needs(text, image, own, final)
    text.build(final.build, caches=image.caches)
    text.test(final.test, caches=image.caches)
    if image.files is not None:
        text.only_files(image.files)
        return text.done()
    _add_base(text, image)
    _copy_built(text, image, image.results if _starts_as_found(own, final) else ())
    _serve(text, image, found, final)
    return text.done()


def _bring(text: ImageText, brought: Brought) -> None:
    text.comment(brought.why)
    for path, to in brought.paths.items():
        text.copy_built(path, to, source=brought.image)
    text.run(brought.then)


def _add_what_it_needs(text: ImageText, image: Image, own: Commands, final: Commands) -> None:
    """Before the sources, where that can be: it is fetched anew only when it changes."""
    is_first = bool(image.first) or image.needs_no_files
    if is_first and final.install is not None and final.install == own.install:
        files = [name for name in image.first if not name.endswith("/")]
        if files:
            place = files[0].rpartition("/")[0]
            to = f"./{place}/" if place else "./"
            text.copy(*files, to=to, comment="Before the sources: fetched anew only when these files change.")
        for folder in image.first[len(files) :]:
            text.copy(folder, to=folder)
        text.run(final.install, caches=image.caches)
        text.run(image.warm, caches=image.caches)
        text.copy(".")
    else:
        text.copy(".")
        text.run(final.install, caches=image.caches)


def _add_base(text: ImageText, image: Image) -> None:
    """What the last stage begins with."""
    text.stage("", image.run_from, comment=image.note)
    packages = (*image.packages_to_run, *(["tini"] if image.is_deaf else []))
    if image.is_alpine:
        text.packages_of_alpine(*packages)
    else:
        text.packages(*packages)
    if image.run_variables:
        text.env(**image.run_variables)
    if image.has_user is None:
        text.run(ALPINE_USER if image.is_alpine else DEBIAN_USER)


def _copy_built(text: ImageText, image: Image, results: tuple[str, ...]) -> None:
    owner = image.has_user or "app"
    for path in results:
        folder = path if path.endswith("/") else path[: path.rfind("/") + 1]
        text.copy_built(f"{FOLDER}/{path.rstrip('/')}", folder or "./", owner=owner)
    if not results:
        text.copy_built(FOLDER, owner=owner)


def _serve(text: ImageText, image: Image, found: Found, final: Commands) -> None:
    if image.is_deaf and final.start:
        text.below_tini()
    text.serve(final.start, port=found.port, user=image.has_user or "app")


def _starts_as_found(own: Commands, final: Commands) -> bool:
    """Then it needs no more than was found. What somebody says may name any file."""
    return not final.processes and all(
        getattr(own, name) == getattr(final, name) for name in ("build", "start", "release", "before", "after")
    )
