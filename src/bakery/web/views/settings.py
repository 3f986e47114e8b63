"""The settings of the installation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bakery.web.views.forms import Clash, Form
from bakery.web.views.status import StatusView
from bakery.web.views.terms import TermGroup


@dataclass(frozen=True, slots=True)
class GeneralPage:
    """settings/general.html. Fields: base_url, public_ip, apps_domain, version; `answer` is “theirs” to take those.

    `fixed` says of a field why it cannot be changed here: “Set by BAKERY_BASE_URL.” `version` is of what is stored.
    """

    form: Form
    fixed: Mapping[str, str]
    version: str
    clash: Clash | None = None

    def why_fixed(self, name: str) -> str:
        return self.fixed.get(name, "")


@dataclass(frozen=True, slots=True)
class AppDefaultsPage:
    """settings/apps.html. Its fields are those of the `groups`."""

    form: Form
    groups: Sequence[TermGroup]


@dataclass(frozen=True, slots=True)
class OwnSitePage:
    """settings/address.html. `why_not` is why it cannot be turned on; `secure` how long its certificate lasts, and
    `insecure` why there is no other."""

    status: StatusView
    told: str
    base_url: str
    is_wanted: bool
    trouble: str
    why_not: str
    secure: str = ""
    insecure: str = ""
