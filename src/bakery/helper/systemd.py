"""systemd, asked through `systemctl`: what it shall keep running, and how that does."""

from __future__ import annotations

import contextlib
import re
import signal
import sys
from pathlib import Path

from bakery.helper.files import sync_folder
from bakery.helper.processes import has_systemd
from bakery.helper.programs import Ended, call
from bakery.helper.verbs import ROOTS_FOLDER

SYSTEMCTL = "/usr/bin/systemctl"
UNIT_FOLDER = Path("/etc/systemd/system")
STARTS_WITH_MACHINE = "multi-user.target.wants"  # of that folder
LONGEST_STOP = 300  # seconds that a program may take to end
LONGEST_START = 100.0
SHOWN = ("Id", "ActiveState", "MainPID", "NRestarts", "ExecMainCode", "ExecMainStatus", "Result")
EXITED = "1"  # CLD_EXITED of wait(2); the others are signals
BY_SIGNAL = "ended by "
CAUSES = {  # by the status with which systemd itself ends; see systemd.exec(5)
    "200": "its folder cannot be entered",
    "203": "its program is not there, or cannot be run",
    "209": "its log cannot be written",
    "226": "what it may write to cannot be made ready",
}


def expect_systemd(root: Path) -> None:
    """Units of one name, from two nodes of this machine, would be one: they are those of the usual folder."""
    if not has_systemd() or root != ROOTS_FOLDER:
        sys.exit("systemd keeps nothing running here for Bakery.")


def unit_file(name: str) -> Path:
    return UNIT_FOLDER / f"{name}.service"


def begin(name: str) -> None:
    """Now and whenever the machine starts. systemd reads its files anew before."""
    started = systemctl("enable", "--now", "--quiet", "--", f"{name}.service", within=LONGEST_START)
    if started.status and not has_begun(name):
        sys.exit(f"{name} did not start: {why_not(name) or said(started)}")
    sync_folder(UNIT_FOLDER / STARTS_WITH_MACHINE)


def has_begun(name: str) -> bool:
    """Also what a signal ended at once, as where memory runs out: systemd starts it again, and whoever asks how it is
    hears of its ends."""
    state = states(name)[name]
    return bool(state["is_running"]) or str(state["last_exit"]).startswith(BY_SIGNAL)


def end(name: str) -> None:
    """Neither now nor when the machine starts. Harmless for what does not run, or has no file."""
    if unit_file(name).exists():
        expect_done(systemctl("disable", "--now", "--", f"{name}.service", within=LONGEST_STOP + 15))
        with contextlib.suppress(FileNotFoundError):
            sync_folder(UNIT_FOLDER / STARTS_WITH_MACHINE)


def is_kept(name: str) -> bool:
    """It runs, and will when the machine starts: of a stop that was killed only half may be done."""
    return (UNIT_FOLDER / STARTS_WITH_MACHINE / f"{name}.service").exists() and bool(states(name)[name]["is_running"])


def forget(name: str) -> None:
    """When its file is gone. One that had to be ended by force would stay in systemd's list, as failed."""
    expect_done(systemctl("daemon-reload"))
    systemctl("reset-failed", "--", f"{name}.service")  # one that did not fail is an error


def states(*names: str) -> dict[str, dict[str, object]]:
    """By name, all in one call."""
    properties = [f"--property={','.join(SHOWN)}"]
    shown = systemctl("show", *properties, "--", *(f"{name}.service" for name in names))
    expect_done(shown)
    blocks = [dict(line.split("=", 1) for line in block.splitlines()) for block in shown.output.strip().split("\n\n")]
    by_id = {block["Id"]: state_of(block) for block in blocks}
    return {name: by_id[f"{name}.service"] for name in names}


def state_of(shown: dict[str, str]) -> dict[str, object]:
    """While a unit runs, systemd knows nothing of the exit before."""
    process_id = int(shown.get("MainPID", "0")) or None
    code, status = shown.get("ExecMainCode", "0"), shown.get("ExecMainStatus", "0")
    cause = ", out of memory" if shown.get("Result") == "oom-kill" else ""
    return {
        "is_running": shown.get("ActiveState") == "active",
        "process_id": process_id,
        "restarts": int(shown.get("NRestarts", "0")),
        "last_exit": "" if process_id or code == "0" else exit_of(code, status) + cause,
    }


def exit_of(code: str, status: str) -> str:
    return f"ended with status {status}" if code == EXITED else f"{BY_SIGNAL}{signal_name(int(status))}"


def signal_name(number: int) -> str:
    """Those that programs may use as they like have numbers only."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def why_not(name: str) -> str:
    """In words of ours, when the program did not even begin."""
    found = re.fullmatch(r"ended with status (\d+)", str(states(name)[name]["last_exit"]))
    return f"{CAUSES[found[1]]}." if found and found[1] in CAUSES else ""


def systemctl(verb: str, *words: str, within: float = 60.0) -> Ended:
    return call(SYSTEMCTL, "--no-ask-password", verb, *words, within=within)


def expect_done(ended: Ended) -> None:
    if ended.status:
        sys.exit(f"systemctl: {said(ended)}")


def said(ended: Ended) -> str:
    return ended.errors.strip() or ended.output.strip() or f"it ended with status {ended.status}."
