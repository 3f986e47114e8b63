"""The JSON API: parse, call one use case, answer with the fields that are named here."""

from litestar import Router
from litestar.di import Provide

from bakery.web.api import (
    activity,
    app_logs,
    app_path,
    app_source,
    apps,
    cli_logins,
    command_runs,
    deployments,
    description,
    disk,
    environments,
    invites,
    jobs,
    logs,
    metrics,
    nodes,
    people,
    plans,
    processes,
    releases,
    running,
    sources,
    system,
    tasks,
    tokens,
    variables,
    volumes,
    whoami,
)

_GROUPS = (
    whoami,
    apps,
    app_source,
    sources,
    deployments,
    tasks,
    environments,
    plans,
    releases,
    logs,
    app_logs,
    metrics,
    running,
    processes,
    command_runs,
    variables,
    volumes,
    nodes,
    disk,
    jobs,
    people,
    invites,
    tokens,
    activity,
    system,
    cli_logins,
    description,
)

ROUTES = (
    Router(
        "/api",
        route_handlers=[handler for group in _GROUPS for handler in group.ROUTES],
        dependencies={"where": Provide(app_path.where, sync_to_thread=False)},
    ),
)
