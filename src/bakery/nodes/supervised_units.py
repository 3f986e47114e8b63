"""Units kept by our own supervisor, one a unit, where there is no systemd for us."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import PurePosixPath

import msgspec

from bakery.commands.command import Command, command
from bakery.commands.files import make_folder, remove_tree
from bakery.model.names import UnitName
from bakery.model.secret import Secret
from bakery.model.unit import UnitSpec
from bakery.nodes.drift import UnitDrift
from bakery.nodes.folders import NodeFolders
from bakery.nodes.transport import Transport, run_or_fail
from bakery.nodes.units import CheckEnd, UnitState, Use

LONGEST_STOP = 300.0


class SupervisedUnits:
    """Each unit has a folder that only we can read, with what the supervisor runs and what became of it."""

    def __init__(self, transport: Transport, folders: NodeFolders) -> None:
        self._transport = transport
        self._folders = folders
        self._program = folders.programs / "supervisor.py"

    async def start(self, unit: UnitSpec) -> None:
        """Stops the old before it writes the new: what runs is always what the file says, also after a crash."""
        spec = _spec(unit)
        if await self._transport.get(self._spec_file(unit.name)) != spec.reveal().encode():
            await self.stop(unit.name)
            await self._install()
            await run_or_fail(self._transport, make_folder(self._folder(unit.name), mode=0o700))
            await self._transport.put(self._spec_file(unit.name), spec, mode=0o600)
        await run_or_fail(self._transport, self._say("start", unit.name))

    async def stop(self, name: UnitName) -> None:
        if await self._exists(name):
            await run_or_fail(self._transport, self._say("stop", name))

    async def state(self, name: UnitName) -> UnitState:
        if not await self._exists(name):
            return UnitState(is_running=False)
        said = await run_or_fail(self._transport, self._say("state", name))
        state = msgspec.json.decode(said.output, type=_State)
        return UnitState(
            is_running=state.is_running,
            process_id=state.child,
            restarts=max(0, state.starts - 1),
            last_exit=state.last_exit,
        )

    async def restarts(self, *names: UnitName) -> dict[UnitName, int]:
        """Those that nobody asked for. Read where the supervisor writes them: there may be many units."""
        found = {}
        for name in names:
            written = await self._transport.get(self._folder(name) / "state.json")
            with contextlib.suppress(msgspec.DecodeError):  # cut short when the machine lost its power
                found[name] = max(0, msgspec.json.decode(written or b'{"starts":0}', type=_Starts).starts - 1)
        return found

    async def states(self, *names: UnitName) -> dict[UnitName, UnitState]:
        return {name: await self.state(name) for name in names}

    async def check(self, name: UnitName, argv: tuple[str, ...], *, seconds: float) -> CheckEnd:
        if not await self._exists(name):
            return CheckEnd(127, f"{name} does not run.")
        await self._install()
        told = Secret(msgspec.json.encode({"argv": argv, "seconds": seconds}).decode())
        checking = replace(self._say("check", name), stdin=told, timeout=seconds + 60, is_private=True, is_routine=True)
        return msgspec.json.decode((await run_or_fail(self._transport, checking)).output, type=CheckEnd)

    async def uses(self, *_: UnitName) -> dict[UnitName, Use]:
        """Nobody counts it here."""
        return {}

    async def look_for_drift(self, units: Sequence[UnitSpec]) -> Mapping[UnitName, UnitDrift]:
        """Its description holds variables, so of one that differs nothing is shown."""
        found = {}
        for unit in units:
            file = self._spec_file(unit.name)
            written, state = await self._transport.get(file), await self.state(unit.name)
            is_as_told = written == _spec(unit).reveal().encode()
            if not (is_as_told and state.is_running):
                said = "" if is_as_told or written is None else "What it runs is described otherwise."
                is_there, running = written is not None, state.is_running
                found[unit.name] = UnitDrift(
                    str(file), is_there=is_there, is_running=running, last_exit=state.last_exit, said=said
                )
        return found

    async def remove(self, name: UnitName) -> None:
        await self.stop(name)
        await run_or_fail(self._transport, remove_tree(self._folder(name)))

    async def _install(self) -> None:
        program = files("bakery.nodes").joinpath("supervisor.py").read_bytes()
        if await self._transport.get(self._program) != program:
            await self._transport.put(self._program, program)

    async def _exists(self, name: UnitName) -> bool:
        return await self._transport.get(self._spec_file(name)) is not None

    def _say(self, verb: str, name: UnitName) -> Command:
        return command(
            self._transport.python, "-I", "-S", self._program, verb, self._folder(name), timeout=LONGEST_STOP
        )

    def _folder(self, name: UnitName) -> PurePosixPath:
        return self._folders.units / name

    def _spec_file(self, name: UnitName) -> PurePosixPath:
        return self._folder(name) / "spec.json"


class _Starts(msgspec.Struct):
    starts: int


class _State(msgspec.Struct):
    is_running: bool
    child: int | None
    starts: int
    last_exit: str


def _spec(unit: UnitSpec) -> Secret:
    """Memory and CPU limits are systemd's: the node's page says that there are none here."""
    spec = {
        "argv": unit.argv,
        "folder": str(unit.folder),
        "environment": {name: value.reveal() for name, value in unit.environment.items()},
        "account": unit.account,
        "log_file": str(unit.log_file),
        "stop_seconds": unit.stop_seconds,
    }
    return Secret(msgspec.json.encode(spec).decode())
