"""Updates, deletes, order, custom names, views and database errors of mutations, case by case."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.localhasura.client import Client

pytestmark = pytest.mark.usefixtures("rows_of_the_workshop")
USER = {"X_Hasura_Role": "user", "X_Hasura_User_Id": "u1"}


@pytest.mark.parametrize(
    ("operator", "column", "value"),
    [
        ("_inc: {c_int: 2}", "c_int", 3),
        ('_inc: {c_int: "2"}', "c_int", 3),
        ("_inc: {c_int: null}", "c_int", None),
        ("_inc: {c_big: 9007199254740992}", "c_big", 9007199254740993),
        ("_inc: {c_num: 0.5}", "c_num", 1.5),
        ("_inc: {c_small: -2}", "c_small", -1),
        ("_inc: {c_real: 0.5}", "c_real", 1.5),
        ("_inc: {c_double: 0.25}", "c_double", 1.25),
        ("_append: {c_jsonb: {b: 2}}", "c_jsonb", {"a": 1, "b": 2, "l": [1, 2, {"x": 5}]}),
        ("_append: {c_jsonb: [7]}", "c_jsonb", [{"a": 1, "l": [1, 2, {"x": 5}]}, 7]),
        ('_prepend: {c_jsonb: ["x"]}', "c_jsonb", ["x", {"a": 1, "l": [1, 2, {"x": 5}]}]),
        ("_append: {c_jsonb: null}", "c_jsonb", None),
        ('_delete_key: {c_jsonb: "l"}', "c_jsonb", {"a": 1}),
        ('_delete_key: {c_jsonb: "none"}', "c_jsonb", {"a": 1, "l": [1, 2, {"x": 5}]}),
        ("_delete_key: {c_jsonb: null}", "c_jsonb", None),
        ('_delete_at_path: {c_jsonb: ["l", "2", "x"]}', "c_jsonb", {"a": 1, "l": [1, 2, {}]}),
        ('_delete_at_path: {c_jsonb: "a"}', "c_jsonb", {"l": [1, 2, {"x": 5}]}),
        ("_set: {c_jsonb: null}", "c_jsonb", None),
        ('_set: {c_need: "n"}', "c_need", "n"),
    ],
)
def test_update_operators(workshop: Client, operator: str, column: str, value: Any) -> None:
    data = workshop.data(
        f"mutation {{update_every_type(where: {{}}, {operator}) {{returning {{{column}}}}}}}"
    )

    assert data == {"update_every_type": {"returning": [{column: value}]}}


@pytest.mark.parametrize(
    ("index", "left"), [("0", [2, 3]), ("-1", [1, 2]), ('"1"', [1, 3]), ("9", [1, 2, 3])]
)
def test_an_element_is_deleted_by_its_index(workshop: Client, index: str, left: list[int]) -> None:
    workshop.data("mutation {update_every_type(where: {}, _set: {c_jsonb: [1, 2, 3]}) {affected_rows}}")

    data = workshop.data(
        f"mutation {{update_every_type(where: {{}}, _delete_elem: {{c_jsonb: {index}}}) {{returning {{c_jsonb}}}}}}"
    )

    assert data == {"update_every_type": {"returning": [{"c_jsonb": left}]}}


@pytest.mark.parametrize(
    ("mutation", "code", "path", "message"),
    [
        (
            "update_every_type(where: {}, _inc: {c_small: 32767}) {affected_rows}",
            "data-exception",
            "$",
            "smallint out of range",
        ),
        (
            "update_every_type(where: {}, _inc: {c_int: 1.5}) {affected_rows}",
            "parse-failed",
            "$.selectionSet.update_every_type.args._inc.c_int",
            (
                "The value 1.5 lies outside the bounds or is not an integer. "
                "Maybe it is a float, or is there integer overflow?"
            ),
        ),
        (
            "update_every_type(where: {}, _delete_key: {c_jsonb: 1}) {affected_rows}",
            "parse-failed",
            "$.selectionSet.update_every_type.args._delete_key.c_jsonb",
            "parsing Text failed, expected String, but encountered Number",
        ),
        (
            "update_every_type(where: {}, _delete_at_path: {c_jsonb: [1]}) {affected_rows}",
            "parse-failed",
            "$.selectionSet.update_every_type.args._delete_at_path.c_jsonb[0]",
            "parsing Text failed, expected String, but encountered Number",
        ),
        (
            "update_every_type(where: {}, _delete_elem: {c_jsonb: 0}) {affected_rows}",
            "data-exception",
            "$",
            "cannot delete from object using integer index",
        ),
        (
            "update_every_type(where: {}, _append: {c_json: {}}) {affected_rows}",
            "validation-failed",
            "$.selectionSet.update_every_type.args._append.c_json",
            "field 'c_json' not found in type: 'every_type_append_input'",
        ),
        (
            "update_every_type(where: {}, _set: {c_gen: 1}) {affected_rows}",
            "validation-failed",
            "$.selectionSet.update_every_type.args._set.c_gen",
            "field 'c_gen' not found in type: 'every_type_set_input'",
        ),
        (
            "update_every_type(where: {}, _set: {c_need: null}) {affected_rows}",
            "validation-failed",
            "$.selectionSet.update_every_type.args._set.c_need",
            "unexpected null value for type 'String'",
        ),
        (
            'update_parent(where: {}, _inc: {n: 1}, _set: {n: 1, name: "x"}) {affected_rows}',
            "validation-failed",
            "$.selectionSet.update_parent.args",
            "Column found in multiple operators: ['n'].",
        ),
        (
            "update_parent_many(updates: [{where: {}}, {where: {}, _inc: {n: 1}, _set: {n: 1}}]) {affected_rows}",
            "validation-failed",
            "$.selectionSet.update_parent_many.args.updates[1]",
            "Column found in multiple operators: ['n'].",
        ),
        (
            "update_parent_many(updates: [{_set: {n: 1}}]) {affected_rows}",
            "validation-failed",
            "$.selectionSet.update_parent_many.args.updates[0].where",
            "missing required field 'where'",
        ),
        (
            "update_parent(where: {}, _foo: {}) {affected_rows}",
            "validation-failed",
            "$.selectionSet.update_parent",
            "'update_parent' has no argument named '_foo'",
        ),
        (
            "update_parent_by_pk(pk_columns: {}, _set: {n: 1}) {id}",
            "validation-failed",
            "$.selectionSet.update_parent_by_pk.args.pk_columns.id",
            "missing required field 'id'",
        ),
        (
            'update_parent(where: {id: {_eq: 1}}, _set: {name: "b"}) {affected_rows}',
            "constraint-violation",
            "$",
            'Uniqueness violation. duplicate key value violates unique constraint "parent_name_key"',
        ),
        (
            "update_parent_many(updates: [{where: {}, _inc: {n: 10}}, {where: {}, _inc: {n: 100}}]) {affected_rows}",
            "permission-error",
            "$",
            'Check constraint violation. new row for relation "parent" violates check constraint "parent_n_check"',
        ),
        (
            "update_child(where: {}, _set: {parent_id: 99}) {affected_rows}",
            "constraint-violation",
            "$",
            (
                'Foreign key violation. insert or update on table "child" violates foreign key constraint '
                '"child_parent_id_fkey"'
            ),
        ),
        (
            "delete_parent_by_pk(id: 1) {id}",
            "constraint-violation",
            "$",
            (
                'Foreign key violation. update or delete on table "parent" violates foreign key constraint '
                '"child_parent_id_fkey" on table "child"'
            ),
        ),
        (
            'delete_parent_by_pk(id: "x") {id}',
            "data-exception",
            "$",
            'invalid input syntax for type integer: "x"',
        ),
        (
            'insert_booking(objects: [{during: "[1,5)"}, {during: "[4,6)"}]) {affected_rows}',
            "constraint-violation",
            "$.selectionSet.insert_booking.args.objects",
            'Exclusion violation. conflicting key value violates exclusion constraint "booking_during_excl"',
        ),
        (
            "insert_oddity(objects: []) {affected_rows}",
            "validation-failed",
            "$.selectionSet.insert_oddity",
            "field 'insert_oddity' not found in type: 'mutation_root'",
        ),
        (
            "changeOdd(where: {}, _set: {chosen: 1}, _inc: {chosen: 1}) {affected_rows}",
            "validation-failed",
            "$.selectionSet.changeOdd.args",
            "Column found in multiple operators: ['select'].",
        ),
        (
            "addOneOdd(object: {chosen: 1}, on_conflict: {constraint: odd_key}) {key}",
            "validation-failed",
            "$.selectionSet.addOneOdd.args.on_conflict.constraint",
            (
                "expected one of the values ['odd_select_key'] for type 'oddity_constraint', "
                "but found 'odd_key'"
            ),
        ),
        (
            "insert_parents_by_color(objects: []) {affected_rows}",
            "validation-failed",
            "$.selectionSet.insert_parents_by_color",
            "field 'insert_parents_by_color' not found in type: 'mutation_root'",
        ),
        (
            "delete_parent_ids(where: {}) {affected_rows}",
            "validation-failed",
            "$.selectionSet.delete_parent_ids",
            "field 'delete_parent_ids' not found in type: 'mutation_root'",
        ),
    ],
)
def test_mutations_that_are_refused(
    workshop: Client, mutation: str, code: str, path: str, message: str
) -> None:
    before = workshop.data("{parent(order_by: {id: asc}) {name n}}")

    assert workshop.error(f"mutation {{{mutation}}}") == (code, path, message)
    assert workshop.data("{parent(order_by: {id: asc}) {name n}}") == before


@pytest.mark.parametrize(
    ("state", "code", "message"),
    [
        ("", "unexpected", "database query error"),
        ("22023", "data-exception", "sprung"),
        ("22025", "bad-request", "sprung"),
        ("23000", "constraint-violation", "sprung"),
        ("23001", "constraint-violation", "Can not delete or update due to data being referred. sprung"),
        ("23502", "constraint-violation", "Not-NULL violation. sprung"),
        ("23514", "permission-error", "Check constraint violation. sprung"),
        ("42704", "constraint-error", "sprung"),
        ("42P10", "constraint-error", "there is no unique or exclusion constraint on target column(s)"),
        ("42703", "unexpected", "database query error"),
        ("40001", "unexpected", "database query error"),
    ],
)
def test_what_a_trigger_raises(workshop: Client, state: str, code: str, message: str) -> None:
    line = f"raise {state}"
    inserted = workshop.error("mutation ($l: String) {insert_trap_one(object: {line: $l}) {id}}", {"l": line})
    workshop.data('mutation {insert_trap_one(object: {line: "calm"}) {id}}')
    updated = workshop.error(
        "mutation ($l: String) {update_trap(where: {}, _set: {line: $l}) {affected_rows}}", {"l": line}
    )

    assert inserted == (code, "$.selectionSet.insert_trap_one.args.object", message)
    assert updated == (code, "$", message)


def test_the_administrator_is_told_what_postgresql_said(workshop: Client) -> None:
    mutation = 'mutation {insert_trap_one(object: {line: "raise"}) {id}}'

    (error,) = workshop.graphql(mutation)["errors"]

    assert error["extensions"]["internal"]["error"] == {
        "exec_status": "FatalError",
        "status_code": "P0001",
        "message": "sprung",
        "description": None,
        "hint": None,
    }


def test_many_updates_answer_one_by_one_in_order(workshop: Client) -> None:
    data = workshop.data(
        """mutation {update_parent_many(updates: [
             {where: {id: {_eq: 2}}, _set: {n: 23}}, {where: {id: {_eq: 2}}}, {where: {id: {_eq: 2}}, _inc: {n: 1}}]) {
               affected_rows returning {n children {title}} __typename}}"""
    )

    name = "parent_mutation_response"
    assert data["update_parent_many"] == [
        {"affected_rows": 1, "returning": [{"n": 23, "children": []}], "__typename": name},
        {"affected_rows": 0, "returning": [], "__typename": name},
        {"affected_rows": 1, "returning": [{"n": 24, "children": []}], "__typename": name},
    ]


def test_presets_alone_update_the_rows_that_the_filter_lets_through(workshop: Client) -> None:
    data = workshop.data("mutation {update_parent(where: {}) {affected_rows returning {name}}}", **USER)

    assert data["update_parent"]["affected_rows"] == 2
    assert workshop.data("{parent(order_by: {id: asc}) {color}}") == {
        "parent": [{"color": "blue"}, {"color": "blue"}, {"color": None}]
    }


@pytest.mark.parametrize(
    ("mutation", "answer"),
    [
        ("update_parent_by_pk(pk_columns: {id: 3}, _set: {n: 4}) {id}", None),
        ("delete_parent_by_pk(id: 3) {id}", None),
        ("delete_parent(where: {id: {_eq: 3}}) {affected_rows}", {"affected_rows": 0}),
        ("update_parent_by_pk(pk_columns: {id: 2}, _set: {n: 4}) {id n}", {"id": 2, "n": 4}),
        ("delete_parent_by_pk(id: 2) {name children {title}}", {"name": "b", "children": []}),
    ],
)
def test_rows_outside_the_filter_are_not_there(workshop: Client, mutation: str, answer: Any) -> None:
    (given,) = workshop.data(f"mutation {{{mutation}}}", **USER).values()

    assert given == answer


def test_a_deleted_row_shows_its_relations_after_the_delete(workshop: Client) -> None:
    data = workshop.data(
        "mutation {delete_child(where: {}) {returning {title parent {children_aggregate {aggregate {count}}}}}}"
    )

    assert data["delete_child"]["returning"] == [
        {"title": "t", "parent": {"children_aggregate": {"aggregate": {"count": 0}}}}
    ]


def test_fields_run_in_their_order_and_a_field_may_come_twice(workshop: Client) -> None:
    data = workshop.data(
        """mutation {
             a: insert_parent_one(object: {name: "z1"}) {name}
             __typename
             b: insert_parent_one(object: {name: "z2"}) {name}
             c: delete_parent(where: {name: {_like: "z%"}}) {returning {name} affected_rows}}"""
    )

    assert list(data) == ["a", "__typename", "b", "c"]
    assert list(data["c"]) == ["returning", "affected_rows"]
    assert data["c"] == {"affected_rows": 2, "returning": [{"name": "z1"}, {"name": "z2"}]}


def test_custom_names_hold_in_every_input(workshop: Client) -> None:
    data = workshop.data(
        """mutation {
             addOdd(objects: [{label: "l", chosen: 1}]) {affected_rows returning {label chosen __typename}}
             addOneOdd(object: {label: "m", chosen: 1},
               on_conflict: {constraint: odd_select_key, update_columns: [label, chosen]}) {label}
             changeOdd(where: {label: {_eq: "m"}}, _inc: {chosen: 1}) {returning {chosen}}
             changeOneOdd(pk_columns: {key: 1}, _set: {label: "n"}) {label}
             changeManyOdd(updates: [{where: {key: {_eq: 1}}, _set: {label: "o"}}]) {returning {label}}
             dropOneOdd(key: 1) {key label}
             dropOdd(where: {}) {affected_rows __typename}}"""
    )

    assert data == {
        "addOdd": {"affected_rows": 1, "returning": [{"label": "l", "chosen": 1, "__typename": "oddity"}]},
        "addOneOdd": {"label": "m"},
        "changeOdd": {"returning": [{"chosen": 2}]},
        "changeOneOdd": {"label": "n"},
        "changeManyOdd": [{"returning": [{"label": "o"}]}],
        "dropOneOdd": {"key": 1, "label": "o"},
        "dropOdd": {"affected_rows": 0, "__typename": "oddity_mutation_response"},
    }


def test_tables_of_other_schemas_and_views_are_written(workshop: Client) -> None:
    data = workshop.data(
        """mutation {
             insert_other_thing_one(object: {name: "a"},
               on_conflict: {constraint: thing_name_key, update_columns: [name]}) {name __typename}
             insert_parent_names(objects: [{name: "v"}]) {affected_rows returning {name}}
             update_parent_names(where: {name: {_eq: "v"}}, _set: {name: "w"}) {returning {name}}
             delete_parent_names(where: {name: {_eq: "w"}}) {affected_rows}}"""
    )

    assert data == {
        "insert_other_thing_one": {"name": "a", "__typename": "other_thing"},
        "insert_parent_names": {"affected_rows": 1, "returning": [{"name": "v"}]},
        "update_parent_names": {"returning": [{"name": "w"}]},
        "delete_parent_names": {"affected_rows": 1},
    }
