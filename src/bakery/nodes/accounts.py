"""The system user of an environment, on nodes where we are root."""

from bakery.commands import accounts
from bakery.nodes.transport import Transport, run_or_fail


async def ensure_account(transport: Transport, name: str) -> None:
    """Makes the account unless it is there."""
    if not (await transport.run(accounts.find_account(name))).succeeded:
        await run_or_fail(transport, accounts.add_account(name))


async def remove_account(transport: Transport, name: str) -> None:
    if (await transport.run(accounts.find_account(name))).succeeded:
        await run_or_fail(transport, accounts.remove_account(name))
