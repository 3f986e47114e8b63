"""The settings of the installation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bakery.web.moments import Moment
from bakery.web.views.forms import Clash, Form, Option
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
class DnsField:
    """One that the plugin of a provider asks for."""

    name: str
    label: str
    help: str
    options: Sequence[Option]
    is_secret: bool
    is_required: bool


@dataclass(frozen=True, slots=True)
class DnsProviderRow:
    """`form` has what it is now, or what was typed and refused; then the row `is_open`."""

    name: str
    kind: str
    fields: Sequence[DnsField]
    zones: Sequence[str]
    apps: Sequence[str]
    form: Form
    changed: Moment
    changed_by: str
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class DnsProvidersPage:
    """settings/dns.html. Fields: plugin, name, zones (one a line), wait; and those of the chosen kind, `fields`."""

    rows: Sequence[DnsProviderRow]
    form: Form
    kinds: Sequence[Option]
    kind: str
    fields: Sequence[DnsField]


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
