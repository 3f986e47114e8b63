"""Samples of how an app's site treats its visitors."""

from bakery.model.site_options import USUAL as USUAL_SITE
from bakery.model.site_options import changed, texts
from bakery.web.presenters.site import WWW, stored
from bakery.web.views.forms import Form
from bakery.web.views.shell import Tab
from bakery.web.views.site import SitePage
from tests.web.samples.frame import Pages, a_shell, below

_CHOSEN = changed(
    USUAL_SITE,
    {
        "force_https": "yes",
        "hsts_days": "180",
        "www": "to-bare",
        "redirects": "/old /new 301\n/blog/* https://blog.example/ 302",
        "rate": "10",
        "maintenance": "yes",
        "maintenance_text": "We move. Back at five.",
        "maintenance_allowed": "203.0.113.0/24",
        "headers": "X-Frame-Options: DENY",
        "page_502": "<h1>Back in a moment</h1>",
    },
)
_TROUBLE = (
    'nginx refused the site shop-production: unknown directive "oops" in /etc/nginx/conf.d/theirs.conf:3 All sites are '
    "as they were before. If the line above is in a file of your own, correct it there."
)


def site_pages() -> Pages:
    form = Form(values=stored(_CHOSEN))
    refused = Form(values=dict(texts(_CHOSEN)) | {"rate": "many"}, errors={"rate": "This is a whole number."})
    shell = a_shell("shop", "Apps", "shop", "Site")
    facts = [("Always HTTPS", "yes"), ("Redirects", "/old /new 301"), ("Headers", "X-Frame-Options: DENY")]
    return {
        "app-site": ("apps/site.html", SitePage("shop", _tabs(), form, www=WWW, users=["ann", "bob"]), shell),
        "app-site-refused": (
            "apps/site.html",
            SitePage("shop", _tabs(), refused, Form(values={"user": "ann"}, errors={"password": "8 to 72."}), www=WWW),
            shell,
        ),
        "app-site-trouble": (
            "apps/site.html",
            SitePage("shop", _tabs(), form, listens=False, www=WWW, trouble=_TROUBLE),
            shell,
        ),
        "app-site-viewer": (
            "apps/site.html",
            SitePage("shop", _tabs(), facts=facts, why_not_change="Your role is Viewer."),
            shell,
        ),
    }


def _tabs() -> list[Tab]:
    places = ("Overview", "Variables", "Deployments", "Logs", "Source", "Site", "Settings")
    return [Tab(title, below(f"/apps/shop/{title.lower()}"), current=title == "Site") for title in places]
