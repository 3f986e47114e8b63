"""Any value reaches a process under systemd byte for byte, and nobody else reads it there."""

import asyncio
import json

from bakery.helper.names import account_name
from bakery.model.names import UnitName
from bakery.model.secret import Secret
from bakery.model.unit import UnitSpec
from bakery.model.variables import LARGEST_VALUE
from bakery.nodes.folders import ROOTS_FOLDER, NodeFolders
from bakery.nodes.helper_calls import Helper
from bakery.nodes.helper_units import HelperUnits
from tests.lab.agent import agent_of
from tests.lab.nodes import Node

FOLDERS = NodeFolders(ROOTS_FOLDER)
ACCOUNT, OTHER_ACCOUNT = (account_name(ROOTS_FOLDER, app, "production") for app in ("vars", "other"))
NAME = UnitName("bakery-vars-production-blue")
CANARY = "canary-4711"
HOSTILE = {
    "LINES": "one\ntwo\r\nthree\n",
    "QUOTES": "'single' \"double\" `back` \\ \\n \\",
    "DOLLARS": "$HOME ${HOME} $(id) %h %%n #5 ; PORT=1",
    "SPACES": "  \t before and after \t ",
    "CONTROLS": "".join(map(chr, range(1, 32))) + "\x7f\x85",
    "UNICODE": "ünïcödé 😀 \u2028 \u202e \ufeff",
    "EMPTY": "",
    "LARGE": ("x\n" * LARGEST_VALUE)[:LARGEST_VALUE],
    "SECRET": CANARY,
}
APP = "import json, os, sys, time; print(json.dumps(dict(os.environ)), flush=True); time.sleep(600)"


async def test_a_unit_has_every_value_and_no_other_account_reads_it(node: Node) -> None:
    async with agent_of(node) as helper:
        await every_value_arrives(node, helper)


async def every_value_arrives(node: Node, helper: Helper) -> None:
    for app in ("vars", "other"):
        await helper.say("premises-make", app, "production")
    units = HelperUnits(helper)
    folder = FOLDERS.root / "apps/vars/production/releases"
    environment = {name: Secret(value) for name, value in HOSTILE.items()}
    argv = ("/usr/bin/python3", "-c", APP)
    await units.start(UnitSpec(NAME, argv, folder, FOLDERS.unit_log(NAME), environment, ACCOUNT))
    seen = json.loads(await _first_line(node))
    assert {name: seen[name] for name in HOSTILE} == HOSTILE

    node.run("truncate", "--size=0", str(FOLDERS.unit_log(NAME)))  # where the app itself wrote them
    # A pattern that does not find itself among the commands.
    search = (
        f"grep -rls {CANARY[:-1]}[{CANARY[-1]}] /etc/systemd /run/systemd /var/lib/bakery /var/log /proc/[0-9]*/cmdline"
    )
    assert node.run("sh", "-c", f"{search} || true").splitlines() == [f"{FOLDERS.units}/{NAME}.env"]
    as_another = node.run("runuser", "-u", OTHER_ACCOUNT, "--", "sh", "-c", f"{search} /proc/[0-9]*/environ || true")
    assert as_another == ""
    assert CANARY not in node.run("journalctl", "--no-pager", "--output=export")
    assert CANARY not in node.run("runuser", "-u", OTHER_ACCOUNT, "--", "sh", "-c", f"systemctl show {NAME} || true")
    await units.remove(NAME)
    assert node.run("sh", "-c", f"{search} || true") == ""


async def _first_line(node: Node) -> str:
    """The app's log, once its line is whole."""
    deadline = asyncio.get_running_loop().time() + 20
    while not (text := node.run("sh", "-c", f"cat {FOLDERS.unit_log(NAME)} || true")).endswith("}"):
        assert asyncio.get_running_loop().time() < deadline, text
        await asyncio.sleep(0.1)
    return text
