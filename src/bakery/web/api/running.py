"""Restart, stop and start: what an app's live release does."""

from litestar import post

from bakery.delivery.apps import show_app
from bakery.delivery.running import restart_app, start_app, stop_app
from bakery.model.actor import Actor
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.web.api.apps import AppInFull
from bakery.web.api.listing import shown
from bakery.web.api.problems import problems
from bakery.web.context import Parts

_DEPLOY = {"permission": Permission.DEPLOY}


@post(
    "/apps/{app:str}/restart",
    operation_id="restartApp",
    summary="Restart an app",
    opt=_DEPLOY,
    status_code=202,
    responses=problems(409),
    tags=["Apps"],
)
async def post_restart(parts: Parts, actor: Actor, where: AppAt) -> AppInFull:
    """Starts the live release again: soon, by the worker."""
    await restart_app(parts.store, parts.queue, where, actor=actor)
    return await _app(parts, where, actor)


@post(
    "/apps/{app:str}/stop",
    operation_id="stopApp",
    summary="Stop an app",
    opt=_DEPLOY,
    status_code=202,
    responses=problems(409),
    tags=["Apps"],
)
async def post_stop(parts: Parts, actor: Actor, where: AppAt) -> AppInFull:
    """Until it is started again, over restarts of the machine too."""
    await stop_app(parts.store, parts.queue, where, actor=actor)
    return await _app(parts, where, actor)


@post(
    "/apps/{app:str}/start",
    operation_id="startApp",
    summary="Start an app",
    opt=_DEPLOY,
    status_code=202,
    responses=problems(409),
    tags=["Apps"],
)
async def post_start(parts: Parts, actor: Actor, where: AppAt) -> AppInFull:
    """One that was stopped."""
    await start_app(parts.store, parts.queue, where, actor=actor)
    return await _app(parts, where, actor)


async def _app(parts: Parts, where: AppAt, actor: Actor) -> AppInFull:
    return shown(AppInFull, await show_app(parts.store, where, actor=actor))


ROUTES = (post_restart, post_stop, post_start)
