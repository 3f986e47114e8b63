"""Bakery's own site: the host name at which nginx passes requests on to the Bakery of this machine.

    own-put        takes {"host", "port", "listen"} and maybe {"listen_tls", "certificates"} as a line of JSON, and
                   returns when the site answers
    own-remove     harmless when there is none

It is put and put back as an app's site is, and takes turns with them. It has no marker: nothing is switched to.
"""

from __future__ import annotations

from pathlib import Path

from bakery.helper.certificate_files import Certificates
from bakery.helper.nginx import HIGHEST_PORT, Nginx
from bakery.helper.nginx_text import Tls, render_own_site
from bakery.helper.site_files import Site, refuse_bad, settle, take_away, taking_turns, undone_by_faults
from bakery.helper.sites import certificates_for, has_tls_port, told_certificates, told_hosts
from bakery.helper.verbs import Verb
from bakery.helper.words import told_object, whole_number

NAME = "01-bakery"  # no app's name begins with a digit


def put(root: Path) -> None:
    told = told_object({"host", "port", "listen"}, what="The site", may=frozenset({"listen_tls", "certificates"}))
    nginx = Nginx(root, told["listen"], told.get("listen_tls"))
    [host], named = told_hosts([told["host"]]), told_certificates(told)
    port, webroot = whole_number(told, "port", 1, HIGHEST_PORT), Certificates(root).webroot
    site = Site(root, nginx, NAME)
    with taking_turns(root):
        if not nginx.settings.exists():
            nginx.prepare()
        settle(root, nginx)
        listen = nginx.listen_tls if named and has_tls_port(root, nginx) else None
        tls = Tls(listen, certificates_for(root, named, [host]), is_forced=True, hsts_days=0)
        text = render_own_site(host, port, listen=nginx.listening(), webroot=webroot, tls=tls)
        if site.has(text) and nginx.workers():
            return
        with undone_by_faults(site):
            site.put(text)
            refuse_bad(site, nginx)
        nginx.take_up()
        site.before.unlink()


def remove(root: Path) -> None:
    nginx = Nginx(root)
    site = Site(root, nginx, NAME)
    with taking_turns(root):
        settle(root, nginx)
        take_away(site, nginx)


VERBS = {"put": Verb(put), "remove": Verb(remove)}
