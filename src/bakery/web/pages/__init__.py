"""Every page, and what its forms do."""

from bakery.web.pages import (
    account,
    activity,
    app_source,
    apps,
    cli_login,
    dashboard,
    deployments,
    gate,
    jobs,
    logs,
    node_settings,
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
    *app_source.ROUTES,
    *deployments.ROUTES,
    *logs.ROUTES,
    *variables.ROUTES,
    *nodes.ROUTES,
    *node_settings.ROUTES,
    *jobs.ROUTES,
    *team.ROUTES,
    *activity.ROUTES,
    *system.ROUTES,
    *palette.ROUTES,
)
