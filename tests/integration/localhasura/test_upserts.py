"""Upserts: `on_conflict` as the role may use it, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.localhasura.client import Client

USER = {"X_Hasura_Role": "user", "X_Hasura_User_Id": "u1"}
CHECK_FAILED = "check constraint of an insert/update permission has failed"
ONE = "$.selectionSet.insert_parent_one.args"


def _upsert(name: str, n: int, on_conflict: str) -> str:
    return (
        f'mutation {{insert_parent_one(object: {{name: "{name}", n: {n}}}, on_conflict: {on_conflict}) '
        "{name n owner}}"
    )


def _reset(workshop: Client) -> None:
    workshop.sql("UPDATE parent SET n = 1, color = 'red' WHERE name = 'a'")


@pytest.mark.parametrize(
    ("on_conflict", "n"),
    [
        ("{constraint: parent_name_key, update_columns: [n]}", 10),
        ("{constraint: parent_name_key, update_columns: n}", 10),
        ("{constraint: parent_name_key, update_columns: [n, n]}", 10),
        ("{constraint: parent_name_key, update_columns: [n], where: null}", 10),
        ("{constraint: parent_name_key, update_columns: [n], where: {}}", 10),
        ('{constraint: parent_name_key, update_columns: [n], where: {children: {title: {_eq: "t"}}}}', 10),
        ('{constraint: parent_name_key, update_columns: [n], where: {children: {title: {_eq: "no"}}}}', None),
        ("{constraint: parent_name_key, update_columns: [n], where: {n: {_gt: 5}}}", None),
        ("{constraint: parent_name_key, update_columns: []}", None),
        ("{constraint: parent_name_key}", None),
    ],
)
def test_what_an_upsert_writes(workshop: Client, on_conflict: str, n: int | None) -> None:
    _reset(workshop)

    data = workshop.data(_upsert("a", 10, on_conflict), **USER)

    assert data == {"insert_parent_one": None if n is None else {"name": "a", "n": n, "owner": "u1"}}


def test_update_presets_come_along_with_an_upsert_that_updates(workshop: Client) -> None:
    _reset(workshop)
    colors = '{parent(where: {name: {_eq: "a"}}) {color}}'

    workshop.data(_upsert("a", 10, "{constraint: parent_name_key, update_columns: []}"), **USER)
    untouched = workshop.data(colors)
    workshop.data(_upsert("a", 10, "{constraint: parent_name_key, update_columns: [n]}"), **USER)

    assert untouched == {"parent": [{"color": "red"}]}
    assert workshop.data(colors) == {"parent": [{"color": "blue"}]}


def test_rows_outside_the_update_filter_are_skipped(workshop: Client) -> None:
    data = workshop.data(_upsert("c", 10, "{constraint: parent_name_key, update_columns: [n]}"), **USER)

    assert data == {"insert_parent_one": None}


def test_updated_rows_pass_the_update_check_and_inserted_ones_the_insert_check(workshop: Client) -> None:
    _reset(workshop)
    on_conflict = "{constraint: parent_name_key, update_columns: [n]}"

    updated = workshop.error(_upsert("a", 60, on_conflict), **USER)
    inserted = workshop.error(_upsert("forbidden", 60, on_conflict), **USER)
    passed = workshop.data(_upsert("over fifty", 60, on_conflict), **USER)

    assert updated == inserted == ("permission-error", f"{ONE}.object", CHECK_FAILED)
    assert passed == {"insert_parent_one": {"name": "over fifty", "n": 60, "owner": "u1"}}


@pytest.mark.parametrize(
    ("on_conflict", "code", "path", "message"),
    [
        (
            "{update_columns: [n]}",
            "validation-failed",
            "on_conflict.constraint",
            "missing required field 'constraint'",
        ),
        (
            "{constraint: null}",
            "validation-failed",
            "on_conflict.constraint",
            "expected an enum value for type 'parent_constraint', but found null",
        ),
        (
            '{constraint: "parent_name_key"}',
            "validation-failed",
            "on_conflict.constraint",
            "expected an enum value for type 'parent_constraint', but found a string",
        ),
        (
            "{constraint: nope}",
            "validation-failed",
            "on_conflict.constraint",
            (
                "expected one of the values ['parent_n_idx', 'parent_name_key', 'parent_pkey'] "
                "for type 'parent_constraint', but found 'nope'"
            ),
        ),
        (
            "{constraint: parent_n_idx}",
            "constraint-error",
            "object",
            'constraint "parent_n_idx" for table "parent" does not exist',
        ),
        (
            "{constraint: parent_name_key, update_columns: null}",
            "validation-failed",
            "on_conflict.update_columns",
            "expected a list, but found null",
        ),
        (
            "{constraint: parent_name_key, update_columns: [color]}",
            "validation-failed",
            "on_conflict.update_columns[0]",
            "expected one of the values ['n', 'name'] for type 'parent_update_column', but found 'color'",
        ),
        (
            "{constraint: parent_name_key, columns: []}",
            "validation-failed",
            "on_conflict.columns",
            "field 'columns' not found in type: 'parent_on_conflict'",
        ),
        (
            "{constraint: parent_pkey, update_columns: [n]}",
            "constraint-violation",
            "object",
            'Uniqueness violation. duplicate key value violates unique constraint "parent_name_key"',
        ),
        (
            "null",
            "constraint-violation",
            "object",
            'Uniqueness violation. duplicate key value violates unique constraint "parent_name_key"',
        ),
    ],
)
def test_upserts_that_are_refused(
    workshop: Client, on_conflict: str, code: str, path: str, message: str
) -> None:
    error = workshop.error(_upsert("a", 11, on_conflict), **USER)

    assert error == (code, f"{ONE}.{path}", message)


@pytest.mark.parametrize(
    ("declared", "used", "value", "n"),
    [
        (
            "parent_on_conflict",
            "$v",
            {"constraint": "parent_name_key", "update_columns": ["n"]},
            12,
        ),
        ("[parent_update_column!]!", "{constraint: parent_name_key, update_columns: $v}", ["n"], 12),
        ("parent_bool_exp", "{constraint: parent_name_key, update_columns: [n], where: $v}", None, 12),
        (
            "parent_bool_exp!",
            "{constraint: parent_name_key, update_columns: [n], where: $v}",
            {"n": {"_gt": 99}},
            None,
        ),
        ("parent_constraint!", "{constraint: $v, update_columns: [n]}", "parent_name_key", 12),
    ],
)
def test_any_part_of_the_clause_may_be_a_variable(
    workshop: Client, declared: str, used: str, value: Any, n: int | None
) -> None:
    _reset(workshop)
    mutation = f"""mutation ($v: {declared}) {{
      insert_parent_one(object: {{name: "a", n: 12}}, on_conflict: {used}) {{n}}}}"""

    assert workshop.data(mutation, {"v": value}) == {"insert_parent_one": None if n is None else {"n": n}}


ADDER = {"X_Hasura_Role": "adder"}


def test_a_role_that_may_not_update_may_skip_rows(workshop: Client) -> None:
    mutation = """mutation {
      insert_parent(objects: {name: "a"}, on_conflict: {constraint: parent_name_key}) {affected_rows}}"""

    assert workshop.data(mutation, **ADDER) == {"insert_parent": {"affected_rows": 0}}


@pytest.mark.parametrize(
    ("column", "path", "message"),
    [
        ("_PLACEHOLDER", "", "erroneous column name"),
        (
            "name",
            ".update_columns[0]",
            "expected one of the values ['_PLACEHOLDER'] for type 'parent_update_column', but found 'name'",
        ),
    ],
)
def test_a_role_that_may_not_update_has_no_columns_to_name(
    workshop: Client, column: str, path: str, message: str
) -> None:
    error = workshop.error(
        f"""mutation {{insert_parent(objects: {{name: "a"}},
          on_conflict: {{constraint: parent_name_key, update_columns: [{column}]}}) {{affected_rows}}}}""",
        **ADDER,
    )

    assert error == ("validation-failed", f"$.selectionSet.insert_parent.args.on_conflict{path}", message)


@pytest.mark.parametrize("field", ["insert_parent_names", "insert_color"])
def test_views_have_no_upserts(workshop: Client, field: str) -> None:
    """`color` is a table with a key: there the argument is known, so the constraint is what is wrong."""
    code, path, message = workshop.error(
        f"mutation {{{field}(objects: [], on_conflict: {{constraint: nope}}) {{affected_rows}}}}"
    )

    assert code == "validation-failed"
    if field == "insert_color":
        assert path.endswith("args.on_conflict.constraint")
    else:
        assert (path, message) == (
            "$.selectionSet.insert_parent_names",
            "'insert_parent_names' has no argument named 'on_conflict'",
        )
