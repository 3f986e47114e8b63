"""Where an app's code is kept."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bakery.web.moments import Moment
from bakery.web.views.forms import Form, Options
from bakery.web.views.shell import Tab


@dataclass(frozen=True, slots=True)
class SourcePage:
    """apps/source.html. Fields: url, branch, base, username, token, opens, submodules,
    accept_host_key; of the image's form:
    image, port, username, token.

    `follows` says what is followed now; empty: nothing. `is_image`: it is the name of an image. `deploy_key` is its
    public part. `host_keys` are fingerprints. `image` is None where no image can be run. `opened` says in words by what
    GitHub opens the repository, `ways` what else may; `problem` why it does not now, `hint` what to do.
    """

    app: str
    tabs: Sequence[Tab]
    form: Form = field(default_factory=Form)
    follows: str = ""
    has_submodules: bool = True
    has_token: bool = False
    deploy_key: str = ""
    host_keys: Sequence[str] = ()
    changed_by: str = ""
    changed_at: Moment | None = None
    why_not_change: str = ""
    is_image: bool = False
    image: Form | None = None
    ways: Options = ()
    opened: str = ""
    problem: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class PlanLineView:
    """`kind` is same, add or del; `mark` and `word` say it where it is not the same."""

    text: str
    kind: str
    mark: str
    word: str


@dataclass(frozen=True, slots=True)
class PlanPartView:
    title: str
    note: str
    lines: Sequence[PlanLineView]


@dataclass(frozen=True, slots=True)
class PlanView:
    """What a deployment of this commit would do."""

    sha: str
    change: str
    compared: str
    parts: Sequence[PlanPartView]


@dataclass(frozen=True, slots=True)
class DeployPage:
    """apps/deploy.html. Fields: ref, skip_tests; of an image: tag. `follows` is empty where folders are uploaded."""

    app: str
    form: Form = field(default_factory=Form)
    follows: str = ""
    plan: PlanView | None = None
    is_image: bool = False
