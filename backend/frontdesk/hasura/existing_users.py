"""A table `users` that no migration of ours made: what it looks like, and which kind it is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from frontdesk.errors import HasuraUnavailable
from frontdesk.hasura.admin_api import AdminApi

# Columns that no other table of this name has by chance: only our migrations make both.
_OURS = {"clocks", "write_id"}
_TUTORIAL = {"userId", "userName", "lastSeen"}
_TEXT = ("text", "character varying", "citext")

_DESCRIPTION = """
select json_build_object(
  'columns', (select coalesce(json_agg(json_build_object(
      'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'not_null', a.attnotnull,
      'has_default', a.atthasdef or a.attidentity <> '') order by a.attnum), '[]')
    from pg_attribute a where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped),
  'key', (select json_build_object('name', c.conname, 'columns', {columns_of_key})
    from pg_constraint c where c.conrelid = t.oid and c.contype = 'p'),
  'foreign_keys', (select coalesce(json_agg(json_build_object(
      'table', c.conrelid::regclass::text, 'own', c.conrelid = t.oid, 'name', c.conname,
      'definition', pg_get_constraintdef(c.oid), 'columns', {columns_of_key},
      'on_key', c.conindid in (select p.conindid from pg_constraint p where p.conrelid = t.oid and p.contype = 'p'))
      order by c.conrelid::regclass::text, c.conname), '[]')
    from pg_constraint c where c.confrelid = t.oid and c.contype = 'f' and c.conparentid = 0),
  'triggers', (select coalesce(json_agg(tgname order by tgname), '[]')
    from pg_trigger where tgrelid = t.oid and not tgisinternal))::text
from pg_class t where t.oid = to_regclass('{table}')
"""
_COLUMNS_OF_KEY = """(select json_agg(a.attname order by k.place) from unnest(c.conkey) with ordinality k(number, place)
      join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.number)"""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column as the catalog tells it; `has_default` holds for identities and generated values too."""

    name: str
    type: str
    not_null: bool
    has_default: bool

    @property
    def is_text(self) -> bool:
        """Whether it can hold an Auth0 user id."""
        return self.type.startswith(_TEXT)


@dataclass(frozen=True, kw_only=True)
class Key:
    """A primary key."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ForeignKey:
    """A foreign key onto the table. `own`: the table's own; `on_key`: it leads to the primary key."""

    table: str
    name: str
    columns: tuple[str, ...]
    definition: str
    own: bool
    on_key: bool


@dataclass(frozen=True, kw_only=True)
class ExistingTable:
    """A table as it stands, with what depends on its key."""

    columns: tuple[Column, ...]
    key: Key | None
    foreign_keys: tuple[ForeignKey, ...]
    triggers: tuple[str, ...]

    @property
    def names(self) -> frozenset[str]:
        """The names of its columns."""
        return frozenset(column.name for column in self.columns)

    @property
    def is_ours(self) -> bool:
        """Whether it was made by our migrations, though nothing on record says so."""
        return self.names >= _OURS

    def told(self) -> str:
        """Return what it is, for people."""
        shown = ", ".join(column.name for column in self.columns[:6]) + (
            ", …" if len(self.columns) > 6 else ""
        )
        whose = "the table of Hasura's tutorial" if self.names == _TUTORIAL else "a table of somebody else's"
        return f"{whose} (columns {shown})"


def read_table(hasura: AdminApi, source: str, schema: str, name: str) -> ExistingTable:
    """Return the description of a table that is there."""
    sql = _DESCRIPTION.format(columns_of_key=_COLUMNS_OF_KEY, table=f'"{schema}"."{name}"')
    rows = hasura.select(sql, source=source)
    if not rows:
        raise HasuraUnavailable(f"the table {schema}.{name} went away while it was looked at; run this again")
    return _parsed(json.loads(rows[0][0]))


def rows_that_look_like_auth0(hasura: AdminApi, source: str, schema: str, column: str) -> tuple[int, int]:
    """Return how many rows there are, and in how many a column of `users` holds an id such as `auth0|64b0`."""
    quoted = '"' + column.replace('"', '""') + '"'
    sql = f"select count(*), count(*) filter (where {quoted}::text like '%|%') from \"{schema}\".users"  # noqa: S608 - quoted
    ((rows, alike),) = hasura.select(sql, source=source)
    return int(rows), int(alike)


def _parsed(found: Any) -> ExistingTable:
    key = found["key"]
    return ExistingTable(
        columns=tuple(Column(**column) for column in found["columns"]),
        key=Key(name=key["name"], columns=tuple(key["columns"])) if key else None,
        foreign_keys=tuple(
            ForeignKey(**{**each, "columns": tuple(each["columns"])}) for each in found["foreign_keys"]
        ),
        triggers=tuple(found["triggers"]),
    )
