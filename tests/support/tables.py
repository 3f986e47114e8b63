"""All that a database holds, as text: to see that nothing changed, and what lies in it in clear."""

from collections.abc import Collection

from psycopg import sql

from bakery.store.store import Store

_TABLES = """
SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname
"""
_SEEN = ["last_seen_at", "last_used_at"]
# What every request may leave: who asked, and when.
TRACES = frozenset({"audit", "audit_seals", "sessions", "attempts"})


async def rows_of_all_tables(store: Store, *, but: Collection[str] = ()) -> dict[str, list[str]]:
    """The rows of each table as JSON, in an order of their own, without when somebody was last seen."""
    async with store.connection() as connection:
        names = [name for (name,) in await (await connection.execute(_TABLES)).fetchall() if name not in but]
        one = sql.SQL("SELECT {name}, (to_jsonb(t) - {seen}::text[])::text AS row FROM {table} t")
        queries = [
            one.format(name=sql.Literal(name), seen=sql.Literal(_SEEN), table=sql.Identifier(name)) for name in names
        ]
        found = await connection.execute(sql.SQL(" UNION ALL ").join(queries) + sql.SQL(" ORDER BY 1, 2"))
        rows: dict[str, list[str]] = {name: [] for name in names}
        for name, row in await found.fetchall():
            rows[name].append(row)
    return rows
