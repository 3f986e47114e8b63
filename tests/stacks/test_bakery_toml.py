from pathlib import PurePosixPath

import pytest

from bakery.model.app_commands import ShellText, words
from bakery.model.errors import BadInput
from bakery.model.health_kinds import HealthKind, Statuses
from bakery.model.names import Port, ProcessName
from bakery.model.repository_paths import RepositoryPath
from bakery.model.strategies import Strategy
from bakery.model.unit import Limits
from bakery.model.variables import VariableName
from bakery.stacks.app_settings import AppSettings, DeploySettings, HealthSettings, Off, Volume
from bakery.stacks.bakery_toml import LARGEST, parse_bakery_toml

EVERY_KEY = """\
[build]
base = "apps/web"
dockerfile = "docker/Dockerfile"
context = "."
args = { VERSION = "1.2" }
install = ["pnpm", "install"]
command = "make | tee build.log"
test = false
watch = ["apps/web", "!**/*.md"]

[run]
command = "node server.js"
port = 3000
release = "node migrate.js"
volumes = ["data:/var/data", "uploads:public/uploads"]
before = "./before.sh"
after = ["./after.sh"]

[run.processes]
worker = "node worker.js"

[health]
kind = "http"
path = "/health?full=1"
status = "200-399"
command = "./check"
interval = "500ms"
timeout = 5
threshold = 3
successes = 2
grace = "1m"

[limits]
memory = "512M"
cpus = 1.5

[deploy]
strategy = "recreate"
drain = "30s"
bake = 0
warm = "10m"
auto_rollback = false
"""


def test_every_key_has_its_value() -> None:
    assert parse_bakery_toml(EVERY_KEY) == AppSettings(
        base=RepositoryPath("apps/web"),
        dockerfile=RepositoryPath("docker/Dockerfile"),
        context=RepositoryPath(""),
        build_args={VariableName("VERSION"): "1.2"},
        install=words("pnpm", "install"),
        build=ShellText("make | tee build.log"),
        test=Off.OFF,
        watch=("apps/web", "!**/*.md"),
        start=ShellText("node server.js"),
        port=Port(3000),
        processes={ProcessName("worker"): ShellText("node worker.js")},
        release=ShellText("node migrate.js"),
        volumes=(
            Volume("data", PurePosixPath("/var/data")),
            Volume("uploads", PurePosixPath("public/uploads")),
        ),
        before=ShellText("./before.sh"),
        after=words("./after.sh"),
        health=HealthSettings(
            kind=HealthKind.HTTP,
            path="/health?full=1",
            status=Statuses(200, 399),
            command=ShellText("./check"),
            interval=0.5,
            timeout=5.0,
            threshold=3,
            successes=2,
            grace=60.0,
        ),
        limits=Limits(memory_bytes=512 * 1024**2, cpu_percent=150),
        deploy=DeploySettings(
            strategy=Strategy.RECREATE, drain=30.0, bake=0.0, warm=600.0, auto_rollback=False
        ),
    )  # fmt: skip


