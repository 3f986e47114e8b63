from pathlib import PurePosixPath

import msgspec

from bakery.model.names import AppName, EnvironmentName, UnitName
from bakery.model.strategies import Strategy
from bakery.nodes.capabilities import Capabilities, IngressKind, UnitKeeper, capabilities, folders_of
from bakery.nodes.facts import NodeFacts

SERVER = NodeFacts(
    user="root",
    is_root=True,
    home=PurePosixPath("/root"),
    has_systemd=True,
    has_docker=False,
    nginx="/usr/sbin/nginx",
    nginx_settings=PurePosixPath("/etc/nginx/nginx.conf"),
    python="3.11.2",
    disk_free_bytes=10_000_000_000,
    memory_bytes=512_000_000,
    cpus=1,
    address="203.0.113.7",
    has_ipv6=True,
)
CONTAINER = msgspec.structs.replace(SERVER, has_systemd=False)
USER = msgspec.structs.replace(SERVER, user="ada", is_root=False, home=PurePosixPath("/home/ada"))
BOTH = (Strategy.BLUE_GREEN, Strategy.RECREATE)


def test_root_with_systemd_and_nginx_has_no_limits() -> None:
    assert capabilities(SERVER) == Capabilities(
        units=UnitKeeper.SYSTEMD,
        ingress=IngressKind.SYSTEM_NGINX,
        isolated_users=True,
        strategies=BOTH,
        limits=(),
    )


def test_root_without_systemd_supervises_and_signals() -> None:
    assert capabilities(CONTAINER) == Capabilities(
        units=UnitKeeper.SUPERVISOR,
        ingress=IngressKind.DAEMON_NGINX,
        isolated_users=True,
        strategies=BOTH,
        limits=("After a reboot apps start when Bakery does, and may use all memory: there is no systemd.",),
    )


def test_an_ordinary_user_has_an_nginx_of_their_own_and_no_isolation() -> None:
    assert capabilities(USER) == Capabilities(
        units=UnitKeeper.SUPERVISOR,
        ingress=IngressKind.OWN_NGINX,
        isolated_users=False,
        strategies=BOTH,
        limits=(
            "Apps are not isolated from each other: Bakery runs as an ordinary user.",
            "After a reboot apps start when Bakery does, and may use all memory: Bakery may not use systemd.",
            "Apps answer on port 8080: an ordinary user may not open port 80.",
        ),
    )


def test_without_nginx_a_deployment_interrupts() -> None:
    can = capabilities(msgspec.structs.replace(SERVER, nginx=None, nginx_settings=None))
    assert (can.ingress, can.strategies) == (IngressKind.NONE, (Strategy.RECREATE,))
    assert can.limits == ("A deployment interrupts an app here, and there are no static sites: there is no nginx.",)


def test_a_node_has_its_place() -> None:
    assert folders_of(SERVER).root == PurePosixPath("/var/lib/bakery/node")
    assert folders_of(USER).root == PurePosixPath("/home/ada/.local/share/bakery/node")
    assert folders_of(USER).unit_log(UnitName("bakery-shop-production-blue")) == PurePosixPath(
        "/home/ada/.local/share/bakery/node/logs/bakery-shop-production-blue.log"
    )
    assert folders_of(SERVER).releases(AppName("shop"), EnvironmentName("production")) == PurePosixPath(
        "/var/lib/bakery/node/apps/shop/production/releases"
    )


def test_a_second_place_on_a_machine_leaves_its_nginx_and_units_to_the_usual_one() -> None:
    can = capabilities(SERVER, is_usual_place=False)
    assert (can.units, can.ingress) == (UnitKeeper.SUPERVISOR, IngressKind.OWN_NGINX)
    assert can.isolated_users
    assert can.limits == (
        (
            "After a reboot apps start when Bakery does, and may use all memory: "
            "BAKERY_NODE_DIR names another folder than the usual one."
        ),
        "Apps answer on port 8080: BAKERY_NODE_DIR names another folder than the usual one.",
    )
