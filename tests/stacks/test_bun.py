import json

import pytest

from bakery.model.app_commands import words
from bakery.model.runtimes import Runtime
from tests.stacks.trees import Files, plan_of

PACKAGE = json.dumps({"scripts": {"start": "bun src/index.ts", "build": "x", "test": "bun test"}})


def test_an_app_with_a_lock_file_in_full() -> None:
    plan = plan_of({"package.json": PACKAGE, "bun.lock": ""})
    assert (plan.stack, plan.runtime, plan.port) == ("bun", Runtime.DOCKER, 3000)
    assert plan.commands.install == words("bun", "install", "--frozen-lockfile")
    assert plan.commands.build == words("bun", "run", "build")
    assert plan.commands.test == words("bun", "run", "test")
    assert plan.commands.start == words("bun", "run", "start")
    assert plan.why == (
        "“bun” comes before what else was found here: node.",
        "bun.lock is Bun's.",
        "package.json has scripts “build” and “test”.",
        "package.json has a script “start”.",
    )


@pytest.mark.parametrize(
    ("files", "stack"),
    [
        ({"bun.lockb": b"\0", "package.json": "{}"}, "bun"),
        ({"package.json": json.dumps({"packageManager": "bun@1.1.0"})}, "bun"),
        ({"package.json": json.dumps({"scripts": {"start": "bun index.ts"}})}, "bun"),
        ({"package.json": json.dumps({"scripts": {"dev": "bun --hot index.ts"}}), "index.ts": ""}, "bun"),
        ({"package.json": json.dumps({"scripts": {"dev": "bun x.ts"}}), "pnpm-lock.yaml": "", "index.js": ""}, "node"),
        ({"package.json": json.dumps({"scripts": {"dev": "bun x.ts", "start": "node x.js"}}), "x.js": ""}, "node"),
        ({"package.json": json.dumps({"packageManager": "pnpm@9", "scripts": {"start": "x"}}), "bun.lock": ""}, "node"),
    ],
)
def test_what_makes_it_an_app_for_bun(files: Files, stack: str) -> None:
    assert plan_of(files).stack == stack


def test_a_program_alone_needs_nothing_installed() -> None:
    plan = plan_of({"bunfig.toml": "", "index.ts": ""})
    assert (plan.commands.install, plan.commands.start) == (None, words("bun", "index.ts"))
