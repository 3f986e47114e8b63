"""What git complains of, as a sentence with its cause and what to do next.

Git has one exit status for all that can go wrong with a server: its words, in the one language that we ask it for, are
all there is to tell them apart. What nobody knows is passed on as git said it.
"""

from __future__ import annotations

import re
import sys

from bakery.helper.words import hinted

LONGEST = 250
AWAY = "away"
MISSING = "missing"
# Each with what it means, and what to do. {url} and {host} are filled in.
KNOWN = (
    (
        "Could not resolve host|Name or service not known|Temporary failure in name resolution",
        "unknown-host", "The server {host} is not known to this node.", "Look for a typing error in the address.",
    ),
    (
        "REMOTE HOST IDENTIFICATION HAS CHANGED",
        "host-key", "{host} shows another host key than the one that is pinned.",
        "If its operator changed it, save the source anew and accept the new key; else somebody is in between.",
    ),
    (
        "Host key verification failed|No .* host key is known",
        "host-key", "The host key of {host} is not known.", "Save the source anew: its key is then pinned.",
    ),
    (
        r"Authentication failed|could not read (?:Username|Password)|Permission denied \(|Access denied|error: 40[13]",
        "denied", "{host} does not let us in to {url}.",
        "Give a token that may read it, or add the deploy key to the repository.",
    ),
    (
        "SSL certificate problem|certificate verification failed|SSL: no alternative certificate",
        "certificate", "The certificate of {host} is not one that this node trusts.",
        "Add its authority to the node: /usr/local/share/ca-certificates, then update-ca-certificates.",
    ),
    (
        "couldn't find remote ref",
        MISSING, "{ref} is not in the repository.", "Choose another branch.",
    ),
    (
        "not our ref|unadvertised object|no such remote ref",
        "gone", "The commit {ref} is not in the repository any more.", "Deploy the newest commit instead.",
    ),
    (
        "No space left on device|File size limit exceeded|Disk quota",
        "full", "There is no room for the repository on this node.", "Make some, and deploy again.",
    ),
    (
        "not appear to be a git repository|is this a git repository|[Rr]epository .*not found|project you were looking",
        "not-found", "There is no repository at {url}, or it does not show itself to us.",
        "Look for a typing error; a private one needs a token or a deploy key.",
    ),
    (
        "[Cc]onnection (?:refused|reset|closed)|[Cc]onnect to|Operation too slow|early EOF|RPC failed|"  # noqa: ISC004 - one pattern in two lines
        "disconnect|No route to host|Network is unreachable|returned error: 5|timed out|Empty reply",
        AWAY, "{host} does not answer.", "See that it runs and that this node may reach it, and try again.",
    ),
    (
        "cannot run ssh|remote-https' is not a git command|remote helper for 'https'",
        "program", "Git on this node lacks what it needs to reach {host}.",
        "Install it: apt-get install git openssh-client",
    ),
)  # fmt: skip


def meaning(errors: str) -> str:
    """Which of the known complaints it is; empty: none."""
    return next((kind for pattern, kind, _, _ in KNOWN if re.search(pattern, errors)), "")


def explain(errors: str, *, url: str, host: str, ref: str) -> str:
    for pattern, _, sentence, hint in KNOWN:
        if re.search(pattern, errors):
            return hinted(sentence.format(url=url, host=host, ref=ref), hint)
    return f"Git could not do it: {last_words(errors)}"


def last_words(errors: str) -> str:
    """The end of what it said, without what only terminals understand."""
    lines = [plain(line) for line in re.split(r"[\r\n]+", errors)]
    said = " ".join(line for line in lines if line and not line.startswith("warning: "))
    return said[-LONGEST:] or "it said nothing."


def tell(line: str) -> None:
    """In the job's log, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def plain(text: str) -> str:
    return "".join(one if one.isprintable() else " " for one in text).strip()


def near(name: str, branches: list[str]) -> list[str]:
    import difflib  # noqa: PLC0415 - only for who mistyped

    return difflib.get_close_matches(name, branches, n=3, cutoff=0.5)


def unknown_branch(name: str, branches: list[str]) -> str:
    if not branches:
        return hinted("The repository is empty.", "Push a commit to it, and deploy again.")
    close = near(name, branches)
    if close:
        return hinted(f"There is no branch “{name}” in the repository.", f"Did you mean {' or '.join(close)}?")
    shown = ", ".join(branches[:5])
    return hinted(f"There is no branch “{name}” in the repository.", f"It has {shown}.")
