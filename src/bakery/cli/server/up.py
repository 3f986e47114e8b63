"""`bakery up`: what `scripts/up` runs when the dependencies are there. A running Bakery, an admin, a sample app."""

from typing import Annotated

import typer


def up(
    *,
    demo: Annotated[bool, typer.Option("--demo/--no-demo", help="Deploy the sample app.")] = True,
    stop: Annotated[bool, typer.Option("--stop", help="Stop Bakery. Apps go on.")] = False,
    public: Annotated[bool, typer.Option("--public", help="Listen on all addresses of this machine.")] = False,
) -> None:
    """Start Bakery in the background, with an admin and a sample app. Running it again is harmless."""
    from bakery.cli.server.launch import launch

    launch(demo=demo, stop=stop, public=public)
