"""Static files: a page that is there already, for nginx to hand out."""

from bakery.model.apps import Runtime
from bakery.model.repository_paths import RepositoryPath
from bakery.stacks.plan import Commands, Found, Said
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder

PAGE = "index.html"
FOLDERS = ("", "public", "dist", "_site", "site")
MARKS = tuple(f"{folder}/{PAGE}" if folder else PAGE for folder in FOLDERS)


def find_static_files(folder: Folder, _: Said) -> Found | None:
    page = folder.first(*MARKS)
    if page is None:
        return None
    return Found(
        runtimes=(Runtime.STATIC,),
        commands=Commands(),
        why=(f"{folder.shown(page)} is a page that can be served as it stands.",),
        static_folder=RepositoryPath(page.removesuffix(PAGE).rstrip("/")),
    )


STACK = Stack("static", find_static_files, looks_for=MARKS)
