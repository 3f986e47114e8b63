"""Every page, and what its forms do."""

from bakery.web.pages import (
    account,
    activity,
    apps,
    cli_login,
    dashboard,
    deployments,
    gate,
    logs,
    nodes,
    palette,
    system,
    team,
    variables,
)

ROUTES = (
    *gate.ROUTES,
    *account.ROUTES,
    *cli_login.ROUTES,
    *dashboard.ROUTES,
    *apps.ROUTES,
    *deployments.ROUTES,
    *logs.ROUTES,
    *variables.ROUTES,
    *nodes.ROUTES,
    *team.ROUTES,
    *activity.ROUTES,
    *system.ROUTES,
    *palette.ROUTES,
)
