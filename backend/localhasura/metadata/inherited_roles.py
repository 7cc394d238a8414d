"""Inherited roles: the permissions of several roles taken together.

Rows: those that one of the parents may read. Columns: those of all parents, but a row that only parents without
a column may read has NULL there. What may be changed is inherited when the parents agree about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from localhasura.boolexp import TRUE, BoolExp, Or, Rule, all_of
from localhasura.catalog import TableName
from localhasura.errors import EngineError, unparsable
from localhasura.metadata.model import (
    NOTHING,
    Inconsistency,
    PermissionConflict,
    SelectPermission,
    TrackedTable,
)
from localhasura.metadata.names import required, required_text
from localhasura.metadata.shapes import expect

KEY = "inherited_roles"
"""Where they stand in the metadata document."""
_ALWAYS = Rule(TRUE)
Tables = Mapping[TableName, TrackedTable]


def inherited_role(definition: Any, path: str) -> dict[str, Any]:
    """Return one inherited role as metadata keeps it; raises for another shape."""
    name, parents = required_text(definition, "role_name", path), required(definition, "role_set", path)
    expect(parents, list, f"{path}.role_set")
    for index, parent in enumerate(parents):
        expect(parent, str, f"{path}.role_set[{index}]")
    if name in parents:
        message = "an inherited role name cannot be in the role combination"
        raise EngineError("invalid-params", message, path=path)
    return {"role_name": name, "role_set": parents}


def inherited_roles(listed: Any, path: str) -> list[dict[str, Any]]:
    """Return all of them; raises for another shape and for roles that inherit from themselves."""
    expect(listed, list, path)
    found = [inherited_role(definition, f"{path}[{index}]") for index, definition in enumerate(listed)]
    names = [each["role_name"] for each in found]
    for name in names:
        if names.count(name) > 1:
            raise unparsable(f'multiple declarations exist for the inherited role: "{name}"', path)
    refuse_cycles(found, path)
    return found


def refuse_cycles(roles: Sequence[Mapping[str, Any]], path: str) -> None:
    """Raise `cyclic-dependency` when a role inherits from itself."""
    open_roles = {each["role_name"]: set(each["role_set"]) for each in roles}
    while True:
        done = {name for name, parents in open_roles.items() if not parents & open_roles.keys()}
        if not done:
            break
        open_roles = {name: parents for name, parents in open_roles.items() if name not in done}
    if open_roles:
        listed = ",".join(f'"{name}"' for name in open_roles)
        raise EngineError("cyclic-dependency", f"found cycle(s) in roles: [{listed}]", path=path)


def add_inherited(
    roles: Iterable[Mapping[str, Any]], tables: Tables, source: str
) -> tuple[list[Inconsistency], list[PermissionConflict]]:
    """Put the permissions of the inherited roles on the tables; return broken roles, and what parents disagree on."""
    open_roles = {each["role_name"]: tuple(dict.fromkeys(each["role_set"])) for each in roles}
    known = {role for table in tables.values() for role in table.permissions} | open_roles.keys()
    broken: list[Inconsistency] = []
    conflicts: list[PermissionConflict] = []
    while open_roles:
        # The document has no cycles, so there is always a role whose parents are all done.
        name = next(role for role, parents in open_roles.items() if not open_roles.keys() & set(parents))
        parents = open_roles.pop(name)
        missing = [parent for parent in parents if parent not in known]
        if missing:
            broken.append(_without_parent(name, parents, missing[0]))
            continue
        for table in tables.values():
            conflicts += _inherit(table, name, parents, source, conflicts)
    return broken, conflicts


def _without_parent(name: str, parents: tuple[str, ...], missing: str) -> Inconsistency:
    return Inconsistency(
        "inherited_role",
        f"inherited role {name}",
        {"role_name": name, "role_set": list(parents)},
        f'parent role "{missing}" does not exist',
        (KEY, name),
    )


def _inherit(
    table: TrackedTable,
    role: str,
    parents: Sequence[str],
    source: str,
    known: Sequence[PermissionConflict],
) -> list[PermissionConflict]:
    own = table.permissions.get(role, NOTHING)
    theirs = [table.permissions.get(parent, NOTHING) for parent in parents]
    selects = [each.select for each in theirs if each.select is not None]
    made = replace(own, select=own.select or (_combined(selects) if selects else None))
    found: list[PermissionConflict] = []
    for kind in ("insert", "update", "delete"):
        given = _distinct([getattr(each, kind) for each in theirs])
        entity = {"permission_type": kind, "source": source, "table": table.name.json()}
        disputed = any(each.name in parents and each.definition == entity for each in known)
        if getattr(own, kind) is not None:
            continue
        if len(given) > 1 or disputed:
            found.append(_conflict(table, role, kind, entity))
        elif given:
            made = replace(made, **{kind: given[0]})
    if made != NOTHING:
        table.permissions[role] = made
    return found


def _distinct(permissions: Iterable[Any]) -> list[Any]:
    """Return the permissions that differ from each other (some hold mappings, which have no hash)."""
    found: list[Any] = []
    for each in permissions:
        if each is not None and each not in found:
            found.append(each)
    return found


def _conflict(table: TrackedTable, role: str, kind: str, entity: dict[str, Any]) -> PermissionConflict:
    told = f"'{kind} permission, table: {table.name}, source: '{entity['source']}''"
    return PermissionConflict(
        "inherited role permission inconsistency",
        role,
        entity,
        f"Could not inherit permission for the role '{role}' for the entity: {told}",
    )


def _combined(parents: Sequence[SelectPermission]) -> SelectPermission:
    columns = frozenset[str]().union(*(each.columns for each in parents))
    limits = [each.limit for each in parents]
    visible = {
        name: _any_of([_rows_with(name, each) for each in parents if name in each.columns])
        for name in columns
    }
    partly = {name for name in columns if not all(_rows_with(name, each) == each.filter for each in parents)}
    return SelectPermission(
        columns=columns,
        filter=_any_of([each.filter for each in parents]),
        limit=None if None in limits else max(limit for limit in limits if limit is not None),
        allow_aggregations=any(each.allow_aggregations for each in parents),
        query_root_fields=_union([each.query_root_fields for each in parents]),
        subscription_root_fields=_union([each.subscription_root_fields for each in parents]),
        visible_where={name: visible[name] for name in partly if visible[name] != _ALWAYS},
    )


def _rows_with(column: str, parent: SelectPermission) -> BoolExp | None:
    """Return the rows in which one parent sees the column; None when it sees the column nowhere."""
    if column not in parent.columns:
        return None
    rule = parent.visible_where.get(column)
    return parent.filter if rule is None else all_of([parent.filter, rule])


def _any_of(rules: Sequence[BoolExp | None]) -> BoolExp:
    given = tuple(dict.fromkeys(rule for rule in rules if rule is not None))
    if _ALWAYS in given:
        return _ALWAYS
    return given[0] if len(given) == 1 else Or(given)


def _union(listed: Sequence[frozenset[str] | None]) -> frozenset[str] | None:
    given = [each for each in listed if each is not None]
    return frozenset[str]().union(*given) if len(given) == len(listed) else None
