"""How an app's site treats its visitors, as a page."""

from collections.abc import Mapping, Sequence

from bakery.delivery.apps import AppDetail
from bakery.ingress.site_options import ShownSite
from bakery.model.actor import Actor
from bakery.model.permissions import Permission
from bakery.model.runtimes import Runtime
from bakery.model.site_options import SWITCHES, SiteOptions, Www, texts
from bakery.web.presenters.apps import app_tabs
from bakery.web.presenters.links import Url
from bakery.web.presenters.refusals import why_not
from bakery.web.views.forms import Form, Option
from bakery.web.views.site import SitePage

WWW = (
    Option(Www.AS_IS, "Both answer", "Each name that is attached shows the app."),
    Option(Www.TO_BARE, "Without www", "www.shop.example leads to shop.example, where both are attached."),
    Option(Www.TO_WWW, "With www", "shop.example leads to www.shop.example, where both are attached."),
)


def site_page(
    app: AppDetail, site: ShownSite, *, form: Form | None, users: Form | None, actor: Actor, url: Url
) -> SitePage:
    """`form` and `users` are those that were refused."""
    return SitePage(
        app=app.slug,
        tabs=app_tabs(app.slug, "site", url),
        form=form or Form(values=stored(site.options)),
        user_form=users or Form(),
        listens=app.runtime is not Runtime.STATIC,
        www=WWW,
        users=sorted(site.options.users),
        trouble=site.trouble,
        facts=_facts(site.options),
        why_not_change=why_not(actor, Permission.DEPLOY),
    )


def stored(options: SiteOptions) -> Mapping[str, str]:
    """A switch that is off has no value in a form."""
    return {name: "" if name in SWITCHES and text == "no" else text for name, text in texts(options).items()}


def _facts(options: SiteOptions) -> Sequence[tuple[str, str]]:
    said = texts(options)
    www = next(one.title for one in WWW if one.value == options.www)
    return [
        ("Always HTTPS", said["force_https"]),
        ("Names with www", www),
        ("Redirects", said["redirects"] or "none"),
        ("Asks for a password", ", ".join(sorted(options.users)) or "nobody"),
        ("Requests a second", said["rate"] if options.rate else "any number"),
        ("Under maintenance", said["maintenance"]),
        ("Headers", said["headers"] or "none"),
        ("Largest upload", f"{options.upload_mb} MB"),
        ("Compressed", said["gzip"]),
    ]
