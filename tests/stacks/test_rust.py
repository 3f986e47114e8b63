import pytest

from bakery.model.app_commands import ShellText, words
from bakery.model.runtimes import Runtime
from bakery.stacks.plan import GeneratedDockerfile, ToolVersion
from tests.stacks.trees import Files, plan_of

PACKAGE = '[package]\nname = "shop"\n[dependencies]\naxum = "0.7"\nsqlx = { version = "0.8" }\n'


def test_a_package_in_full() -> None:
    plan = plan_of({"Cargo.toml": PACKAGE, "Cargo.lock": '[[package]]\nname = "openssl-sys"\n', "src/main.rs": ""})
    assert (plan.stack, plan.framework, plan.runtime, plan.port) == ("rust", "Axum", Runtime.DOCKER, 8000)
    assert plan.commands.install is None
    assert str(plan.commands.build) == "cargo install --locked --no-track --root . --path . --bin shop"
    assert plan.commands.start == words("./bin/shop")
    assert [(one.tool, one.version, one.source) for one in plan.versions] == [("Rust", "1", "the default")]
    assert plan.system_packages == ("libssl-dev", "pkg-config", "libssl3")
    assert [one.name for one in plan.variables] == ["DATABASE_URL"]
    assert plan.why == (
        "Cargo.toml is Cargo's.",
        "“shop” is its only program.",
        "Cargo.lock names openssl-sys, which needs libssl-dev, pkg-config and libssl3.",
    )


@pytest.mark.parametrize(
    ("lock", "packages"), [({}, ("libpq-dev", "pkg-config", "libpq5")), ({"Cargo.lock": 'name = "x"'}, ())]
)
def test_diesel_says_what_it_needs_where_no_lock_file_does(lock: Files, packages: tuple[str, ...]) -> None:
    manifest = '[package]\nname = "shop"\n[dependencies]\ndiesel = { version = "2", features = ["postgres"] }\n'
    assert plan_of({"Cargo.toml": manifest, "src/main.rs": "", **lock}).system_packages == packages


def test_rocket_is_told_by_variables_of_its_own() -> None:
    plan = plan_of({"Cargo.toml": '[package]\nname = "r"\n[dependencies]\nrocket = "0.5"\n', "src/main.rs": ""})
    assert plan.commands.start == ShellText(
        'exec env ROCKET_ADDRESS="${HOST:-127.0.0.1}" ROCKET_PORT="${PORT:-8000}" ./bin/r'
    )


def test_loco_is_told_on_its_command_line_and_shuttles_programs_start_nowhere_else() -> None:
    def needing(package: str) -> Files:
        return {"Cargo.toml": f'[package]\nname = "r"\n[dependencies]\n{package} = "1"\n', "src/main.rs": ""}

    assert plan_of(needing("loco-rs")).commands.start == ShellText(
        'exec env LOCO_ENV="${LOCO_ENV:-production}" ./bin/r start '
        '--binding "${HOST:-127.0.0.1}" --port "${PORT:-8000}"'
    )
    assert plan_of(needing("shuttle-runtime")).missing == (
        "Cargo.toml needs shuttle-runtime, which only Shuttle's own tools start.",
    )


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        (
            {"Cargo.toml": '[package]\nname = "m"\ndefault-run = "b"\n', "src/main.rs": "", "src/bin/b.rs": ""},
            "--path . --bin b",
        ),
        ({"Cargo.toml": '[package]\nname = "m"\n[[bin]]\nname = "x"\npath = "a.rs"\n'}, "--path . --bin x"),
        ({"Cargo.toml": '[package]\nname = "m"\n', "src/bin/api.rs": "", "src/bin/z.rs": ""}, "--path . --bin api"),
        (
            {
                "Cargo.toml": '[workspace]\nmembers = ["crates/*"]\n',
                "crates/app/Cargo.toml": '[package]\nname = "run"\n',
                "crates/app/src/main.rs": "",
                "crates/lib/Cargo.toml": '[package]\nname = "lib"\n',
                "crates/lib/src/lib.rs": "",
            },
            "--path crates/app --bin run",
        ),
    ],
)  # fmt: skip
def test_the_program_that_is_built(files: Files, chosen: str) -> None:
    plan = plan_of(files)
    assert (str(plan.commands.build), plan.missing) == (f"cargo install --no-track --root . {chosen}", ())


