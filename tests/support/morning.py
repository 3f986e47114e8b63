"""A Bakery on a busy morning: people, apps in every state, deployments old and running. Rows, and nothing that runs."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from anyio.from_thread import start_blocking_portal
from psycopg.types.json import Jsonb

from bakery.access.invitations import NewInvitation, invite
from bakery.access.people import change_profile, suspend
from bakery.access.tokens import create_token_for
from bakery.model.actor import Actor
from bakery.model.permissions import Role, Scope
from bakery.store.store import Store
from tests.api.site import Site, a_site
from tests.support.machines import a_new_node, a_node_that_answers, some_work
from tests.support.people import SYSTEM, a_developer, a_viewer, an_admin, signed_in
from tests.support.postgres import url_of
from tests.support.serving import Serving, serving
from tests.support.store import a_store
from tests.web.goods import (
    a_failed_deployment,
    a_live_app,
    a_live_deployment,
    a_queued_deployment,
    a_running_deployment,
    a_worker,
    an_app,
    stop,
)

ADMIN = "ada@example.com"
PAGES = {
    "dashboard": "/",
    "apps": "/apps",
    "apps-found-none": "/apps?q=zzz",
    "app-new": "/apps/new",
    "app": "/apps/shop",
    "app-down": "/apps/status",
    "app-stopped": "/apps/old-site",
    "app-never-deployed": "/apps/newsletter",
    "variables": "/apps/shop/variables",
    "variables-none": "/apps/newsletter/variables",
    "variables-new": "/apps/shop/variables?new=1",
    "variables-edit": "/apps/shop/variables?edit=STRIPE_KEY",
    "variables-text": "/apps/shop/variables/bulk",
    "variables-history": "/apps/shop/variables/history",
    "source": "/apps/api/source",
    "deliveries": "/apps/api/deliveries",
    "environments": "/apps/shop/environments",
    "previews": "/apps/api/previews",
    "domains": "/apps/shop/domains",
    "domains-none": "/apps/newsletter/domains",
    "terminal": "/apps/shop/terminal",
    "terminal-none": "/apps/newsletter/terminal",
    "app-settings": "/apps/api/settings",
    "app-site": "/apps/api/site",
    "deploy": "/apps/api/deploy",
    "source-none": "/apps/newsletter/source",
    "deployments": "/apps/shop/deployments",
    "deployment-running": "/apps/shop/deployments/3",
    "deployment-failed": "/apps/blog/deployments/2",
    "deployment-queued": "/apps/api/deployments/3",
    "deployment-succeeded": "/apps/api/deployments/2",
    "deployment-earlier": "/apps/api/deployments/1",
    "deployment-log": "/apps/shop/deployments/3/log",
    "app-log-none": "/apps/newsletter/logs",
    "nodes": "/nodes",
    "node-local": "/nodes/local",
    "node": "/nodes/oven-2",
    "node-month": "/nodes/oven-2?range=30d",
    "node-table": "/nodes/oven-2?range=24h&table=1",
    "node-waiting": "/nodes/oven-3",
    "node-new": "/nodes/new",
    "node-jobs": "/nodes/oven-2/jobs",
    "node-job": "/nodes/oven-2/jobs/1",
    "node-job-running": "/nodes/oven-2/jobs/2",
    "node-commands": "/nodes/oven-2/commands",
    "node-disk": "/nodes/oven-2/disk",
    "node-drift": "/nodes/oven-2/drift",
    "node-settings": "/nodes/oven-2/settings",
    "tasks": "/tasks",
    "activity": "/activity",
    "activity-found-none": "/activity?who=nobody",
    "team": "/team",
    "team-member": "/team/members/2",
    "team-invites": "/team/invites",
    "team-roles": "/team/roles",
    "account-profile": "/account/profile",
    "account-security": "/account/security",
    "account-sessions": "/account/sessions",
    "account-tokens": "/account/tokens",
    "app-new-github": "/apps/new/github",
    "account-github": "/account/github",
    "account-preferences": "/account/preferences",
    "settings": "/settings/general",
    "settings-address": "/settings/address",
    "settings-dns": "/settings/dns",
    "settings-apps": "/settings/apps",
    "settings-github": "/settings/github",
    "settings-github-app": "/settings/github/app/new",
    "help": "/help",
    "help-chapter": "/help/delivery",
    "cli": "/cli",
    "not-found": "/apps/nothing",
}

_CHECKS = b"".join(b"GET /health: connection refused, attempt %d\n" % attempt for attempt in range(1, 9))
_CRASH = b"""Traceback (most recent call last):
  File "/var/lib/bakery/node/apps/blog/2/app.py", line 41, in <module>
    main()
  File "/var/lib/bakery/node/apps/blog/2/app.py", line 33, in main
    posts = load_posts(Path("posts"))
