"""Sending traffic to apps: sites are put before nginx one by one, and a bad one is never left in place."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import PurePosixPath
from typing import Protocol

from bakery.commands import nginx
from bakery.commands.files import make_folder
from bakery.commands.nginx import ProxySite, StaticSite
from bakery.model.errors import CommandFailed, Conflict, NotReady
from bakery.model.names import Port, SiteName
from bakery.nodes.nginx_layout import NginxLayout
from bakery.nodes.transport import Transport, run_or_fail

CATCH_ALL = SiteName("00-catch-all")  # no app's name begins with a digit
_LOOK_AGAIN = 0.02
_LONGEST_RELOAD = 10.0

Sleep = Callable[[float], Awaitable[None]]


class Ingress(Protocol):
    async def ensure_running(self) -> tuple[str, ...]:
        """Puts everything in place and starts it. Returns sentences about what is not as it should be."""

    async def apply_site(self, site: ProxySite | StaticSite) -> None:
        """Sends the site's traffic there. When nginx refuses it, all is as before and CommandFailed says why."""

    async def remove_site(self, name: SiteName) -> None: ...

    @property
    def port(self) -> Port:
        """Where sites answer."""


class NginxIngress:
    """A site is tested in its place, for nginx tests only what it reads; the old one waits beside it until then.

    That copy, `NAME.conf.before`, is empty where there was no site. One found later means that we were interrupted.
    """

    def __init__(self, transport: Transport, layout: NginxLayout, *, sleep: Sleep = asyncio.sleep) -> None:
        self._transport = transport
        self._layout = layout
        self._sleep = sleep
        self._one_at_a_time = asyncio.Lock()

    @property
    def port(self) -> Port:
        return self._layout.listen.port

    async def ensure_running(self) -> tuple[str, ...]:
        async with self._one_at_a_time:
            for folder in self._layout.folders:
                await run_or_fail(self._transport, make_folder(folder))
            for path, text in self._layout.files:
                await self._transport.put(path, text.encode())
            await self._settle_interrupted()
            notes = await self._place_catch_all()
            await self._take_up()
            return notes

    async def apply_site(self, site: ProxySite | StaticSite) -> None:
        text = nginx.render_site(site, listen=self._layout.listen, log_folder=self._layout.logs)
        async with self._one_at_a_time:
            await self._change(self._file(site.name), text.encode())
            await self._take_up()

    async def remove_site(self, name: SiteName) -> None:
        async with self._one_at_a_time:
            if await self._transport.get(self._file(name)) is not None:
                await self._transport.remove(self._file(name))
                await self._reload()

    async def _change(self, file: PurePosixPath, text: bytes) -> None:
        before = _before(file)
        await self._transport.put(before, await self._transport.get(file) or b"")
        await self._transport.put(file, text)
        tested = await self._transport.run(self._layout.test)
        if not tested.succeeded:
            await self._put_back(file)
            raise CommandFailed(
                f"nginx refused the site {file.stem}: {nginx.complaint(tested.errors)}",
                exit_status=tested.exit_status,
                output=tested.errors,
                hint="All sites are as they were before. If the line above is in a file of your own, correct it there.",
            )
        await self._transport.remove(before)

    async def _put_back(self, file: PurePosixPath) -> None:
        if content := await self._transport.get(_before(file)):
            await self._transport.put(file, content)
        else:
            await self._transport.remove(file)
        await self._transport.remove(_before(file))

    async def _settle_interrupted(self) -> None:
        """What passes nginx's test stays: it was asked for. What does not is put back."""
        names = await self._transport.names_in(self._layout.sites)
        for before in (name for name in names if name.endswith(".conf.before")):
            file = self._layout.sites / before.removesuffix(".before")
            if (await self._transport.run(self._layout.test)).succeeded:
                await self._transport.remove(_before(file))
            else:
                await self._put_back(file)

    async def _place_catch_all(self) -> tuple[str, ...]:
        """Ours is the default server unless somebody else's is: two are an error, and theirs came first."""
        await self._transport.remove(self._file(CATCH_ALL))
        dumped = await self._transport.run(self._layout.dump)
        if not dumped.succeeded:
            raise NotReady(
                f"nginx cannot use its configuration: {nginx.complaint(dumped.errors)}",
                hint="Correct that line, then start Bakery again.",
            )
        if str(self._layout.settings) not in nginx.files_read(dumped.output):
            raise NotReady(
                f"nginx does not read {self._layout.settings}.",
                hint=f"Add this to the http block of its main file: include {self._layout.settings.parent}/*.conf;",
            )
        others = nginx.foreign_default_servers(dumped.output, port=self.port, ours=self._layout.sites)
        if others:
            return (f"Requests for unknown host names are answered by {others[0]}, which was here before Bakery.",)
        await self._change(self._file(CATCH_ALL), nginx.render_catch_all(self._layout.listen).encode())
        return ()

    async def _take_up(self) -> None:
        """What stands in the files now answers, whether nginx ran or not."""
        if await self._workers():
            await self._reload()
        else:
            await self._start()

    async def _start(self) -> None:
        hint = f"Does another program listen on port {self.port}? See it with: ss -ltnp 'sport = :{self.port}'"
        await run_or_fail(self._transport, self._layout.start, hint=hint)
        await self._wait_for_workers(instead_of=frozenset())

    async def _reload(self) -> None:
        """Returns when the new configuration answers: nginx itself only promises to begin."""
        old = await self._workers()
        if not old:
            raise Conflict("nginx does not run on this machine.", hint="Start it, or restart Bakery, which starts it.")
        await run_or_fail(self._transport, self._layout.reload)
        await self._wait_for_workers(instead_of=old)

    async def _wait_for_workers(self, *, instead_of: frozenset[str]) -> None:
        for _ in range(round(_LONGEST_RELOAD / _LOOK_AGAIN)):
            workers = await self._workers()
            if workers - instead_of and not await self._accept(workers & instead_of):
                return
            await self._sleep(_LOOK_AGAIN)
        raise CommandFailed(
            f"nginx did not take up its new configuration within {_LONGEST_RELOAD:g} s.",
            exit_status=1,
            hint="Its error log says why.",
        )

    async def _accept(self, workers: frozenset[str]) -> bool:
        """Whether one of them still takes new connections: a worker's title says when it no longer does."""
        titles = [await self._transport.get(PurePosixPath("/proc", worker, "cmdline")) for worker in workers]
        return any(title and b"shutting down" not in title for title in titles)

    async def _workers(self) -> frozenset[str]:
        """The process ids of nginx's children; none when it does not run."""
        master = (await self._transport.get(self._layout.pid_file) or b"").decode().strip()
        if not master.isdigit() or await self._transport.get(PurePosixPath("/proc", master, "comm")) != b"nginx\n":
            return frozenset()
        children = await self._transport.get(PurePosixPath("/proc", master, "task", master, "children"))
        return frozenset((children or b"").decode().split())

    def _file(self, name: SiteName) -> PurePosixPath:
        return self._layout.sites / f"{name}.conf"


def _before(file: PurePosixPath) -> PurePosixPath:
    return file.with_name(f"{file.name}.before")
