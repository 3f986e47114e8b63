"""The lab by hand: `scripts/lab up N`, `scripts/lab down`, and `scripts/lab prepare` for scripts/test."""

import argparse
import shlex
import sys

from tests.lab.errors import LabError
from tests.lab.lab import BY_HAND, Lab, open_lab
from tests.lab.nodes import HTTP, HTTPS


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/lab", description="Real machines for tests, on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start nodes and print how to reach them")
    up.add_argument("count", metavar="N", type=int, nargs="?", default=1)
    commands.add_parser("down", help="remove the nodes that `up` started")
    commands.add_parser("prepare", help="make the image that nodes start from, so that tests need not wait for it")
    arguments = parser.parse_args()
    try:
        with open_lab() as lab:
            if arguments.command == "up":
                start(lab, arguments.count)
            elif arguments.command == "down":
                lab.remove_nodes_by_hand()
    except LabError as error:
        sys.exit(str(error))


def start(lab: Lab, count: int) -> None:
    for _ in range(count):
        node = lab.start_node(owner=BY_HAND)
        print(f"{node.name}: http://127.0.0.1:{node.ports[HTTP]}  https://127.0.0.1:{node.ports[HTTPS]}")
        print(f"  {shlex.join(node.ssh())}", flush=True)


if __name__ == "__main__":
    main()
