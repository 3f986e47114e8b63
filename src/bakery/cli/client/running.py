"""`bakery restart|stop|start`: an app's processes."""

from bakery.cli.client.api import connect, path
from bakery.cli.client.places import App, Env
from bakery.cli.output import Json, print_done


def restart(app: App, *, env: Env = None, json: Json = False) -> None:
    """Start the live release of an app again."""
    _ask(app, "restart", env, f"{app} is being restarted.", json=json)


def stop(app: App, *, env: Env = None, json: Json = False) -> None:
    """Stop an app until it is started again."""
    _ask(app, "stop", env, f"{app} is being stopped.", json=json)


def start(app: App, *, env: Env = None, json: Json = False) -> None:
    """Start an app that was stopped."""
    _ask(app, "start", env, f"{app} is being started.", json=json)


def _ask(app: str, verb: str, env: str | None, sentence: str, *, json: bool) -> None:
    with connect() as api:
        found = api.post(path("apps", app, verb, env=env))
    print_done(found, sentence, as_json=json)
