"""Rows for spreadsheets, which take a cell for a formula when it begins like one."""

import csv
import io
from collections.abc import Iterable

CSV = "text/csv"  # the framework adds the charset
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_row(cells: Iterable[str]) -> bytes:
    """A cell that could be a formula gets an apostrophe before it, by which spreadsheets know text."""
    made = io.StringIO()
    csv.writer(made).writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])
    return made.getvalue().encode()
