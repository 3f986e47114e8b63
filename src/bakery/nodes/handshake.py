"""Connecting to a node: with its own key, to the host key that was pinned, and with the cause when it fails."""

import asyncio
import contextlib
import errno
import logging
import socket
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncssh

from bakery.model.errors import BadInput
from bakery.model.labels import shown_part
from bakery.model.names import Port
from bakery.nodes.login import Cause, Handshake, SshLogin, Unreachable, fingerprint

WINDOW = 8 * 1024 * 1024  # bytes that may be on their way in one channel
_LARGEST_PACKET = 64 * 1024
_KEEPALIVE_EVERY = 10.0
_KEEPALIVES_MISSED = 3
_LONGEST_REASON = 200
_HOST_KEY_KINDS = (
    "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "rsa-sha2-512", "rsa-sha2-256",
)  # fmt: skip


_SAID: Mapping[Cause, str] = {
    Cause.REFUSED: "Connection refused",
    Cause.TIMED_OUT: "Connection timed out",
    Cause.UNKNOWN_HOST: "Could not resolve the host name",
    Cause.HOST_KEY: "Host key verification failed",
    Cause.AUTHENTICATION: "Permission denied (publickey)",
    Cause.BANNER: "The answer was not that of an SSH server",
    Cause.NO_ROUTE: "No route to host",
    Cause.LOST: "Connection lost",
}
_HINTS: Mapping[Cause, str] = {
    Cause.REFUSED: "Is its SSH server running, and does it listen on port {port}?",
    Cause.TIMED_OUT: "Is the machine on, and is port {port} open in the firewall?",
    Cause.UNKNOWN_HOST: "Is {host} spelled correctly, and does it have a DNS record?",
    Cause.HOST_KEY: "If you did not reinstall it, somebody may be intercepting. Compare the keys, then decide.",
    Cause.AUTHENTICATION: "Does {user} there still have Bakery's key? The node's installer puts it back.",
    Cause.BANNER: "Is it the SSH server that listens on port {port} of {host}?",
    Cause.NO_ROUTE: "Is the address right, and is there a way to {host} from here?",
    Cause.LOST: "Bakery connects again by itself.",
}
_CAUSES: tuple[tuple[tuple[type[Exception], ...], Cause], ...] = (
    ((TimeoutError,), Cause.TIMED_OUT),
    ((ConnectionRefusedError,), Cause.REFUSED),
    ((socket.gaierror,), Cause.UNKNOWN_HOST),
    ((asyncssh.PermissionDenied, asyncssh.IllegalUserName), Cause.AUTHENTICATION),
    ((asyncssh.ProtocolError, asyncssh.ProtocolNotSupported, asyncssh.KeyExchangeFailed), Cause.BANNER),
)
_NO_WAY = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL})


@dataclass(frozen=True, slots=True)
class Connected:
    connection: asyncssh.SSHClientConnection
    handshake: Handshake

    @property
    def host_key(self) -> str:
        return self.handshake.host_key

    @property
    def seconds(self) -> float:
        return self.handshake.seconds


async def connect(login: SshLogin, *, within: float) -> Connected:
    """Raises Unreachable. Nobody authenticates to a server whose host key is not the pinned one."""
    asyncssh.set_log_level(logging.WARNING)  # it tells of every connection and channel
    began = time.monotonic()
    door = _Door(login, login.user, login.host, login.port, login.host_key)
    async with contextlib.AsyncExitStack() as to_close:
        bastion, bastion_host_key = None, None
        left = within
        if login.bastion is not None:
            way = login.bastion
            outer = _Door(login, way.user, way.host, way.port, way.host_key, is_bastion=True)
            bastion, bastion_host_key = await outer.enter(None, left)
            to_close.callback(bastion.abort)
            left = max(1.0, within - (time.monotonic() - began))
        connection, host_key = await door.enter(bastion, left)
        to_close.pop_all()
    if bastion is not None:
        connection.set_tunnel(bastion)  # it closes with what passes through it
    return Connected(connection, Handshake(host_key, bastion_host_key, time.monotonic() - began, datetime.now(UTC)))


