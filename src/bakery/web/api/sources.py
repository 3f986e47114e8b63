"""Uploaded folders."""

from dataclasses import dataclass
from typing import Annotated

import msgspec
from litestar import post
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import Parameter

from bakery.delivery.find import find_app
from bakery.delivery.uploads import LARGEST_UPLOAD, take_upload
from bakery.model.actor import Actor
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.web.api.problems import problems
from bakery.web.api.source_ids import write_source_id
from bakery.web.context import Parts, WebRequest


class Source(msgspec.Struct):
    """`id` is what a deployment takes; `version` is the upload's SHA-256."""

    id: str
    version: str
    title: str


@dataclass
class _Upload(Operation):
    """The body is read as it comes, so the framework does not know what it is."""

    def __post_init__(self) -> None:
        archive = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, content_media_type="application/gzip"))
        self.request_body = RequestBody(content={"application/gzip": archive}, required=True)


@post(
    "/apps/{app:str}/sources",
    operation_id="uploadSource",
    operation_class=_Upload,
    summary="Upload a folder",
    opt={"permission": Permission.DEPLOY},
    request_max_body_size=LARGEST_UPLOAD,
    responses=problems(409, 413, 502, 507),
    tags=["Deployments"],
)
async def post_source(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    where: AppAt,
    title: Annotated[str, Parameter(max_length=200, description="How people see it.")] = "Uploaded folder",
) -> Source:
    """A tar.gz of up to 500 MB as the body; it is brought to the app's node. It becomes a deployment with
    POST …/deployments."""
    app = await find_app(parts.store, where, actor)
    actor.require(Permission.DEPLOY, app=app.id)
    upload = await take_upload(
        parts.store,
        parts.links,
        app,
        request.stream(),
        title=title,
        node_dir=parts.settings.node_dir,
        data_dir=parts.settings.data_dir,
    )
    return Source(write_source_id(parts.signing_key, where.app, upload), upload.version, upload.title)


ROUTES = (post_source,)
