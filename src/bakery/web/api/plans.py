"""What a deployment will do, before it does it."""

from typing import Annotated

import msgspec
from litestar import post

from bakery.delivery.foreseeing import Foreseen, foresee_deployment
from bakery.delivery.foresight import Change
from bakery.delivery.recipe import Recipe
from bakery.model.actor import Actor
from bakery.model.errors import BadInput
from bakery.model.images import parse_image, parse_tag
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.model.sources import parse_ref
from bakery.web.api.problems import problems
from bakery.web.context import Parts


class PlanWanted(msgspec.Struct, kw_only=True):
    """`ref`, `image` and `tag` as for a deployment; without one it is the newest commit of what the app follows, or its
    image."""

    ref: Annotated[str, msgspec.Meta(max_length=250)] | None = None
    image: Annotated[str, msgspec.Meta(max_length=1000)] | None = None
    tag: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    skip_tests: bool = False


class PlanLine(msgspec.Struct):
    text: str
    change: Change


class PlanPart(msgspec.Struct):
    """A step, or `variables`. `change` tells of one that is new, or gone."""

    key: str
    title: str
    change: Change
    lines: list[PlanLine]


class PlanVersion(msgspec.Struct):
    """What is used of a language or a tool. `source` is the file that asks for it, or “the default”."""

    tool: str
    version: str
    source: str


class PlanFound(msgspec.Struct):
    """What the source is. `framework` is null where there is none that Bakery knows."""

    stack: str
    framework: str | None
    versions: list[PlanVersion]


class DeploymentPlan(msgspec.Struct):
    """`compared_with` is the live release whose plan this is compared with; null where nothing is live. Of an image,
    `ref` is its name and `commit` its digest. `found` is null where nobody looks into the source."""

    app: str
    ref: str
    commit: str
    title: str
    author: str
    compared_with: int | None
    differs: bool
    parts: list[PlanPart]
    found: PlanFound | None


@post(
    "/apps/{app:str}/plan",
    operation_id="planDeployment",
    summary="Show what a deployment would do",
    opt={"permission": Permission.DEPLOY},
    status_code=200,
    responses=problems(409, 429, 503),
    tags=["Deployments"],
)
async def post_plan(parts: Parts, actor: Actor, where: AppAt, data: PlanWanted) -> DeploymentPlan:
    """Fetches the commit on the app's node, looks into it and removes it again; of an image it asks the registry.
    Nothing is deployed."""
    if data.image and data.tag:
        raise BadInput("Name one of image and tag.", field="tag")
    found = await foresee_deployment(
        parts.store,
        parts.links,
        where,
        ref=parse_ref(data.ref) if data.ref else None,
        image=parse_image(data.image) if data.image else None,
        tag=parse_tag(data.tag) if data.tag else None,
        skips_tests=data.skip_tests,
        actor=actor,
    )
    return _shown(found)


def _shown(found: Foreseen) -> DeploymentPlan:
    return DeploymentPlan(
        found.app,
        found.ref,
        found.commit,
        found.title,
        found.author,
        found.compared_with,
        any(part.differs for part in found.parts) and found.compared_with is not None,
        [
            PlanPart(part.key, part.title, part.change, [PlanLine(line.text, line.change) for line in part.lines])
            for part in found.parts
        ],
        _found(found.found) if found.found else None,
    )


def _found(recipe: Recipe) -> PlanFound:
    versions = [PlanVersion(one.tool, one.version, one.source) for one in recipe.versions]
    return PlanFound(recipe.stack, recipe.framework, versions)


ROUTES = (post_plan,)
