"""`bakery serve`: Bakery itself."""

import asyncio
from pathlib import Path
from typing import Annotated, Literal

import typer

from bakery.cli.output import say
from bakery.cli.server.settings import load_settings, unknown_settings


def serve(
    *,
    host: Annotated[str | None, typer.Option(metavar="H", help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(metavar="P", help="The port to listen on.")] = None,
    data_dir: Annotated[Path | None, typer.Option(metavar="D", help="The control plane's folder.")] = None,
    role: Annotated[
        Literal["all", "web", "worker"], typer.Option(metavar="all|web|worker", help="What this process does.")
    ] = "all",
) -> None:
    """Run Bakery until SIGTERM or SIGINT."""
    import structlog
    import uvloop

    from bakery import app
    from bakery.cli.server.logs import log_to_stderr

    folder = data_dir.absolute() if data_dir else None
    settings = load_settings(BAKERY_HOST=host, BAKERY_PORT=port, BAKERY_DATA_DIR=folder)
    log_to_stderr(settings.log_level)
    for sentence in unknown_settings():
        structlog.get_logger().warning("unknown_setting", text=sentence)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(app.serve(settings, app.Role(role), announce=say))
