import pytest

from bakery.model.apps import AppStatus, NewApp, app_address, app_status, parse_new_app
from bakery.model.deployments import Health
from bakery.model.errors import BadInput
from bakery.model.names import AppName
from bakery.model.runtimes import Runtime
from tests.support.places import at


@pytest.mark.parametrize(
    ("is_live", "is_stopped", "is_deploying", "health", "status"),
    [
        (False, False, False, Health.UNKNOWN, AppStatus.NEVER_DEPLOYED),
        (False, False, True, Health.UNKNOWN, AppStatus.DEPLOYING),
        (True, False, False, Health.HEALTHY, AppStatus.HEALTHY),
        (True, False, False, Health.UNKNOWN, AppStatus.HEALTHY),
        (True, False, False, Health.DOWN, AppStatus.DOWN),
        (True, True, False, Health.DOWN, AppStatus.STOPPED),
        (True, True, True, Health.DOWN, AppStatus.DEPLOYING),
    ],
)
def test_what_is_said_of_an_app(
    *, is_live: bool, is_stopped: bool, is_deploying: bool, health: Health, status: AppStatus
) -> None:
    assert app_status(is_live=is_live, is_stopped=is_stopped, is_deploying=is_deploying, health=health) is status


def test_an_app_whose_deployments_all_failed_is_not_called_never_deployed() -> None:
    def status(*, is_live: bool, is_deploying: bool) -> AppStatus:
        return app_status(
            is_live=is_live, is_stopped=False, is_deploying=is_deploying, health=Health.UNKNOWN, has_failed=True
        )

    assert status(is_live=False, is_deploying=False) is AppStatus.FAILED
    assert status(is_live=False, is_deploying=True) is AppStatus.DEPLOYING
    assert status(is_live=True, is_deploying=False) is AppStatus.HEALTHY


def test_a_start_command_is_split_as_in_a_shell_and_means_nothing_else() -> None:
    assert parse_new_app(slug="shop", command="python3 app.py --title 'a b' $HOME;id").command == (
        "python3", "app.py", "--title", "a b", "$HOME;id",
    )  # fmt: skip


def test_a_static_app_has_neither_command_nor_health_path() -> None:
    assert parse_new_app(slug="docs", name=" Docs ", runtime="static", health="/x") == NewApp(
        AppName("docs"), "Docs", Runtime.STATIC
    )


@pytest.mark.parametrize("runtime", ["docker", "process"])
def test_an_app_without_a_command_is_found_out(runtime: str) -> None:
    assert parse_new_app(slug="shop", runtime=runtime, command=" ").command == ()
    assert parse_new_app(slug="shop", runtime=runtime, command="bin/start --all").command == ("bin/start", "--all")


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("slug", {"slug": "Shop", "command": "x"}),
        ("slug", {"slug": "", "command": "x"}),
        ("slug", {"slug": "new", "command": "x"}),
        ("name", {"slug": "shop", "name": "x" * 81, "command": "x"}),
        ("name", {"slug": "shop", "name": "a\nb", "command": "x"}),
        ("runtime", {"slug": "shop", "runtime": "podman"}),
        ("command", {"slug": "shop", "command": "python 'app"}),
        ("command", {"slug": "shop", "command": "a\0b"}),
        ("command", {"slug": "shop", "command": "''"}),
        ("command", {"slug": "docs", "runtime": "static", "command": "x"}),
        ("node", {"slug": "shop", "command": "x", "node": "oven 1"}),
        ("health", {"slug": "shop", "command": "x", "health": "health"}),
        ("health", {"slug": "shop", "command": "x", "health": "/a\nb"}),
        ("health", {"slug": "shop", "command": "x", "health": "/ü"}),
    ],
)
def test_an_odd_value_is_refused_by_the_name_of_its_field(field: str, values: dict[str, str]) -> None:
    with pytest.raises(BadInput) as refused:
        parse_new_app(**values)
    assert refused.value.field == field


def test_an_app_is_reached_through_nginx_or_on_its_own_port() -> None:
    assert app_address(at("shop"), domain="localhost", site_port=80, port=20000) == "http://shop.localhost"
    assert app_address(at("shop"), domain="apps.example.com", site_port=8080, port=None) == (
        "http://shop.apps.example.com:8080"
    )
    assert app_address(at("shop"), domain="localhost", site_port=None, port=20000) == "http://127.0.0.1:20000"
    assert app_address(at("shop"), domain="localhost", site_port=None, port=None) is None
    found = [
        app_address(
            at("shop"), domain="localhost", site_port=port, port=20000, primary="shop.example.com", has_tls=True
        )
        for port in (80, 8080)
    ]
    assert found == ["https://shop.example.com", "http://shop.example.com:8080"]
