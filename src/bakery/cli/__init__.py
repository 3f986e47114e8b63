"""The `bakery` command: on the server it runs and tends Bakery, everywhere else it is a client of the API."""


def main() -> None:
    """The entry point of the installed command."""
    from bakery.cli.program import program

    program()
