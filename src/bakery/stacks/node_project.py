"""A project with a package.json, as far as its files tell, before it is asked what it is."""

from msgspec import Struct

from bakery.stacks.node_managers import Managed
from bakery.stacks.node_workspace import Workspace
from bakery.stacks.package_json import Package
from bakery.stacks.tree import Folder


class Project(Struct, frozen=True):
    folder: Folder
    package: Package
    workspace: Workspace | None
    managed: Managed
    program: str  # that runs a file: node or bun
    programs: tuple[str, ...]  # where it usually begins
    runs_typescript: bool = True
