"""`bakery audit`: is what it says still what was written?"""

from __future__ import annotations

import asyncio
import json as json_format
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bakery.cli.output import Json, print_json, say
from bakery.cli.server.settings import load_settings, the_parts
from bakery.model.actor import Actor
from bakery.model.errors import BadInput, BakeryError

if TYPE_CHECKING:
    from bakery.access.seals import ChainReport, Seal

group = typer.Typer(help="The audit.", no_args_is_help=True)
_ACTOR = Actor.system("cli")


@group.callback()
def _audit() -> None:
    """With a callback, a group of one command stays a group."""


@group.command()
def verify(
    *,
    export: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the newest seal there.")] = None,
    against: Annotated[Path | None, typer.Option(metavar="FILE", help="Compare with a seal exported before.")] = None,
    json: Json = False,
) -> None:
    """Check the chain of seals from its beginning. Exported seals, kept elsewhere, show a chain forged as a whole."""
    earlier = _read_seal(against) if against else None
    report, newest = asyncio.run(_verify(earlier))
    result = {
        "whole": report.is_whole,
        "sealed": report.sealed,
        "waiting": report.waiting,
        "fault": report.fault or None,
        "row": report.broken_row,
        "newest_seal": _seal_as_json(newest) if newest else None,
    }
    if json:
        print_json(result)
    elif report.is_whole:
        say(f"The chain is whole: {report.sealed} rows are sealed, {report.waiting} wait for their seal.")
    else:
        say(f"Row {report.broken_row} breaks the chain. {report.fault}")
    if not report.is_whole:
        raise typer.Exit(1)
    if export:
        if newest is None:
            raise BakeryError(
                "Nothing is sealed yet, so nothing was exported.", hint="A running Bakery seals within seconds."
            )
        _write_seal(export, newest)


async def _verify(earlier: dict[str, Any] | None) -> tuple[ChainReport, Seal | None]:
    from bakery.access import seals

    exported = None
    if earlier is not None:
        exported = seals.Seal(**earlier)
    async with the_parts(load_settings()) as parts:
        report = await seals.verify(parts.store, exported=exported, actor=_ACTOR)
        return report, await seals.newest_seal(parts.store, actor=_ACTOR)


def _seal_as_json(seal: Seal) -> dict[str, Any]:
    return {"position": seal.position, "audit_id": seal.audit_id, "hash": seal.hash.hex()}


def _write_seal(path: Path, seal: Seal) -> None:
    try:
        path.write_text(json_format.dumps(_seal_as_json(seal)) + "\n")
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}.", field="--export") from error


def _read_seal(path: Path) -> dict[str, Any]:
    try:
        seal = json_format.loads(path.read_text())
        return {
            "position": int(seal["position"]),
            "audit_id": int(seal["audit_id"]),
            "hash": bytes.fromhex(seal["hash"]),
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} holds no exported seal.", field="--against") from error
