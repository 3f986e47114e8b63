"""The network of apps' containers: one for all of them, on which none reaches another."""

from __future__ import annotations

import json
import sys
from typing import Any

from bakery.helper.docker_api import CONFLICT, LONGEST_ANSWER, NOT_FOUND, Docker, Refused
from bakery.helper.told_container import NETWORK, Place
from bakery.helper.turns import taking_turns

APART = {"com.docker.network.bridge.enable_icc": "false"}


def ensure_network(docker: Docker, place: Place) -> None:
    """Docker has addresses for thirty networks, not for one an app. Two who make it at once get two of one name, and
    from then on it starts nothing there: so they take turns, and what was made twice goes.
    """
    found = networks(docker)
    if len(found) != 1:
        with taking_turns(place.root / "containers" / "network", within=LONGEST_ANSWER):
            leave_one(docker, place, networks(docker))
            make(docker, place)
        found = networks(docker)
    if any(one["Driver"] != "bridge" or not APART.items() <= (one["Options"] or {}).items() for one in found):
        sys.exit(
            f"The network {NETWORK} of Docker on this machine was not made by Bakery: apps could reach each other."
        )


def networks(docker: Docker) -> list[dict[str, Any]]:
    """Of exactly this name, the oldest first."""
    filters = json.dumps({"name": [NETWORK]})  # and what holds it in its name
    found = docker.ask("GET", "networks", query={"filters": filters})
    return sorted((one for one in found if one["Name"] == NETWORK), key=lambda one: str(one["Created"]))


def make(docker: Docker, place: Place) -> None:
    """Another Bakery on this machine may have made it meanwhile."""
    if networks(docker):
        return
    told = {
        "Name": NETWORK, "CheckDuplicate": True, "Driver": "bridge", "Options": APART,
        "Labels": {"bakery.installation": place.installation},
    }  # fmt: skip
    try:
        docker.ask("POST", "networks", "create", told=told)
    except Refused as refused:
        if refused.status != CONFLICT:
            raise


def leave_one(docker: Docker, place: Place, found: list[dict[str, Any]]) -> None:
    """The oldest, or one that has containers: Docker takes none away on which something runs. Others' are theirs."""
    ours = [one for one in found if (one["Labels"] or {}).get("bakery.installation") == place.installation]
    for one in reversed(ours):
        if len(found) > 1 and is_removed(docker, one["Id"]):
            found.remove(one)
    if len(found) > 1:
        ids = ", ".join(one["Id"][:12] for one in found)
        sys.exit(
            f"Docker on this machine has {len(found)} networks called {NETWORK} that are in use: {ids}. "
            "Look at them with `docker network inspect`, take one away, and deploy again."
        )


def is_removed(docker: Docker, network: str) -> bool:
    try:
        docker.ask("DELETE", "networks", network)
    except Refused as refused:
        return refused.status == NOT_FOUND
    return True
