"""Nested inserts: several levels, their order, and the exact place that an error names."""

from __future__ import annotations

import pytest
from tests.integration.localhasura.client import Client

USER = {"X_Hasura_Role": "user", "X_Hasura_User_Id": "u1"}
CHECK_FAILED = "check constraint of an insert/update permission has failed"


def _unique(constraint: str) -> str:
    return f'Uniqueness violation. duplicate key value violates unique constraint "{constraint}"'


def test_rows_of_three_levels_are_inserted_and_counted(workshop: Client) -> None:
    data = workshop.data(
        """mutation {
             counted: insert_parent(objects: [{name: "deep", detail: {data: {info: "i"}}, children: {data: [
               {title: "t1"}, {title: "t2", toys: {data: {label: "x"}}}]}}]) {affected_rows}
             up: insert_toy_one(object: {label: "l", child: {data: {title: "c", parent: {data: {name: "up"}}}}}) {
               label child {title parent {name children_aggregate {aggregate {count}}}}}}"""
    )

    assert data == {
        "counted": {"affected_rows": 5},
        "up": {
            "label": "l",
            "child": {
                "title": "c",
                "parent": {"name": "up", "children_aggregate": {"aggregate": {"count": 1}}},
            },
        },
    }


def test_a_relationship_by_hand_says_which_row_goes_first(workshop: Client) -> None:
    data = workshop.data(
        """mutation {
             before: insert_toy_one(object: {box_before: {data: {team: "red", user_id: "b"}}}) {code}
             after: insert_toy_one(object: {code: "k", box_after: {data: {user_id: "z"}}}) {
               code box_after {team user_id}}}"""
    )

    assert data == {
        "before": {"code": "red"},
        "after": {"code": "k", "box_after": {"team": "k", "user_id": "z"}},
    }


def test_empty_and_missing_relationships_insert_the_row_alone(workshop: Client) -> None:
    data = workshop.data(
        """mutation {insert_parent(objects: [
             {name: "n1", children: {data: []}}, {name: "n2", children: null, detail: null}]) {affected_rows}}"""
    )

    assert data == {"insert_parent": {"affected_rows": 2}}


def test_a_nested_upsert_counts_what_it_wrote(workshop: Client) -> None:
    data = workshop.data(
        """mutation {insert_child_one(object: {title: "t9", parent: {data: {name: "a"},
             on_conflict: {constraint: parent_name_key, update_columns: name}}}) {parent {id name}}
           insert_parent(objects: {name: "twice", children: {data: [{title: "x"}, {title: "x"}],
             on_conflict: {constraint: child_parent_id_title_key, update_columns: []}}}) {affected_rows}}"""
    )

    assert data == {
        "insert_child_one": {"parent": {"id": 1, "name": "a"}},
        "insert_parent": {"affected_rows": 2},
    }


