"""All frameworks of JavaScript that are known, in the order in which they are asked.

A row a framework, and a small function where it has more than one way. What a project's own script `start` says
comes before a server's usual start, unless that is a server for development.
"""

from bakery.stacks import node_servers, node_sites
from bakery.stacks.node_framework import Framework
from bakery.stacks.package_json import Package

READS = tuple(dict.fromkeys((*node_servers.READS, *node_sites.READS)))
FRAMEWORKS = (
    *node_servers.PAGES,
    *node_sites.SITES,
    *node_servers.BACKENDS,
    *node_sites.BUNDLERS,
    *node_servers.LIBRARIES,
    *node_sites.BESIDE_SERVERS,
)


def find_framework(package: Package) -> Framework | None:
    return next((one for one in FRAMEWORKS if one.is_of(package)), None)
