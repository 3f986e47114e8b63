"""What the command prints: JSON for programs, lines and tables for people. Heavy libraries are loaded when used."""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON with stable keys.")]
Row = Mapping[str, Any]

# What a terminal would obey; colours and the like (SGR) may stay.
_ORDERS = re.compile(r"\x1b\[[0-9;:]*m|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def say(text: str) -> None:
    typer.echo(text)


def warn(text: str) -> None:
    typer.echo(text, err=True)


def print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_rows(rows: Sequence[Row], columns: Mapping[str, str], *, as_json: bool, empty: str) -> None:
    """A table with the columns `key: title`. As JSON, the rows are whole."""
    if as_json:
        print_json({"items": list(rows)})
    elif rows:
        _print_table([list(columns.values()), *([_cell(row.get(key)) for key in columns] for row in rows)])
    else:
        say(empty)


def print_facts(facts: Row, titles: Mapping[str, str], *, as_json: bool) -> None:
    """One thing: a line each for the keys that have a title."""
    if as_json:
        print_json(facts)
        return
    width = max(len(title) for title in titles.values())
    for key, title in titles.items():
        say(f"{title:{width}}  {_cell(facts.get(key))}".rstrip())


def print_done(result: Row, sentence: str, *, as_json: bool) -> None:
    print_json(result) if as_json else say(sentence)


def write_log(text: str) -> None:
    """A part of a log, as it comes. On a terminal nothing in it is an order to the terminal, except for colours."""
    if sys.stdout.isatty():
        text = _ORDERS.sub(lambda found: found[0] if found[0].endswith("m") and len(found[0]) > 1 else "", text)
    typer.echo(text, nl=False)


def _cell(value: object) -> str:
    if value is None or value == []:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_cell(item) for item in value)
    text = str(value)
    return _local_time(text) if re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)", text) else text


def _local_time(text: str) -> str:
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M")


def _print_table(lines: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    head, *rest = lines
    table = Table(*head, box=None, pad_edge=False, header_style="bold", show_edge=False)
    for line in rest:
        table.add_row(*(Text(cell) for cell in line))
    # Cut to a terminal's width; whole where another program reads.
    console = Console() if sys.stdout.isatty() else Console(width=1000)
    console.print(table)