def lost(login: SshLogin) -> Unreachable:
    """For a connection that ends while something uses it."""
    return _Door(login, login.user, login.host, login.port, login.host_key).unreachable(Cause.LOST)


@dataclass(frozen=True, slots=True)
class _Door:
    """An SSH server on the way to a node, which may be the node's own."""

    login: SshLogin
    user: str
    host: str
    port: Port
    host_key: str | None
    is_bastion: bool = False

    async def enter(
        self, tunnel: asyncssh.SSHClientConnection | None, within: float
    ) -> tuple[asyncssh.SSHClientConnection, str]:
        """The connection, and the host key that was shown."""
        greeter = _Greeter(self.host_key)
        try:
            async with asyncio.timeout(within):
                try:
                    return await self._enter(greeter, tunnel, within)
                except asyncssh.KeyExchangeFailed:
                    if self.host_key is None or not await self._shows_another_key(greeter, tunnel, within):
                        raise
                    raise asyncssh.HostKeyNotVerifiable("its kind of key is not offered any more") from None
        except (OSError, asyncssh.Error) as error:
            raise self._explained(error, greeter) from error

    async def _enter(
        self, greeter: "_Greeter", tunnel: asyncssh.SSHClientConnection | None, within: float
    ) -> tuple[asyncssh.SSHClientConnection, str]:
        async with self._reached(tunnel, within) as way:
            connection = await asyncssh.connect(
                **way,
                client_factory=lambda: greeter,
                username=self.user,
                client_keys=[asyncssh.import_private_key(self.login.private_key.reveal())],
                known_hosts=([], [], []),  # so that the greeter is asked about every key
                server_host_key_algs=greeter.kinds,
                encryption_algs="^aes128-gcm@openssh.com",
                compression_algs=None,
                # Nothing of the account that we run as: neither settings nor certificates, agent or other keys.
                config=None,
                x509_trusted_certs=None,
                x509_trusted_cert_paths=[],
                agent_path=None,
                agent_forwarding=False,
                x11_forwarding=False,
                gss_host=None,
                preferred_auth="publickey",
                password_auth=False,
                kbdint_auth=False,
                host_based_auth=False,
                keepalive_interval=_KEEPALIVE_EVERY,
                keepalive_count_max=_KEEPALIVES_MISSED,
                connect_timeout=None,
                login_timeout=0,  # `within` covers all of it
                encoding=None,
                window=WINDOW,
                max_pktsize=_LARGEST_PACKET,
            )
        return connection, greeter.seen

    @contextlib.asynccontextmanager
    async def _reached(
        self, tunnel: asyncssh.SSHClientConnection | None, within: float
    ) -> AsyncIterator[dict[str, object]]:
        """What `asyncssh.connect` calls the way there. A socket is closed when nothing comes of it."""
        if tunnel is not None:
            yield {"host": self.host, "port": self.port, "tunnel": tunnel}
            return
        connected = await _socket_to(self.host, self.port, within)
        try:
            yield {"sock": connected}
        except BaseException:
            connected.close()
            raise

    async def _shows_another_key(
        self, greeter: "_Greeter", tunnel: asyncssh.SSHClientConnection | None, within: float
    ) -> bool:
        """Asks the server that has no key of the pinned kind which one it has; it is told, and not entered."""
        asking = _Greeter(None, takes_any=False)
        with contextlib.suppress(OSError, asyncssh.Error):
            await self._enter(asking, tunnel, within)
        greeter.seen = asking.seen
        return bool(asking.seen)

    def _explained(self, error: OSError | asyncssh.Error, greeter: "_Greeter") -> Unreachable:
        if isinstance(error, asyncssh.HostKeyNotVerifiable):
            is_a_key = self.host_key is not None and greeter.seen
            return self._changed(self.host_key or "", greeter.seen) if is_a_key else self.unreachable(Cause.BANNER)
        if isinstance(error, asyncssh.ChannelOpenError):  # the bastion does not get through
            is_allowed = error.code != asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED
            said = shown_part(error.reason, at_most=_LONGEST_REASON)
            return self.unreachable(Cause.REFUSED if is_allowed else Cause.NO_ROUTE, said)
        return self.unreachable(_cause(error, has_greeted=greeter.has_greeted))

    def _changed(self, pinned: str, seen: str) -> Unreachable:
        whose = f"the bastion of {self.login.name}" if self.is_bastion else self.login.name
        return Unreachable(
            f"The host key of {whose} has changed: it is {fingerprint(seen)}, and was {fingerprint(pinned)}.",
            cause=Cause.HOST_KEY,
            hint=_HINTS[Cause.HOST_KEY],
            seen_host_key=seen,
            is_bastion=self.is_bastion,
        )

    def unreachable(self, cause: Cause, said: str = "") -> Unreachable:
        host = f"[{self.host}]" if ":" in self.host else self.host
        name = f"the bastion of {self.login.name}" if self.is_bastion else self.login.name
        return Unreachable(
            f"Could not reach {name}: ssh {self.user}@{host}:{self.port} said: {said or _SAID[cause]}.",
            cause=cause,
            hint=_HINTS[cause].format(host=self.host, port=self.port, user=self.user),
            is_bastion=self.is_bastion,
        )


