"""The work of delivery as the queue knows it: each task by its name, with the number of a row."""

from bakery.delivery import tasks
from bakery.delivery.delete import clear_app
from bakery.delivery.local import Machine
from bakery.delivery.request import start_scheduled
from bakery.delivery.run import run_deployment
from bakery.delivery.running import restart, settle
from bakery.delivery.work import Patience
from bakery.store.queue import Queue
from bakery.store.store import Store


def register_tasks(queue: Queue, store: Store, machine: Machine, *, patience: Patience | None = None) -> None:
    async def deploy(deployment_id: int) -> None:
        await run_deployment(store, await machine.node(), deployment_id, patience=patience or Patience())

    async def start_at_its_time(deployment_id: int) -> None:
        await start_scheduled(store, queue, deployment_id)

    async def settle_environment(environment_id: int) -> None:
        await settle(store, await machine.node(), environment_id)

    async def restart_environment(environment_id: int) -> None:
        await restart(store, await machine.node(), environment_id)

    async def clear(environment_id: int) -> None:
        await clear_app(store, await machine.node(), environment_id)

    queue.register(tasks.DEPLOY, deploy)
    queue.register(tasks.START_SCHEDULED, start_at_its_time)
    queue.register(tasks.SETTLE, settle_environment)
    queue.register(tasks.RESTART, restart_environment)
    queue.register(tasks.DELETE_APP, clear)
