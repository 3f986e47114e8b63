"""`bakery doctor`: is this installation well, and what to do where it is not."""

import asyncio
from dataclasses import asdict

import typer

from bakery.cli.output import Json, print_json, say

_MARKS = {"ok": "✓", "note": "-", "problem": "✕"}


def doctor(*, json: Json = False) -> None:
    """Check the installation. Ends with 1 when something needs a person."""
    from bakery.cli.server.checks import examine

    findings = asyncio.run(examine())
    is_well = all(finding.state != "problem" for finding in findings)
    if json:
        print_json({"well": is_well, "checks": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            say(f"{_MARKS[finding.state]} {finding.check:12} {finding.text}")
            if finding.hint:
                say(f"  {'':12} {finding.hint}")
    if not is_well:
        raise typer.Exit(1)
