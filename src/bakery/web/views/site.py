"""How an app's site treats its visitors."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bakery.web.views.forms import Form, Option
from bakery.web.views.shell import Tab


@dataclass(frozen=True, slots=True)
class SitePage:
    """apps/site.html. Fields of `form`: those of model/site_options.py; of `user_form`: user and password.

    `listens`: an app answers, and not files. `users` are who is asked for a password. `trouble` is why nginx refused
    the site as it is to be. `facts` is what somebody reads who may not change it.
    """

    app: str
    tabs: Sequence[Tab]
    form: Form = field(default_factory=Form)
    user_form: Form = field(default_factory=Form)
    listens: bool = True
    www: Sequence[Option] = ()
    users: Sequence[str] = ()
    trouble: str = ""
    facts: Sequence[tuple[str, str]] = ()
    why_not_change: str = ""
