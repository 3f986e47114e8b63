"""The command line: every command, and what becomes of errors."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from bakery import __version__
from bakery.cli.client import (
    apps,
    certificates,
    defaults,
    deploy,
    deployments,
    dns_providers,
    domains,
    environments,
    github,
    invites,
    login,
    logs,
    nodes,
    own_site,
    plan,
    previews,
    processes,
    releases,
    run,
    running,
    site,
    sources,
    tasks,
    tokens,
    users,
    variables,
    volumes,
    webhook,
)
from bakery.cli.detect import detect
from bakery.cli.exits import exit_code
from bakery.cli.output import say, warn
from bakery.cli.server import admin, audit, doctor, keys, migrate, serve, up
from bakery.model.errors import BadInput, BakeryError


class Commands(TyperGroup):
    """Errors that are raised on purpose end a command with a sentence, a hint and their exit code."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - typer does not export the type
        with _told():
            _expect_text(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - likewise
        with _told():
            return super().invoke(ctx)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except BakeryError as error:
        warn(f"{error.field}: {error.message}" if isinstance(error, BadInput) and error.field else error.message)
        if error.hint:
            warn(f"Hint: {error.hint}")
        raise typer.Exit(exit_code(error)) from error


def _expect_text(arguments: Sequence[str]) -> None:
    """Bytes that are no UTF-8 reach us as halves of characters, which nothing after us could send or store."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise BadInput(f"“{argument.encode(errors='replace').decode()}” is not UTF-8.") from None


program = typer.Typer(
    name="bakery",
    cls=Commands,
    help="Bakery: from a repository to a healthy app, without losing a request.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

_ANYWHERE = (detect,)
_SERVER = (serve.serve, up.up, migrate.migrate, doctor.doctor)
_CLIENT = (
    login.login,
    login.whoami,
    deploy.deploy,
    plan.plan,
    tasks.tasks,
    deployments.deployments,
    logs.logs,
    deployments.cancel,
    releases.rollback,
    releases.retry,
    releases.releases,
    running.restart,
    running.stop,
    running.start,
    processes.scale,
    run.run,
    variables.apply,
)
for _command in (*_SERVER, *_CLIENT, *_ANYWHERE):
    program.command()(_command)
for _name, _group in {
    "keys": keys.group,
    "admin": admin.group,
    "audit": audit.group,
    "apps": apps.group,
    "defaults": defaults.group,
    "source": sources.group,
    "env": variables.group,
    "environments": environments.group,
    "previews": previews.group,
    "domains": domains.group,
    "certificates": certificates.group,
    "volumes": volumes.group,
    "site": site.group,
    "own-site": own_site.group,
    "dns-providers": dns_providers.group,
    "github": github.group,
    "webhook": webhook.group,
    "nodes": nodes.group,
    "users": users.group,
    "invites": invites.group,
    "token": tokens.group,
}.items():
    program.add_typer(_group, name=_name)


def _show_version(wanted: bool) -> None:
    if wanted:
        say(__version__)
        raise typer.Exit


@program.callback()
def _options(
    *, version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True)] = False
) -> None:
    del version
