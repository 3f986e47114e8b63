"""What the style guide shows: every status there is, the colours of tokens.css, and one example of the rest."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup

from bakery.web.moments import Moment, moment
from bakery.web.views.deployments import DeploymentView, Failure, LogLine, StepLog, StepView
from bakery.web.views.forms import Form
from bakery.web.views.status import StatusView, deployment_status, every_status, step_status


@dataclass(frozen=True, slots=True)
class StyleguidePage:
    """styleguide.html, served in development only."""

    statuses: Mapping[str, Sequence[StatusView]]
    colours: Sequence[str]
    form: Form
    failure: Failure
    deployment: DeploymentView
    moment: Moment


def styleguide_page(tokens_css: str, now: datetime) -> StyleguidePage:
    return StyleguidePage(
        statuses=every_status(),
        colours=_colours(tokens_css),
        form=Form(
            values={
                "name": "shop",
                "subdomain": "My Shop",
                "base_url": "https://bakery.example.com",
                "trigger": "push",
            },
            errors={"subdomain": "Subdomains are lower case. “My Shop” could be “my-shop”."},
            problem="Nothing was saved: one field needs another look.",
        ),
        failure=Failure(
            title="Install failed (exit 1)",
            where="npm could not find left-pad@9.9.9 on oven-1.",
            output="$ npm ci\nnpm error 404 Not Found: left-pad@9.9.9",
            fix="Correct the version in package.json and push. #42 is still live.",
            error_id="E-7KQ2",
            at=moment(now - timedelta(minutes=18), now),
        ),
        deployment=_deployment(),
        moment=moment(now - timedelta(hours=2), now),
    )


def _colours(tokens_css: str) -> Sequence[str]:
    """The names of the colours, in the order of the file; the log's palette has its own section."""
    names = re.findall(r"--([a-z][a-z0-9-]*):\s*light-dark\(", tokens_css)
    return [name for name in names if not re.fullmatch(r"a\d+", name)]


def _deployment() -> DeploymentView:
    log = StepLog(
        stream="7", lines=[LogLine(1, Markup("$ npm test")), LogLine(2, Markup("148 passed"))], to=22, raw="#g-steps"
    )
    steps = [
        StepView(key="clone", name="Clone", status=step_status("done"), detail="14 files", took="2.1 s", usual="2.3 s"),
        StepView(
            key="test", name="Test", status=step_status("running"), detail="Running", took="0:27", weight=3, log=log
        ),
        StepView(key="build", name="Build", status=step_status("failed"), detail="exit 1", took="38 s", weight=2),
        StepView(
            key="copy", name="Copy", status=step_status("interrupted"), detail="No sign of life for 60 s", took="1:04"
        ),
        StepView(key="migrate", name="Migrate", status=step_status("skipped"), detail="No new migration"),
        StepView(
            key="start", name="Start", status=step_status("cancelled"), detail="By ops1. #42 stays live", took="0:04"
        ),
        StepView(key="check", name="Check", status=step_status("waiting"), detail="Waiting", usual="4 s"),
    ]
    return DeploymentView(
        id=44,
        app="shop",
        number=44,
        status=deployment_status("running"),
        change="Round totals half to even",
        sha="main@c81d02",
        trigger="push by dev",
        place="oven-1, green",
        calm="#42 stays live on blue until traffic switches.",
        steps=steps,
        is_over=False,
        took="0:51",
    )
