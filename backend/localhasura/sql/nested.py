"""Nested inserts, row by row: what the row refers to first, then the row, then what refers to the row."""

# ruff: noqa: S608 - statements are put together from quoted identifiers and bound parameters only

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from localhasura.boolexp import Literal, Relationship
from localhasura.errors import invalid, unsupported
from localhasura.jsontext import compact
from localhasura.metadata.model import TrackedTable
from localhasura.sql.builder import Builder
from localhasura.sql.mutations import WRITTEN, insert_rows, written_rows
from localhasura.sql.steps import Run, require

NewBuilder = Callable[[], Builder]


def has_nested(objects: Sequence[Mapping[str, Any]], table: TrackedTable) -> bool:
    """Whether one of the objects brings rows of related tables along."""
    return any(name in table.relationships for row in objects for name in row)


@dataclass
class NestedInsert:
    """One insert field with related rows; `affected` counts all rows of all tables."""

    new_builder: NewBuilder
    run: Run
    affected: int = 0
    rows: list[str] = field(default_factory=list)
    """The rows of the outermost table, as JSON texts."""

    def insert(
        self,
        table: TrackedTable,
        objects: Sequence[Mapping[str, Any]],
        on_conflict: Mapping[str, Any] | None,
        path: str,
    ) -> None:
        """Insert the objects in order; stops at the first error."""
        for index, row in enumerate(objects):
            written = self._insert(table, row, on_conflict, {}, f"{path}[{index}]")
            if written is not None:
                self.rows.append(written)

    def _insert(
        self,
        table: TrackedTable,
        row: Mapping[str, Any],
        on_conflict: Mapping[str, Any] | None,
        from_parent: Mapping[str, Literal],
        path: str,
    ) -> str | None:
        columns = _given(table, row)
        _refuse_given(columns, from_parent, path)
        columns |= from_parent
        referred = _related(table, row, after=False)
        for relationship, _ in referred:
            _refuse_determined(relationship, columns, path)
        for relationship, data in referred:
            columns |= self._insert_referred(relationship, data, path)
        written = self._write(table, [columns], on_conflict, path)
        later = [(rel, data) for rel, data in _related(table, row, after=True) if data["data"] != []]
        if later and written is None:
            raise unsupported(
                f'cannot proceed to insert array relations since insert to table "{table.name}" '
                "affects zero rows",
                path,
            )
        for relationship, data in later:
            self._insert_referring(relationship, data, _column_texts(written or "{}"), path)
        return written

    def _insert_referred(
        self, relationship: Relationship, data: Mapping[str, Any], path: str
    ) -> dict[str, Literal]:
        """Insert the row that an object relationship refers to; return the columns that it determines."""
        where = f"{path}.{relationship.name}"
        target = self.new_builder().inputs.table(relationship)
        written = self._insert(target, data["data"], data.get("on_conflict"), {}, f"{where}.data")
        if written is None:
            raise unsupported(
                f'cannot proceed to insert object relation "{relationship.name}" since insert to table '
                f'"{target.name}" affects zero rows',
                where,
            )
        texts = _column_texts(written)
        return {local: texts[remote] for local, remote in relationship.mapping}

    def _insert_referring(
        self, relationship: Relationship, data: Mapping[str, Any], parent: Mapping[str, Literal], path: str
    ) -> None:
        target = self.new_builder().inputs.table(relationship)
        determined = {remote: parent[local] for local, remote in relationship.mapping}
        rows = data["data"] if relationship.is_array else [data["data"]]
        on_conflict, where = data.get("on_conflict"), f"{path}.{relationship.name}.data"
        if has_nested(rows, target):
            for index, row in enumerate(rows):
                self._insert(target, row, on_conflict, determined, f"{where}[{index}]")
            return
        complete = [_given(target, row) for row in rows]
        for index, columns in enumerate(complete):
            _refuse_given(columns, determined, f"{where}[{index}]")
        self._write(target, [columns | determined for columns in complete], on_conflict, where)

    def _write(
        self,
        table: TrackedTable,
        rows: Sequence[Mapping[str, Literal]],
        on_conflict: Mapping[str, Any] | None,
        path: str,
    ) -> str | None:
        """Insert rows of one table by one statement; return the first one written, as JSON text."""
        builder = self.new_builder()
        write = insert_rows(builder, table, rows, on_conflict)
        first, count = f"({written_rows(table)} -> 0)::text", f"(SELECT count(*)::int FROM {WRITTEN})"
        text = f"{write.text} SELECT {first}, {count}, {write.checked()}"
        written, affected, passed = self.run.fetch_at(path, builder.statement(text))
        require(passed, path)
        self.affected += affected
        return None if written is None else str(written)


def _related(table: TrackedTable, row: Mapping[str, Any], *, after: bool) -> list[tuple[Relationship, Any]]:
    found = [(table.relationships[name], data) for name, data in row.items() if name in table.relationships]
    return [(rel, data) for rel, data in found if (rel.is_array or rel.insert_after_parent) == after]


def _given(table: TrackedTable, row: Mapping[str, Any]) -> dict[str, Literal]:
    """Return the row's own columns by their PostgreSQL names."""
    return {table.columns[name].name: value for name, value in row.items() if name in table.columns}


def _refuse_given(columns: Mapping[str, Any], determined: Mapping[str, Any], path: str) -> None:
    given = [name for name in determined if name in columns]
    if given:
        listed = ", ".join(f'"{name}"' for name in given)
        raise invalid(
            f"cannot insert {listed} columns as their values are already being determined by parent insert",
            path,
        )


def _refuse_determined(relationship: Relationship, columns: Mapping[str, Literal], path: str) -> None:
    given = [local for local, _ in relationship.mapping if local in columns]
    if given:
        listed = ", ".join(f'"{name}"' for name in given)
        raise invalid(
            f'cannot insert object relationship "{relationship.name}" as {listed} '
            "column values are already determined",
            f"{path}.{relationship.name}",
        )


def _column_texts(row: str) -> dict[str, Literal]:
    """Return a row's values in text form; numbers keep their digits."""
    values = json.loads(row, parse_int=str, parse_float=str)
    return {name: Literal(_text(value)) for name, value in values.items()}


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return ("true" if value else "false") if isinstance(value, bool) else compact(value)
