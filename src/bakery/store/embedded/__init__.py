"""A PostgreSQL of our own, for when no DATABASE_URL is given: the binaries of a wheel, supervised by us.

`EmbeddedServer` runs it for a `bakery serve`. `borrow` is for commands beside it: they join that server, or start one
for their time.
"""

from bakery.store.embedded.borrow import borrow
from bakery.store.embedded.server import EmbeddedServer

__all__ = ["EmbeddedServer", "borrow"]
