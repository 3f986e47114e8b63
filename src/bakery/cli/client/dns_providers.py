"""`bakery dns-providers`: who lets Bakery write what proves names with a star."""

from typing import Annotated

import typer

from bakery.cli.client.api import Body, connect, path
from bakery.cli.output import Json, print_done, print_rows
from bakery.cli.terminal import ask_secret, read_secret
from bakery.model.dns_providers import KINDS, USUAL, Kind, kind_named

group = typer.Typer(help="Who proves names with a star.", no_args_is_help=True)

_Name = Annotated[str, typer.Argument(metavar="NAME", help="What Bakery calls it.")]
_Zones = Annotated[
    list[str] | None, typer.Option("--zone", metavar="ZONE", help="A zone that it may write into. Once for each.")
]
_Server = Annotated[str | None, typer.Option(metavar="ADDRESS", help="The address of the zones' primary name server.")]
_Port = Annotated[int | None, typer.Option(help="Its port; usually 53.")]
_KeyName = Annotated[str | None, typer.Option("--key-name", help="The name of the TSIG key.")]
_Algorithm = Annotated[str | None, typer.Option(help="Of the key; usually HMAC-SHA256.")]
_Wait = Annotated[int | None, typer.Option(help="Seconds until all servers of a zone have a record.")]
_Endpoint = Annotated[str | None, typer.Option(help="Of ovh: ovh-eu or ovh-ca.")]
_SecretStdin = Annotated[
    bool, typer.Option("--secret-stdin", help="Read what is secret from stdin, a line each, in the order of the docs.")
]
_COLUMNS = {"name": "NAME", "plugin": "KIND", "zones": "ZONES", "fields": "AT", "apps": "APPS"}


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
    plugin: Annotated[str, typer.Option(metavar="KIND", help=f"One of {', '.join(KINDS)}.")] = USUAL,
    server: _Server = None,
    key_name: _KeyName = None,
    port: _Port = None,
    algorithm: _Algorithm = None,
    endpoint: _Endpoint = None,
    wait: _Wait = None,
    secret_stdin: _SecretStdin = False,
    json: Json = False,
) -> None:
    """Name who keeps some zones: a name server that takes updates by RFC 2136, with its TSIG key, or a provider."""
    kind = kind_named(plugin)
    fields = _given(server=server, key_name=key_name, port=port, algorithm=algorithm, endpoint=endpoint)
    fields |= _secrets(kind, from_stdin=secret_stdin)
    wanted = {"name": name, "plugin": kind.plugin, "fields": fields, **_given(zones=zone, wait=wait)}
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
    endpoint: _Endpoint = None,
    wait: _Wait = None,
    secret_stdin: _SecretStdin = False,
    json: Json = False,
) -> None:
    """Change what is named; the zones that are named take the place of those before. What was refused is tried anew."""
    fields = _given(server=server, key_name=key_name, port=port, algorithm=algorithm, endpoint=endpoint)
    wanted = _given(zones=zone, wait=wait)
    with connect() as api:
        if secret_stdin:
            found = next((one for one in api.every("/dns-providers") if one["name"] == name), None)
            fields |= _secrets(KINDS[found["plugin"] if found else USUAL], from_stdin=True)
        wanted |= {"fields": fields} if fields else {}
        made = api.patch(path("dns-providers", name), wanted)
    print_done(made, f"{name} is changed.", as_json=json)


@group.command()
def remove(name: _Name, *, json: Json = False) -> None:
    """Forget a DNS provider and its key. Refused while certificates are renewed by it."""
    with connect() as api:
        api.delete(path("dns-providers", name))
    print_done({"removed": name}, f"{name} is forgotten.", as_json=json)


def _secrets(kind: Kind, *, from_stdin: bool) -> Body:
    return {
        field.name: (
            read_secret() if from_stdin else ask_secret(f"{kind.title}: {field.label}", option="--secret-stdin")
        ).reveal()
        for field in kind.secret_fields
    }


def _given(**wanted: list[str] | str | int | None) -> Body:
    return {name: value for name, value in wanted.items() if value is not None and value != []}


def _told(one: Body) -> Body:
    at = " ".join(value for name, value in one["fields"].items() if name in {"server", "port", "key_name", "endpoint"})
    return {**one, "zones": ", ".join(one["zones"]), "fields": at, "apps": ", ".join(one["apps"])}
