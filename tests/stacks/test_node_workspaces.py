# ruff: noqa: E501 - a repository a row, to be compared with the next
"""Several packages in a repository: one is the app, all are installed from the top."""

import json

import pytest

from bakery.model.app_commands import words
from bakery.model.repository_paths import RepositoryPath
from bakery.stacks.node_workspace import find_workspace
from bakery.stacks.plan import GeneratedDockerfile
from bakery.stacks.tree import Folder
from tests.stacks.trees import Files, a_tree, plan_of, unknown

MEMBER = json.dumps({"name": "@shop/web", "scripts": {"build": "next build", "start": "next start"}, "dependencies": {"next": "15"}})  # fmt: skip
LIBRARY = json.dumps({"name": "@shop/ui", "main": "index.js", "exports": "./index.js"})


def workspace(top: dict[str, object], **files: str) -> Files:
    return {
        "package.json": json.dumps(top),
        "apps/web/package.json": MEMBER,
        "packages/ui/package.json": LIBRARY,
        "packages/ui/index.js": "",
        **files,
    }


NPM = workspace({"workspaces": ["apps/*", "packages/*"]}, **{"package-lock.json": ""})
PNPM = workspace(
    {}, **{"pnpm-lock.yaml": "", "pnpm-workspace.yaml": "packages:\n  - 'apps/*'\n  - \"packages/**\" # ours\n"}
)


@pytest.mark.parametrize(
    ("files", "install", "build"),
    [
        (NPM, words("npm", "--prefix", "../..", "ci"), words("npm", "run", "build")),
        (PNPM, words("pnpm", "--dir", "../..", "install", "--frozen-lockfile"), words("pnpm", "--filter", "@shop/web...", "run", "build")),
        (
            workspace({"workspaces": {"packages": ["apps/*"]}, "devDependencies": {"turbo": "2"}}, **{"turbo.json": "", "yarn.lock": ""}),
            words("yarn", "--cwd", "../..", "install", "--frozen-lockfile"),
            words("yarn", "run", "turbo", "run", "build", "--filter=@shop/web"),
        ),
        (
            workspace({"workspaces": ["apps/**"], "devDependencies": {"nx": "20"}}, **{"nx.json": ""}),
            words("npm", "--prefix", "../..", "install"),
            words("npx", "nx", "run-many", "--target=build", "--projects=@shop/web"),
        ),
    ],
)  # fmt: skip
def test_a_member_is_installed_from_the_top_and_built_with_what_it_needs(
    files: Files, install: object, build: object
) -> None:
    plan = plan_of(files, base="apps/web")
    assert (plan.base, plan.commands.install, plan.commands.build) == ("apps/web", install, build)
    assert "package.json counts it among its workspaces, so all of them are installed together." in plan.why


def test_the_only_app_of_a_workspace_is_found_and_a_library_is_none() -> None:
    plan = plan_of(NPM)
    assert (plan.base, plan.framework) == ("apps/web", "Next.js")


def test_what_the_top_needs_for_its_members_makes_no_app_of_it() -> None:
    plan = plan_of(
        {
            "package.json": '{"workspaces": ["apps/*"], "dependencies": {"next": "15"}, "devDependencies": {"nx": "20"}}',
            "nx.json": "{}",
            "apps/web/package.json": '{"name": "web", "dependencies": {"next": "15"}}',
        }
    )
    assert (plan.base, str(plan.commands.build)) == ("apps/web", "npx next build")


def test_what_others_of_its_workspace_need_is_no_app() -> None:
    plan = plan_of(
        {
            **workspace({"workspaces": ["apps/*", "packages/*"], "devDependencies": {"eslint-config-shop": "*"}}),
            "packages/lint/package.json": '{"name": "eslint-config-shop", "main": "index.js"}',
            "packages/lint/index.js": "",
        }
    )
    assert plan.base == "apps/web"


def test_two_apps_are_a_list_to_choose_from() -> None:
    found = unknown({**NPM, "apps/api/package.json": MEMBER})
    assert [one.base for one in found.alternatives] == ["apps/api", "apps/web"]


def test_its_image_is_built_from_the_top() -> None:
    own = plan_of(NPM, base="apps/web").dockerfile
    assert isinstance(own, GeneratedDockerfile)
    assert own.context == ""
    assert "\nCOPY apps/web/package.json ./apps/web/\nCOPY packages/ui/package.json ./packages/ui/\n" in own.text
    assert own.text.index("npm ci") < own.text.index("COPY . .") < own.text.index("WORKDIR /app/apps/web")


@pytest.mark.parametrize(
    ("patterns", "is_member"),
    [
        (["apps/*"], True),
        (["./apps/*/"], True),
        (["apps/**"], True),
        (["**"], False),
        (["apps/*", "!apps/web"], False),
        (["apps"], False),
        (["apps/w*"], True),
        ([7, None, "*" * 500], False),
        ([".."], False),
    ],
)
def test_who_is_a_member(patterns: list[object], *, is_member: bool) -> None:
    tree = a_tree(workspace({"workspaces": patterns}), base="apps/web")
    assert (find_workspace(Folder(tree, RepositoryPath("apps/web"))) is not None) == is_member


def test_a_workspace_that_counts_itself_is_no_circle() -> None:
    files = {
        "package.json": json.dumps({"workspaces": [".", "..", "a", "a/b"], "scripts": {"start": "x"}}),
        "a/package.json": json.dumps({"workspaces": ["..", "b"]}),
        "a/b/package.json": MEMBER,
    }
    assert plan_of(files, base="a/b").commands.install == words("npm", "--prefix", "..", "install")
