"""What a log and a plan say of an answer, in the order in which it is of use."""

import json

from bakery.delivery.recipe import recipe_of
from bakery.stacks.answer import told
from tests.stacks.trees import plan_of

NEXT = {
    "package.json": json.dumps(
        {
            "scripts": {"build": "next build", "start": "next start"},
            "dependencies": {"next": "15", "@prisma/client": "6"},
            "engines": {"node": "22"},
        }
    ),
    ".env.example": "SMTP_URL=\n",
}


def test_it_is_told_what_it_is_before_why() -> None:
    assert told(plan_of(NEXT))[:5] == (
        "It is Next.js (node), and runs as “docker”.",
        "Versions: Node 22 (from package.json).",
        "Packages of Debian: openssl.",
        "Variables that it names: SMTP_URL, DATABASE_URL.",
        "It could also be: node as process.",
    )


def test_what_is_not_known_has_no_sentence() -> None:
    assert told(plan_of({"index.html": ""})) == (
        "It is “static”, and runs as “static”.",
        "index.html is a page that can be served as it stands.",
    )


def test_a_plan_and_a_log_of_a_deployment_say_all_of_it() -> None:
    plan = plan_of(NEXT)
    assert recipe_of(plan).why == told(plan)
