"""`bakery.toml`: what an app's own repository says about it. Every mistake names its line; an unknown key is one."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from bakery.model.app_commands import AppCommand
from bakery.model.errors import BadInput
from bakery.model.health_kinds import HealthKind
from bakery.model.labels import shown_part
from bakery.model.names import ProcessName, parse_process_name
from bakery.model.repository_paths import TOP, RepositoryPath, parse_repository_path
from bakery.model.strategies import Strategy
from bakery.model.unit import Limits
from bakery.model.variables import parse_variable_name
from bakery.stacks import bakery_toml_values as values
from bakery.stacks.app_settings import (
    AppSettings,
    CommandSetting,
    DeploySettings,
    HealthSettings,
    Off,
)
from bakery.stacks.documents import Document, parse_toml
from bakery.stacks.toml_lines import lines_of_keys

FILE = "bakery.toml"
LARGEST = 64 * 1024
MOST_PROCESSES = 20
MOST_VOLUMES = 20
MOST_BUILD_ARGS = 50
MOST_WATCHED = 50
_WEB = ProcessName("web")

KEYS: Mapping[str, tuple[str, ...]] = {
    "build": ("base", "dockerfile", "context", "args", "install", "command", "test", "watch"),
    "run": ("command", "port", "processes", "release", "volumes", "before", "after"),
    "health": ("kind", "path", "status", "command", "interval", "timeout", "threshold", "successes", "grace"),
    "limits": ("memory", "cpus"),
    "deploy": ("strategy", "drain", "bake", "warm", "auto_rollback"),
}

T = TypeVar("T")
N = TypeVar("N", bound=str)
E = TypeVar("E", HealthKind, Strategy)


def parse_bakery_toml(text: str) -> AppSettings:
    """Raises BadInput that names the line."""
    if len(text) > LARGEST:
        raise BadInput(f"{FILE} has more than {LARGEST // 1024} KiB.", field=FILE)
    try:
        document = parse_toml(text)
    except ValueError as error:
        raise BadInput(f"{FILE} is no TOML: {shown_part(str(error), at_most=200)}.", field=FILE) from None
    return _File(document, text).settings()


class _File:
    """The parsed document, with the lines for what is said about it."""

    def __init__(self, document: Document, text: str) -> None:
        self._document = document
        self._text = text

    def settings(self) -> AppSettings:
        self._expect_known((), self._document, tuple(KEYS))
        build, run = self._section("build"), self._section("run")
        processes = run.named("processes", parse_process_name, values.a_command, at_most=MOST_PROCESSES)
        start, web = run.command("command"), processes.pop(_WEB, None)
        if start and web:
            both = BadInput("The process “web” is what [run] command starts: say it once.")
            raise self.fault(("run", "processes", "web"), both)
        return AppSettings(
            base=build.path("base") or TOP,
            dockerfile=build.path("dockerfile"),
            context=build.path("context"),
            build_args=build.named("args", parse_variable_name, values.an_argument, at_most=MOST_BUILD_ARGS),
            install=build.command_or_off("install"),
            build=build.command_or_off("command"),
            test=build.command_or_off("test"),
            watch=tuple(build.each("watch", values.a_pattern, at_most=MOST_WATCHED)),
            start=start or web,
            port=run.taken("port", values.a_port),
            processes=processes,
            release=run.command_or_off("release"),
            volumes=tuple(run.each("volumes", values.a_volume, at_most=MOST_VOLUMES)),
            before=run.command("before"),
            after=run.command("after"),
            health=self._health(),
            limits=self._limits(),
            deploy=self._deploy(),
        )

    def _health(self) -> HealthSettings:
        health = self._section("health")
        kind = health.one_of("kind", HealthKind)
        if kind is HealthKind.COMMAND and health.command("command") is None:
            missing = BadInput("Say which command is its health check.", hint='Like command = "./check".')
            raise self.fault(("health", "kind"), missing)
        return HealthSettings(
            kind=kind,
            path=health.taken("path", values.a_health_path),
            status=health.taken("status", values.statuses),
            command=health.command("command"),
            interval=health.seconds("interval", at_least=0.1, at_most=3600),
            timeout=health.seconds("timeout", at_least=0.1, at_most=300),
            threshold=health.count("threshold"),
            successes=health.count("successes"),
            grace=health.seconds("grace", at_most=3600),
        )

    def _limits(self) -> Limits:
        limits = self._section("limits")
        return Limits(
            memory_bytes=limits.taken("memory", values.an_amount_of_memory),
            cpu_percent=limits.taken("cpus", values.a_cpu_percent),
        )

    def _deploy(self) -> DeploySettings:
        deploy = self._section("deploy")
        return DeploySettings(
            strategy=deploy.one_of("strategy", Strategy),
            drain=deploy.seconds("drain", at_most=3600),
            bake=deploy.seconds("bake", at_most=86_400),
            warm=deploy.seconds("warm", at_most=86_400),
            auto_rollback=deploy.taken("auto_rollback", values.yes_or_no),
        )

    def _section(self, name: str) -> "_Section":
        table = self._document.get(name, {})
        if not isinstance(table, dict):
            raise self.fault((name,), BadInput(f"“{name}” is a table.", hint=f"Write [{name}] on a line of its own."))
        self._expect_known((name,), table, KEYS[name])
        return _Section(self, name, table)

    def _expect_known(self, path: tuple[str, ...], table: Document, known: tuple[str, ...]) -> None:
        for key in table:
            if key not in known:
                where = f"in [{path[0]}]" if path else "at the top"
                from difflib import get_close_matches  # noqa: PLC0415 - for who made a mistake alone

                near = get_close_matches(key[:40], known, n=1)
                hint = f"“{near[0]}” may be meant." if near else f"Known are: {', '.join(known)}."
                raise self.fault(
                    (*path, key), BadInput(f"There is no key “{shown_part(key, at_most=40)}” {where}.", hint=hint)
                )

    def fault(self, path: tuple[str, ...], error: BadInput) -> BadInput:
        lines = lines_of_keys(self._text)
        line = next((lines[path[:depth]] for depth in range(len(path), 0, -1) if path[:depth] in lines), 1)
        return BadInput(f"{FILE}, line {line}: {error.message}", field=".".join(path[:2]), hint=error.hint)


class _Section:
    """One table: every value is parsed where it is, so that a mistake has its line."""

    def __init__(self, file: _File, name: str, table: Document) -> None:
        self._file = file
        self._name = name
        self._table = table

    def taken(self, key: str, parse: Callable[[Any], T]) -> T | None:
        if key not in self._table:
            return None
        with self._faults_of(key):
            return parse(self._table[key])

    def path(self, key: str) -> RepositoryPath | None:
        return self.taken(key, lambda value: parse_repository_path(values.a_text(value)))

    def command(self, key: str) -> AppCommand | None:
        return self.taken(key, values.a_command)

    def command_or_off(self, key: str) -> CommandSetting:
        return self.taken(key, lambda value: Off.OFF if value is False else values.a_command(value))

    def seconds(self, key: str, *, at_least: float = 0.0, at_most: float) -> float | None:
        return self.taken(key, lambda value: values.seconds(value, at_least, at_most))

    def count(self, key: str) -> int | None:
        return self.taken(key, values.a_count)

    def one_of(self, key: str, kind: type[E]) -> E | None:
        return self.taken(key, lambda value: values.one_of(value, kind))

    def each(self, key: str, parse: Callable[[Any], T], *, at_most: int) -> Iterator[T]:
        with self._faults_of(key):
            items = self._table.get(key, [])
            if not isinstance(items, list):
                raise BadInput("This is a list.", hint=f'Like {key} = ["…"].')
            if len(items) > at_most:
                raise BadInput(f"Use at most {at_most}.")
            yield from map(parse, items)

    def named(
        self,
        key: str,
        parse_name: Callable[[str], N],
        parse: Callable[[Any], T],
        *,
        at_most: int,
    ) -> dict[N, T]:
        with self._faults_of(key):
            items = self._table.get(key, {})
            if not isinstance(items, dict):
                raise BadInput("This is a table.", hint=f"Write [{self._name}.{key}], and a line for each below it.")
            if len(items) > at_most:
                raise BadInput(f"Use at most {at_most}.")
        found = {}
        for name, value in items.items():
            with self._faults_of(key, name):
                found[parse_name(name)] = parse(value)
        return found

    @contextmanager
    def _faults_of(self, *keys: str) -> Iterator[None]:
        try:
            yield
        except BadInput as error:
            raise self._file.fault((self._name, *keys), error) from None
