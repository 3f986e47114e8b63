"""Server time of pages with 1,000 apps and 100,000 rows of activity: while nothing else happens, and while 20 apps are
deployed at once on the same machine. `python -m bench.pages`
"""

import asyncio
import itertools
import time

import httpx
import psycopg

from bakery.app import database
from bench.running import Running, percentile, running, signed_in, tell, temporary_folder, this_machine
from tests.delivery.fleet import an_app, packed
from tests.faults.site import end_programs, program_of_a_user

APPS, ROWS, REQUESTS = 1_000, 100_000, 200
DEPLOYED, ROUNDS, LOOK_EVERY = 20, 3, 0.1
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
LIMIT_MS, BUSY_LIMIT_MS = 40, 150


async def fill(bakery: Running) -> None:
    async with database(bakery.settings) as dsn, await psycopg.AsyncConnection.connect(dsn) as connection:
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


async def time_pages_while_deploying(http: httpx.AsyncClient) -> list[float]:
    """Somebody looks at one after the other, a few a second, until all are live; three times."""
    slugs = [f"deployed-{number}" for number in range(DEPLOYED)]
    for slug in slugs:
        (await http.post("/api/apps", json={"slug": slug, "command": "python3 app.py"})).raise_for_status()
    times = []
    for version in range(ROUNDS):
        numbers = [await deploy(http, slug, f"v{version}") for slug in slugs]
        waiting = set(zip(slugs, numbers, strict=True))
        for path in itertools.cycle(PAGES):
            began = time.perf_counter()
            answer = await http.get(path)
            times.append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200, (path, answer.status_code)
            if path == PAGES[-1]:
                waiting = {one for one in waiting if await is_at_work(http, *one)}
                if not waiting:
                    break
            await asyncio.sleep(LOOK_EVERY)
    return times


async def deploy(http: httpx.AsyncClient, slug: str, version: str) -> int:
    sent = (await http.post(f"/api/apps/{slug}/sources", content=packed(an_app(version)))).raise_for_status().json()
    asked = await http.post(f"/api/apps/{slug}/deployments", json={"source": sent["id"]})
    return int(asked.raise_for_status().json()["number"])


async def is_at_work(http: httpx.AsyncClient, slug: str, number: int) -> bool:
    found = (await http.get(f"/api/apps/{slug}/deployments/{number}")).raise_for_status().json()
    assert found["state"] in {"queued", "running", "succeeded"}, found["failure"]
    return bool(found["state"] != "succeeded")


def told(times: list[float]) -> dict[str, float]:
    return {"p50_ms": round(percentile(times, 0.5), 1), "p95_ms": round(percentile(times, 0.95), 1)}


async def measure(bakery: Running) -> None:
    await fill(bakery)
    async with signed_in(bakery) as http:
        figures = {path: told(await time_page(http, path)) for path in PAGES}
        busy = await time_pages_while_deploying(http)
    tell(
        what=f"pages with {APPS} apps and {ROWS} rows of activity, {REQUESTS} requests each, one after another",
        pages=figures,
        while_deploying={"apps": DEPLOYED, "rounds": ROUNDS, "requests": len(busy), **told(busy)},
        limit_p95_ms={"idle": LIMIT_MS, "while_deploying": BUSY_LIMIT_MS},
        holds=all(page["p95_ms"] <= LIMIT_MS for page in figures.values()) and told(busy)["p95_ms"] <= BUSY_LIMIT_MS,
    )


if __name__ == "__main__":
    with temporary_folder() as bench_folder, running(bench_folder, program_of_a_user(bench_folder)) as served:
        try:
            asyncio.run(measure(served))
        finally:
            end_programs(served.serving)
