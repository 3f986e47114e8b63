"""The names under which work waits in the queue, and what it must not overlap with."""

from bakery.ingress import tasks as site_tasks

DEPLOY = "deploy"  # a deployment
START_SCHEDULED = "start-scheduled"  # a deployment whose time has come
SETTLE = "settle"  # an environment: run it, or stop it, as it is meant to be
RESTART = "restart"  # an environment
SCALE = "scale"  # an environment: as many of each process as are wanted
REPAIR_SITE = "repair-site"  # an environment: the site of what is live, whatever its node has
DELETE_APP = "delete-app"  # an environment of an app that goes
PRUNE_NODE = "prune-node"  # a node
PRUNE_ENVIRONMENT = "prune-environment"  # an environment


environment_lock = site_tasks.environment_lock


def pruning_lock(node_id: int) -> str:
    return f"pruning:{node_id}"
