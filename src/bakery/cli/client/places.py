"""How commands are told which app is meant, and which of its environments."""

from typing import Annotated

import typer

App = Annotated[str, typer.Argument(metavar="APP", help="The app's name.")]
Env = Annotated[str | None, typer.Option("--env", metavar="ENVIRONMENT", help="Default: production.")]
