"""A signature holds, or why it does not."""

import hashlib
import hmac

import pytest

from bakery.hooks.signatures import why_not_signed
from bakery.model.secret import Secret
from tests.hooks.pushes import SECRET, signed

BODY = b'{"zen": "Keep it logically awesome."}'
HELD = Secret(SECRET)


def test_an_hmac_sha256_of_the_raw_body_holds() -> None:
    assert why_not_signed(signed(BODY), BODY, HELD) == ""


def test_a_body_changed_by_one_byte_does_not_hold() -> None:
    assert why_not_signed(signed(BODY), BODY + b" ", HELD) == (
        "Its signature does not fit the body and the secret of this app."
    )


def test_the_algorithm_is_not_the_senders_to_choose() -> None:
    sha1 = hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest()
    assert why_not_signed({"x-hub-signature": f"sha1={sha1}"}, BODY, HELD) == (
        "It is signed with SHA-1 alone, which is not accepted."
    )
    assert why_not_signed({"x-hub-signature-256": f"sha1={sha1}"}, BODY, HELD) == (
        "Its signature is not written as one of HMAC-SHA256."
    )


def test_an_empty_secret_opens_nothing() -> None:
    empty = signed(BODY, secret="")
    assert why_not_signed(empty, BODY, HELD) != ""
    assert why_not_signed({"x-gitlab-token": ""}, BODY, HELD) == "It came without a secret token."


@pytest.mark.parametrize("given", ["", "sha256=", "sha256=é", "sha256=" + "0" * 64, "sha256", "\udcff"])
def test_what_is_no_signature_does_not_hold(given: str) -> None:
    assert why_not_signed({"x-hub-signature-256": given}, BODY, HELD) != ""


def test_gitlab_sends_the_secret_and_gitea_a_bare_signature() -> None:
    bare = signed(BODY)["x-hub-signature-256"].removeprefix("sha256=")
    assert why_not_signed({"x-gitlab-token": SECRET}, BODY, HELD) == ""
    assert why_not_signed({"x-gitlab-token": SECRET + "x"}, BODY, HELD) != ""
    assert why_not_signed({"x-gitea-event": "push", "x-gitea-signature": bare}, BODY, HELD) == ""
