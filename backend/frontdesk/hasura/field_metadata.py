"""What the metadata of `users` becomes under `[fields]`: names of columns, and who may read and write them.

frontdesk writes what it feeds, and what is fed once it never changes. A person reads of their own row what they could
read at Auth0: nothing that comes from app_metadata. A column of the application gets a name alone; its permissions
are the application's.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from frontdesk.hasura.metadata_merge import RELATIONSHIPS, Entry
from frontdesk.identity.fields import FieldRule, FieldRules, Owner


def with_fields(entry: Mapping[str, Any], rules: FieldRules, gone: Iterable[str] = ()) -> Entry:
    """Return the entry of `users` with the columns of `rules`; frontdesk lets go of those that are `gone`."""
    made: Entry = copy.deepcopy(dict(entry))
    _name_columns(made, rules)
    fed = [rule for rule in rules.columns if rule.owner is not Owner.APP]
    for kind, role, columns in _permissions(fed):
        _permit(
            made,
            kind,
            role,
            columns,
            frozenset(gone) | _not_fed(rules) if role == "frontdesk" else frozenset(),
        )
    return made


def clashes(entry: Mapping[str, Any], rules: FieldRules) -> Iterator[tuple[FieldRule, str]]:
    """Give the rules whose name in GraphQL a relationship or another column has, with what has it."""
    taken = {str(each["name"]): "a relationship" for kind in RELATIONSHIPS for each in entry.get(kind) or ()}
    named = (entry.get("configuration") or {}).get("column_config") or {}
    for column, said in named.items():
        taken[str(said.get("custom_name"))] = f"the column {column}"
    for rule in rules.columns:
        other = taken.get(rule.graphql_name)
        if other is not None and other != f"the column {rule.column}":
            yield rule, other


def _name_columns(entry: Entry, rules: FieldRules) -> None:
    renamed = {rule.column: rule.graphql_name for rule in rules.columns if rule.column != rule.graphql_name}
    if not renamed:
        return
    configuration = entry.setdefault("configuration", {})
    config = {**(configuration.get("column_config") or {})}
    config |= {column: {**config.get(column, {}), "custom_name": name} for column, name in renamed.items()}
    configuration["column_config"] = dict(sorted(config.items()))
    # What the CLI writes beside it for older engines.
    if former := configuration.get("custom_column_names"):
        configuration["custom_column_names"] = dict(sorted({**former, **renamed}.items()))


def _permissions(fed: list[FieldRule]) -> Iterator[tuple[str, str, list[str]]]:
    every = [rule.column for rule in fed]
    yield "insert_permissions", "frontdesk", every
    yield "update_permissions", "frontdesk", [rule.column for rule in fed if rule.owner is Owner.AUTH0]
    yield "select_permissions", "frontdesk", every
    yield "select_permissions", "user_admin", every
    yield "select_permissions", "user", [rule.column for rule in fed if rule.group != "app_metadata"]


def _not_fed(rules: FieldRules) -> frozenset[str]:
    """Return the columns that frontdesk has to let go of because the application owns them now, or fills them once."""
    return frozenset(rule.column for rule in rules.columns if rule.owner is not Owner.AUTH0)


def _permit(entry: Entry, kind: str, role: str, columns: list[str], gone: frozenset[str]) -> None:
    for permission in entry.get(kind) or ():
        listed = permission.get("permission", {}).get("columns")
        if permission.get("role") == role and isinstance(listed, list):
            permission["permission"]["columns"] = sorted({*listed} - gone | {*columns})
