"""Units kept by systemd."""

import signal
from pathlib import PurePosixPath

from bakery.commands import systemd
from bakery.model.names import UnitName
from bakery.model.unit import UnitSpec
from bakery.nodes.folders import NodeFolders
from bakery.nodes.transport import Transport, run_or_fail
from bakery.nodes.units import UnitState

LONGEST_STOP = 300.0
_EXITED = "1"  # CLD_EXITED of wait(2); the others are signals


class SystemdUnits:
    """The environment lies in a file of ours with mode 0600, which systemd reads as root."""

    def __init__(self, transport: Transport, folders: NodeFolders) -> None:
        self._transport = transport
        self._folders = folders

    async def start(self, unit: UnitSpec) -> None:
        """Stops the old before it writes the new: what runs is always what the files say, also after a crash."""
        environment_file = self._environment_file(unit.name)
        unit_file = systemd.unit_file(unit.name)
        text = systemd.render_unit(unit, environment_file).encode()
        environment = systemd.render_environment(unit.environment)
        written = await self._transport.get(unit_file), await self._transport.get(environment_file)
        if written == (text, environment.reveal().encode()):
            if (await self.state(unit.name)).is_running:
                return
        else:
            await self.stop(unit.name)
            await self._transport.put(environment_file, environment, mode=0o600)
            await self._transport.put(unit_file, text)
        await run_or_fail(self._transport, systemd.reload_units())
        await run_or_fail(self._transport, systemd.enable_unit(unit.name))
        await run_or_fail(self._transport, systemd.start_unit(unit.name))

    async def stop(self, name: UnitName) -> None:
        if not await self._exists(name):
            return
        await run_or_fail(self._transport, systemd.disable_unit(name))
        await run_or_fail(self._transport, systemd.stop_unit(name, within=LONGEST_STOP))

    async def state(self, name: UnitName) -> UnitState:
        shown = await run_or_fail(self._transport, systemd.show_unit(name))
        return read_state(shown.output)

    async def remove(self, name: UnitName) -> None:
        await self.stop(name)
        if await self._exists(name):
            await self._transport.remove(systemd.unit_file(name))
            await run_or_fail(self._transport, systemd.reload_units())
        await self._transport.remove(self._environment_file(name))

    async def _exists(self, name: UnitName) -> bool:
        return await self._transport.get(systemd.unit_file(name)) is not None

    def _environment_file(self, name: UnitName) -> PurePosixPath:
        return self._folders.units / f"{name}.env"


def read_state(shown: str) -> UnitState:
    """From what `systemctl show` prints. While a unit runs, systemd knows nothing of the exit before."""
    properties = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    process_id = int(properties.get("MainPID", "0")) or None
    return UnitState(
        is_running=properties.get("ActiveState") == "active",
        process_id=process_id,
        restarts=int(properties.get("NRestarts", "0")),
        last_exit=""
        if process_id
        else _exit(properties.get("ExecMainCode", "0"), properties.get("ExecMainStatus", "0")),
    )


def _exit(code: str, status: str) -> str:
    if code == "0":
        return ""
    return f"ended with status {status}" if code == _EXITED else f"ended by {signal.Signals(int(status)).name}"