def test_the_process_web_is_the_start() -> None:
    assert parse_bakery_toml('[run.processes]\nweb = "a"\nworker = "b"\n') == AppSettings(
        start=ShellText("a"), processes={ProcessName("worker"): ShellText("b")}
    )


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[biuld]\n", "line 1: There is no key “biuld” at the top.", "“build” may be meant."),
        ('[build]\n\nargz = "x"', "line 3: There is no key “argz” in [build].", "“args” may be meant."),
        ("[limits]\nzzz = 1", "line 2: There is no key “zzz” in [limits].", "Known are: memory, cpus."),
        ("build = 1", "line 1: “build” is a table.", "Write [build] on a line of its own."),
        ("[build]\nbase = '../x'", "line 2: This path leads out of the repository.", "Leave out the “..”."),
        (
            "[build]\nbase = '/etc'",
            "line 2: Use a path in the repository, with “/” between its parts.",
            "Like apps/web.",
        ),
        ("[build]\ndockerfile = '-f'", "line 2: A path does not begin with a hyphen.", ""),
        ("[build]\nbase = '.git/x'", "line 2: Nothing in .git is a part of the app.", ""),
        ("[run]\nport = 0", "line 2: Use a port number from 1 to 65535.", "Like 3000."),
        ("[run]\nport = '3000'", "line 2: A port is a number from 1 to 65535.", ""),
        ("[run]\nport = true", "line 2: A port is a number from 1 to 65535.", ""),
        (
            "[run]\n[run.processes]\n\nblue = 'x'",
            "line 4: Use up to 16 lower-case letters and digits, begin with a letter, and not “blue” or “green”.",
            "Like worker.",
        ),
        (
            "[run]\ncommand = 'a'\nprocesses = { web = 'b' }",
            "line 3: The process “web” is what [run] command starts: say it once.",
            "",
        ),
        ("[run]\ncommand = ''", "line 2: This command is empty.", ""),
        ("[run]\ncommand = ['-x']", "line 2: A command begins with a program, not with an option.", ""),
        ("[run]\ncommand = ['']", "line 2: A command begins with a program.", 'Like ["node", "server.js"].'),
        ('[run]\ncommand = "a\\u0000b"', "line 2: A command cannot hold a NUL or half a character.", ""),
        ("[run]\nvolumes = 'data:/x'", "line 2: This is a list.", 'Like volumes = ["…"].'),
        ("[run]\nvolumes = ['data:/etc/x']", "line 2: A volume cannot lie in /etc, which belongs to the system.", ""),
        (
            "[run]\nvolumes = ['data:/x/../../etc']",
            "line 2: A volume's path holds letters, digits, dots, hyphens and slashes, and no “..”.",
            "",
        ),
        ("[health]\npath = 'health'", "line 2: Use a path like /health, up to 200 characters.", ""),
        ("[health]\ninterval = 'soon'", "line 2: This is no duration.", "Like 30s, 500ms, 5m or 1h."),
        ("[health]\ninterval = nan", "line 2: This is no duration.", "Like 30s, 500ms, 5m or 1h."),
        ("[health]\ninterval = 0", "line 2: Use a duration from 0.1 to 3600 seconds.", ""),
        ("[health]\nstatus = 99", "line 2: This is no status of HTTP.", "Like 200, or 200-399."),
        (
            "[health]\nkind = 'command'",
            "line 2: Say which command is its health check.",
            'Like command = "./check".',
        ),
        ("[health]\nthreshold = 0", "line 2: Use a number from 1 to 100.", ""),
        ("[limits]\nmemory = '1K'", "line 2: Use at least 8M of memory.", "Like 512M or 1G."),
        ("[limits]\nmemory = '9999999T'", "line 2: That is more memory than there is.", "Like 512M or 1G."),
        ("[limits]\ncpus = inf", "line 2: Use a number of CPUs from 0.05 to 1000.", "Like 0.5 or 2."),
        ("[deploy]\nstrategy = 'canary'", "line 2: Choose “blue-green” or “recreate”.", ""),
        ("[deploy]\nauto_rollback = 'yes'", "line 2: This is true or false.", ""),
        ("[build.args]\nPORT = '1'", "line 2: Bakery sets PORT itself.", "Leave it out, or choose another name."),
        (
            "[build]\nargs.'a b' = '1'",
            "line 2: Use up to 128 letters, digits and underscores, and no digit in front.",
            "Like DATABASE_URL.",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(text: str, message: str, hint: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_bakery_toml(text)
    assert (refused.value.message, refused.value.hint) == (f"bakery.toml, {message}", hint)


def test_what_is_no_toml_is_told_as_the_parser_does() -> None:
    with pytest.raises(BadInput) as refused:
        parse_bakery_toml("[build]\nbase =\n")
    assert refused.value.message == "bakery.toml is no TOML: Invalid value (at line 2, column 7)."


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 20_000, ".".join("a" * 20_000) + " = 1", "x" * (LARGEST + 1), "a = " + "9" * 5_000]
)
def test_what_would_take_too_long_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_bakery_toml(text)
