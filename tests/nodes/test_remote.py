"""What a slow reader of a command's output leaves to the node, and what it keeps in our memory."""

from typing import cast

import asyncssh

from bakery.commands.command import command
from bakery.model.errors import NodeUnreachable
from bakery.nodes.channels import Turn
from bakery.nodes.handshake import WINDOW
from bakery.nodes.remote import Remote

PACKET = bytes(32 * 1024)
MEGABYTE = 1024 * 1024


class Channel:
    """As asyncssh keeps it: whenever it delivers something and half of the window is used, all of it is given anew,
    whatever else it still holds. The node sends as much as it may."""

    def __init__(self, remote: Remote, size: int) -> None:
        self.remote = remote
        self.to_send = size
        self.window = WINDOW
        self.held: list[bytes] = []
        self.is_paused = False

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False
        while self.held and not self.is_paused:
            self._deliver(self.held.pop(0))

    def send(self) -> None:
        while self.to_send and self.window:
            self.to_send -= len(PACKET)
            self.window -= len(PACKET)
            if self.is_paused:
                self.held.append(PACKET)
            else:
                self._deliver(PACKET)

    def _deliver(self, data: bytes) -> None:
        if self.window < WINDOW / 2:
            self.window = WINDOW
        self.remote.data_received(data, None)


async def test_a_slow_reader_keeps_no_more_in_memory_than_a_few_windows_of_a_channel() -> None:
    size = 200 * MEGABYTE
    remote = Remote(command("cat"), "mark", cast("Turn", None), lost=lambda: NodeUnreachable("It is gone."))
    channel = Channel(remote, size)
    remote.connection_made(cast("asyncssh.SSHClientChannel[bytes]", channel))
    read = most = largest = 0
    output = remote.output()
    while read < size:
        channel.send()
        most = max(most, size - channel.to_send - read)
        chunk = await anext(output)
        read += len(chunk)
        largest = max(largest, len(chunk))
    assert most <= 2 * WINDOW + 2 * MEGABYTE
    assert largest <= MEGABYTE
