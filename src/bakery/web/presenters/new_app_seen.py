"""What is known of a new app: what was typed, what was found, and where it may go."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bakery.delivery.drafts import Draft
from bakery.delivery.findings import Finding
from bakery.delivery.placing import why_no_app
from bakery.delivery.recipe import Recipe
from bakery.model.apps import SourceKind
from bakery.model.nodes import NodeState
from bakery.model.runtimes import Runtime
from bakery.nodes.catalogue import NodeSummary


@dataclass(frozen=True, slots=True)
class Seen:
    """What the page is made from. `name_is_free`: nobody has an app of that name."""

    draft: Draft
    nodes: Sequence[NodeSummary]  # on which some app may live
    at: str
    name_is_free: bool = False

    @property
    def kind(self) -> SourceKind:
        said = self.draft.text("kind")
        return SourceKind(said) if said in set(SourceKind) else SourceKind.GIT

    @property
    def finding(self) -> Finding | None:
        """Of the repository that stands there."""
        found = self.draft.finding
        return found if found and self.kind == SourceKind.GIT and found.asked.url == self.draft.text("url") else None

    @property
    def runtime(self) -> Runtime:
        """As it was chosen; else as it was found."""
        if self.kind == SourceKind.IMAGE:
            return Runtime.DOCKER
        said = self.draft.text("runtime")
        if said in set(Runtime):
            return Runtime(said)
        found = self.finding.runtime if self.finding else None
        return found or (Runtime.DOCKER if self.node is None or takes(self.node, Runtime.DOCKER) else Runtime.PROCESS)

    @property
    def site(self) -> Recipe | None:
        """How its files are made, where files are all that is served."""
        return self.finding.recipe if self.finding and self.runtime is Runtime.STATIC else None

    @property
    def node(self) -> NodeSummary | None:
        said = self.draft.text("node")
        return next((node for node in self.nodes if node.slug == said), None) or best_node(self.nodes)

    @property
    def reached(self) -> int:
        """How many sections are done."""
        text = self.draft.text("reached")
        return int(text) if text.isdigit() and len(text) == 1 else 0


def takes(node: NodeSummary, runtime: Runtime) -> bool:
    return why_no_app(node, runtime) == ("", "")


def best_node(nodes: Sequence[NodeSummary]) -> NodeSummary | None:
    """Where a new app fits best: of those that answer, the one with the fewest apps."""
    return min(
        nodes,
        key=lambda node: (node.state is not NodeState.ONLINE, node.apps, not node.is_local, node.slug),
        default=None,
    )


def name_from(source: str) -> str:
    """Of a repository or an image, as the name of an app; empty where there is nothing to make one from."""
    last = re.split(r"[/:]", re.sub(r"(?<=[^/]):[\w.-]+$|@.*$", "", source) if "://" not in source else source)[-1]
    plain = re.sub(r"[^a-z0-9]+", "-", last.removesuffix(".git").lower()).lstrip("-0123456789").rstrip("-")
    return plain[:40].rstrip("-")
