"""Insert, update and delete statements: one WITH clause that writes, and a select that answers from it."""

# ruff: noqa: S608 - statements are put together from quoted identifiers and bound parameters only

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localhasura.boolexp import TRUE, BoolExp, Literal, SessionVariable, all_of
from localhasura.catalog import Column
from localhasura.catalog.model import quoted
from localhasura.database import MAX_PARAMETERS
from localhasura.errors import invalid
from localhasura.metadata.model import InsertPermission, Presets, TrackedTable, UpdatePermission, granted
from localhasura.operators import INTEGER, TEXT, TEXT_ARRAY
from localhasura.pgvalues import array_literal
from localhasura.request.variables import MANY_ROWS
from localhasura.sql.builder import Builder
from localhasura.sql.filters import where_expression

TARGET = '"_t"'
"""The alias of the table that is written."""
WRITTEN = '"_m"'
"""The rows that were written, as the rest of the statement sees them."""
CHECK = '"__check"'

RowValues = Mapping[str, Literal | SessionVariable]


@dataclass(frozen=True)
class Write:
    """The writing part of a statement."""

    text: str
    has_check: bool

    def checked(self) -> str:
        """Return the expression that tells whether all rows passed the permission's check."""
        return f"(SELECT coalesce(bool_and({CHECK}), true) FROM {WRITTEN})" if self.has_check else "true"


def insert_rows(
    builder: Builder,
    table: TrackedTable,
    rows: Sequence[RowValues],
    on_conflict: Mapping[str, Any] | None,
) -> Write:
    """Return the INSERT for rows by PostgreSQL column; presets are filled in here."""
    permission = granted(builder.inputs.permissions(table).insert)
    used = set(permission.presets).union(*rows)
    columns = [column for name, column in table.catalog.columns.items() if name in used]
    columns = columns or list(table.catalog.columns.values())[:1]
    names = ", ".join(column.sql for column in columns)
    if _go_as_arrays(table, columns, rows, permission.presets):
        source = _arrays(builder, columns, rows, permission.presets)
    else:
        complete = [{**row, **permission.presets} for row in rows]
        source = "VALUES " + ", ".join(f"({_row(builder, columns, row)})" for row in complete)
    conflict, updates = _conflict(builder, table, on_conflict)
    check = _insert_check(builder, table, permission, updates)
    text = f"INSERT INTO {table.name.sql} AS {TARGET} ({names}) {source}{conflict}"
    return _returning(text, table, check)


def update_rows(
    builder: Builder, table: TrackedTable, args: Mapping[str, Any], where: BoolExp, path: str
) -> Write | None:
    """Return the UPDATE of parsed operators, or None when there is nothing to set."""
    permission = granted(builder.inputs.permissions(table).update)
    sets = _assignments(builder, table, args, path)
    sets += _presets(builder, table, permission.presets)
    if not sets:
        return None
    text = f"UPDATE {table.name.sql} AS {TARGET} SET {', '.join(sets)}"
    text += _where(builder, all_of([permission.filter, where]))
    check = None
    if permission.check is not None and not _trivial(permission.check):
        check = builder.condition(permission.check, TARGET, TARGET)
    return _returning(text, table, check)


def delete_rows(builder: Builder, table: TrackedTable, where: BoolExp) -> Write:
    """Return the DELETE of the rows that the role may delete and `where` picks."""
    permission = granted(builder.inputs.permissions(table).delete)
    text = f"DELETE FROM {table.name.sql} AS {TARGET}{_where(builder, all_of([permission.filter, where]))}"
    return _returning(text, table, None)


def written_rows(table: TrackedTable) -> str:
    """Return the written rows as JSON, so that a second statement can read them again."""
    listed = ", ".join(column.sql for column in table.catalog.columns.values())
    return f'(SELECT coalesce(json_agg("r"), \'[]\'::json) FROM (SELECT {listed} FROM {WRITTEN}) AS "r")'


def _returning(text: str, table: TrackedTable, check: str | None) -> Write:
    listed = ", ".join(f"{TARGET}.{column.sql}" for column in table.catalog.columns.values())
    checked = "" if check is None else f", {check} AS {CHECK}"
    return Write(f"WITH {WRITTEN} AS ({text} RETURNING {listed}{checked})", check is not None)


def _row(builder: Builder, columns: Sequence[Column], row: RowValues) -> str:
    return ", ".join(
        builder.value(row[column.name], column.type) if column.name in row else "DEFAULT"
        for column in columns
    )


def _go_as_arrays(
    table: TrackedTable, columns: Sequence[Column], rows: Sequence[RowValues], presets: Presets
) -> bool:
    """Whether an array per column says the same as a list of rows, without thousands of parameters to plan for.

    Where a column is missing in some rows, an array has a null for the default.
    """
    if len(rows) < MANY_ROWS or len(rows) * len(columns) > MAX_PARAMETERS:
        return False
    given = [column for column in columns if column.name not in presets]
    if not given or any(column.type.is_array or column.type.delimiter != "," for column in given):
        return False
    if any(
        type(value) is not Literal or value.variable is not None for row in rows for value in row.values()
    ):
        return False
    with_default = [column.name for column in given if column.has_default or table.catalog.is_view]
    return all(name in row for name in with_default for row in rows)


