"""What is known of a deployment's steps, on its way to the database.

Between two steps lies one transaction: the end of what was done, what was skipped after it, the beginning of the next,
and the log until then. Each transaction is time in which nothing happens on the node.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from bakery.delivery.log import DeploymentLog
from bakery.delivery.ownership import require_ours
from bakery.delivery.planned import StepKey
from bakery.delivery.steps import CancelAsked, begin_step, end_step, skip_steps
from bakery.model.deployments import StepState
from bakery.store.store import Store
from bakery.store.transaction import Transaction

_Move = Callable[[Transaction], Awaitable[None]]


@dataclass(slots=True)
class Progress:
    """What a kill leaves unwritten is done again: a step that has ended is begun once more, and finds what is done."""

    store: Store
    log: DeploymentLog
    deployment_id: int
    generation: int
    _moves: list[_Move] = field(default_factory=list)
    _skipped: dict[StepKey, tuple[int, int]] = field(default_factory=dict)

    def ended(self, key: StepKey, state: StepState, at_byte: int) -> None:
        self._moves.append(partial(end_step, deployment_id=self.deployment_id, key=key, state=state, at_byte=at_byte))

    def skipped(self, key: StepKey, from_byte: int, to_byte: int) -> None:
        self._skipped[key] = (from_byte, to_byte)

    async def begin(self, key: StepKey) -> None:
        """Raises CancelAsked when somebody has cancelled; what ended before has ended all the same."""
        at_byte, may_begin = await self.log.position(), True

        async def begin(tx: Transaction) -> None:
            nonlocal may_begin
            may_begin = await begin_step(tx, self.deployment_id, key, at_byte=at_byte)

        await self._write(begin)
        if not may_begin:
            raise CancelAsked

    async def write(self) -> None:
        """When no other step begins."""
        if self._moves or self._skipped:
            await self._write()

    async def _write(self, *last: _Move) -> None:
        async def move_all(tx: Transaction) -> None:
            await require_ours(tx, self.deployment_id, self.generation)
            for move in self._moves:
                await move(tx)
            if self._skipped:
                await skip_steps(tx, self.deployment_id, self._skipped)
            for move in last:
                await move(tx)

        await self.log.flush_with(move_all)
        self._moves.clear()
        self._skipped.clear()
