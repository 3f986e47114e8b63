"""The site of an environment: what nginx on its node is told, made of rows in this one place.

`site_of` is for whoever sends traffic somewhere: a switch, what puts one back, a start. `refresh_site` renders the live
site again, without a deployment, when rows changed that it is made of; who changes them calls
`bakery.ingress.tasks.ask_for_refresh` in the same transaction.
"""

from dataclasses import replace

from bakery.delivery.look import Environment, look_at_environment
from bakery.delivery.planned import Slot
from bakery.ingress.certificates import certificates_to_show
from bakery.ingress.domains import attached_names
from bakery.ingress.site_options import note_trouble, options_of
from bakery.model.errors import CommandFailed
from bakery.model.names import SiteName
from bakery.nodes.ingress import Ingress, ProxySite, StaticSite
from bakery.nodes.node import Node
from bakery.store.store import Store

Site = ProxySite | StaticSite


async def site_of(store: Store, node: Node, environment: Environment, slot: Slot, *, generation: int) -> Site:
    """That leads to the release of this slot."""
    if slot.release is None:
        raise LookupError(f"the {slot.colour} slot of environment {environment.id} has no release")
    described = environment.premises(node).describe_site(
        slot.release, slot.port, generation=generation, slot=slot.colour
    )
    return await as_rows_say(store, environment.id, described)


async def as_rows_say(store: Store, environment_id: int, site: Site) -> Site:
    """The same way, with all that people chose for the environment's traffic, as it is at this moment."""
    async with store.connection() as connection:
        attached = await attached_names(connection, environment_id)
        options = await options_of(connection, environment_id)
        certificates = await certificates_to_show(connection, environment_id)
    hosts = tuple(dict.fromkeys((*site.hosts, *attached)))
    return replace(site, hosts=hosts, options=options, certificates=certificates)


async def refresh_site(store: Store, node: Node, environment_id: int) -> None:
    """The site that is live, as its rows say now. Visitors go on to the same release; a switch that came meanwhile
    wins, and nothing is changed for what is stopped or was never live."""
    told: Site | None = None
    while (site := await _live_site(store, node, environment_id)) is not None and site != told:
        if node.ingress is None:
            return
        try:
            await node.ingress.refresh_site(site)
        except CommandFailed as error:  # visitors have the site as it was; whoever looks at it reads why
            await note_trouble(store, environment_id, f"{error.message} {error.hint}".strip())
            return
        told = site
    if told is not None:
        await note_trouble(store, environment_id, "")


async def repair_site(store: Store, node: Node, environment_id: int) -> None:
    """The site that is live, whatever the node has in its place. Under the environment's lock, for a stop or a switch
    that is under way has another one in mind."""
    site = await _live_site(store, node, environment_id)
    if site is None or node.ingress is None:
        return
    try:
        await node.ingress.apply_site(site)
    except CommandFailed as error:
        await note_trouble(store, environment_id, f"{error.message} {error.hint}".strip())
    else:
        await note_trouble(store, environment_id, "")


async def put_back_site(store: Store, node: Node, environment: Environment, *, generation: int) -> None:
    """After a switch that may have begun: visitors go to what is live, and nowhere when nothing is."""
    if node.ingress is None:
        return
    live, name = environment.live, environment.premises(node).site
    if live is None or live.release is None or environment.is_stopped:
        await node.ingress.remove_site(name)
        return
    try:
        await node.ingress.apply_site(await site_of(store, node, environment, live, generation=generation))
    except CommandFailed:  # what kept the switch from its end keeps this too
        if not await _is_untouched(node.ingress, name, live):
            raise


async def _is_untouched(ingress: Ingress, name: SiteName, live: Slot) -> bool:
    """Visitors never stopped going to what is live."""
    marker = await ingress.show_site(name)
    if marker is None or not marker.is_taken_up or live.release is None:
        return False
    return (marker.release, marker.slot, marker.port) == (live.release.number, live.colour, live.port)


async def _live_site(store: Store, node: Node, environment_id: int) -> Site | None:
    environment = await look_at_environment(store, environment_id)
    if environment is None or environment.live is None or environment.is_stopped:
        return None
    return await site_of(store, node, environment, environment.live, generation=environment.generation)
