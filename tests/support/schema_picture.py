"""The schema of a migrated database as a picture: tables with their columns, and what refers to what."""

from itertools import groupby

import psycopg

_OURS = """
    SELECT c.relname, a.attname, format_type(a.atttypid, NULL),
           EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey))
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
      AND c.relname NOT LIKE 'procrastinate%' AND c.relname <> 'alembic_version'
    ORDER BY c.relname, a.attnum
"""
_REFERENCES = """
    SELECT DISTINCT child.relname, parent.relname FROM pg_constraint k
    JOIN pg_class child ON child.oid = k.conrelid JOIN pg_class parent ON parent.oid = k.confrelid
    WHERE k.contype = 'f' AND child.relname NOT LIKE 'procrastinate%' ORDER BY 2, 1
"""
_SHORT = {"timestamp with time zone": "timestamptz", "integer": "int", "double precision": "float8"}


def schema_picture(dsn: str) -> str:
    with psycopg.connect(dsn) as connection:
        columns = connection.execute(_OURS.encode()).fetchall()
        references = connection.execute(_REFERENCES.encode()).fetchall()
    lines = ["```mermaid", "erDiagram"]
    lines += [f"    {parent} ||--o{{ {child} : has" for child, parent in references]
    for table, rows in groupby(columns, key=lambda row: row[0]):
        lines.append(f"    {table} {{")
        lines += [f"        {_type(kind)} {name}{' PK' if is_key else ''}" for _, name, kind, is_key in rows]
        lines.append("    }")
    return "\n".join([*lines, "```"])


def _type(kind: str) -> str:
    return _SHORT.get(kind, kind).replace("[]", "_list").replace(" ", "_")
