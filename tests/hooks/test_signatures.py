"""A signature holds, or why it does not."""

import base64
import hashlib
import hmac

import pytest

from bakery.hooks.signatures import signing_token, why_not_signed
from bakery.model.secret import Secret
from tests.hooks.pushes import SECRET, signed

BODY = b'{"zen": "Keep it logically awesome."}'
HELD = Secret(SECRET)
NOW = 1_772_600_767.0


def test_an_hmac_sha256_of_the_raw_body_holds() -> None:
    assert why_not_signed(signed(BODY), BODY, HELD, at=NOW) == ""


def test_a_body_changed_by_one_byte_does_not_hold() -> None:
    assert why_not_signed(signed(BODY), BODY + b" ", HELD, at=NOW) == (
        "Its signature does not fit the body and the secret of this app."
    )


def test_the_algorithm_is_not_the_senders_to_choose() -> None:
    sha1 = hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest()
    assert why_not_signed({"x-hub-signature": f"sha1={sha1}"}, BODY, HELD, at=NOW) == (
        "It is signed with SHA-1 alone, which is not accepted."
    )
    assert why_not_signed({"x-hub-signature-256": f"sha1={sha1}"}, BODY, HELD, at=NOW) == (
        "Its signature is not written as one of HMAC-SHA256."
    )


def test_an_empty_secret_opens_nothing() -> None:
    empty = signed(BODY, secret="")
    assert why_not_signed(empty, BODY, HELD, at=NOW) != ""
    assert why_not_signed({"x-gitlab-token": ""}, BODY, HELD, at=NOW) == "It came without a secret token."


@pytest.mark.parametrize("given", ["", "sha256=", "sha256=é", "sha256=" + "0" * 64, "sha256", "\udcff"])
def test_what_is_no_signature_does_not_hold(given: str) -> None:
    assert why_not_signed({"x-hub-signature-256": given}, BODY, HELD, at=NOW) != ""


def test_gitlab_sends_the_secret_and_gitea_a_bare_signature() -> None:
    bare = signed(BODY)["x-hub-signature-256"].removeprefix("sha256=")
    assert why_not_signed({"x-gitlab-token": SECRET}, BODY, HELD, at=NOW) == ""
    assert why_not_signed({"x-gitlab-token": SECRET + "x"}, BODY, HELD, at=NOW) != ""
    assert why_not_signed({"x-gitea-event": "push", "x-gitea-signature": bare}, BODY, HELD, at=NOW) == ""
    assert why_not_signed({"x-gogs-event": "push", "x-gogs-signature": bare}, BODY, HELD, at=NOW) == ""


def stamped(*, number: str = "7", moment: float = NOW, body: bytes = BODY) -> dict[str, str]:
    """As a GitLab signs that was given the signing token: what it says is the key in Base64."""
    key = base64.b64decode(signing_token(MADE).removeprefix("whsec_"))
    signature = base64.b64encode(hmac.digest(key, f"{number}.{moment:.0f}.".encode() + body, "sha256")).decode()
    return {
        "x-gitlab-event": "Push Hook", "webhook-id": number, "webhook-timestamp": f"{moment:.0f}",
        "webhook-signature": f"v1,{signature}",
    }  # fmt: skip


MADE = Secret("kJ8-_zvN0c2bZr3m1Qh5t7u9w0y2A4C6E8G0I2K4M6o")


def test_a_gitlab_that_signs_is_known_by_the_key_that_the_secret_stands_for() -> None:
    assert len(base64.b64decode(signing_token(MADE).removeprefix("whsec_"))) == 32
    assert why_not_signed(stamped(), BODY, MADE, at=NOW + 299) == ""


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({**stamped(), "webhook-id": "8"}, "Its signature does not fit the body and the secret of this app."),
        (stamped(body=b"{}"), "Its signature does not fit the body and the secret of this app."),
        ({**stamped(), "webhook-signature": "v2,x"}, "Its signature does not fit the body and the secret of this app."),
        (
            {**stamped(), "webhook-signature": "v1,", "x-gitlab-token": MADE.reveal()},
            "Its signature does not fit the body and the secret of this app.",
        ),
        ({**stamped(), "webhook-timestamp": "soon"}, "Its signature does not say when it was made."),
        (stamped(moment=NOW - 301), "It was signed more than five minutes ago, or one of the two clocks is wrong."),
        (stamped(moment=NOW + 301), "It was signed more than five minutes ago, or one of the two clocks is wrong."),
    ],
)
def test_such_a_signature_holds_for_one_id_one_body_and_five_minutes(headers: dict[str, str], why: str) -> None:
    assert why_not_signed(headers, BODY, MADE, at=NOW) == why
