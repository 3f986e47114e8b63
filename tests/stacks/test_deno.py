"""When a folder is Deno's, and how it starts."""

import json
from collections.abc import Mapping

import pytest

from bakery.model.runtimes import Runtime
from bakery.stacks.documents import read_json_with_comments
from tests.stacks.trees import Files, plan_of

LISTENING = 'export DENO_SERVE_ADDRESS="tcp:${HOST:-127.0.0.1}:${PORT:-8000}"; exec '
SERVING = 'exec deno serve -A --host "${HOST:-127.0.0.1}" --port "${PORT:-8000}" '


def deno(tasks: Mapping[str, object] | None = None, imports: Mapping[str, str] | None = None, **beside: str) -> Files:
    names = {name.replace("_", "."): text for name, text in beside.items()}
    return {"deno.json": json.dumps({"tasks": tasks or {}, "imports": imports or {}}), **names}


@pytest.mark.parametrize(
    ("files", "start"),
    [
        (deno({"start": "deno run -A x.ts"}), f"{LISTENING}deno task start"),
        (deno({"start": "deno run -A --watch main.ts"}, main_ts=""), f"{LISTENING}deno run -A main.ts"),
        (deno({"start": "deno run -A --watch x.ts"}), f"{LISTENING}deno task start"),
        (deno(server_ts="Deno.serve(x)"), f"{LISTENING}deno run -A server.ts"),
        (deno(main_ts="export default { fetch() {} };"), f"{SERVING}main.ts"),
        (deno(imports={"$fresh/": "https://deno.land/x/fresh@1.7.3/"}, main_ts=""), f"{LISTENING}deno run -A main.ts"),
        (deno(imports={"a": "jsr:@fresh/core@2", "b": "npm:vite@7"}, main_ts=""), f"{SERVING}_fresh/server.js"),
    ],
)
def test_how_it_starts(files: Files, start: str) -> None:
    plan = plan_of(files)
    assert (plan.stack, str(plan.commands.start), plan.missing) == ("deno", start, ())


@pytest.mark.parametrize(
    ("files", "folder"),
    [
        (deno({"build": "deno task lume"}, {"lume/": "https://deno.land/x/lume@v2.3.3/"}), "_site"),
        (deno({"build": "vite build", "dev": "vite"}, {"vite": "npm:vite@6"}, index_html=""), "dist"),
    ],
)
def test_a_site_that_it_builds_is_files_alone(files: Files, folder: str) -> None:
    plan = plan_of(files)
    assert (plan.stack, plan.runtime, plan.static_folder, plan.commands.start) == ("deno", Runtime.STATIC, folder, None)
    assert (str(plan.commands.build), plan.port, plan.missing) == ("deno task build", None, ())
    assert f'COPY --from=build ["/app/{folder}/", "/"]\n' in getattr(plan.dockerfile, "text", "")


def test_with_a_task_that_starts_it_the_site_is_a_server() -> None:
    files = deno({"build": "vite build", "start": "deno run -A s.ts"}, {"vite": "npm:vite@6"}, index_html="")
    assert (plan_of(files).runtime, plan_of(files).static_folder) == (Runtime.DOCKER, None)


@pytest.mark.parametrize(
    "line",
    [
        'import { serve } from "https://deno.land/std@0.140.0/http/server.ts";',
        "import { Hono } from 'jsr:@hono/hono@4'",
        'import "https://deno.land/x/dotenv/load.ts"',
    ],
)
def test_a_program_alone_is_known_by_what_it_imports(line: str) -> None:
    plan = plan_of({"src/index.ts": f"{line}\n", "README.md": ""})
    assert (plan.stack, str(plan.commands.start)) == ("deno", f"{LISTENING}deno run -A src/index.ts")
    assert plan.why[0] == "src/index.ts imports from an address or from JSR, as programs of Deno do."


def test_nothing_that_starts_is_said() -> None:
    (missing,) = plan_of(deno({"lint": "deno lint"})).missing
    assert missing.startswith("deno.json has no task “start”, and none of main.ts, server.ts, mod.ts")


@pytest.mark.parametrize(
    ("beside", "stack"),
    [
        ({"deno.json": "{}", "package-lock.json": ""}, "node"),
        ({"deno.json": "{}"}, "node"),
        ({"main.ts": "Deno.serve(x)"}, "node"),
        ({"deno.json": "{}", "deno.lock": "", "main.ts": ""}, "deno"),
        ({"deno.json": '{"tasks": {"start": "x"}}'}, "deno"),
    ],
)
def test_beside_a_package_json(beside: Files, stack: str) -> None:
    assert plan_of({"package.json": '{"scripts": {"start": "x"}}', **beside}).stack == stack


@pytest.mark.parametrize(
    ("written", "version"),
    [("2", "2.8.1"), ("2.3", "2.3.0"), ("v2.4.1", "2.4.1"), ("1", "1.46.3"), ("newest", "2.8.1")],
)
def test_its_images_have_whole_versions(written: str, version: str) -> None:
    plan = plan_of({**deno(main_ts=""), ".deno-version": written})
    assert [one.version for one in plan.versions] == [version]


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ('{"a": "// no comment", /* x */ "b": [1, 2,], // y\n}', {"a": "// no comment", "b": [1, 2]}),
        ('{"a": "\\"/*", "b": ",}"}', {"a": '"/*', "b": ",}"}),
        ('{"a": 1 /* never ends', None),
        ('{"a": "never ends}', None),
    ],
)
def test_json_with_comments(text: str, document: object) -> None:
    assert read_json_with_comments(text) == document
