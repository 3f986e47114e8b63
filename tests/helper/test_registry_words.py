"""What registries and Docker say, as sentences."""

import pytest

from bakery.helper.registry_words import explain

IMAGE = "a.example:5000/shop:1"


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("manifest unknown: manifest unknown", f"There is no {IMAGE}, or a.example:5000 does not show it to us."),
        (
            "errors:\ndenied: requested access to the resource is denied",
            f"a.example:5000 does not let us have {IMAGE}.",
        ),
        ("unauthorized: authentication required", f"a.example:5000 does not let us have {IMAGE}."),
        ("no basic auth credentials", f"a.example:5000 does not let us have {IMAGE}."),
        ("dial tcp: lookup a.example: no such host", "The registry a.example:5000 is not known to this node."),
        ("dial tcp 10.0.0.1:5000: connect: connection refused", "a.example:5000 does not answer."),
        ("net/http: request canceled (Client.Timeout exceeded)", "a.example:5000 does not answer."),
        (
            "x509: certificate signed by unknown authority",
            "The certificate of a.example:5000 is not one that Docker on this node trusts.",
        ),
        (
            "no matching manifest for linux/arm64 in the manifest list entries",
            f"{IMAGE} is for another kind of machine than this node.",
        ),
        (
            "toomanyrequests: You have reached your pull rate limit",
            "a.example:5000 gives this node nothing more for a while: it was asked too often.",
        ),
        (
            "http: server gave HTTP response to HTTPS client",
            "a.example:5000 speaks plain http, in which everybody on the way can read along.",
        ),
        ("write /var/lib/docker/tmp/x: no space left on device", f"There is no room for {IMAGE} on this node."),
        ("something\x1b[31m new", f"{IMAGE} cannot be pulled: something [31m new"),
    ],
)
def test_a_complaint_becomes_a_sentence_with_what_to_do_next(said: str, sentence: str) -> None:
    assert explain(said, IMAGE).partition("\nHint: ")[0] == sentence


def test_a_name_without_a_registry_is_of_dockers_own() -> None:
    said = "pull access denied for shop, repository does not exist or may require 'docker login': denied"
    assert explain(said, "shop:1").startswith(
        "There is no shop:1, or Docker's registry does not show it to us.\nHint: "
    )
