"""Server time of pages with 1,000 apps and 100,000 rows of activity, while nothing else happens; bench.fleet has it
while 20 apps are deployed. `python -m bench.pages`
"""

import asyncio
import time

import httpx
import psycopg

from bakery.app import database
from bakery.settings import Settings
from bench.running import Running, percentile, running, signed_in, tell, temporary_folder, this_machine

APPS, ROWS, REQUESTS = 1_000, 100_000, 200
PAGES = (
    "/",
    "/apps",
    "/apps?q=app-7",
    "/apps/app-0500",
    "/activity",
    "/activity?app=app-0500",
    "/team",
    "/account/security",
    "/nodes",
)
LIMIT_MS = 40


async def fill(settings: Settings) -> None:
    async with database(settings) as dsn, await psycopg.AsyncConnection.connect(dsn) as connection:
        node = await this_machine(connection)
        await connection.execute(
            "INSERT INTO apps (slug, name) "
            "SELECT 'app-' || lpad(n::text, 4, '0'), 'App ' || n FROM generate_series(1, %s) n",
            (APPS,),
        )
        await connection.execute(
            "INSERT INTO environments (app_id, name, node_id, runtime, command, strategy) "
            "SELECT id, 'production', %s, 'process', ARRAY['python3', 'app.py'], 'blue-green' FROM apps",
            (node,),
        )
        await connection.execute(
            "INSERT INTO audit (at, person_id, actor, source, address, request_id, action, target_kind, target_id, "
            "target_label, app_id) SELECT now() - (n || ' seconds')::interval, 1, 'bench@example.com', 'browser', "
            "'127.0.0.1', md5(n::text), 'deployment.requested', 'deployment', n::text, 'app #' || n, 1 + n %% %s "
            "FROM generate_series(1, %s) n",
            (APPS, ROWS),
        )
        await connection.commit()
        await connection.set_autocommit(True)
        await connection.execute("ANALYZE")
        sealed = 0
        while sealed < ROWS:  # the worker puts seals on all of them first
            await asyncio.sleep(0.5)
            row = await (await connection.execute("SELECT count(*) FROM audit_seals")).fetchone()
            sealed = row[0] if row else 0


async def time_page(http: httpx.AsyncClient, path: str) -> list[float]:
    times = []
    for number in range(REQUESTS + 10):
        began = time.perf_counter()
        answer = await http.get(path)
        if number >= 10:
            times.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[-2000:])
    return times


def told(times: list[float]) -> dict[str, float]:
    return {"p50_ms": round(percentile(times, 0.5), 1), "p95_ms": round(percentile(times, 0.95), 1)}


async def measure(bakery: Running) -> None:
    await fill(bakery.settings)
    async with signed_in(bakery) as http:
        figures = {path: told(await time_page(http, path)) for path in PAGES}
    tell(
        what=f"pages with {APPS} apps and {ROWS} rows of activity, {REQUESTS} requests each, one after another",
        pages=figures,
        limit_p95_ms=LIMIT_MS,
        holds=all(page["p95_ms"] <= LIMIT_MS for page in figures.values()),
    )


if __name__ == "__main__":
    with temporary_folder() as bench_folder, running(bench_folder) as served:
        asyncio.run(measure(served))
