"""The migration that a database needs for `[fields]`: columns to add, their defaults, and the rules as it knows them.

Written for `public`, every name with its schema, as all migrations are (schema_move.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from frontdesk.identity.field_types import FieldType
from frontdesk.identity.fields import FieldRule, FieldRules, Owner

NAME = "map_fields"
_UP_HEAD = """\
-- What [fields] of frontdesk's settings needs: columns, and who owns which. Written by `frontdesk fields plan`.
-- Safe while old code runs: a column is added empty, and a rule decides only over what is written from now on.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';
"""
_DOWN_HEAD = """\
-- Takes the rules back; the columns that came with them go, with all that stands in them.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';
"""

StoredRules = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class FieldMigration:
    """SQL for both ways; empty texts when the database has everything."""

    up: str = ""
    down: str = ""


NO_MIGRATION = FieldMigration()


def migration_for(rules: FieldRules, *, missing: Sequence[FieldRule], stored: StoredRules) -> FieldMigration:
    """Return the migration of a database that lacks the columns `missing` and holds the rules `stored`."""
    wanted = rules.for_database()
    if not missing and wanted == stored:
        return NO_MIGRATION
    added = {rule.column for rule in missing}
    there = [rule for rule in rules.columns if rule.column not in added]
    changed = [rule for rule in there if rule.default != stored.get(rule.column, {}).get("default")]
    up = [_UP_HEAD]
    up += [_added(rule) for rule in missing]
    up += [_default(rule, rule.default) for rule in changed]
    up.append(_function(wanted))
    # The rules go before the columns that they name.
    down = [_DOWN_HEAD, _function(stored)]
    down += [_default(rule, stored.get(rule.column, {}).get("default")) for rule in changed]
    down += [f"ALTER TABLE public.users DROP COLUMN {_name(rule)};\n" for rule in missing]
    return FieldMigration(up="\n".join(up), down="\n".join(down))


def _added(rule: FieldRule) -> str:
    default = "" if rule.default is None else f" DEFAULT {_literal(rule.type, rule.default)}"
    return (
        f"ALTER TABLE public.users ADD COLUMN {_name(rule)} {rule.type.sql}{default};\n"
        f"COMMENT ON COLUMN public.users.{_name(rule)} IS {_text(_meaning(rule))};\n"
    )


def _meaning(rule: FieldRule) -> str:
    if rule.owner is Owner.APP:
        return "The application's own; frontdesk never writes it."
    when = "at every sync" if rule.owner is Owner.AUTH0 else "when the row is made"
    return f"From {'.'.join(rule.path or ())} in Auth0, {when}."


def _default(rule: FieldRule, default: Any) -> str:
    what = "DROP DEFAULT" if default is None else f"SET DEFAULT {_literal(rule.type, default)}"
    return f"ALTER TABLE public.users ALTER COLUMN {_name(rule)} {what};\n"


def _function(rules: StoredRules) -> str:
    # JSON escapes stand for what would end the quotes around it, or be taken for a name in the schema `public`.
    said = (
        json.dumps(rules, indent=4, sort_keys=True).replace("$", "\\u0024").replace("public", "\\u0070ublic")
    )
    body = f"SELECT {_text(said)}::jsonb"
    return (
        "CREATE OR REPLACE FUNCTION public.users_field_rules() RETURNS jsonb\n"
        f"    LANGUAGE sql STABLE\n    AS $$ {body} $$;\n"
    )


def _name(rule: FieldRule) -> str:
    return f'"{rule.column}"'


def _literal(kind: FieldType, value: Any) -> str:
    """Return a default as SQL; it is of its type, since the settings were read."""
    if kind is FieldType.TEXT_LIST:
        return f"ARRAY[{', '.join(map(_text, value))}]::text[]"
    text = value if isinstance(value, str) and kind is not FieldType.JSON else json.dumps(value)
    return f"{_text(text)}::{kind.sql}"


def _text(value: str) -> str:
    """Return text as an SQL literal that no move to another schema changes."""
    if "public" not in value:
        return "'" + value.replace("'", "''") + "'"
    escaped = value.replace("\\", "\\\\").replace("'", "''").replace("public", "\\x70ublic")
    return f"E'{escaped}'"
