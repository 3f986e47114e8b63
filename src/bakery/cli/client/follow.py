"""Following the log of a deployment or a job as it grows, over lost connections, until that has ended."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from bakery.cli.client.api import Api, Body
from bakery.model.errors import Unavailable

_MOST_FAILURES = 30  # in a row
_PAUSE = 1.0


def follow_log(
    api: Api, where: str, write: Callable[[str], None], *, sleep: Callable[[float], None] = time.sleep
) -> Body:
    """Writes the log from its start. Returns the deployment or the job, which is at `where`, as it ended."""
    offset, failures = 0, 0
    while True:
        try:
            with api.stream(f"{where}/log", {"accept": "text/event-stream", "last-event-id": str(offset)}) as response:
                for event in read_events(response.iter_lines()):
                    failures = 0
                    if event.name == "end":
                        return api.get(where)
                    if event.name == "log":
                        offset = int(event.id)
                        write(event.data["text"])
        except Unavailable:
            failures += 1
            if failures > _MOST_FAILURES:
                raise
        sleep(_PAUSE)


@dataclass(frozen=True, slots=True)
class Event:
    name: str
    id: str
    data: Body


def read_events(lines: Iterable[str]) -> Iterator[Event]:
    """Of a `text/event-stream` whose data is one line of JSON each."""
    fields: dict[str, str] = {}
    for line in lines:
        if not line:
            if "data" in fields:
                yield Event(fields.get("event", ""), fields.get("id", ""), json.loads(fields["data"]))
            fields = {}
            continue
        name, _, value = line.partition(":")
        fields[name] = value.removeprefix(" ")
