"""`bakery dns-providers`: name servers where Bakery may write what proves names with a star."""

from typing import Annotated

import typer

from bakery.cli.client.api import Body, connect, path
from bakery.cli.output import Json, print_done, print_rows
from bakery.cli.terminal import ask_secret, read_secret

group = typer.Typer(help="Name servers that prove names with a star.", no_args_is_help=True)

_Name = Annotated[str, typer.Argument(metavar="NAME", help="What Bakery calls it.")]
_Zones = Annotated[
    list[str] | None, typer.Option("--zone", metavar="ZONE", help="A zone that it may write into. Once for each.")
]
_Server = Annotated[str | None, typer.Option(metavar="ADDRESS", help="The address of the zones' primary name server.")]
_Port = Annotated[int | None, typer.Option(help="Its port; usually 53.")]
_KeyName = Annotated[str | None, typer.Option("--key-name", help="The name of the TSIG key.")]
_Algorithm = Annotated[str | None, typer.Option(help="Of the key; usually HMAC-SHA256.")]
_Wait = Annotated[int | None, typer.Option(help="Seconds until all servers of a zone have a record; usually 60.")]
_SecretStdin = Annotated[bool, typer.Option("--secret-stdin", help="Read the key's secret, in base64, from stdin.")]
_COLUMNS = {"name": "NAME", "zones": "ZONES", "server": "SERVER", "port": "PORT", "key_name": "KEY", "apps": "APPS"}


@group.command("list")
def list_dns_providers(*, json: Json = False) -> None:
    """List the DNS providers of this installation."""
    with connect() as api:
        found = list(api.every("/dns-providers"))
    empty = "There is none. Names with a star get certificates once there is one for their zone."
    print_rows([_told(one) for one in found] if not json else found, _COLUMNS, as_json=json, empty=empty)


@group.command()
def add(
    name: _Name,
    *,
    zone: Annotated[list[str], typer.Option("--zone", metavar="ZONE", help="A zone that it may write into.")],
    server: Annotated[str, typer.Option(metavar="ADDRESS", help="The address of the zones' primary name server.")],
    key_name: Annotated[str, typer.Option("--key-name", help="The name of the TSIG key.")],
    port: _Port = None,
    algorithm: _Algorithm = None,
    wait: _Wait = None,
    secret_stdin: _SecretStdin = False,
    json: Json = False,
) -> None:
    """Name a name server that takes updates by RFC 2136, and its TSIG key, for some zones."""
    secret = (
        read_secret() if secret_stdin else ask_secret(f"Secret of the TSIG key {key_name}", option="--secret-stdin")
    )
    wanted = {"name": name, "server": server, "key_name": key_name, "secret": secret.reveal()}
    wanted |= _given(zones=zone, port=port, algorithm=algorithm, wait=wait)
    with connect() as api:
        made = api.post("/dns-providers", wanted)
    print_done(made, f"Names with a star in {', '.join(made['zones'])} get certificates by {name}.", as_json=json)


@group.command()
def edit(
    name: _Name,
    *,
    zone: _Zones = None,
    server: _Server = None,
    key_name: _KeyName = None,
    port: _Port = None,
    algorithm: _Algorithm = None,
    wait: _Wait = None,
    secret_stdin: _SecretStdin = False,
    json: Json = False,
) -> None:
    """Change what is named; the zones that are named take the place of those before. What was refused is tried anew."""
    secret = read_secret().reveal() if secret_stdin else None
    wanted = _given(
        zones=zone, server=server, key_name=key_name, port=port, algorithm=algorithm, wait=wait, secret=secret
    )
    with connect() as api:
        made = api.patch(path("dns-providers", name), wanted)
    print_done(made, f"{name} is changed.", as_json=json)


@group.command()
def remove(name: _Name, *, json: Json = False) -> None:
    """Forget a DNS provider and its key. Refused while certificates are renewed by it."""
    with connect() as api:
        api.delete(path("dns-providers", name))
    print_done({"removed": name}, f"{name} is forgotten.", as_json=json)


def _given(**wanted: list[str] | str | int | None) -> Body:
    return {name: value for name, value in wanted.items() if value is not None and value != []}


def _told(one: Body) -> Body:
    return {**one, "zones": ", ".join(one["zones"]), "apps": ", ".join(one["apps"])}
