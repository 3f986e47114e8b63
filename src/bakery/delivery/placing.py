"""Which node an app may come to live on."""

from bakery.delivery.recipe import Recipe
from bakery.model.errors import BadInput, NotFound, Unavailable
from bakery.model.nodes import LOCAL, NodeName, NodeState
from bakery.model.runtimes import Runtime
from bakery.nodes.capabilities import IngressKind, UnitKeeper
from bakery.nodes.catalogue import NodeSummary, lock_node
from bakery.store.transaction import Transaction


async def expect_room_on(tx: Transaction, slug: NodeName, runtime: Runtime) -> NodeSummary:
    """The node, which nobody changes or removes until the transaction ends. Refused in words where no app may come."""
    try:
        node = await lock_node(tx, slug)
    except NotFound as error:
        if slug == LOCAL:
            raise Unavailable(
                "This machine is not known as a node yet.", hint="Bakery's worker makes it so when it starts."
            ) from error
        raise BadInput(error.message, field="node", hint="See: bakery nodes list") from error
    reason, hint = why_no_app(node, runtime)
    if reason:
        raise BadInput(reason, field="node", hint=hint)
    return node


def why_no_app(node: NodeSummary, runtime: Runtime) -> tuple[str, str]:
    """A sentence and a hint; both empty where it may come. A node that is away for a while may be chosen."""
    if node.is_draining:
        return f"{node.slug} is being drained: no new app comes to it.", "Choose another node."
    if node.state is NodeState.NEW:
        return (
            f"{node.slug} waits for its first handshake.",
            f"Run its installer there: bakery nodes repair {node.slug}",
        )
    if node.state is NodeState.BLOCKED:
        return (
            f"{node.slug} is blocked: it shows another host key than the one that is pinned.",
            f"An Admin decides about it: bakery nodes accept-key {node.slug}",
        )
    if node.facts is None and not node.is_local:
        return f"{node.slug} was not looked at yet.", f"Verify it: bakery nodes verify {node.slug}"
    lacks = _lacks(node, runtime)
    return (
        (f"{node.slug} {lacks}.", "Choose another node, or install it there and verify the node.")
        if lacks
        else ("", "")
    )


def why_no_build(node: NodeSummary, recipe: Recipe | None) -> tuple[str, str]:
    """Likewise, of a site whose files have to be made before nginx can serve them."""
    if recipe is None or recipe.dockerfile_text is None or node.facts is None or node.facts.has_docker:
        return "", ""
    return (
        f"This site has to be built, which is done in Docker, and {node.slug} has none.",
        "Choose another node, or install it there and verify the node.",
    )


def _lacks(node: NodeSummary, runtime: Runtime) -> str:
    """Far away an app is reached through nginx alone; here it may answer on its own port."""
    if node.facts is None:
        return ""
    if runtime is Runtime.DOCKER and not node.facts.has_docker:
        return "has no Docker, which runs apps in containers"
    if node.facts.ingress is IngressKind.NONE and (runtime is Runtime.STATIC or not node.is_local):
        return "has no nginx, through which visitors reach the app"
    if runtime is Runtime.PROCESS and not node.is_local and node.facts.units is not UnitKeeper.SYSTEMD:
        return "does not run systemd, which keeps processes running"
    return ""
