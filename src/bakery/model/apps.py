"""An app as a person describes it, and how it is doing, decided from what its rows say."""

import re
import shlex
from dataclasses import dataclass
from enum import StrEnum

from bakery.model.deployments import Health
from bakery.model.errors import BadInput
from bakery.model.names import PRODUCTION, AppAt, AppName, HostName, parse_app_name
from bakery.model.nodes import LOCAL, NodeName, parse_node_for_app
from bakery.model.runtimes import Runtime

LONGEST_NAME = 80
LONGEST_COMMAND = 4000
HTTP_PORT = 80
NEW = AppName("new")  # in the address of the page that makes one: no app is called so
_HEALTH_PATH = re.compile(r"/[A-Za-z0-9/._~!&'()*+,;=:@%?-]{0,199}")


class SourceKind(StrEnum):
    """Where what is deployed comes from."""

    FOLDER = "folder"
    GIT = "git"
    IMAGE = "image"


class AppStatus(StrEnum):
    HEALTHY = "healthy"
    DEPLOYING = "deploying"
    DOWN = "down"
    STOPPED = "stopped"
    FAILED = "failed"  # it never ran: what was deployed did not succeed
    NEVER_DEPLOYED = "never_deployed"


def app_status(
    *, is_live: bool, is_stopped: bool, is_deploying: bool, health: Health, has_failed: bool = False
) -> AppStatus:
    """`is_live`: a slot is; `has_failed`: a deployment has. What is being changed right now is said before what was."""
    if is_deploying:
        return AppStatus.DEPLOYING
    if not is_live:
        return AppStatus.FAILED if has_failed else AppStatus.NEVER_DEPLOYED
    if is_stopped:
        return AppStatus.STOPPED
    return AppStatus.DOWN if health is Health.DOWN else AppStatus.HEALTHY


@dataclass(frozen=True, slots=True)
class NewApp:
    """What `create_app` needs; made by `parse_new_app`."""

    slug: AppName
    name: str
    runtime: Runtime
    command: tuple[str, ...] = ()
    health_path: str | None = None
    node: NodeName = LOCAL


def parse_new_app(
    *, slug: str, name: str = "", runtime: str = "process", command: str = "", health: str = "", node: str = LOCAL
) -> NewApp:
    """Texts from a form, a JSON body or the command line; each mistake names its field."""
    kind = _parse_runtime(runtime)
    app = parse_slug(slug)
    return NewApp(
        slug=app,
        name=parse_name(name) or app,
        runtime=kind,
        command=_no_command(command) if kind is Runtime.STATIC else parse_command(command),
        health_path=None if kind is Runtime.STATIC else parse_health_path(health),
        node=parse_node_for_app(node),
    )


def parse_slug(text: str) -> AppName:
    """Of an app that is to be made."""
    app = parse_app_name(text.strip(), field="slug")
    if app == NEW:
        raise BadInput("This name is taken by a page of Bakery.", field="slug", hint="Choose another name.")
    return app


def _parse_runtime(text: str) -> Runtime:
    try:
        return Runtime(text)
    except ValueError:
        raise BadInput("Choose “docker”, “process” or “static”.", field="runtime") from None


def parse_name(text: str) -> str:
    name = text.strip()
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise BadInput(f"Use up to {LONGEST_NAME} printable characters.", field="name")
    return name


def parse_command(text: str) -> tuple[str, ...]:
    """The words of a start command, quoted as in a shell; nothing but quotes means anything. None: Bakery finds out
    how the app is built and started."""
    if len(text) > LONGEST_COMMAND or "\0" in text:
        raise BadInput(f"Use up to {LONGEST_COMMAND} characters.", field="command")
    try:
        words = shlex.split(text)
    except ValueError:
        raise BadInput("A quote in this command is never closed.", field="command") from None
    if words and not words[0]:
        raise BadInput("A command begins with a program.", field="command", hint="Like: python3 app.py")
    return tuple(words)


def _no_command(text: str) -> tuple[str, ...]:
    if text.strip():
        raise BadInput("Static files are served by nginx and need no start command.", field="command")
    return ()


def parse_health_path(text: str) -> str | None:
    path = text.strip()
    if not path:
        return None
    if not _HEALTH_PATH.fullmatch(path):
        raise BadInput("Use a path like /health, up to 200 characters.", field="health")
    return path


def automatic_host(where: AppAt, domain: str) -> HostName:
    """The name that it has from the first minute, below its node's domain. An app's name holds no dot, so that no app
    is ever called like another's environment."""
    inside = "" if where.environment == PRODUCTION else f"{where.environment}."
    return HostName(f"{inside}{where.app}.{domain}")


def app_address(
    where: AppAt,
    *,
    domain: str,
    site_port: int | None,
    port: int | None,
    primary: str | None = None,
    has_tls: bool = False,
) -> str | None:
    """Through nginx under its primary name, else the one that it has by itself; without nginx on its own port, once it
    has one. `has_tls` is of the primary name."""
    if primary and has_tls and site_port == HTTP_PORT:
        return f"https://{primary}"
    if site_port is not None:
        return f"http://{primary or automatic_host(where, domain)}" + (
            "" if site_port == HTTP_PORT else f":{site_port}"
        )
    return None if port is None else f"http://127.0.0.1:{port}"
