"""What a registry or Docker complains of, as a sentence with its cause and what to do next.

Docker passes on what registries say, in words of theirs and with a status that seldom fits. What nobody knows is passed
on as it was said.
"""

from __future__ import annotations

import re

from bakery.helper.image_references import host_of
from bakery.helper.words import hinted

LONGEST = 250
OWN = "Docker's registry"
# Each with what it means, and what to do. {image} and {host} are filled in. The first that fits counts.
KNOWN = (
    (
        "no such host|[Nn]ame or service not known|[Tt]emporary failure in name resolution|server misbehaving",
        "The registry {host} is not known to this node.", "Look for a typing error in the image's name.",
    ),
    (
        "HTTP response to HTTPS client",
        "{host} speaks plain http, in which everybody on the way can read along.",
        "Give it a certificate, or allow it on the node: insecure-registries in /etc/docker/daemon.json.",
    ),
    (
        "x509|certificate|tls: ",
        "The certificate of {host} is not one that Docker on this node trusts.",
        "Put its authority on the node: /etc/docker/certs.d/{host}/ca.crt.",
    ),
    (
        "toomanyrequests|[Tt]oo [Mm]any [Rr]equests|rate limit",
        "{host} gives this node nothing more for a while: it was asked too often.",
        "Wait, or give a user and a password, who are often allowed more.",
    ),
    (
        "no matching manifest|does not match the specified platform|image operating system .* cannot be used",
        "{image} is for another kind of machine than this node.",
        "Build it for this one too, with docker buildx build --platform, and push it again.",
    ),
    (
        "manifest unknown|MANIFEST_UNKNOWN|[Nn]ame unknown|NAME_UNKNOWN|repository does not exist|not found",
        "There is no {image}, or {host} does not show it to us.",
        "Look for a typing error; a private one needs a user and a password.",
    ),
    (
        "[Uu]nauthorized|UNAUTHORIZED|[Aa]uthentication required|no basic auth credentials|incorrect username"  # noqa: ISC004 - one pattern in two lines
        "|denied|DENIED|[Ff]orbidden|error: 40[13]|status: 40[13]",
        "{host} does not let us have {image}.",
        "Give the user and the password, or a token, of somebody who may pull it.",
    ),
    (
        "no space left on device|[Dd]isk quota",
        "There is no room for {image} on this node.", "Make some, and deploy again.",
    ),
    (
        "unsupported (?:manifest|media)|media type|schema version",
        "{image} is of a form that Docker on this node does not know.",
        "Build it again with a newer Docker, or renew Docker on the node.",
    ),
    (
        "[Cc]onnection (?:refused|reset)|dial tcp|i/o timeout|[Tt]imeout|deadline exceeded|no route to host|EOF"  # noqa: ISC004 - one pattern in two lines
        "|unreachable|status: 5|Bad Gateway|Service Unavailable|Internal Server Error",
        "{host} does not answer.", "See that it runs and that this node may reach it, and try again.",
    ),
)  # fmt: skip


def explain(said: str, image: str) -> str:
    """With a hint, where the complaint is known."""
    host = host_of(image) or OWN
    for pattern, sentence, hint in KNOWN:
        if re.search(pattern, said):
            return hinted(f"{sentence.format(image=image, host=host)}", hint.format(image=image, host=host))
    plain = " ".join("".join(one if one.isprintable() else " " for one in said).split())
    return f"{image} cannot be pulled: {plain[-LONGEST:] or 'nobody said why'}"
