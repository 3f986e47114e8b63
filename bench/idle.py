"""Idle memory of the control plane, and the time from its start to the first answer. `python -m bench.idle`"""

import asyncio
import statistics

from bench.running import pss_mb, rest, running, tell, temporary_folder

STARTS = 5
SECONDS_OF_REST = 20


def main() -> None:
    with temporary_folder() as folder:
        with running(folder):
            pass  # makes the database and the keys
        starts = []
        for _ in range(STARTS):
            with running(folder) as bakery:
                starts.append(bakery.started)
        with running(folder) as bakery:
            asyncio.run(rest(SECONDS_OF_REST))
            own, *database = bakery.processes()
            control_plane = pss_mb(own)
            postgres = sum(pss_mb(pid) for pid in database)
    tell(
        what="idle control plane: web, worker and watchers in one process",
        control_plane_pss_mb=round(control_plane, 1),
        with_postgresql_pss_mb=round(control_plane + postgres, 1),
        limits_mb={"control_plane": 95, "with_postgresql": 140},
        start_to_first_200_s={"median": round(statistics.median(starts), 2), "worst": round(max(starts), 2)},
        limit_start_s=2.0,
        holds=control_plane <= 95 and control_plane + postgres <= 140 and statistics.median(starts) <= 2.0,
    )


if __name__ == "__main__":
    main()
