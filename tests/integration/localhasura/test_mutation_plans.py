"""Mutations asked for again: compiled once per shape of their values, and still each request writes its own."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.localhasura.client import Client

from localhasura.request.variables import MANY_ROWS

MEMO = "mutation ($row: memo_insert_input!) {insert_memo_one(object: $row) {author body meta weight done}}"
MEMOS = "mutation ($rows: [memo_insert_input!]!) {insert_memo(objects: $rows) {affected_rows returning {body done}}}"
SET = """mutation ($body: String!, $set: memo_set_input) {
  update_memo(where: {body: {_eq: $body}}, _set: $set) {returning {author body weight}}}"""
NEED = "mutation ($row: every_type_insert_input!) {insert_every_type_one(object: $row) {c_need c_ints c_jsonb c_mood}}"
UPSERT = """mutation ($row: parent_insert_input!, $constraint: parent_constraint!,
    $columns: [parent_update_column!]!, $where: parent_bool_exp) {
  insert_parent_one(object: $row, on_conflict: {
    constraint: $constraint, update_columns: $columns, where: $where}) {name n color}}"""
WHOLE_CONFLICT = """mutation ($row: parent_insert_input!, $conflict: parent_on_conflict) {
  insert_parent_one(object: $row, on_conflict: $conflict) {name n}}"""
OWNED = "mutation ($rows: [parent_insert_input!]!) {insert_parent(objects: $rows) {affected_rows}}"
WITH_CHILDREN = """mutation ($row: parent_insert_input!, $all: Boolean!) {
  insert_parent_one(object: $row) {name n @include(if: $all) children(order_by: {title: asc}) {title}}}"""
MANY = "mutation ($updates: [parent_updates!]!) {update_parent_many(updates: $updates) {affected_rows}}"
INC = """mutation ($name: String!, $by: parent_inc_input) {
  update_parent(where: {name: {_eq: $name}}, _inc: $by) {returning {n}}}"""


def _memo(**given: Any) -> dict[str, Any]:
    return {
        "insert_memo_one": {"author": None, "body": None, "meta": None, "weight": None, "done": None, **given}
    }


def _twice(workshop: Client, document: str, requests: list[tuple[Any, Any]]) -> None:
    """The first time compiles the plans, the second time meets them in the same order."""
    for variables, data in [*requests, *requests]:
        assert workshop.data(document, variables) == data, variables


def _outcome(row: Any, **more: Any) -> tuple[Any, Any]:
    return {"row": row, **more}, _memo(**row)


def test_rows_with_other_columns_nulls_and_orders_are_told_apart(workshop: Client) -> None:
    rows: list[dict[str, Any]] = [
        {"author": "a", "body": "b"},
        {"body": "c", "author": "d"},
        {"author": None, "body": "x"},
        {"body": "y"},
        {},
        {"author": "z", "body": None, "meta": {"k": [1, {"n": None}]}},
        {"meta": "text"},
        {"meta": [], "weight": 1.5, "done": True},
        {"meta": {"other": 1}, "weight": -2, "done": False},
        {"author": "a string with $1 and 'quotes'", "body": "again"},
    ]
    _twice(workshop, MEMO, [_outcome(row) for row in rows])


def test_a_long_list_of_rows_is_written_with_its_own_values_each_time(workshop: Client) -> None:
    def case(first: int) -> tuple[Any, Any]:
        bodies = [f"{first + number}" for number in range(MANY_ROWS)]
        returning = [{"body": body, "done": None} for body in bodies]
        rows = [{"body": body} for body in bodies]
        return {"rows": rows}, {"insert_memo": {"affected_rows": MANY_ROWS, "returning": returning}}

    _twice(workshop, MEMOS, [case(0), case(1000)])


def test_a_long_list_of_rows_comes_to_what_short_ones_come_to(workshop: Client) -> None:
    document = """mutation ($rows: [memo_insert_input!]!) {
      insert_memo(objects: $rows) {returning {author body meta weight done}}}"""
    kinds: list[dict[str, Any]] = [
        {"author": "with $1, 'quotes', \"these\", {braces} and \\\\", "body": ""},
        {"author": None, "body": "NULL"},
        {"meta": {"k": [1, {"n": None, "t": '"'}], "f": 1.50}, "weight": -2.25, "done": False},
        {"meta": "text", "body": "é😀\n\t"},
        {"meta": None, "done": True},
        {},
    ]
    long = (kinds * MANY_ROWS)[:MANY_ROWS]

    expected = workshop.data(document, {"rows": kinds})["insert_memo"]["returning"]
    returned = workshop.data(document, {"rows": long})["insert_memo"]["returning"]

    assert returned == (expected * MANY_ROWS)[:MANY_ROWS]


def test_a_default_stands_in_the_rows_of_a_long_list_that_say_nothing(workshop: Client) -> None:
    document = "mutation ($rows: [memo_insert_input!]!) {insert_memo(objects: $rows) {returning {id}}}"
    rows: list[dict[str, Any]] = [{"body": "b"} for _ in range(MANY_ROWS)]
    rows[7] = {"id": 1_000_000, "body": "b"}

    returned = [row["id"] for row in workshop.data(document, {"rows": rows})["insert_memo"]["returning"]]

    assert returned[7] == 1_000_000
    assert len(set(returned)) == MANY_ROWS


def test_a_fault_in_a_long_list_is_told_at_its_place(workshop: Client) -> None:
    rows: list[dict[str, Any]] = [{"body": "b"} for _ in range(MANY_ROWS)]
    rows[160] = {"body": 7}

    fault = workshop.error(MEMOS, {"rows": rows})

    assert any(part.endswith("objects[160].body") for part in fault)


def test_a_number_of_rows_is_a_plan_of_its_own(workshop: Client) -> None:
    def case(rows: Any, *written: tuple[Any, Any]) -> tuple[Any, Any]:
        returning = [{"body": body, "done": done} for body, done in written]
        return {"rows": rows}, {"insert_memo": {"affected_rows": len(written), "returning": returning}}

    _twice(
        workshop,
        MEMOS,
        [
            case([{"body": "1"}], ("1", None)),
            case([{"body": "2"}, {"body": "3"}], ("2", None), ("3", None)),
            case([{"body": "4"}, {"done": True}], ("4", None), (None, True)),
            case([{"done": True}, {"body": "4"}], (None, True), ("4", None)),
            case({"body": "alone"}, ("alone", None)),
            case([]),
            case([{"body": "5"}], ("5", None)),
        ],
    )


def test_an_update_sets_what_is_given_and_leaves_what_is_absent(workshop: Client) -> None:
    workshop.data(MEMO, {"row": {"body": "subject", "author": "first", "weight": 1}})

    def case(given: Any, author: Any, weight: Any) -> tuple[Any, Any]:
        row = {"author": author, "body": "subject", "weight": weight}
        return {"body": "subject", "set": given}, {"update_memo": {"returning": [row]}}

    _twice(
        workshop,
        SET,
        [
            case({"author": "a", "weight": 1}, "a", 1),
            case({"author": "b"}, "b", 1),
            case({"author": None}, None, 1),
            case({"weight": 2}, None, 2),
            case({"weight": None, "author": "c"}, "c", None),
            case({"weight": 3, "author": "d"}, "d", 3),
        ],
    )


@pytest.mark.parametrize(
    ("row", "stored"),
    [
        ({}, {"c_need": "d", "c_ints": None, "c_jsonb": None, "c_mood": None}),
        ({"c_need": "e"}, {"c_need": "e", "c_ints": None, "c_jsonb": None, "c_mood": None}),
        ({"c_ints": [1, 2]}, {"c_need": "d", "c_ints": [1, 2], "c_jsonb": None, "c_mood": None}),
        ({"c_ints": []}, {"c_need": "d", "c_ints": [], "c_jsonb": None, "c_mood": None}),
        ({"c_jsonb": False}, {"c_need": "d", "c_ints": None, "c_jsonb": False, "c_mood": None}),
        ({"c_mood": "ok"}, {"c_need": "d", "c_ints": None, "c_jsonb": None, "c_mood": "ok"}),
    ],
)
def test_defaults_arrays_and_documents_are_bound_by_their_column(
    workshop: Client, row: Any, stored: Any
) -> None:
    for _ in range(2):
        assert workshop.data(NEED, {"row": row})["insert_every_type_one"] == stored


def test_what_an_upsert_updates_comes_from_each_request(workshop: Client) -> None:
    def run(n: int, columns: Any, where: Any = None, *, key: str = "parent_name_key", **more: Any) -> Any:
        row = {"name": "upserted", "n": n, **more}
        variables = {"row": row, "constraint": key, "columns": columns}
        if where is not None:
            variables["where"] = where
        answer = workshop.graphql(UPSERT, variables)
        return answer["errors"][0]["message"] if "errors" in answer else answer["data"]["insert_parent_one"]

    for _ in range(2):
        assert run(-1, []) == {"name": "upserted", "n": -1, "color": None}
        assert run(-2, []) is None
        assert run(-3, ["n"], color="red") == {"name": "upserted", "n": -3, "color": None}
        assert run(-4, ["color"], color="blue") == {"name": "upserted", "n": -3, "color": "blue"}
        assert run(-4, ["n", "color"], color="red") == {"name": "upserted", "n": -4, "color": "red"}
        assert run(-5, ["n"], {"n": {"_gt": 0}}) is None
        assert run(-5, ["n"], {"n": {"_gt": -10}}) == {"name": "upserted", "n": -5, "color": "red"}
        assert run(-6, "n", {"n": {"_eq": -5}}) == {"name": "upserted", "n": -6, "color": "red"}
        assert "Uniqueness violation" in run(-7, ["n"], key="parent_pkey")
        assert run(-7, [], {"n": {"_gt": 1}}) is None
        assert "failed, expected Number" in run(-7, [], {"n": {"_gt": True}})
        workshop.data('mutation {delete_parent(where: {name: {_eq: "upserted"}}) {affected_rows}}')


def test_a_conflict_may_be_absent_null_or_given(workshop: Client) -> None:
    conflict = {"constraint": "parent_name_key", "update_columns": ["n"]}
    row = {"name": "sometimes", "n": -21}
    taken = (
        "constraint-violation",
        "$.selectionSet.insert_parent_one.args.object",
        'Uniqueness violation. duplicate key value violates unique constraint "parent_name_key"',
    )

    assert workshop.data(WHOLE_CONFLICT, {"row": row})["insert_parent_one"] == row
    for n in (-22, -23):
        given = {"row": {**row, "n": n}, "conflict": conflict}
        assert workshop.data(WHOLE_CONFLICT, given)["insert_parent_one"] == {"name": "sometimes", "n": n}
        assert workshop.error(WHOLE_CONFLICT, {"row": row}) == taken
        assert workshop.error(WHOLE_CONFLICT, {"row": row, "conflict": None}) == taken


def test_presets_checks_and_columns_are_those_of_the_role_and_the_session(workshop: Client) -> None:
    def insert(name: str, role: str, **session: str) -> Any:
        return workshop.graphql(OWNED, {"rows": [{"name": name}]}, X_Hasura_Role=role, **session)

    def owner(name: str) -> Any:
        rows = workshop.data(
            "query ($name: String!) {parent(where: {name: {_eq: $name}}) {owner}}", {"name": name}
        )
        return rows["parent"][0]["owner"]

    for number in range(2):
        written = {"data": {"insert_parent": {"affected_rows": 1}}}
        assert insert(f"of u1 {number}", "user", X_Hasura_User_Id="u1") == written
        assert insert(f"of u2 {number}", "user", X_Hasura_User_Id="u2") == written
        assert insert(f"of nobody {number}", "adder", X_Hasura_User_Id="u3") == written
        assert [owner(f"of {who} {number}") for who in ("u1", "u2", "nobody")] == ["u1", "u2", None]
        missing = insert("of whom", "user")["errors"][0]
        assert missing["message"] == 'missing session variable: "x-hasura-user-id"'
        refused = insert("forbidden", "user", X_Hasura_User_Id="u1")["errors"][0]
        assert refused["extensions"]["code"] == "permission-error"
        assert "data" in insert("forbidden", "adder")
        workshop.data('mutation {delete_parent(where: {name: {_eq: "forbidden"}}) {affected_rows}}')


def test_triggers_see_the_session_of_each_request(library: Client) -> None:
    document = "mutation ($line: String!) {insert_log_one(object: {line: $line}) {who line}}"

    for who in ("u1", "u2", "u1"):
        data = library.data(document, {"line": f"by {who}"}, X_Hasura_Role="user", X_Hasura_User_Id=who)
        assert data["insert_log_one"] == {"who": who, "line": f"by {who}"}


def test_rows_with_and_without_related_rows_take_turns(workshop: Client) -> None:
    for number in range(2):
        plain = {"row": {"name": f"plain {number}", "n": None}, "all": True}
        nested = {
            "row": {"name": f"nested {number}", "children": {"data": [{"title": "b"}, {"title": "a"}]}},
            "all": False,
        }

        assert workshop.data(WITH_CHILDREN, plain)["insert_parent_one"] == {
            "name": f"plain {number}",
            "n": None,
            "children": [],
        }
        assert workshop.data(WITH_CHILDREN, nested)["insert_parent_one"] == {
            "name": f"nested {number}",
            "children": [{"title": "a"}, {"title": "b"}],
        }


def test_updates_in_a_list_are_each_what_they_say(workshop: Client) -> None:
    workshop.data(OWNED, {"rows": [{"name": "many a"}, {"name": "many b"}]})

    def update(name: str, given: Any) -> Any:
        return {"where": {"name": {"_eq": name}}, "_set": given}

    for n in (-31, -41):
        first = workshop.data(MANY, {"updates": [update("many a", {"n": n}), update("nobody", {"n": 1})]})
        both = workshop.data(
            MANY, {"updates": [update("many b", {"n": n - 2}), update("many a", {"n": n - 1})]}
        )
        rows = workshop.data('{parent(where: {name: {_like: "many %"}}, order_by: {name: asc}) {n}}')

        assert [each["affected_rows"] for each in first["update_parent_many"]] == [1, 0]
        assert [each["affected_rows"] for each in both["update_parent_many"]] == [1, 1]
        assert rows["parent"] == [{"n": n - 1}, {"n": n - 2}]


def test_an_increment_is_done_by_the_amount_of_each_request(workshop: Client) -> None:
    workshop.data(OWNED, {"rows": [{"name": "counter", "n": -50}]})

    for by, n in ((1, -49), (2, -47), ("3", -44), (-1, -45)):
        data = workshop.data(INC, {"name": "counter", "by": {"n": by}})
        assert data["update_parent"]["returning"] == [{"n": n}]


def test_the_requests_of_a_batch_are_run_in_order_with_their_own_values(workshop: Client) -> None:
    insert = 'mutation ($body: String!) {insert_memo_one(object: {author: "batch", body: $body}) {body}}'
    count = '{memo_aggregate(where: {author: {_eq: "batch"}}) {aggregate {count}}}'

    def write(body: str) -> Any:
        return {"query": insert, "variables": {"body": body}}

    batch = [write("1"), {"query": count}, write("2"), {"query": insert}, write("3"), {"query": count}]
    answers = workshop.post("/v1/graphql", batch).json()

    assert [each["data"]["insert_memo_one"]["body"] for each in (answers[0], answers[2], answers[4])] == [
        *("1", "2", "3")
    ]
    assert answers[3]["errors"][0]["message"] == 'expecting a value for non-nullable variable: "body"'
    counts = [answers[n]["data"]["memo_aggregate"]["aggregate"]["count"] for n in (1, 5)]
    assert counts == [1, 3]


BAD_VALUES: list[tuple[str, Any, Any, str]] = [
    (MEMO, {"row": {"body": "a"}}, {"row": {"body": 1}}, "parse-failed"),
    (MEMO, {"row": {"body": "a"}}, {"row": {"body": {"a": 1}}}, "parse-failed"),
    (MEMO, {"row": {"weight": 1}}, {"row": {"weight": "x"}}, "data-exception"),
    (MEMO, {"row": {"weight": 1}}, {"row": {"weight": [1]}}, "parse-failed"),
    (MEMO, {"row": {"done": True}}, {"row": {"done": 1}}, "parse-failed"),
    (MEMO, {"row": {"body": "a"}}, {"row": {"bodies": "a"}}, "validation-failed"),
    (MEMO, {"row": {"body": "a"}}, {"row": {"body": "a", "": "b"}}, "validation-failed"),
    (MEMO, {"row": {"body": "a"}}, {"row": None}, "validation-failed"),
    (MEMO, {"row": {"body": "a"}}, {"row": ["a"]}, "validation-failed"),
    (MEMO, {"row": {"body": "a"}}, {}, "validation-failed"),
    (MEMO, {"row": {"body": "a"}}, {"row": {"body": "a"}, "more": 1}, "validation-failed"),
    (MEMOS, {"rows": [{"body": "a"}]}, {"rows": [None]}, "validation-failed"),
    (MEMOS, {"rows": [{"body": "a"}]}, {"rows": None}, "validation-failed"),
    (NEED, {"row": {"c_need": "a"}}, {"row": {"c_need": None}}, "validation-failed"),
    (NEED, {"row": {"c_small": 1}}, {"row": {"c_small": 40000}}, "parse-failed"),
    (NEED, {"row": {"c_mood": "ok"}}, {"row": {"c_mood": "bad"}}, "data-exception"),
    (SET, {"body": "-", "set": {"author": "a"}}, {"body": "-", "set": {"nobody": "a"}}, "validation-failed"),
    (SET, {"body": "-", "set": {"author": "a"}}, {"body": None, "set": {"author": "a"}}, "validation-failed"),
    (INC, {"name": "-", "by": {"n": 1}}, {"name": "-", "by": {"n": 1.5}}, "parse-failed"),
]


@pytest.mark.parametrize(("document", "good", "bad", "code"), BAD_VALUES)
def test_a_bad_value_is_refused_as_if_there_were_no_plan(
    workshop: Client, document: str, good: Any, bad: Any, code: str
) -> None:
    for _ in range(2):
        workshop.data(document, good)

    refused = workshop.graphql(document, bad)

    assert refused["errors"][0]["extensions"]["code"] == code
    # One more blank makes it a document that was never compiled.
    assert refused == workshop.graphql(f"{document} ", bad)
    workshop.data(document, good)


def test_a_changed_permission_or_table_is_seen_by_the_next_mutation(library: Client) -> None:
    document = "mutation ($row: author_insert_input!) {insert_author_one(object: $row) {name userId}}"
    ann = {"X_Hasura_Role": "user", "X_Hasura_User_Id": "u1"}
    table = {"source": "default", "table": "author", "role": "user"}
    first = library.data(document, {"row": {"name": "Dee", "born": "2000-01-01"}}, **ann)

    library.metadata("pg_drop_insert_permission", table)
    preset = {"columns": ["name", "born"], "check": {}, "set": {"user_id": "fixed"}}
    library.metadata("pg_create_insert_permission", {**table, "permission": preset})
    second = library.data(document, {"row": {"name": "Eve", "born": "2000-01-01"}}, **ann)
    library.sql("ALTER TABLE author DROP COLUMN born CASCADE", cascade=True)
    third = library.error(document, {"row": {"name": "Fay", "born": "2000-01-01"}}, **ann)

    assert first["insert_author_one"] == {"name": "Dee", "userId": "u1"}
    assert second["insert_author_one"] == {"name": "Eve", "userId": "fixed"}
    assert third == (
        "validation-failed",
        "$.selectionSet.insert_author_one",
        "field 'insert_author_one' not found in type: 'mutation_root'",
    )


def test_a_role_does_not_get_the_plan_of_another(workshop: Client) -> None:
    workshop.data(MEMO, {"row": {"body": "as administrator"}})

    refused = workshop.error(MEMO, {"row": {"body": "x"}}, X_Hasura_Role="back")

    assert refused[0] == "validation-failed"
