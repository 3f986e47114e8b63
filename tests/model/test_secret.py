import json
import pickle

import pytest

from bakery.model.secret import Secret

CANARY = "canary-3f2a"


def test_a_secret_shows_dots_wherever_it_lands() -> None:
    secret = Secret(CANARY)
    shown = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!r:>20}",
        f"{secret}",
        f"{[secret]}",
        repr({"key": secret}),
    ]
    assert not any(CANARY in text for text in shown)


def test_a_secret_is_neither_json_nor_pickled() -> None:
    with pytest.raises(TypeError):
        json.dumps(Secret(CANARY))
    with pytest.raises(TypeError):
        pickle.dumps(Secret(CANARY))


def test_secrets_are_equal_by_their_text() -> None:
    assert Secret(CANARY) == Secret(CANARY)
    assert Secret(CANARY) != Secret("other")
    assert Secret(CANARY) != CANARY
    assert not Secret("")
