"""uvicorn, as a part of our process: its signals are ours, its end is ours."""

import contextlib
import gc
import socket
from collections.abc import Callable, Iterator

import uvicorn

from bakery.web.context import Parts
from bakery.web.server import create_web


class WebServer(uvicorn.Server):
    """Serves until `should_exit`."""

    def __init__(self, parts: Parts, *, on_started: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                create_web(parts),
                http="httptools",
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=2,  # an open event stream would hold it for ever
            )
        )
        self._on_started = on_started

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # What was loaded stays for ever: a full collection need not look at it, and no page waits for that.
        gc.collect()
        gc.freeze()
        self._on_started()
