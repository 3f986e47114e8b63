"""Small repositories, written where they are used, and answered as delivery does: names first, then a few files."""

from collections.abc import Mapping

from bakery.model.repository_paths import TOP, RepositoryPath
from bakery.model.runtimes import Runtime
from bakery.stacks.app_settings import NOTHING_SAID, AppSettings
from bakery.stacks.detect import detect, wanted_files
from bakery.stacks.plan import BuildPlan, Detected, Undetected
from bakery.stacks.tree import FileTree

Files = Mapping[str, str | bytes]


def a_tree(files: Files, *, base: str = "") -> FileTree:
    """With the contents that detection asks for, and no others."""
    contents = {name: text.encode() if isinstance(text, str) else text for name, text in files.items()}
    tree = FileTree({name: len(content) for name, content in contents.items()})
    while names := wanted_files(tree, base=RepositoryPath(base)):
        tree = tree.with_contents({name: contents[name] for name in names})
    return tree


def answer(
    files: Files,
    *,
    base: str = TOP,
    runtime: Runtime | None = None,
    stack: str | None = None,
    settings: AppSettings = NOTHING_SAID,
) -> Detected:
    where = RepositoryPath(base)
    return detect(a_tree(files, base=base), base=where, runtime=runtime, stack=stack, settings=settings)


def plan_of(files: Files, **asked: str) -> BuildPlan:
    found = answer(files, base=asked.get("base", ""), stack=asked.get("stack"))
    assert isinstance(found, BuildPlan), found
    return found


def unknown(files: Files, *, base: str = "", runtime: Runtime | None = None) -> Undetected:
    found = answer(files, base=base, runtime=runtime)
    assert isinstance(found, Undetected), found
    return found
