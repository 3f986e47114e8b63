"""Long lists come in pages of fifty that follow each other without gap or repetition."""

import httpx
import pytest

from tests.api.site import Site

_MANY = {
    "/users": """
        INSERT INTO people (email, email_key, name, role)
        SELECT n || '@example.com', n || '@example.com', 'P' || (1000 - n), 'viewer' FROM generate_series(1, 120) n
        """,
    "/invites": """
        INSERT INTO invitations (email, email_key, role, token_hash, expires_at, revoked_at)
        SELECT n || '@example.com', n || '@example.com', 'viewer', sha256(n::text::bytea), now(), now()
        FROM generate_series(1, 121) n
        """,
    "/tokens": """
        INSERT INTO api_tokens (person_id, name, prefix, token_hash, scope, expires_at)
        SELECT (SELECT id FROM people), n::text, '', sha256(n::text::bytea), 'read', now()
        FROM generate_series(1, 120) n
        """,
}


@pytest.mark.parametrize("path", _MANY)
async def test_a_long_list_is_read_to_its_end(site: Site, admin: httpx.AsyncClient, path: str) -> None:
    async with site.store.transaction() as tx:
        await tx.connection.execute(_MANY[path].encode())
    pages, after = [], ""
    while True:
        answer = (await admin.get(path, params={"after": after})).json()
        pages.append([item["id"] for item in answer["items"]])
        if answer["next"] is None:
            break
        after = answer["next"]
    assert [len(page) for page in pages] == [50, 50, 21]
    seen = [number for page in pages for number in page]
    assert len(set(seen)) == 121
    assert seen == sorted(seen, reverse=path != "/users")


@pytest.mark.parametrize("path", _MANY)
async def test_a_cursor_of_somebody_elses_making_is_refused(admin: httpx.AsyncClient, path: str) -> None:
    answer = await admin.get(path, params={"after": "bm90IG91cnM"})
    assert (answer.status_code, answer.json()["field"]) == (422, "after")
