import json
from typing import Any

import pytest

from bakery.model.app_commands import AppCommand, words
from bakery.model.runtimes import Runtime
from tests.stacks.trees import Files, plan_of

SERVER = {"scripts": {"start": "node server.js"}}


def package(**keys: object) -> str:
    return json.dumps(keys)


@pytest.mark.parametrize(("lock", "argv"), [("package-lock.json", "npm"), ("bun.lock", "bun")])
def test_a_bot_is_a_worker_without_a_port(lock: str, argv: str) -> None:
    manifest = package(scripts={"start": "node bot.js"}, dependencies={"discord.js": "14"})
    plan = plan_of({"package.json": manifest, lock: "{}"})
    assert (plan.port, plan.commands.start, plan.missing) == (None, None, ())
    assert plan.commands.processes == {"worker": words(argv, "run", "start")}
    assert plan.why[-1] == "package.json needs a client for chats and no server: a worker without a port."
    assert "EXPOSE" not in getattr(plan.dockerfile, "text", "EXPOSE")
    assert f'CMD ["{argv}", "run", "start"]' in getattr(plan.dockerfile, "text", "")


def test_a_bot_that_serves_pages_too_has_a_port() -> None:
    needs = {"discord.js": "14", "express": "5"}
    plan = plan_of({"package.json": package(**SERVER, dependencies=needs), "package-lock.json": "{}"})
    assert (plan.port, plan.commands.processes) == (3000, {})


def test_an_app_with_scripts_in_full() -> None:
    plan = plan_of(
        {
            "package.json": package(scripts={"start": "node dist", "build": "tsc", "test": "node --test"}),
            "package-lock.json": "{}",
        }
    )
    assert (plan.stack, plan.runtime, plan.port, plan.paths) == ("node", Runtime.DOCKER, 3000, ("node_modules/.bin",))
    assert plan.commands.install == words("npm", "ci")
    assert plan.commands.build == words("npm", "run", "build")
    assert plan.commands.test == words("npm", "run", "test")
    assert plan.commands.start == words("npm", "run", "start")
    assert plan.why == (
        "package.json is here, so this is for Node.",
        "package-lock.json was left by npm.",
        "package.json has scripts “build” and “test”.",
        "package.json has a script “start”.",
    )
    assert [(one.runtime, one.why) for one in plan.alternatives] == [
        (Runtime.PROCESS, "It can run as a process, without Docker.")
    ]


@pytest.mark.parametrize(
    ("files", "install"),
    [
        ({"package-lock.json": ""}, words("npm", "ci")),
        ({"npm-shrinkwrap.json": ""}, words("npm", "ci")),
        ({"pnpm-lock.yaml": ""}, words("pnpm", "install", "--frozen-lockfile")),
        ({"yarn.lock": ""}, words("yarn", "install", "--frozen-lockfile")),
        ({"yarn.lock": "", ".yarnrc.yml": ""}, words("yarn", "install", "--immutable")),
        ({}, words("npm", "install")),
    ],
)
def test_the_lock_file_names_the_package_manager(files: Files, install: AppCommand) -> None:
    assert plan_of({"package.json": package(**SERVER), **files}).commands.install == install


@pytest.mark.parametrize(
    ("manager", "install"),
    [
        ("pnpm@9.1.0", words("pnpm", "install")),
        ("yarn@4.1.0+sha224.x", words("yarn", "install")),
        ("npm@10", words("npm", "ci")),
        ("-rf@1", words("npm", "ci")),
    ],
)
def test_what_package_json_names_comes_before_the_lock_file(manager: str, install: AppCommand) -> None:
    plan = plan_of({"package.json": package(packageManager=manager, **SERVER), "package-lock.json": ""})
    assert plan.commands.install == install


def test_a_lock_file_that_contradicts_the_manifest_is_told() -> None:
    plan = plan_of({"package.json": package(packageManager="pnpm@9", **SERVER), "yarn.lock": ""})
    assert "package.json names pnpm as its package manager." in plan.why
    assert "yarn.lock contradicts that, and does not count." in plan.why


def test_two_lock_files_are_told() -> None:
    plan = plan_of({"package.json": package(**SERVER), "pnpm-lock.yaml": "", "package-lock.json": ""})
    assert "pnpm-lock.yaml was left by pnpm." in plan.why
    assert "package-lock.json contradicts that, and does not count." in plan.why


@pytest.mark.parametrize(
    ("keys", "files", "start"),
    [
        ({"main": "./lib/index.js"}, {"lib/index.js": ""}, words("node", "lib/index.js")),
        ({"main": "gone.js"}, {"server.js": ""}, words("node", "server.js")),
        ({"main": "../x.js"}, {"index.js": ""}, words("node", "index.js")),
        ({"main": "--eval.js"}, {"--eval.js": "", "app.js": ""}, words("node", "app.js")),
        ({"main": "a;b.js"}, {"a;b.js": ""}, None),
        ({"main": 7}, {}, None),
    ],
)
def test_without_a_script_a_program_is_looked_for(keys: dict[str, Any], files: Files, start: AppCommand | None) -> None:
    assert plan_of({"package.json": package(**keys), **files}).commands.start == start


def test_the_test_that_npm_init_writes_is_none() -> None:
    scripts = {"start": "x", "test": 'echo "Error: no test specified" && exit 1'}
    assert plan_of({"package.json": package(scripts=scripts)}).commands.test is None


@pytest.mark.parametrize("text", ["{", "[]", "null", "7", '"x"', "{}\0", "\ufeff[", "{" * 9999])
def test_a_broken_package_json_says_nothing_and_is_told(text: str) -> None:
    plan = plan_of({"package.json": text, "index.js": ""})
    assert plan.commands.start == words("node", "index.js")
    assert plan.why[0] == "package.json cannot be read as JSON, so nothing that it says counts."


