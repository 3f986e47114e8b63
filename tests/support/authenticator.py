"""An authenticator app, and a way to have several codes within one half minute."""

import time

import pyotp

from bakery.access.second_factor import begin_enrolment, confirm_enrolment
from bakery.model.actor import Actor
from bakery.model.secret import Secret
from bakery.store.store import Store


class Authenticator:
    """Shows the code of the current step."""

    def __init__(self, secret: Secret) -> None:
        self._totp = pyotp.TOTP(secret.reveal())

    def code(self, *, steps: int = 0) -> str:
        return self._totp.generate_otp(int(time.time()) // 30 + steps)


async def enrol(store: Store, person: Actor) -> tuple[Authenticator, list[Secret]]:
    """Turns on the person's second factor. The code that did so may be used again, as if its step had passed."""
    authenticator = Authenticator((await begin_enrolment(store, actor=person)).secret)
    codes = await confirm_enrolment(store, authenticator.code(), actor=person)
    await a_step_passes(store)
    return authenticator, codes


async def a_step_passes(store: Store) -> None:
    async with store.transaction() as tx:
        await tx.connection.execute("UPDATE people SET totp_last_step = totp_last_step - 3")
