"""How much sooner an app is built again when only its source changed. `python -m bench.stacks [SAMPLE…]`, as root"""

import sys
import time

from bench.running import tell, temporary_folder
from tests.lab.lab import open_lab
from tests.lab.samples import SAMPLES, Prepared, prepare, remove_image

MOST = 0.5  # of the first build


def main() -> None:
    first: dict[str, float] = {}
    again: dict[str, float] = {}
    with open_lab() as lab, temporary_folder() as folder:
        for name in sys.argv[1:] or SAMPLES:
            sample = prepare(lab.docker, folder / name, name)
            # What earlier builds left would make the first one a second one.
            lab.docker.run("builder", "prune", "--all", "--force", timeout=300)
            first[name] = seconds_to_build(sample)
            sample.change("one", "two")
            again[name] = seconds_to_build(sample)
            remove_image(lab.docker, sample.image)
    parts = {name: round(again[name] / first[name], 2) for name in first}
    tell(
        what="a second build with only a source changed, as a part of the first, with an empty cache",
        first_s={name: round(took, 1) for name, took in first.items()},
        second_s={name: round(took, 1) for name, took in again.items()},
        part=parts,
        most=MOST,
        holds=max(parts.values()) <= MOST,
    )


def seconds_to_build(sample: Prepared) -> float:
    began = time.monotonic()
    sample.build()
    return time.monotonic() - began


if __name__ == "__main__":
    main()