\x1b[31mFileNotFoundError: [Errno 2] No such file or directory: 'posts'\x1b[0m
GET /health: connection refused
"""
_TITLES = {
    "shop": ("Open the shop", "Gift cards", "Round the total of a cart once, at the end"),
    "blog": ("Old posts keep their addresses", "Read posts from a folder"),
    "api": ("First version", "Answer with ETags", "Page lists by cursor"),
}
_FACTS_OF_THE_NODE = {
    "user": "root", "is_root": True, "home": "/root", "has_systemd": True, "has_docker": True, "python": "3.11.2",
    "nginx": "/usr/sbin/nginx", "nginx_settings": "/etc/nginx/nginx.conf", "cpus": 4, "memory_bytes": 8 * 1024**3,
    "disk_free_bytes": 46 * 1024**3, "address": "203.0.113.7", "has_ipv6": True, "units": "systemd",
    "ingress": "system-nginx", "limits": [], "notes": [],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Morning:
    """`gates` are the pages for who is not signed in."""

    serving: Serving
    gates: Mapping[str, str]


@contextmanager
def a_morning(database: str, folder: Path, **environ: str) -> Iterator[Morning]:
    """`database` has all migrations and nothing else. Its worker has the day off, so that nothing moves."""
    with start_blocking_portal() as portal:  # a thread of its own, whatever runs in the caller's
        invitation = portal.call(_fill, database, folder)
    with serving(folder, "--role", "web", DATABASE_URL=url_of(database), **environ) as bakery:
        _set_variables(bakery)
        reset = json.loads(bakery.command("admin", "reset", ADMIN, "--json"))["url"]
        gates = {
            "login": "/login",
            "forgot": "/forgot",
            "invite": f"/invite/{invitation}",
            "reset": f"/reset/{reset.rpartition('/')[2]}",
        }
        yield Morning(bakery, gates)


async def _fill(database: str, folder: Path) -> str:
    """Returns the token of an open invitation; everybody's password is PASSWORD."""
    async with a_store(database) as store:
        site = await a_site(store, folder)
        ada = await an_admin(store, ADMIN)
        invitation = await _bring_people(store, ada)
        await _bake(site, ada)
        await a_node_that_answers(store, site.parts.queue)
        await a_new_node(store)
        await some_work(store, site.parts.queue, actor=ada)
        await _tell_when(store)
    return invitation.token.reveal()


async def _bring_people(store: Store, ada: Actor) -> NewInvitation:
    ada = await signed_in(store, ada)
    await change_profile(store, name="Ada Quist", actor=ada)
    dev = await signed_in(store, await a_developer(store, "ben@example.com"))
    await change_profile(store, name="Ben Okafor", actor=dev)
    await a_viewer(store, "cleo@example.com")
    left = await a_viewer(store, "dana@example.com")
    assert left.person_id is not None
    await suspend(store, left.person_id, actor=ada)
    await create_token_for(store, ADMIN, "CI of the shop", Scope.DEPLOY, actor=SYSTEM)
    await create_token_for(store, ADMIN, "Grafana", Scope.READ, actor=SYSTEM)
    return await invite(store, "emil@example.com", Role.DEVELOPER, actor=ada)


async def _bake(site: Site, ada: Actor) -> None:
    await a_live_app(site, "docs", "Documentation")
    await a_live_app(site, "old-site", "Old site")
    await stop(site, "old-site")
    await an_app(site, "newsletter", "Newsletter")
    await a_live_app(site, "status", "Status page", health="down")
    await a_live_app(site, "blog", "Blog")
    await a_failed_deployment(site, "blog", log=_CRASH)
    await a_live_app(site, "api", "API")
    await a_live_deployment(site, "api")
    await _follow(site, "api")
    await a_live_app(site, "shop", "Shop")
    await a_worker(site, "shop")
    await a_live_deployment(site, "shop")
    await a_running_deployment(site, "shop", log=_CHECKS)
    await a_queued_deployment(site, "api", actor=ada)
    await _attach(site)


async def _attach(site: Site) -> None:
    """Names of the shop's: one whose DNS is right, one that points to another server; and certificates."""
    right = {"answers": [{"server": "192.0.2.53", "a": ["203.0.113.7"]}], "zone": "example.com"}
    wrong = {**right, "answers": [{"server": "192.0.2.53", "a": ["198.51.100.4"]}], "provider": "Namecheap"}
    async with site.store.transaction() as tx:
        for host, shown, is_primary, state, found in (
            ("shop.example.com", "shop.example.com", True, "right", right),
            ("xn--lden-loa.example.com", "läden.example.com", False, "wrong", wrong),
        ):
            await tx.connection.execute(
                """
                INSERT INTO domains (environment_id, host, shown, is_primary, dns_state, dns, looked_at, look_at)
                SELECT environment_id, %s, %s, %s, %s, %s, now(), now() + interval '1 hour'
                FROM app_facts WHERE slug = 'shop'
                """,
                (host, shown, is_primary, state, Jsonb(found)),
            )
        await tx.connection.execute(
            """
            INSERT INTO certificates (environment_id, is_uploaded, fingerprint, names, not_before, not_after, issuer)
            SELECT environment_id, given.is_uploaded, given.fingerprint, given.names, now() - interval '19 days',
                   now() + given.ends, given.issuer
            FROM app_facts, (VALUES
                (false, repeat('a', 64), ARRAY['shop.example.com'], interval '71 days', 'Let''s Encrypt R11'),
                (true, repeat('b', 64), ARRAY['*.shop.example.com'], interval '9 days', 'Example Trust')
            ) AS given (is_uploaded, fingerprint, names, ends, issuer) WHERE slug = 'shop'
            """
        )


async def _follow(site: Site, slug: str) -> None:
    """A repository that nobody asks, as the morning's nodes do nothing."""
    async with site.store.transaction() as tx:
        await tx.connection.execute(
            """
            INSERT INTO git_sources (environment_id, url, branch, host_keys, changed_by)
            SELECT environment_id, 'ssh://git@git.example.com/acme/api.git', 'main', %s, %s
            FROM app_facts WHERE slug = %s
            """,
            ([f"git.example.com ssh-ed25519 {'A' * 68}"], ADMIN, slug),
        )
        await tx.connection.execute(
            """
            INSERT INTO preview_settings (app_id, environment_id, is_on, variables, most, days, forks, changed_by)
            SELECT id, environment_id, true, ARRAY['PAGE_SIZE'], 5, 14, 'approval', %s FROM app_facts WHERE slug = %s
            """,
            (ADMIN, slug),
        )
        await tx.connection.execute(
            """
            INSERT INTO previews (app_id, number, title, branch, author, url, is_fork, head, is_open, told_at, state)
            SELECT id, given.number, given.title, given.branch, given.author,
                   'https://github.com/acme/api/pull/' || given.number, given.is_fork, repeat('9f3c1e7a', 5),
                   given.is_open, now(), given.state
            FROM app_facts, (VALUES
                (41, 'Page lists by cursor', 'cursors', 'ben', false, false, 'closed'),
                (44, 'Say in each answer how long it may be kept', 'etags', 'mallory', true, true, 'approval')
            ) AS given (number, title, branch, author, is_fork, is_open, state) WHERE slug = %s
            """,
            (slug,),
        )


def _set_variables(bakery: Serving) -> None:
    """By the Bakery that serves, whose key seals them; the live release was made without."""
    token = json.loads(bakery.command("admin", "token", ADMIN, "--json"))["token"]
    settings = "IMAGES_BUCKET=shop-images\nPAGE_SIZE=48\nPUBLIC_URL=https://shop.example.com\nTZ=Europe/Berlin"
    secret = "STRIPE_KEY=sk_live_of_the_morning\nSESSION_SECRET=random-of-the-morning"
    with httpx.Client(base_url=bakery.url, headers={"authorization": f"Bearer {token}"}, trust_env=False) as client:
        for wanted in ({"text": settings, "is_secret": False}, {"text": secret}, {"text": "PAGE_SIZE=60"}):
            client.patch("/api/apps/shop/env", json=wanted).raise_for_status()


async def _tell_when(store: Store) -> None:
    """As if it had taken days: rows are as far apart as their ids say."""
    async with store.transaction() as tx:
        for app, titles in _TITLES.items():
            for number, title in enumerate(titles, 1):
                await tx.connection.execute(
                    """
                    UPDATE builds SET title = %s FROM releases
                    JOIN environments ON environments.id = environment_id JOIN apps ON apps.id = environments.app_id
                    WHERE build_id = builds.id AND apps.slug = %s AND releases.number = %s
                    """,
                    (title, app, number),
                )
        for statement in (
            """
            UPDATE nodes SET name = 'oven-1', site_port = 80, apps_domain = 'apps.example.com',
                public_address = '203.0.113.7', facts = %(facts)s WHERE slug = 'local'
            """,
            """
            UPDATE deployments SET asked_by = CASE WHEN id %% 3 = 0 THEN 'ben@example.com' ELSE 'ada@example.com' END,
                trigger = CASE WHEN id %% 2 = 0 THEN 'browser' ELSE 'api' END
            """,
            """
            UPDATE deployments SET created_at = created_at - age, started_at = started_at - age,
                ended_at = started_at - age + (15 + id * 37 %% 60) * interval '1 second'
            FROM (SELECT id AS of, (max(id) OVER () - id) * interval '5 hours 7 minutes' AS age FROM deployments) ages
            WHERE of = id AND ended_at IS NOT NULL
            """,
            """
            UPDATE slots SET since = ended_at FROM deployments
            WHERE deployments.release_id = slots.release_id AND ended_at IS NOT NULL
            """,
            "UPDATE deployments SET heartbeat_at = now() + interval '1 hour' WHERE state = 'running'",
            "INSERT INTO leases VALUES ('node:local', gen_random_uuid(), now() + interval '1 hour')",
            "ALTER TABLE audit DISABLE TRIGGER audit_stays",
            """
            UPDATE audit SET at = at - (newest - id) * interval '47 minutes', source = 'browser',
                person_id = coalesce(person_id, 1 + id %% 2)
            FROM (SELECT max(id) AS newest FROM audit) newest
            """,
            "ALTER TABLE audit ENABLE TRIGGER audit_stays",
        ):
            await tx.connection.execute(statement.encode(), {"facts": Jsonb(_FACTS_OF_THE_NODE)})
