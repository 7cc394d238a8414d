"""Updates, deletes, custom names, views, database errors and backend-only permissions, case by case."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.localhasura.client import Client

USER = {"X_Hasura_Role": "user", "X_Hasura_User_Id": "u1"}


@pytest.fixture(autouse=True)
def _rows(workshop: Client) -> None:
    workshop.sql(
        """TRUNCATE every_type, parent, child, toy, detail, memo, trap RESTART IDENTITY;
           INSERT INTO parent (name, n, color, owner)
             VALUES ('a', 1, 'red', 'u1'), ('b', 2, NULL, 'u1'), ('c', 3, NULL, 'u2');
           INSERT INTO child (parent_id, title) VALUES (1, 't');
           INSERT INTO every_type (c_int, c_small, c_big, c_num, c_real, c_double, c_jsonb, c_json)
             VALUES (1, 1, 1, 1, 1, 1, '{"a": 1, "l": [1, 2, {"x": 5}]}', '{}');"""
    )


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


def test_presets_may_be_values_of_any_type(workshop: Client) -> None:
    data = workshop.data('mutation {insert_memo_one(object: {body: "b"}) {author meta weight done}}', **USER)

    assert data == {"insert_memo_one": {"author": "u1", "meta": {"a": [1]}, "weight": 1.5, "done": True}}


@pytest.mark.parametrize(
    ("role", "user", "row", "code"),
    [
        ("user", "u1", 'body: "b"', None),
        ("user", "u2", 'body: "b"', "permission-error"),
        ("pair", "u1", 'author: "x", body: "x"', None),
        ("pair", "u1", 'author: "x", body: "y"', "permission-error"),
        ("pair", "u1", 'author: "x"', None),
    ],
    ids=["exists", "does not exist", "equal columns", "different columns", "a check that is null"],
)
def test_checks_of_inserts(workshop: Client, role: str, user: str, row: str, code: str | None) -> None:
    answer = workshop.graphql(
        f"mutation {{insert_memo(objects: {{{row}}}) {{affected_rows}}}}",
        X_Hasura_Role=role,
        X_Hasura_User_Id=user,
    )

    if code is None:
        assert answer == {"data": {"insert_memo": {"affected_rows": 1}}}
    else:
        assert [error["extensions"]["code"] for error in answer["errors"]] == [code]


BACK = "mutation {insert_memo(objects: {}) {affected_rows}}"
PERMISSION = "X_Hasura_Use_Backend_Only_Permissions"


@pytest.mark.parametrize("word", ["true", "TRUE", "t", "yes", "Y"])
def test_backend_only_permissions_count_with_the_header(workshop: Client, word: str) -> None:
    headers = {"X_Hasura_Role": "back", PERMISSION: word}

    assert workshop.data(BACK, **headers) == {"insert_memo": {"affected_rows": 1}}
    assert workshop.data(
        "mutation {update_memo(where: {}) {affected_rows} delete_memo(where: {}) {affected_rows}}", **headers
    ) == {"update_memo": {"affected_rows": 0}, "delete_memo": {"affected_rows": 1}}


@pytest.mark.parametrize("word", [None, "false", "F", "no", "n"])
def test_without_the_header_a_backend_role_has_no_mutations(workshop: Client, word: str | None) -> None:
    headers = {"X_Hasura_Role": "back"} | ({} if word is None else {PERMISSION: word})

    assert workshop.error(BACK, **headers) == ("validation-failed", "$", "no mutations exist")


@pytest.mark.parametrize("word", ["1", "on", "maybe"])
def test_the_header_takes_boolean_words_only(workshop: Client, word: str) -> None:
    code, path, message = workshop.error(BACK, **{"X_Hasura_Role": "back", PERMISSION: word})

    assert (code, path) == ("bad-request", "$")
    assert "Not a valid boolean text" in message


def test_a_role_without_updatable_columns_may_update_nothing(workshop: Client) -> None:
    role = {"X_Hasura_Role": "reader"}

    assert workshop.data("mutation {update_memo(where: {}) {affected_rows}}", **role) == {
        "update_memo": {"affected_rows": 0}
    }
    assert workshop.error("mutation {update_memo(where: {}, _set: {}) {affected_rows}}", **role) == (
        "validation-failed",
        "$.selectionSet.update_memo",
        "'update_memo' has no argument named '_set'",
    )


@pytest.mark.parametrize("kind", ["insert", "update", "delete"])
def test_validation_by_a_web_hook_is_not_supported(workshop: Client, kind: str) -> None:
    permission: dict[str, Any] = {"check": {}, "filter": {}, "columns": "*"}
    permission["validate_input"] = {"type": "http", "definition": {"url": "http://127.0.0.1:9"}}

    refused = workshop.refused(
        f"pg_create_{kind}_permission", {"table": "toy", "role": "validated", "permission": permission}
    )

    assert refused == (
        400,
        "not-supported",
        "$.args.permission.validate_input",
        '"validate_input" of a permission is not supported by this engine',
    )


def test_metadata_with_fractions_is_kept(workshop: Client) -> None:
    exported = workshop.metadata("export_metadata", {}, version=2)

    tables = exported["metadata"]["sources"][0]["tables"]
    (memo,) = [table for table in tables if table["table"]["name"] == "memo"]
    presets = [each["permission"].get("set") for each in memo["insert_permissions"]]
    assert {"author": "X-Hasura-User-Id", "meta": {"a": [1]}, "weight": 1.5, "done": True} in presets


WHO = "current_setting('hasura.user', true)::json ->> 'x-hasura-user-id'"


@pytest.mark.parametrize(
    "mutation",
    [
        "insert_seen(objects: {}) {affected_rows}",
        "insert_seen(objects: [{}, {}]) {affected_rows returning {id}}",
        "update_seen(where: {}, _set: {n: 1}) {affected_rows}",
        "delete_seen(where: {}) {affected_rows}",
        "delete_seen_by_pk(id: 1) {id}",
        "a: insert_seen(objects: {}) {affected_rows} b: delete_seen(where: {}) {affected_rows}",
    ],
)
def test_defaults_and_triggers_of_every_kind_see_the_session(client: Client, mutation: str) -> None:
    client.sql(
        f"""CREATE TABLE seen (id serial PRIMARY KEY, n integer, who text DEFAULT ({WHO}));
            INSERT INTO seen (who) VALUES ('me');
            CREATE TABLE trail (at text, who text);
            CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
              INSERT INTO trail VALUES (TG_WHEN || TG_LEVEL, {WHO});
              RETURN coalesce(NEW, OLD);
            END $$;
            CREATE TRIGGER a BEFORE INSERT OR UPDATE OR DELETE ON seen EXECUTE FUNCTION note();
            CREATE TRIGGER b BEFORE INSERT OR UPDATE OR DELETE ON seen FOR EACH ROW EXECUTE FUNCTION note();
            CREATE TRIGGER c AFTER INSERT OR UPDATE OR DELETE ON seen FOR EACH ROW EXECUTE FUNCTION note();
            CREATE CONSTRAINT TRIGGER d AFTER INSERT OR UPDATE OR DELETE ON seen DEFERRABLE INITIALLY DEFERRED
              FOR EACH ROW EXECUTE FUNCTION note();"""
    )
    client.metadata("pg_track_tables", {"tables": [{"table": "seen"}, {"table": "trail"}]})

    client.data(f"mutation {{{mutation}}}", X_Hasura_User_Id="me")

    trail = client.data("{trail(distinct_on: [at, who], order_by: [{at: asc}, {who: asc}]) {at who}}")[
        "trail"
    ]
    assert [(each["at"], each["who"]) for each in trail] == [
        ("AFTERROW", "me"),
        ("BEFOREROW", "me"),
        ("BEFORESTATEMENT", "me"),
    ]
    assert client.data('{seen(where: {_not: {who: {_eq: "me"}}}) {id}}') == {"seen": []}
