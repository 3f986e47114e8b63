"""How much memory and CPU programs and builds may use, and what is said when it was too little. Pure."""

from dataclasses import dataclass

from bakery.model.names import AppName
from bakery.model.sizes import shown_cpus, shown_megabytes
from bakery.model.unit import Limits

_OUT_OF_MEMORY = "out of memory"  # as every keeper of programs says it
_OF_AN_IMAGE = "needed more memory than"  # as the build of one does
_LEAST_CPU = 50  # percent of one


@dataclass(frozen=True, slots=True)
class OutOfMemory:
    sentence: str
    hint: str


def build_limits(*, memory_bytes: int, cpus: int) -> Limits:
    """Of a machine: the apps that run there keep a quarter of its memory and half a core."""
    return Limits(memory_bytes=memory_bytes * 3 // 4, cpu_percent=max(_LEAST_CPU, cpus * 100 - _LEAST_CPU))


def shown_limits(limits: Limits) -> list[str]:
    memory = [] if limits.memory_bytes is None else [f"{shown_megabytes(limits.memory_bytes)} of memory"]
    return memory if limits.cpu_percent is None else [*memory, shown_cpus(limits.cpu_percent)]


def why_out_of_memory(what: str, last_exit: str, limits: Limits, app: AppName) -> OutOfMemory | None:
    """None: it ended of something else. `what` begins the sentence, as “The app”."""
    if _OUT_OF_MEMORY not in last_exit:
        return None
    if limits.memory_bytes is None:
        return OutOfMemory(
            f"{what} ran out of memory: its node had no more, and ended it.",
            f"Let it use less, or free some on the node. A limit keeps it from harming others: "
            f"bakery apps set {app} memory=512",
        )
    more = 2 * limits.memory_bytes // 1024**2
    return OutOfMemory(
        f"{what} ran out of memory: its limit is {shown_megabytes(limits.memory_bytes)}.",
        f"Let it use less, or raise its limit and deploy again: bakery apps set {app} memory={more}",
    )


def hint_when_killed(last_exit: str, limits: Limits, app: AppName) -> str:
    """The kernel kills so, and not every one tells why. Empty: it ended of something else, or has no limit."""
    if "SIGKILL" not in last_exit or limits.memory_bytes is None:
        return ""
    limit, more = shown_megabytes(limits.memory_bytes), 2 * limits.memory_bytes // 1024**2
    return (
        f"So ends a program that needs more memory than it may use, which is {limit}. Let it use less, or raise its "
        f"limit and deploy again: bakery apps set {app} memory={more}"
    )


def hint_of_starved_job(reason: str, limits: Limits, share: Limits, app: AppName) -> str:
    """`share` is what builds may use there; a command of a release has that one's own limits. Empty: it did not end
    of this."""
    if limits.memory_bytes is None or not (_OUT_OF_MEMORY in reason or _OF_AN_IMAGE in reason):
        return ""
    may = shown_megabytes(limits.memory_bytes)
    if limits.memory_bytes == share.memory_bytes:
        return f"It may use {may}, three quarters of its node's memory. Let it use less, or use a node with more."
    more = 2 * limits.memory_bytes // 1024**2
    return f"It may use {may}, as the app. Raise that and deploy again: bakery apps set {app} memory={more}"