def test_utf_16_is_read_too() -> None:
    assert plan_of({"package.json": package(**SERVER).encode("utf-16")}).commands.start == words("npm", "run", "start")


@pytest.mark.parametrize(
    ("files", "keys", "image"),
    [
        ({}, {}, "node:24-slim"),
        ({".nvmrc": "v20.11.1\n"}, {}, "node:20-slim"),
        ({".nvmrc": "lts/*"}, {}, "node:24-slim"),
        ({".node-version": "18"}, {"node": ">=20"}, "node:18-slim"),
        ({}, {"node": "20.x"}, "node:20-slim"),
        ({}, {"node": ">=18"}, "node:24-slim"),
        ({}, {"node": ">=18 <21"}, "node:20-slim"),
        ({}, {"node": "^24.1.0"}, "node:24-slim"),
        ({}, {"node": "99"}, "node:24-slim"),
        ({}, {"node": "$(id)"}, "node:24-slim"),
    ],
)
def test_the_version_is_read_where_it_is_written(files: Files, keys: dict[str, str], image: str) -> None:
    own = plan_of({"package.json": package(engines=keys, **SERVER), **files}).dockerfile
    assert own is not None
    assert f"FROM {image} AS base\n" in getattr(own, "text", "")


def test_an_image_has_the_package_manager_that_package_json_names() -> None:
    own = plan_of({"package.json": package(packageManager="pnpm@9.1.0+sha512.x", **SERVER)}).dockerfile
    assert "\nRUN npm install --global pnpm@9.1.0\n" in getattr(own, "text", "")


class TestFilesAlone:
    VITE = package(scripts={"build": "vite build"}, devDependencies={"vite": "^5"})

    def test_the_build_of_vite_is_served_as_files(self) -> None:
        plan = plan_of({"package.json": self.VITE, "index.html": ""})
        assert (plan.runtime, plan.static_folder, plan.commands.start) == (Runtime.STATIC, "dist", None)
        assert plan.commands.build == words("npm", "run", "build")
        assert plan.why[-1] == (
            "package.json needs vite, and index.html is its page: the build is files; they are in dist."
        )

    def test_its_configuration_may_name_another_folder(self) -> None:
        plan = plan_of(
            {
                "package.json": self.VITE,
                "index.html": "",
                "vite.config.ts": "export default {build: {outDir: './build/'}}",
            }
        )
        assert plan.static_folder == "build"

    @pytest.mark.parametrize("out", ["../up", "/etc", "a b", "$(id)"])
    def test_a_folder_elsewhere_does_not_count(self, out: str) -> None:
        files = {"package.json": self.VITE, "index.html": "", "vite.config.js": f'outDir: "{out}"'}
        assert plan_of(files).static_folder == "dist"

    @pytest.mark.parametrize("start", ["vite", "vite preview --host", "vite dev"])
    def test_a_server_for_development_is_no_start(self, start: str) -> None:
        scripts = {"build": "vite build", "start": start}
        files = {"package.json": package(scripts=scripts, dependencies={"vite": "5"}), "index.html": ""}
        assert plan_of(files).runtime is Runtime.STATIC

    def test_the_build_of_react_scripts_is_in_build(self) -> None:
        scripts = {"start": "react-scripts start", "build": "react-scripts build"}
        plan = plan_of({"package.json": package(scripts=scripts, dependencies={"react-scripts": "5"})})
        assert (plan.runtime, plan.static_folder) == (Runtime.STATIC, "build")

    @pytest.mark.parametrize(
        ("keys", "files"),
        [
            ({"devDependencies": {"vite": "5", "@sveltejs/kit": "2"}}, {"index.html": ""}),
            ({"devDependencies": {"vite": "5"}}, {}),
            ({}, {"index.html": ""}),
        ],
    )
    def test_what_may_need_a_server_is_no_guess(self, keys: dict[str, Any], files: Files) -> None:
        plan = plan_of({"package.json": package(scripts={"build": "x"}, **keys), **files}, stack="node")
        assert plan.runtime is not Runtime.STATIC

    def test_a_start_that_somebody_said_needs_a_server(self) -> None:
        plan = plan_of({"package.json": self.VITE, "index.html": "", "Procfile": "web: node server.js"})
        assert plan.runtime is Runtime.DOCKER


def test_what_yarn_packs_comes_along_with_the_app_unless_it_unpacks() -> None:
    files = {"package.json": '{"scripts": {"start": "node a.js"}, "devDependencies": {"x": "1"}}', "yarn.lock": ""}
    packed = plan_of({**files, ".yarnrc.yml": "yarnPath: .yarn/releases/yarn-4.5.0.cjs\n"})
    unpacked = plan_of({**files, ".yarnrc.yml": "nodeLinker: node-modules\n"})
    assert "YARN_ENABLE_GLOBAL_CACHE=false" in getattr(packed.dockerfile, "text", "")
    assert "YARN_ENABLE_GLOBAL_CACHE" not in getattr(unpacked.dockerfile, "text", "")


def test_an_old_yarn_leaves_nothing_out_without_its_plugin() -> None:
    package = '{"packageManager": "yarn@3.6.4", "scripts": {"start": "node a.js"}, "devDependencies": {"x": "1"}}'
    files = {"package.json": package, "yarn.lock": "", ".yarnrc.yml": "nodeLinker: node-modules\n"}
    plugin = {".yarn/plugins/@yarnpkg/plugin-workspace-tools.cjs": ""}
    assert "workspaces focus" not in getattr(plan_of(files).dockerfile, "text", "")
    assert "workspaces focus" in getattr(plan_of({**files, **plugin}).dockerfile, "text", "")
