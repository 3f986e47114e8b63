"""A process that holds an embedded server, to be killed: `python -m tests.support.holder DATA_DIR`."""

import asyncio
import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bakery.store.embedded import EmbeddedServer

_ROOT = Path(__file__).parents[2]
_READY = "ready: "


async def _hold(data_dir: Path) -> None:
    async with EmbeddedServer(data_dir) as address:
        sys.stdout.write(f"{_READY}{address}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


@contextmanager
def holder(data_dir: Path, *, user: str | None = None) -> Iterator[subprocess.Popen[str]]:
    """The process, killed in the end. A `user` who runs it may read what we read, as our Python may be in /root."""
    argv = [sys.executable, "-m", "tests.support.holder", str(data_dir)]
    if user is not None:
        account = pwd.getpwnam(user)
        reading = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
        argv = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", *reading, *argv]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, text=True, cwd=_ROOT, env=os.environ | {"LC_ALL": "C"}
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def address_from(process: subprocess.Popen[str]) -> str:
    """Waits until its server is ready."""
    assert process.stdout is not None
    said = list[str]()
    for line in process.stdout:
        if line.startswith(_READY):
            return line.removeprefix(_READY).strip()
        said.append(line)
    raise AssertionError(f"the holder ended: {''.join(said)}")


if __name__ == "__main__":
    asyncio.run(_hold(Path(sys.argv[1])))