@pytest.mark.parametrize(
    ("files", "missing"),
    [
        (
            {"Cargo.toml": '[package]\nname = "m"\n', "src/bin/a.rs": "", "src/bin/b.rs": ""},
            "There are several programs: a, b. Name one as “default-run”, or say which is built and started.",
        ),
        (
            {"Cargo.toml": '[package]\nname = "m"\n', "src/lib.rs": ""},
            "Cargo.toml is here, but no program: no src/main.rs, nothing in src/bin, and no [[bin]].",
        ),
        (
            {"Cargo.toml": "[", "src/main.rs": ""},
            "Nothing says what is built: say how it is started.",
        ),
    ],
)
def test_none_is_guessed(files: Files, missing: str) -> None:
    assert plan_of(files).missing == (missing,)


@pytest.mark.parametrize(
    ("files", "image"),
    [
        ({"rust-toolchain.toml": '[toolchain]\nchannel = "1.85.1"\n'}, "rust:1.85-slim-bookworm"),
        ({"rust-toolchain": "1.70\n"}, "rust:1.70-slim-bookworm"),
        ({"rust-toolchain": "nightly-2024-01-01\n"}, "rust:1-slim-bookworm"),
        ({".tool-versions": "rust nightly\n"}, "rust:1-slim-bookworm"),
        ({"mise.toml": '[tools]\nrust = "1.80"\n'}, "rust:1.80-slim-bookworm"),
    ],
)
def test_the_version_is_read_where_it_is_written(files: Files, image: str) -> None:
    own = plan_of({"Cargo.toml": PACKAGE, "src/main.rs": "", **files}).dockerfile
    assert f"FROM {image} AS build\n" in getattr(own, "text", "")


def test_a_toolchain_that_a_file_names_is_fetched_before_the_sources() -> None:
    files = {"Cargo.toml": PACKAGE, "src/main.rs": "", "rust-toolchain": "nightly-2024-01-01\n"}
    plan = plan_of(files)
    assert plan.versions == (ToolVersion("Rust", "nightly-2024-01-01", "rust-toolchain"),)
    assert "COPY rust-toolchain ./\nRUN cargo --version\nCOPY . .\n" in getattr(plan.dockerfile, "text", "")


def test_a_channel_that_only_other_tools_name_is_told_to_rustup() -> None:
    own = plan_of({"Cargo.toml": PACKAGE, "src/main.rs": "", ".tool-versions": "rust nightly\n"}).dockerfile
    assert "ENV RUSTUP_TOOLCHAIN=nightly\n" in getattr(own, "text", "")


def test_what_is_built_for_webassembly_starts_nowhere_by_itself() -> None:
    files = {"Cargo.toml": PACKAGE, "src/main.rs": "", ".cargo/config.toml": '[build]\ntarget = "wasm32-wasi"\n'}
    assert plan_of(files).missing == (
        ".cargo/config.toml builds for wasm32-wasi, which only starts in something else: add a Dockerfile.",
    )
    assert plan_of({**files, ".cargo/config.toml": "[build]\njobs = 2\n"}).missing == ()


def test_a_bot_is_a_worker_without_a_port() -> None:
    plan = plan_of({"Cargo.toml": '[package]\nname = "b"\n[dependencies]\nserenity = "0.12"\n', "src/main.rs": ""})
    assert (plan.port, plan.commands.start, plan.commands.processes) == (None, None, {"worker": words("./bin/b")})
    assert isinstance(plan.dockerfile, GeneratedDockerfile)
    assert "EXPOSE" not in plan.dockerfile.text