@pytest.mark.parametrize(
    ("mutation", "code", "path", "message"),
    [
        pytest.param(
            'insert_parent(objects: [{name: "x", children: {data: [{title: "t"}, {title: "t"}]}}]) {affected_rows}',
            "constraint-violation",
            "insert_parent.args.objects[0].children.data",
            _unique("child_parent_id_title_key"),
            id="rows of an array",
        ),
        pytest.param(
            'insert_parent_one(object: {name: "a", children: {data: [{title: "t1"}]}}) {id}',
            "constraint-violation",
            "insert_parent_one.args.object[0]",
            _unique("parent_name_key"),
            id="the row itself, in insert_one",
        ),
        pytest.param(
            'insert_parent(objects: [{name: "x"}, {name: "a", children: {data: {title: "t"}}}]) {affected_rows}',
            "constraint-violation",
            "insert_parent.args.objects[1]",
            _unique("parent_name_key"),
            id="the second row itself",
        ),
        pytest.param(
            'insert_parent(objects: {name: "a", children: null}) {affected_rows}',
            "constraint-violation",
            "insert_parent.args.objects",
            _unique("parent_name_key"),
            id="a row without related rows",
        ),
        pytest.param(
            'insert_parent(objects: {name: "x", children: {data: {title: "t", toys: {data: {label: "bad"}}}}}) '
            "{affected_rows}",
            "permission-error",
            "insert_parent.args.objects[0].children.data[0].toys.data",
            'Check constraint violation. new row for relation "toy" violates check constraint "toy_label_check"',
            id="the third level",
        ),
        pytest.param(
            'insert_parent(objects: {name: "x", detail: {data: {}}}) {affected_rows}',
            "constraint-violation",
            "insert_parent.args.objects[0].detail.data",
            'Not-NULL violation. null value in column "info" of relation "detail" violates not-null constraint',
            id="an object that refers to the row",
        ),
        pytest.param(
            'insert_toy_one(object: {label: "l", child: {data: {title: "c", parent: {data: {name: "a"}}}}}) {id}',
            "constraint-violation",
            "insert_toy_one.args.object[0].child.data.parent.data",
            _unique("parent_name_key"),
            id="objects that the row refers to",
        ),
        pytest.param(
            'insert_parent(objects: {name: "x", children: {data: [{title: "t"}, {title: "u", parent_id: 1}]}}) '
            "{affected_rows}",
            "validation-failed",
            "insert_parent.args.objects[0].children.data[1]",
            'cannot insert "parent_id" columns as their values are already being determined by parent insert',
            id="a column of the parent's",
        ),
        pytest.param(
            'insert_parent(objects: {name: "x", detail: {data: {info: "i", parent_id: 1}}}) {affected_rows}',
            "validation-failed",
            "insert_parent.args.objects[0].detail.data[0]",
            'cannot insert "parent_id" columns as their values are already being determined by parent insert',
            id="a column of the parent's in an object",
        ),
        pytest.param(
            'insert_child(objects: {title: "t", parent_id: 1, parent: {data: {name: "x"}}}) {affected_rows}',
            "validation-failed",
            "insert_child.args.objects[0].parent",
            'cannot insert object relationship "parent" as "parent_id" column values are already determined',
            id="a column and its object",
        ),
        pytest.param(
            'insert_toy_one(object: {child: {data: {parent_id: 1}}, code: "c", box_before: {data: {}}}) {id}',
            "validation-failed",
            "insert_toy_one.args.object[0].box_before",
            'cannot insert object relationship "box_before" as "code" column values are already determined',
            id="a column and its object, before anything is inserted",
        ),
        pytest.param(
            """insert_child_one(object: {title: "t", parent: {data: {name: "a"},
                 on_conflict: {constraint: parent_name_key, update_columns: []}}}) {id}""",
            "not-supported",
            "insert_child_one.args.object[0].parent",
            'cannot proceed to insert object relation "parent" since insert to table "parent" affects zero rows',
            id="an object that was skipped",
        ),
        pytest.param(
            """insert_parent(objects: [{name: "a", children: {data: {title: "q"}}}],
                 on_conflict: {constraint: parent_name_key, update_columns: []}) {affected_rows}""",
            "not-supported",
            "insert_parent.args.objects[0]",
            'cannot proceed to insert array relations since insert to table "parent" affects zero rows',
            id="a parent that was skipped",
        ),
        pytest.param(
            """insert_parent(objects: {name: "x", children: {data: [{title: "x"}, {title: "x"}],
                 on_conflict: {constraint: child_parent_id_title_key, update_columns: [title]}}}) {affected_rows}""",
            "unexpected",
            "insert_parent.args.objects[0].children.data",
            "database query error",
            id="one key twice",
        ),
        pytest.param(
            'insert_parent(objects: {name: "x", children: {data: null}}) {affected_rows}',
            "validation-failed",
            "insert_parent.args.objects[0].children.data",
            "expected a list, but found null",
            id="null for rows",
        ),
        pytest.param(
            'insert_parent(objects: {name: "x", children: {}}) {affected_rows}',
            "validation-failed",
            "insert_parent.args.objects[0].children.data",
            "missing required field 'data'",
            id="no rows",
        ),
    ],
)
def test_errors_name_the_place_in_the_nest(
    workshop: Client, mutation: str, code: str, path: str, message: str
) -> None:
    assert workshop.error(f"mutation {{{mutation}}}") == (code, f"$.selectionSet.{path}", message)


@pytest.mark.parametrize(
    ("mutation", "code", "path", "message"),
    [
        (
            'insert_parent(objects: {name: "x", children: {data: [{title: "forbidden"}]}}) {affected_rows}',
            "permission-error",
            "insert_parent.args.objects[0].children.data",
            CHECK_FAILED,
        ),
        (
            'insert_parent_one(object: {name: "forbidden", children: {data: [{title: "ok"}]}}) {id}',
            "permission-error",
            "insert_parent_one.args.object[0]",
            CHECK_FAILED,
        ),
        (
            'insert_child_one(object: {title: "ok", parent: {data: {name: "forbidden"}}}) {id}',
            "permission-error",
            "insert_child_one.args.object[0].parent.data",
            CHECK_FAILED,
        ),
        (
            'insert_child(objects: {title: "ok", parent_id: 3}) {affected_rows}',
            "permission-error",
            "insert_child.args.objects",
            CHECK_FAILED,
        ),
        (
            'insert_parent(objects: {name: "x", children: {data: [{title: "a", owner: "x"}]}}) {affected_rows}',
            "validation-failed",
            "insert_parent.args.objects[0].children.data[0].owner",
            "field 'owner' not found in type: 'child_insert_input'",
        ),
        (
            'insert_parent(objects: {name: "x", detail: {data: {info: "a"}}}) {affected_rows}',
            "validation-failed",
            "insert_parent.args.objects[0].detail",
            "field 'detail' not found in type: 'parent_insert_input'",
        ),
    ],
    ids=["child", "parent", "object", "check of the parent", "preset column", "table without permission"],
)
def test_permissions_of_every_table_count(
    workshop: Client, mutation: str, code: str, path: str, message: str
) -> None:
    assert workshop.error(f"mutation {{{mutation}}}", **USER) == (code, f"$.selectionSet.{path}", message)


def test_presets_of_every_table_are_filled_in(workshop: Client) -> None:
    data = workshop.data(
        'mutation {insert_parent_one(object: {name: "preset", children: {data: [{title: "t"}]}}) {owner}}',
        **USER,
    )

    assert data == {"insert_parent_one": {"owner": "u1"}}
    assert workshop.data('{child(where: {parent: {name: {_eq: "preset"}}}) {owner}}') == {
        "child": [{"owner": "u1"}]
    }


def test_a_preset_without_its_session_variable_is_an_error_of_the_request(workshop: Client) -> None:
    error = workshop.error(
        'mutation {insert_parent(objects: {name: "x", children: {data: [{title: "t"}]}}) {affected_rows}}',
        X_Hasura_Role="user",
    )

    assert error == ("not-found", "$", 'missing session variable: "x-hasura-user-id"')
