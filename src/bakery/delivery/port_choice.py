"""The port of the slot that a deployment is going to use: looked for while its release is being made."""

import asyncio
from collections.abc import Mapping
from typing import Self

from bakery.delivery.planned import StepKey
from bakery.delivery.ports import leave_taken_port
from bakery.delivery.waiting import although_away
from bakery.delivery.work import Work
from bakery.model.deployments import StepState
from bakery.store.ending import end_tasks


class PortChoice:
    """Made once, before anything starts: from then on, what runs has its port."""

    def __init__(self, work: Work, states: Mapping[StepKey, StepState]) -> None:
        self._work, self._states = work, states
        self._choosing: asyncio.Task[bool] | None = None

    async def __aenter__(self) -> Self:
        if self._states.get(StepKey.START, StepState.WAITING) is StepState.WAITING:
            self._choosing = asyncio.create_task(self._choose())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._choosing is not None:
            await end_tasks(self._choosing)

    async def made(self) -> None:
        """What follows is planned anew with another port."""
        choosing, self._choosing = self._choosing, None
        if choosing is None:
            return
        try:
            has_changed = await asyncio.shield(choosing)
        finally:
            await end_tasks(choosing)
        if has_changed:
            await self._work.plan_anew()

    async def _choose(self) -> bool:
        work, has_changed = self._work, False
        if work.space is not None:  # so that one conversation with the node's helper serves both
            await asyncio.wait((work.space,))

        async def choose() -> None:
            nonlocal has_changed
            has_changed = await leave_taken_port(work.store, work.node, work.deployment) or has_changed

        await although_away(work.log, choose, seconds=work.patience.away)
        return has_changed
