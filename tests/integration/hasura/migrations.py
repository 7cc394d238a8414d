"""The project's migrations, straight into a database: what the tests of tables and triggers stand on."""

from __future__ import annotations

from pathlib import Path
from typing import Any, LiteralString

import psycopg

PROJECT = Path(__file__).parents[3] / "hasura"

CATALOG_QUERIES: dict[str, LiteralString] = {
    "columns": """select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                         pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum)
                  from pg_attribute a join pg_class c on c.oid = a.attrelid
                  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
                  where c.relnamespace = 'public'::regnamespace and a.attnum > 0 and not a.attisdropped
                  order by 1, a.attnum""",
    "constraints": """select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
                      where connamespace = 'public'::regnamespace order by 1, 2""",
    "indexes": "select indexname, indexdef from pg_indexes where schemaname = 'public' order by 1",
    "functions": """select proname, pg_get_functiondef(oid), obj_description(oid) from pg_proc
                    where pronamespace = 'public'::regnamespace order by 1, 2""",
    "triggers": """select tgname, pg_get_triggerdef(oid) from pg_trigger
                   where not tgisinternal order by 1""",
    "comments": """select relname, obj_description(oid) from pg_class
                   where relnamespace = 'public'::regnamespace order by 1""",
}


def migrations() -> list[Path]:
    """Return the migration directories, oldest first."""
    return sorted((PROJECT / "migrations" / "default").iterdir())


def run(connection: psycopg.Connection[Any], file: Path) -> None:
    """Run one SQL file in one transaction, as the engine does."""
    with connection.transaction():
        connection.execute(file.read_text().encode())


def catalog(connection: psycopg.Connection[Any]) -> dict[str, list[Any]]:
    """Return all that the schema `public` consists of, in words."""
    return {what: connection.execute(query).fetchall() for what, query in CATALOG_QUERIES.items()}
