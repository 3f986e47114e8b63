"""Commands a second over one node, against OpenSSH with ControlMaster. `python -m bench.ssh`, as root"""

import asyncio
import statistics
import subprocess
import time

import uvloop

from bakery.commands.command import command
from bakery.model.names import Port
from bakery.model.secret import Secret
from bakery.nodes.login import SshLogin
from bakery.nodes.ssh import SshTransport
from bench.running import control_master, tell, temporary_folder
from tests.lab.lab import open_lab
from tests.lab.nodes import SSH, Node

ROUNDS, IN_A_ROW, AT_ONCE = 5, 100, 50
LEAST_FACTOR = 2.0
PROGRAM = "/bin/true"  # by its path: a shell has a `true` of its own
# What OpenSSH is told to do; a dot for each command that was served. The last way stays below sshd's limit of sessions
# on a connection, which the second one meets: it is shown beside, as the best that can be done with that tool.
LOOP = 'n=$1; shift; for _ in $(seq "$n"); do "$@" && printf .; done'
ALL_AT_ONCE = 'n=$1; shift; for _ in $(seq "$n"); do { "$@" && printf .; } & done; wait'
EIGHT_AT_A_TIME = 'n=$1; shift; seq "$n" | xargs -P 8 -I {} "$@" && seq "$n" | tr -dc "\\n" | tr "\\n" .'


async def measure(node: Node, ssh: list[str]) -> None:
    """The ways take turns, so that a machine that is busy for a while is so for all of them."""
    login = SshLogin(node.name, "127.0.0.1", Port(node.ports[SSH]), "root", Secret(node.key.read_text()))
    ours = SshTransport(login)
    rates: dict[str, list[float]] = {way: [] for way in ("ours", "ours_at_once", "loop", "all_at_once", "eight")}
    refused = 0
    await at_once(ours)
    for _ in range(ROUNDS):
        rates["ours"].append(await in_a_row(ours))
        rates["loop"].append(openssh(LOOP, IN_A_ROW, ssh))
        before = refusals(node)
        rates["ours_at_once"].append(await at_once(ours))
        refused += refusals(node) - before
        rates["all_at_once"].append(openssh(ALL_AT_ONCE, AT_ONCE, ssh))
        rates["eight"].append(openssh(EIGHT_AT_A_TIME, AT_ONCE, ssh))
    await ours.close()
    median = {way: statistics.median(found) for way, found in rates.items()}
    factors = {
        "in_a_row": round(median["ours"] / median["loop"], 1),
        "at_once": round(median["ours_at_once"] / median["all_at_once"], 1),
    }
    tell(
        what=f"commands a second, {IN_A_ROW} in a row and {AT_ONCE} at once: medians of {ROUNDS} rounds in turns",
        ours_per_s={"in_a_row": round(median["ours"]), "at_once": round(median["ours_at_once"])},
        openssh_per_s={"in_a_row": round(median["loop"]), "at_once": round(median["all_at_once"])},
        openssh_eight_at_a_time_per_s=round(median["eight"]),
        factors=factors,
        least_factor=LEAST_FACTOR,
        sessions_refused_of_ours=refused,
        holds=min(factors.values()) >= LEAST_FACTOR and refused == 0,
    )


async def in_a_row(ours: SshTransport) -> float:
    began = time.perf_counter()
    for _ in range(IN_A_ROW):
        await ours.run(command(PROGRAM))
    return IN_A_ROW / (time.perf_counter() - began)


async def at_once(ours: SshTransport) -> float:
    began = time.perf_counter()
    await asyncio.gather(*(ours.run(command(PROGRAM)) for _ in range(AT_ONCE)))
    return AT_ONCE / (time.perf_counter() - began)


def openssh(way: str, count: int, ssh: list[str]) -> float:
    """Of commands that were served."""
    began = time.perf_counter()
    argv = ["sh", "-c", way, "sh", str(count), *ssh, PROGRAM]
    served = subprocess.run(argv, capture_output=True, timeout=120, check=False).stdout.count(b".")
    return served / (time.perf_counter() - began)


def refusals(node: Node) -> int:
    return node.run("journalctl", "--unit=ssh", "--no-pager").count("no more sessions")


def main() -> None:
    with open_lab() as lab, lab.node() as node, temporary_folder() as folder, control_master(node, folder) as ssh:
        uvloop.run(measure(node, ssh))


if __name__ == "__main__":
    main()
