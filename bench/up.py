"""Time of `scripts/up` on a fresh machine of the lab where only downloads are cached. `python -m bench.up`, as root"""

import statistics
import time

from bench.running import tell
from tests.lab.clone import Clone
from tests.lab.lab import Lab, open_lab

RUNS = 3
LIMIT = 60.0


def main() -> None:
    with open_lab() as lab:
        seconds_until_the_sample_answers(lab)  # fills the cache of downloads
        seconds = [seconds_until_the_sample_answers(lab) for _ in range(RUNS)]
    tell(
        what="scripts/up as root on Debian with systemd, downloads cached, until the sample app answers",
        seconds={"median": round(statistics.median(seconds), 1), "worst": round(max(seconds), 1)},
        limit_s=LIMIT,
        holds=max(seconds) <= LIMIT,
    )


def seconds_until_the_sample_answers(lab: Lab) -> float:
    with lab.node() as node:
        clone = Clone(node)
        clone.unpack()
        began = time.perf_counter()
        address = clone.up_well().fact("Sample app")
        assert clone.get(address).startswith("200 ")
        return time.perf_counter() - began


if __name__ == "__main__":
    main()
