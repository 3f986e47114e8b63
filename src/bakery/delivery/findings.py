"""What a repository is, before there is an app of it: a commit is fetched on a node, looked into, and removed."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bakery.delivery.detecting import detect_in_time
from bakery.delivery.foreseeing import FIRST_NUMBER, WITHIN, fetch_for_a_look
from bakery.delivery.placing import why_no_app
from bakery.delivery.recipe import Recipe, recipe_of
from bakery.delivery.sources import DeployKey, branch_of, credentials_for_new, way_of_new
from bakery.model.actor import Actor
from bakery.model.apps import NEW
from bakery.model.errors import BadInput, Unavailable
from bakery.model.names import EnvironmentName
from bakery.model.permissions import Permission
from bakery.model.repository_paths import RepositoryPath
from bakery.model.runtimes import Runtime
from bakery.model.sources import Branch, NewSource, ref_of
from bakery.nodes.catalogue import NodeSummary
from bakery.nodes.git_sources import GitCommit, GitCredentials, GitFetch
from bakery.nodes.homes import Place
from bakery.nodes.links import Links
from bakery.nodes.node import Node
from bakery.stacks.plan import Alternative, BuildPlan, Detected, ProposedVariable, ToolVersion, Undetected
from bakery.stacks.tree import FileTree
from bakery.store.store import Store


@dataclass(frozen=True, slots=True)
class Asked:
    """What was looked into. Another answer is given for another of these. `runtime` None: as it is found."""

    url: str
    branch: str
    base: str
    runtime: Runtime | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """`problem` says why nothing can be made of it as it is, and `hint` what to do; then `alternatives` may be folders
    to choose from. `note` says why it is not to run as it would by itself."""

    asked: Asked
    node: str
    branch: str
    commit: str
    title: str
    author: str
    stack: str = ""
    framework: str = ""
    runtime: Runtime | None = None
    base: str = ""
    why: tuple[str, ...] = ()
    note: str = ""
    versions: tuple[ToolVersion, ...] = ()
    variables: tuple[ProposedVariable, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    recipe: Recipe | None = None
    writes_dockerfile: bool = False
    problem: str = ""
    hint: str = ""

    @property
    def folders(self) -> tuple[Alternative, ...]:
        """The apps that lie in other folders of the same repository."""
        return tuple(one for one in self.alternatives if one.base != self.base)

    def beside(self, before: "Finding | None") -> "Finding":
        """From one folder the others of the same repository are not seen: those that were, are still there."""
        if before is None or (before.asked.url, before.branch) != (self.asked.url, self.branch):
            return self
        seen = {one.base for one in self.alternatives}
        return replace(
            self, alternatives=(*self.alternatives, *(one for one in before.folders if one.base not in seen))
        )


async def look_into(
    store: Store,
    links: Links,
    node: NodeSummary,
    source: NewSource,
    *,
    key: DeployKey | None,
    runtime: Runtime | None,
    actor: Actor,
) -> Finding:
    """Nothing of it stays on the node. What is wrong with the source is told by its field."""
    actor.require(Permission.CREATE_APP)
    actor.require(Permission.DEPLOY)
    reached = await links.node(node.id)
    way = await way_of_new(store, source, actor=actor)
    credentials = await credentials_for_new(store, source, way, key.private if key else None)
    asked = Asked(source.url, source.branch or "", source.base, runtime)
    try:
        with links.plan_turns.looking(node.id):
            async with asyncio.timeout(WITHIN):
                found = await reached.sources.check(source.url, credentials)
                branch = branch_of(source, found)
                known = replace(credentials, host_keys=tuple(found.host_keys))
                commit, tree = await _fetched(reached, source, branch, known)
    except TimeoutError as error:
        raise Unavailable(
            f"{source.url} was not fetched on {node.slug} within {WITHIN:g} s.",
            hint="Create the app without deploying: a deployment waits for longer.",
        ) from error
    at = Finding(asked, node.slug, branch, commit.commit, commit.title, commit.author)
    detected, note = choose(tree, node, base=source.base, runtime=runtime)
    return found_in(at, detected, note)


async def _fetched(
    node: Node, source: NewSource, branch: Branch, credentials: GitCredentials
) -> tuple[GitCommit, FileTree]:
    # No app is ever called “new”, so nobody's files are there.
    place = Place(NEW, EnvironmentName(f"look{secrets.token_hex(5)}"))
    number = FIRST_NUMBER + secrets.randbelow(900_000_000)
    fetch = GitFetch(place, number, source.url, ref_of(branch), credentials, submodules=source.submodules)
    try:
        commit = await fetch_for_a_look(node, fetch)
        return commit, await node.trees.tree(place, number, source.base)
    except BadInput as error:
        raise BadInput(error.message, field="url" if error.field == "ref" else error.field, hint=error.hint) from error
    finally:
        async with asyncio.timeout(30):
            await asyncio.shield(node.homes.remove(place))


def choose(tree: FileTree, node: NodeSummary, *, base: RepositoryPath, runtime: Runtime | None) -> tuple[Detected, str]:
    """As it runs by itself; where the node lacks what that takes, as what it could be there, and why."""
    found = detect_in_time(tree, base=base, runtime=runtime)
    if runtime is not None or isinstance(found, Undetected):
        return found, ""
    reason, _ = why_no_app(node, found.runtime)
    if not reason:
        return found, ""
    for other in found.alternatives:
        if other.base == found.base and why_no_app(node, other.runtime) == ("", ""):
            return detect_in_time(tree, base=base, runtime=other.runtime, stack=other.stack), reason
    return found, reason


def found_in(at: Finding, detected: Detected, note: str) -> Finding:
    if isinstance(detected, Undetected):
        return replace(
            at, base=at.asked.base, why=detected.why, alternatives=_told(detected.alternatives),
            problem=detected.message, hint=detected.hint,
        )  # fmt: skip
    return replace(
        at,
        stack=detected.stack,
        framework=detected.framework or "",
        runtime=detected.runtime,
        base=detected.base,
        why=detected.why,
        note=note,
        versions=detected.versions,
        variables=detected.variables,
        alternatives=_told(detected.alternatives),
        recipe=recipe_of(detected),
        writes_dockerfile=_writes(detected),
        problem=detected.missing[0] if detected.missing else "",
        hint="Type a start command." if detected.missing else "",
    )


def _writes(plan: BuildPlan) -> bool:
    return plan.dockerfile is not None and hasattr(plan.dockerfile, "text")


def _told(some: Sequence[Alternative]) -> tuple[Alternative, ...]:
    return tuple(some)[:40]