def _arrays(builder: Builder, columns: Sequence[Column], rows: Sequence[RowValues], presets: Presets) -> str:
    given = [column for column in columns if column.name not in presets]
    arrays = ", ".join(_array(builder, column, rows) for column in given)
    taken = {column.name: f'"_c{number}"' for number, column in enumerate(given)}
    values = (
        taken[column.name] if column.name in taken else builder.value(presets[column.name], column.type)
        for column in columns
    )
    return f'SELECT {", ".join(values)} FROM unnest({arrays}) AS "_v"({", ".join(taken.values())})'


def _array(builder: Builder, column: Column, rows: Sequence[RowValues]) -> str:
    literals = (row.get(column.name) for row in rows)
    texts = (literal.text if isinstance(literal, Literal) else None for literal in literals)
    return builder.bind(array_literal(texts), f"{column.type.cast}[]")


def _conflict(
    builder: Builder, table: TrackedTable, on_conflict: Mapping[str, Any] | None
) -> tuple[str, UpdatePermission | None]:
    """Return the ON CONFLICT clause, and the update permission when it may update."""
    if on_conflict is None:
        return "", None
    constraint = quoted(on_conflict["constraint"])
    names = on_conflict.get("update_columns") or []
    if not names:
        return f" ON CONFLICT ON CONSTRAINT {constraint} DO NOTHING", None
    permission = granted(builder.inputs.permissions(table).update)
    columns = [table.columns[name] for name in dict.fromkeys(names)]
    sets = [f"{column.sql} = EXCLUDED.{column.sql}" for column in columns]
    sets += _presets(builder, table, permission.presets)
    where = all_of([permission.filter, where_expression(on_conflict.get("where"), table, builder.inputs)])
    clause = f" ON CONFLICT ON CONSTRAINT {constraint} DO UPDATE SET {', '.join(sets)}"
    return clause + _where(builder, where), permission


def _insert_check(
    builder: Builder, table: TrackedTable, permission: InsertPermission, updates: UpdatePermission | None
) -> str | None:
    """Inserted rows pass the insert check; updated ones the update check, or without one the insert check."""
    inserted = None if _trivial(permission.check) else builder.condition(permission.check, TARGET, TARGET)
    if updates is None or updates.check is None:
        return inserted
    if _trivial(updates.check) and inserted is None:
        return None
    updated = builder.condition(updates.check, TARGET, TARGET)
    return f"CASE WHEN {TARGET}.xmax = 0 THEN {inserted or 'TRUE'} ELSE {updated} END"


def _trivial(rule: BoolExp) -> bool:
    return rule == TRUE or getattr(rule, "where", None) == TRUE


def _where(builder: Builder, where: BoolExp) -> str:
    return "" if where == TRUE else f" WHERE {builder.condition(where, TARGET, TARGET)}"


def _presets(builder: Builder, table: TrackedTable, presets: Presets) -> list[str]:
    columns = table.catalog.columns
    return [
        f"{columns[name].sql} = {builder.value(value, columns[name].type)}" for name, value in presets.items()
    ]


def _assignments(builder: Builder, table: TrackedTable, args: Mapping[str, Any], path: str) -> list[str]:
    sets: list[str] = []
    seen: set[str] = set()
    twice: list[str] = []
    for operator in ("_set", "_inc", "_append", "_prepend", "_delete_key", "_delete_elem", "_delete_at_path"):
        for name, value in args.get(operator, {}).items():
            if name in seen:
                twice.append(table.columns[name].name)
            seen.add(name)
            column = table.columns[name]
            sets.append(f"{column.sql} = {_assigned(builder, operator, column, value)}")
    if twice:
        listed = ", ".join(f"'{name}'" for name in sorted(set(twice)))
        raise invalid(f"Column found in multiple operators: [{listed}].", path)
    return sets


def _assigned(builder: Builder, operator: str, column: Column, value: Any) -> str:
    old = f"{TARGET}.{column.sql}"
    if operator == "_delete_elem":
        return f"({old} - {builder.value(value, INTEGER)})"
    if operator == "_delete_at_path":
        steps = array_literal([step.text for step in value])
        return f"({old} #- {builder.bind(steps, TEXT_ARRAY.cast)})"
    if operator == "_delete_key":
        return f"({old} - {builder.value(value, TEXT)})"
    new = builder.value(value, column.type)
    combined = {"_inc": f"({old} + {new})", "_append": f"({old} || {new})", "_prepend": f"({new} || {old})"}
    return combined.get(operator, new)
