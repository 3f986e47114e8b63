"""What in src/ nobody uses but tests, if anybody. Templates count as users; ends with 1 when something is found.

`vulture` alone, with the tests in its paths, takes a function for used that only its own test calls.
"""

import re
import sys
from pathlib import Path

import vulture

SOURCE = Path("src/bakery").resolve()
ANSWERS = SOURCE / "web/api"
# Whom no Python of ours names, and who calls it then. A name that is used by now must go from here.
ALLOWED = {
    "should_exit": "uvicorn looks at it",
    "capture_signals": "uvicorn calls it",
    "get_retry_decision": "procrastinate calls it",
    "request_body": "Litestar looks at it",
    "down_revision": "Alembic looks at it",
    "validate_host_public_key": "asyncssh calls it",
    "exit_status_received": "likewise",
    "exit_signal_received": "likewise",
    "inodes_total": "of a line of the probe, which is kept whole",
    "inodes_used": "likewise",
    "uptime": "likewise",
    "boot_id": "likewise",
    "nginx_settings": "of the facts of a machine, which are kept whole",
    "without_mounts": "of a Dockerfile that detect writes: tests hold it against its golden text",
    "strategies": "of Capabilities: from which a person will choose",
    "lifetime": "dnspython looks at it",
    "child_began": "a key of the state that the supervisor writes down",
}
# What these decorate is called by the framework.
REGISTERED = ["@group.command", "@group.callback", "@program.callback"]


def main() -> int:
    found = vulture.Vulture(ignore_decorators=REGISTERED)
    found.scavenge([str(SOURCE)])
    for template in SOURCE.rglob("*.html"):
        for written in re.findall(r"{[{%].*?[%}]}", template.read_text(), re.DOTALL):
            found.used_names.update(re.findall(r"[a-z_]+", written))
    # The fields of answers are read by programs, and filled in by their names.
    answers = [item for item in found.get_unused_code(min_confidence=60) if ANSWERS in item.filename.parents]
    found.used_names.update(item.name for item in answers if item.typ == "variable")
    unused = [item for item in found.get_unused_code(min_confidence=60) if item.name not in ALLOWED]
    for item in unused:
        print(item.get_report())
    needless = set(ALLOWED) - {item.name for item in found.get_unused_code(min_confidence=60)}
    for name in sorted(needless):
        print(f"{__file__}: {name} is used, and need not be allowed")
    return 1 if unused or needless else 0


if __name__ == "__main__":
    sys.exit(main())
