"""The names of a table's root fields, and what is told when two tables want the same one."""

from __future__ import annotations

from collections.abc import Iterator

from localhasura.catalog import TableName
from localhasura.metadata.model import TrackedTable
from localhasura.metadata.rule_values import RuleError

_READS = {"select": "{}", "select_by_pk": "{}_by_pk", "select_aggregate": "{}_aggregate"}
_WRITES = {
    "insert": "insert_{}",
    "insert_one": "insert_{}_one",
    "update": "update_{}",
    "update_by_pk": "update_{}_by_pk",
    "update_many": "update_{}_many",
    "delete": "delete_{}",
    "delete_by_pk": "delete_{}_by_pk",
}
_ROOTS = {"mutation_root": _WRITES, "subscription_root": {**_READS, "select_stream": "{}_stream"}}
_CONFLICT = "Encountered conflicting definitions in the selection set for "


class RootNames:
    """Which table has which root fields."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._owners: dict[tuple[str, str], TableName] = {}

    def claim(self, table: TrackedTable) -> None:
        """Take the names of a table's root fields; raises RuleError when another table has one of them."""
        claimed = list(_root_fields(table))
        for root in _ROOTS:
            taken = sorted({key[1] for key in claimed if key[0] == root and key in self._owners})
            if taken:
                listed = ", ".join(self._told(root, name, table.name) for name in taken)
                raise RuleError(
                    f"{_CONFLICT}'{root}' for fields: [{listed}]. "
                    "Fields must not be defined more than once across all sources."
                )
        self._owners |= dict.fromkeys(claimed, table.name)

    def _told(self, root: str, field: str, second: TableName) -> str:
        tables = (self._owners[root, field], second)
        origins = ", ".join(f"table {name} in source {self._source}" for name in tables)
        return f"'{field}' defined in [{origins}]"


def is_conflict(reason: str) -> bool:
    """Whether an inconsistency is of this kind, for which there is no schema to be served at all."""
    return reason.startswith(_CONFLICT)


def _root_fields(table: TrackedTable) -> Iterator[tuple[str, str]]:
    for root, patterns in _ROOTS.items():
        for key, pattern in patterns.items():
            if table.catalog.primary_key or not key.endswith("_by_pk"):
                yield root, table.root_fields.get(key) or pattern.format(table.graphql_name)