class _Greeter(asyncssh.SSHClient):
    """Looks at the host key that is shown, before anybody authenticates."""

    def __init__(self, pinned: str | None, *, takes_any: bool = True) -> None:
        self._pinned = None if pinned is None else _parsed(pinned)
        self._takes_any = takes_any
        self._connection: asyncssh.SSHClientConnection | None = None
        self.seen = ""

    @property
    def kinds(self) -> list[str]:
        """The pinned key's alone: another key of the same server is no reason for an alarm."""
        if self._pinned is None:
            return list(_HOST_KEY_KINDS)
        return [kind.decode() for kind in self._pinned.sig_algorithms]

    @property
    def has_greeted(self) -> bool:
        """Whether what listens there introduced itself as an SSH server."""
        return self._connection is not None and self._connection.get_extra_info("server_version") is not None

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        self._connection = conn

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        del host, addr, port
        self.seen = " ".join(key.export_public_key().decode().split()[:2])
        return self._takes_any if self._pinned is None else key.public_data == self._pinned.public_data


def _cause(error: OSError | asyncssh.Error, *, has_greeted: bool) -> Cause:
    if isinstance(error, OSError) and error.errno in _NO_WAY:
        return Cause.NO_ROUTE
    otherwise = Cause.LOST if has_greeted else Cause.BANNER
    return next((cause for kinds, cause in _CAUSES if isinstance(error, kinds)), otherwise)


async def _socket_to(host: str, port: Port, within: float) -> socket.socket:
    """To the first of the host's addresses that answers. The event loops' own way hides why none did."""
    loop = asyncio.get_running_loop()
    why: OSError = socket.gaierror(socket.EAI_NONAME, "no address")
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for family, kind, protocol, _, address in found:
        candidate = socket.socket(family, kind, protocol)
        candidate.setblocking(False)  # noqa: FBT003 - its only parameter
        try:
            async with asyncio.timeout(within / len(found)):
                await loop.sock_connect(candidate, address)
        except OSError as error:
            candidate.close()
            why = error
        except BaseException:
            candidate.close()
            raise
        else:
            return candidate
    raise why


def _parsed(host_key: str) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_public_key(host_key)
    except asyncssh.KeyImportError as error:
        raise BadInput("This is not the public key of an SSH server.", field="host_key") from error
