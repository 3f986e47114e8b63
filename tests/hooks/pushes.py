"""Deliveries as GitHub, GitLab and Gitea send them: shortened to what their documentation shows of each event."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

SECRET = "it is a secret to everybody"
A, B, C, D = ("a" * 40, "b" * 40, "c" * 40, "d" * 40)
NONE = "0" * 40


def github(before: str, after: str, *, ref: str = "refs/heads/main", **changes: object) -> dict[str, Any]:
    commit = {
        "id": after, "message": "Fix the cart total", "timestamp": "2026-03-04T05:06:07+01:00", "added": [],
        "removed": [], "modified": ["web/cart.py"], "author": {"name": "Ann", "email": "ann@example.com"},
    }  # fmt: skip
    return {
        "ref": ref, "before": before, "after": after, "created": False, "deleted": False, "forced": False,
        "base_ref": None, "compare": "https://github.com/acme/shop/compare/a...b", "commits": [commit],
        "head_commit": commit, "pusher": {"name": "ann", "email": "ann@example.com"},
        "repository": {
            "id": 35129377, "name": "shop", "full_name": "acme/shop", "private": True,
            "html_url": "https://github.com/acme/shop", "git_url": "git://github.com/acme/shop.git",
            "ssh_url": "git@github.com:acme/shop.git", "clone_url": "https://github.com/acme/shop.git",
            "pushed_at": 1772600767, "default_branch": "main", "owner": {"login": "acme", "id": 1},
        },
        "sender": {"login": "ann", "id": 2}, **changes,
    }  # fmt: skip


def gitlab(before: str, after: str, **changes: object) -> dict[str, Any]:
    return {
        "object_kind": "push", "event_name": "push", "before": before, "after": after, "ref": "refs/heads/main",
        "checkout_sha": after, "user_id": 4, "user_name": "Ann", "user_username": "ann", "project_id": 15,
        "project": {
            "id": 15, "name": "shop", "web_url": "https://gitlab.example.com/acme/shop",
            "git_ssh_url": "git@gitlab.example.com:acme/shop.git",
            "git_http_url": "https://gitlab.example.com/acme/shop.git", "path_with_namespace": "acme/shop",
        },
        "repository": {"name": "shop", "url": "git@gitlab.example.com:acme/shop.git"},
        "commits": [
            {"id": after, "message": "Fix\n", "title": "Fix", "timestamp": "2026-03-04T05:06:07+00:00",
             "added": ["README"], "modified": [], "removed": []},
        ],
        "total_commits_count": 4, **changes,
    }  # fmt: skip


def gitea(before: str, after: str) -> dict[str, Any]:
    return {
        "ref": "refs/heads/main", "before": before, "after": after, "compare_url": "", "total_commits": 1,
        "commits": [{"id": after, "message": "Fix", "timestamp": "2026-03-04T05:06:07Z", "added": None,
                     "removed": [], "modified": ["app.py"]}],
        "head_commit": {"id": after, "message": "Fix", "timestamp": "2026-03-04T05:06:07Z"},
        "repository": {"id": 140, "full_name": "acme/shop", "html_url": "https://git.example.com/acme/shop",
                       "ssh_url": "ssh://git@git.example.com:2222/acme/shop.git",
                       "clone_url": "https://git.example.com/acme/shop.git"},
        "pusher": {"id": 1, "login": "ann", "username": "ann", "full_name": "Ann"},
    }  # fmt: skip


def signed(body: bytes, *, event: str = "push", delivery: str = "1", secret: str = SECRET) -> Mapping[str, str]:
    """The headers of GitHub."""
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        "content-type": "application/json",
        "x-github-event": event,
        "x-github-delivery": delivery,
        "x-hub-signature-256": f"sha256={signature}",
    }


def packed(told: object) -> bytes:
    return json.dumps(told).encode()
