"""Whether a switch lost a visitor, measured while it happens, and kept with the deployment."""

import asyncio

from psycopg.types.json import Jsonb

from bakery.delivery.proof import Proof, Visits
from bakery.delivery.work import Work

_AFTER = 0.3  # seconds of visits after a drain, at least
_FRONT_PAGE = "/"


def prepare(work: Work) -> None:
    """A moment before it is needed: its program takes a while to start. Only where there is something to lose: an app
    that is live through nginx already."""
    environment, ingress = work.deployment.environment, work.node.ingress
    if environment.live is None or environment.is_stopped or ingress is None or work.proof is not None:
        return
    premises = environment.premises(work.node)
    path = work.deployment.release.health_path or _FRONT_PAGE
    work.proof = Proof(work.node, premises.place, ingress.port, premises.host, path)
    work.proof.start()


async def begin(work: Work) -> None:
    prepare(work)
    if work.proof is not None:
        await work.proof.begin()


async def end(work: Work) -> None:
    """Told in the log, and stored."""
    proof, work.proof = work.proof, None
    if proof is None:
        return
    await asyncio.sleep(_AFTER)
    visits = await proof.end()
    work.log.write(f"Visits during the switch: {visits}.")
    for failure in visits.failures:
        work.log.write(f"  {failure}")
    async with work.store.transaction() as tx:
        await tx.connection.execute(
            "UPDATE deployments SET proof = %s WHERE id = %s", (Jsonb(_stored(visits)), work.deployment.id)
        )


async def abandon(work: Work) -> None:
    """Of a deployment that did not come to its end here."""
    if work.proof is not None:
        await work.proof.end()


def _stored(visits: Visits) -> dict[str, object]:
    p95 = None if visits.p95 is None else round(visits.p95, 1)
    return {"made": visits.made, "failed": visits.failed, "p95_ms": p95, "failures": visits.failures}
