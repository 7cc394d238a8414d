"""The row commands of the schema API (`select`, `insert`, `update`, `delete`, `count`), asked as GraphQL.

The dialect is older than GraphQL's: columns have PostgreSQL's names, operators may be written with `$`, and a value
may stand for `_eq` of it. Everything is put into variables; the document holds names of the schema alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from localhasura.catalog import TableName
from localhasura.engine import GraphQLEngine
from localhasura.errors import EngineError, unparsable, unsupported
from localhasura.metadata.model import ADMIN, Model, TrackedTable
from localhasura.metadata.names import required, table_name
from localhasura.metadata.row_permissions import permitted
from localhasura.operators import LISTS, SQL, canonical
from localhasura.sql.builder import Session

_COMBINED = ("_and", "_or")
_OPERATORS = {*SQL, *LISTS, "_is_null", "_cast"}


AS_ADMIN = Session(ADMIN, {"x-hasura-role": ADMIN}, backend=True)


def run_row_command(
    engine: GraphQLEngine, model: Model, kind: str, args: Any, session: Session = AS_ADMIN
) -> Any:
    """Return the answer to one row command; raises EngineError."""
    name = table_name(required(args, "table"))
    table = model.tables.get(name)
    if table is None:
        message = f'table "{name}" does not exist in source: {model.source or "default"}'
        raise EngineError("not-exists", message, path="$.args.table")
    document, variables = _asked(kind, table, model.tables, session.role, args)
    answer = json.loads(engine.answer({"query": document, "variables": variables}, session))
    if "errors" in answer:
        raise _as_plain(answer["errors"][0])
    return _plain_answer(kind, answer["data"]["rows"])


def _asked(kind: str, table: TrackedTable, tables: Tables, role: str, args: Mapping[str, Any]) -> Asked:
    try:
        return ROW_COMMANDS[kind](table, tables, permitted(kind, table, tables, role, args))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # The arguments are read as they should be shaped; here is where another shape comes out.
        raise unparsable(f"the arguments do not have the expected shape: {error}", "$.args") from error


def _as_plain(error: Mapping[str, Any]) -> EngineError:
    told = error["extensions"]
    return EngineError(told["code"], error["message"], path="$.args", internal=told.get("internal"))


def _plain_answer(kind: str, rows: Any) -> Any:
    return {"count": rows["aggregate"]["count"]} if kind == "count" else rows


Tables = Mapping[TableName, TrackedTable]
Asked = tuple[str, dict[str, Any]]


def _select(table: TrackedTable, tables: Tables, args: Mapping[str, Any]) -> Asked:
    call, declared, variables = _arguments(table, tables, args, "v")
    fields, more, values = _fields(required(args, "columns"), table, tables, "v")
    text = f"query{_declared(declared | more)} {{rows: {_root(table, 'select', '{}')}{call} {{{fields}}}}}"
    return text, variables | values


def _count(table: TrackedTable, tables: Tables, args: Mapping[str, Any]) -> Asked:
    base = table.graphql_name
    declared, variables = {"$w": f"{base}_bool_exp"}, {"w": _where(args.get("where") or {}, table, tables)}
    columns = [_column(table, name) for name in args.get("distinct") or []]
    counted = f"(distinct: true, columns: [{', '.join(columns)}])" if columns else ""
    root = _root(table, "select_aggregate", "{}_aggregate")
    text = f"query{_declared(declared)} {{rows: {root}(where: $w) {{aggregate {{count{counted}}}}}}}"
    return text, variables


def _insert(table: TrackedTable, tables: Tables, args: Mapping[str, Any]) -> Asked:
    base, objects = table.graphql_name, required(args, "objects")
    if not isinstance(objects, list) or not all(isinstance(each, dict) for each in objects):
        raise unparsable("expected a list of objects", "$.args.objects")
    declared = {"$o": f"[{base}_insert_input!]!"}
    variables: dict[str, Any] = {
        "o": [{_column(table, name): value for name, value in each.items()} for each in objects]
    }
    call = "objects: $o"
    if args.get("on_conflict"):
        declared["$c"], call = f"{base}_on_conflict", f"{call}, on_conflict: $c"
        variables["c"] = _on_conflict(args["on_conflict"], table, objects)
    return _mutation(table, "insert", call, declared, variables, args)


def _on_conflict(given: Mapping[str, Any], table: TrackedTable, objects: list[dict[str, Any]]) -> Any:
    constraint = given.get("constraint")
    if constraint is None:
        wanted = set(given.get("constraint_on") or ())
        keys = [key.name for key in table.catalog.unique_keys if set(key.columns) == wanted]
        if not wanted and given.get("action") == "ignore":
            keys = [_only_key(table)]
        if not keys:
            raise EngineError(
                "constraint-error", "no unique constraint on the columns", path="$.args.on_conflict"
            )
        constraint = keys[0]
    written = sorted({_column(table, name) for each in objects for name in each})
    return {"constraint": constraint, "update_columns": written if given.get("action") == "update" else []}


def _only_key(table: TrackedTable) -> str:
    """Return the one key that a conflict can be about; GraphQL names a key where the first API need not."""
    keys = [key.name for key in table.catalog.unique_keys]
    if len(keys) != 1:
        message = "on_conflict without a constraint needs a table with one key in this engine"
        raise unsupported(message, "$.args.on_conflict")
    return keys[0]


def _update(table: TrackedTable, tables: Tables, args: Mapping[str, Any]) -> Asked:
    base = table.graphql_name
    declared = {"$w": f"{base}_bool_exp!"}
    variables: dict[str, Any] = {"w": _where(required(args, "where"), table, tables)}
    call = ["where: $w"]
    for key in args:
        operator = canonical(key)
        if operator in ("_mul", "_default"):
            raise unsupported(f"{key} is not supported by this engine", f"$.args.{key}")
        if operator in ("_set", "_inc"):
            declared[f"${operator}"] = f"{base}{operator}_input"
            variables[operator] = {_column(table, name): value for name, value in args[key].items()}
            call.append(f"{operator}: ${operator}")
    return _mutation(table, "update", ", ".join(call), declared, variables, args)


def _delete(table: TrackedTable, tables: Tables, args: Mapping[str, Any]) -> Asked:
    declared = {"$w": f"{table.graphql_name}_bool_exp!"}
    variables = {"w": _where(required(args, "where"), table, tables)}
    return _mutation(table, "delete", "where: $w", declared, variables, args)


def _mutation(
    table: TrackedTable,
    kind: str,
    call: str,
    declared: Mapping[str, str],
    variables: dict[str, Any],
    args: Mapping[str, Any],
) -> Asked:
    root = _root(table, kind, f"{kind}_{{}}")
    returned = args.get("returning") or []
    listed = " ".join(_output(table, name) for name in _listed(returned, table))
    returning = f" returning {{{listed}}}" if listed else ""
    return f"mutation{_declared(declared)} {{rows: {root}({call}) {{affected_rows{returning}}}}}", variables


ROW_COMMANDS: Mapping[str, Callable[[TrackedTable, Tables, Mapping[str, Any]], Asked]] = {
    "select": _select,
    "insert": _insert,
    "update": _update,
    "delete": _delete,
    "count": _count,
}


def _root(table: TrackedTable, key: str, pattern: str) -> str:
    return table.root_fields.get(key) or pattern.format(table.graphql_name)


def _declared(variables: Mapping[str, str]) -> str:
    listed = ", ".join(f"{name}: {kind}" for name, kind in variables.items())
    return f" ({listed})" if listed else ""


def _arguments(
    table: TrackedTable, tables: Tables, args: Mapping[str, Any], prefix: str
) -> tuple[str, dict[str, str], dict[str, Any]]:
    base, values = table.graphql_name, dict[str, tuple[str, Any]]()
    if args.get("where") is not None:
        values["where"] = f"{base}_bool_exp", _where(args["where"], table, tables)
    if args.get("order_by") is not None:
        values["order_by"] = f"[{base}_order_by!]", _order_by(args["order_by"], table)
    for key in ("limit", "offset"):
        if args.get(key) is not None:
            values[key] = "Int", args[key]
    call = ", ".join(f"{key}: ${prefix}_{key}" for key in values)
    declared = {f"${prefix}_{key}": kind for key, (kind, _) in values.items()}
    return f"({call})" if call else "", declared, {f"{prefix}_{k}": value for k, (_, value) in values.items()}


def _fields(
    columns: Any, table: TrackedTable, tables: Tables, prefix: str
) -> tuple[str, dict[str, str], dict[str, Any]]:
    texts: list[str] = []
    declared: dict[str, str] = {}
    variables: dict[str, Any] = {}
    for index, name in enumerate(_listed(columns, table)):
        if isinstance(name, str):
            texts.append(_output(table, name))
            continue
        relationship = table.relationships.get(required(name, "name", "$.args.columns"))
        if relationship is None:
            raise EngineError("not-exists", f'"{name["name"]}" does not exist', path="$.args.columns")
        inner, target = f"{prefix}_{index}", tables[relationship.target]
        call, more, values = _arguments(target, tables, name, inner)
        fields, deeper, others = _fields(required(name, "columns", "$.args.columns"), target, tables, inner)
        texts.append(f"{relationship.name}{call} {{{fields}}}")
        declared |= more | deeper
        variables |= values | others
    return " ".join(texts), declared, variables


def _listed(columns: Any, table: TrackedTable) -> list[Any]:
    if not isinstance(columns, list):
        raise unparsable("expected a list", "$.args.columns")
    found: list[Any] = []
    for name in columns:
        found += list(table.column_names) if name == "*" else [name]
    return found


def _column(table: TrackedTable, name: str) -> str:
    found = table.column_names.get(name)
    if found is None:
        raise EngineError("not-exists", f'column "{name}" does not exist', path="$.args")
    return found


def _output(table: TrackedTable, name: str) -> str:
    return f"{name}: {_column(table, name)}"


def _order_by(given: Any, table: TrackedTable) -> list[dict[str, str]]:
    return [_order(each, table) for each in (given if isinstance(given, list) else [given])]


def _order(given: Any, table: TrackedTable) -> dict[str, str]:
    if isinstance(given, str):
        return {_column(table, given.lstrip("+-")): "desc" if given.startswith("-") else "asc"}
    direction, nulls = given.get("type") or "asc", given.get("nulls")
    column = _column(table, required(given, "column", "$.args.order_by"))
    return {column: f"{direction}_nulls_{nulls}" if nulls else direction}


def _where(rule: Any, table: TrackedTable, tables: Tables) -> dict[str, Any]:
    if not isinstance(rule, dict):
        raise unparsable("expected an object", "$.args.where")
    return dict(_condition(name, value, table, tables) for name, value in rule.items())


def _condition(name: str, value: Any, table: TrackedTable, tables: Tables) -> tuple[str, Any]:
    if name in table.column_names:
        return table.column_names[name], _comparison(value)
    relationship = table.relationships.get(name)
    if relationship is not None:
        return name, _where(value, tables[relationship.target], tables)
    operator = canonical(name)
    if operator in _COMBINED and isinstance(value, list):
        return operator, [_where(part, table, tables) for part in value]
    if operator == "_not":
        return operator, _where(value, table, tables)
    raise EngineError("not-exists", f'column "{name}" does not exist', path="$.args.where")


def _comparison(value: Any) -> dict[str, Any]:
    if isinstance(value, dict) and value and all(key[:1] in ("_", "$") for key in value):
        for name in value:
            if canonical(name) not in _OPERATORS:
                raise EngineError("unexpected-payload", f"Unknown operator: {name}", path="$.args.where")
        return {canonical(name): operand for name, operand in value.items()}
    return {"_is_null": True} if value is None else {"_eq": value}
