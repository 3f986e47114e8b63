"""The work of delivery as the queue knows it: each task by its name, with the number of a row."""

from collections.abc import Awaitable, Callable

from bakery.delivery import tasks
from bakery.delivery.delete import clear_environment
from bakery.delivery.find import node_of_deployment, node_of_environment
from bakery.delivery.pruning import prune, prune_environment
from bakery.delivery.request import start_scheduled
from bakery.delivery.run import run_deployment
from bakery.delivery.running import note_away, restart, settle
from bakery.delivery.scale import scale
from bakery.delivery.sites import refresh_site, repair_site
from bakery.delivery.work import Patience
from bakery.ingress.tasks import REFRESH_SITE
from bakery.model.errors import NodeUnreachable
from bakery.nodes.links import Links
from bakery.nodes.node import Node
from bakery.store.queue import Queue
from bakery.store.store import Store

_OfEnvironment = Callable[[Store, Node, int], Awaitable[None]]


def register_tasks(queue: Queue, store: Store, links: Links, *, patience: Patience | None = None) -> None:
    """Each is done on the node where its environment lives. A node that is away is tried again: nothing is lost. What
    makes the node agree with the rows, whenever it comes, keeps no deployment from its turn meanwhile."""

    async def deploy(deployment_id: int) -> None:
        node_id = await node_of_deployment(store, deployment_id)
        if node_id is not None:
            await run_deployment(
                store, queue, lambda: links.node(node_id), deployment_id, patience=patience or Patience()
            )

    async def start_at_its_time(deployment_id: int) -> None:
        await start_scheduled(store, queue, deployment_id)

    def on_its_node(work: _OfEnvironment) -> Callable[[int], Awaitable[None]]:
        async def do(environment_id: int) -> None:
            node_id = await node_of_environment(store, environment_id)
            if node_id is None:
                return
            try:
                await work(store, await links.node(node_id), environment_id)
            except NodeUnreachable as error:
                await note_away(store, environment_id, error)
                raise  # the queue tries again

        return do

    async def prune_node(node_id: int) -> None:
        await prune(store, queue, await links.node(node_id), node_id)

    queue.register(tasks.DEPLOY, deploy)
    queue.register(tasks.START_SCHEDULED, start_at_its_time)
    queue.register(tasks.SETTLE, on_its_node(settle), gives_way=True)
    queue.register(tasks.RESTART, on_its_node(restart), gives_way=True)
    queue.register(tasks.SCALE, on_its_node(scale), gives_way=True)
    queue.register(REFRESH_SITE, on_its_node(refresh_site), gives_way=True)
    queue.register(tasks.REPAIR_SITE, on_its_node(repair_site), gives_way=True)
    queue.register(tasks.DELETE_APP, on_its_node(clear_environment))
    queue.register(tasks.PRUNE_NODE, prune_node)
    queue.register(tasks.PRUNE_ENVIRONMENT, on_its_node(prune_environment))
