"""What stands in the way of a new app is read before anything is made."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from bakery.github.links import LinkDetail
from bakery.model.github import PUBLIC
from bakery.model.runtimes import Runtime
from bakery.nodes.catalogue import NodeSummary
from bakery.web.presenters.new_app import Offers, new_app_page
from bakery.web.presenters.new_app_seen import Seen
from tests.web.samples.frame import NOW
from tests.web.samples.new_app import a_draft, a_finding, a_node


def why_not(node: NodeSummary, at: str, *, is_built: bool = True, **more: str) -> str:
    found = a_finding()
    assert found.recipe is not None
    recipe = replace(found.recipe, dockerfile_text="FROM node:24-slim\n" if is_built else None)
    draft = replace(a_draft(3, **more), finding=replace(found, runtime=Runtime.STATIC, recipe=recipe))
    return new_app_page(Seen(draft, [node], at), None, Offers(LinkDetail(PUBLIC, None, NOW)), now=NOW).why_not_create


def test_a_site_that_is_built_needs_docker_on_its_node() -> None:
    told = "This site has to be built, which is done in Docker, and oven-1 has none."
    assert why_not(a_node("oven-1", has_docker=False), "review") == told
    assert why_not(a_node("oven-1"), "review") == ""


@pytest.mark.parametrize(
    ("at", "more"),
    [
        ("review", {"is_built": False}),
        ("review", {"runtime": "process"}),
        ("address", {}),
    ],  # another node may be chosen
)
def test_otherwise_a_node_without_docker_will_do(at: str, more: Mapping[str, str | bool]) -> None:
    is_built = bool(more.get("is_built", True))
    said = {name: value for name, value in more.items() if isinstance(value, str)}
    assert why_not(a_node("oven-1", has_docker=False), at, is_built=is_built, **said) == ""
