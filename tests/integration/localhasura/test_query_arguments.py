"""Arguments, aggregates, selections and permissions of queries, next to those of the other modules."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import build_client_schema, get_introspection_query, validate_schema
from tests.integration.localhasura.client import Client

FAILED = "validation-failed"


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        ("order_by: {teacher: {name: asc}, id: asc}", [2, 3, 4, 1]),
        ("order_by: [{teacher: {teacher: {name: desc_nulls_last}}}, {id: desc}]", [4, 3, 2, 1]),
        ("order_by: [{paintings_aggregate: {count: desc}}, {id: asc}]", [1, 2, 3, 4]),
        ("order_by: [{paintings_aggregate: {sum: {likes: asc_nulls_first}}}, {id: asc}]", [3, 4, 1, 2]),
        ("order_by: [{paintings_aggregate: {min: {title: desc_nulls_last}}}, {id: asc}]", [2, 1, 3, 4]),
        ("order_by: [{paintings_aggregate: {stddev: {price: asc}}}, {id: asc}]", [1, 2, 3, 4]),
        ("order_by: {age: asc}", [4, 1, 2, 3]),
        ("order_by: {age: asc_nulls_first}", [3, 4, 1, 2]),
        ("order_by: {age: desc}", [3, 2, 1, 4]),
        ("order_by: {age: desc_nulls_last}", [2, 1, 4, 3]),
        ("order_by: {age: null}", [1, 2, 3, 4]),
        ("order_by: []", [1, 2, 3, 4]),
        ("order_by: [{}]", [1, 2, 3, 4]),
        ("order_by: null, limit: null, offset: null, where: null, distinct_on: null", [1, 2, 3, 4]),
        ("limit: 0", []),
        ('order_by: {id: asc}, offset: "2"', [3, 4]),
        ("order_by: [{teacher_id: asc}, {id: desc}], distinct_on: teacher_id", [3, 4, 1]),
        ("order_by: [{teacher_id: asc}, {id: desc}], distinct_on: [id, teacher_id]", [3, 2, 4, 1]),
        ("where: {teacher: {name: {_eq: Ann}}}, order_by: {id: asc}", [2, 3]),
        ("where: {teacher: {teacher: {id: {_eq: 1}}}}", [4]),
        ("where: {paintings: {hung: {_eq: false}}}", [2]),
        ("where: {paintings: {}}, order_by: {id: asc}", [1, 2]),
        ("where: {_not: {paintings: {}}}, order_by: {id: asc}", [3, 4]),
        ("where: {pupils: {paintings: {id: {_gt: 3}}}}", [1]),
    ],
)
def test_arguments_pick_and_order_the_rows(gallery: Client, arguments: str, ids: list[int]) -> None:
    assert [row["id"] for row in gallery.data(f"{{painter({arguments}) {{id}}}}")["painter"]] == ids


DISTINCT = '"distinct_on" columns must match initial "order_by" columns'


@pytest.mark.parametrize(
    ("arguments", "path", "message"),
    [
        ("distinct_on: age, order_by: {id: asc}", "", DISTINCT),
        ("distinct_on: age, order_by: {teacher: {age: asc}}", "", DISTINCT),
        ("distinct_on: [age, id], order_by: {age: asc}", "", DISTINCT),
        (
            "order_by: [null]",
            ".order_by[0]",
            "expected an object for type 'painter_order_by', but found null",
        ),
        (
            'order_by: {name: "asc"}',
            ".order_by[0].name",
            "expected an enum value for type 'order_by', but found a string",
        ),
        (
            "order_by: {paintings: {id: asc}}",
            ".order_by[0].paintings",
            "field 'paintings' not found in type: 'painter_order_by'",
        ),
        ('limit: "1"', ".limit", "expected a non-negative 32-bit integer for type 'Int', but found a string"),
        ("limit: 1.5", ".limit", "expected a non-negative 32-bit integer for type 'Int', but found a float"),
        (
            "offset: 1.5",
            ".offset",
            "expected a 32-bit integer, or a 64-bit integer represented as a string for type 'Int', but found a float",
        ),
        (
            "where: {_not: []}",
            ".where._not",
            "expected an object for type 'painter_bool_exp', but found a list",
        ),
        (
            "where: {id: 1}",
            ".where.id",
            "expected an object for type 'Int_comparison_exp', but found an integer",
        ),
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    gallery: Client, arguments: str, path: str, message: str
) -> None:
    assert gallery.error(f"{{painter({arguments}) {{id}}}}") == (
        FAILED,
        f"$.selectionSet.painter.args{path}",
        message,
    )


@pytest.mark.parametrize(
    ("query", "data"),
    [
        (
            """{painting_aggregate {aggregate {
                 count a: count(columns: painter_id) b: count(columns: painter_id, distinct: true)
                 c: count(columns: [painter_id, colour]) d: count(columns: [painter_id, colour], distinct: true)
                 e: count(columns: []) f: count(distinct: true)}}}""",
            {"aggregate": {"count": 5, "a": 4, "b": 2, "c": 5, "d": 5, "e": 5, "f": 5}},
        ),
        (
            """{painting_aggregate {aggregate {sum {price likes} avg {likes} max {title price} min {id}
                 var_pop {width} stddev_samp {id} variance {id}}}}""",
            {
                "aggregate": {
                    "sum": {"price": 12.5, "likes": 65},
                    "avg": {"likes": 16.25},
                    "max": {"title": "E", "price": 5},
                    "min": {"id": 1},
                    "var_pop": {"width": 1.8125},
                    "stddev_samp": {"id": 1.5811388300841898},
                    "variance": {"id": 2.5},
                }
            },
        ),
        (
            "{painting_aggregate(limit: 2, offset: 1, order_by: {id: desc}) {aggregate {count sum {id}} nodes {id}}}",
            {"aggregate": {"count": 2, "sum": {"id": 7}}, "nodes": [{"id": 4}, {"id": 3}]},
        ),
        (
            "{painting_aggregate(distinct_on: painter_id, order_by: {painter_id: asc}) {aggregate {count}}}",
            {"aggregate": {"count": 3}},
        ),
        (
            "{painting_aggregate(where: {id: {_gt: 9}}) {aggregate {count sum {likes} max {title}} nodes {id}}}",
            {"aggregate": {"count": 0, "sum": {"likes": None}, "max": {"title": None}}, "nodes": []},
        ),
    ],
)
def test_aggregates_see_the_rows_that_the_arguments_leave(gallery: Client, query: str, data: Any) -> None:
    assert gallery.data(query)["painting_aggregate"] == data


def test_an_empty_table_has_aggregates_too(gallery: Client) -> None:
    data = gallery.data(
        "{empty_aggregate {aggregate {count sum {amount} max {word id}} nodes {id}} empty {id}}"
    )

    assert data == {
        "empty_aggregate": {
            "aggregate": {"count": 0, "sum": {"amount": None}, "max": {"word": None, "id": None}},
            "nodes": [],
        },
        "empty": [],
    }


@pytest.mark.parametrize(
    ("query", "variables", "data"),
    [
        (
            '{attic_box_by_pk(shelf: 1, place: "x") {insideOf}}',
            None,
            {"attic_box_by_pk": {"insideOf": "hat"}},
        ),
        ('{attic_box_by_pk(shelf: 1, place: "y") {shelf}}', None, {"attic_box_by_pk": None}),
        ("{boxes(where: {insideOf: {_is_null: true}}) {place}}", None, {"boxes": [{"place": "y"}]}),
        ("{output(order_by: {painter_id: asc}, limit: 1) {paintings}}", None, {"output": [{"paintings": 2}]}),
        ("{record(where: {id: {_eq: 2}}) {name}}", None, {"record": [{"name": "Bob"}]}),
        (
            "query ($c: colour_enum!) {painting(where: {colour: {_eq: $c}}, order_by: {id: asc}) {id colour}}",
            {"c": "red"},
            {"painting": [{"id": 1, "colour": "red"}, {"id": 4, "colour": "red"}]},
        ),
        ("{painting(where: {colour: {_in: [blue]}}) {id}}", None, {"painting": [{"id": 2}]}),
        ("query ($x: Int = 2) {painter_by_pk(id: $x) {id}}", None, {"painter_by_pk": {"id": 2}}),
        ("query ($x: Int! = 2) {painter_by_pk(id: $x) {id}}", {}, {"painter_by_pk": {"id": 2}}),
        ("query ($x: [Int!]!) {painter(where: {id: {_in: $x}}) {id}}", {"x": 2}, {"painter": [{"id": 2}]}),
        ("query @cached(ttl: 10, refresh: true) {painter(limit: 1) {id}}", None, {"painter": [{"id": 1}]}),
        ("{painter(limit: 1) {id @skip(if: true)}}", None, {"painter": [{}]}),
        ("{painter(limit: 1) @skip(if: true) {id} __typename}", None, {"__typename": "query_root"}),
        ("{painter(limit: 1) {... on painting {title} ... on nothing {x}}}", None, {"painter": [{}]}),
        ("{painter(limit: 1) {id} painter(limit: 1) {name}}", None, {"painter": [{"id": 1, "name": "Ann"}]}),
        (
            "{painter(limit: 1) {paintings(limit: 1) {id} paintings(limit: 1) {title}}}",
            None,
            {"painter": [{"paintings": [{"id": 1, "title": "A"}]}]},
        ),
        (
            """{item_by_pk(id: 1) {a: plain(path: "$.a[1]['b c']") b: doc(path: "a[0]") c: doc(path: "$")
                 d: doc(path: "x")
                 e: doc(path: "k") f: doc}}""",
            None,
            {
                "item_by_pk": {
                    "a": 2,
                    "b": 1,
                    "c": {"a": [1, {"b c": 2}], "k": "v"},
                    "d": None,
                    "e": "v",
                    "f": {"a": [1, {"b c": 2}], "k": "v"},
                }
            },
        ),
    ],
)
def test_selections_and_variables(gallery: Client, query: str, variables: Any, data: Any) -> None:
    assert gallery.data(query, variables) == data


@pytest.mark.parametrize(
    ("query", "variables", "error"),
    [
        (
            "{attic_box_by_pk(shelf: 1) {shelf}}",
            None,
            (FAILED, "$.selectionSet.attic_box_by_pk.args.place", "missing required field 'place'"),
        ),
        (
            "{output_by_pk(id: 1) {id}}",
            None,
            (FAILED, "$.selectionSet.output_by_pk", "field 'output_by_pk' not found in type: 'query_root'"),
        ),
        (
            "query ($x: Int) {painter_by_pk(id: $x) {id}}",
            {"x": 1},
            (
                FAILED,
                "$.selectionSet.painter_by_pk.args.id",
                "variable 'x' is declared as 'Int', but used where 'Int!' is expected",
            ),
        ),
        (
            "query ($x: Int = 2) {painter_by_pk(id: $x) {id}}",
            {"x": None},
            (FAILED, "$.selectionSet.painter_by_pk.args.id", "unexpected null value for type 'Int'"),
        ),
        (
            "query ($c: String!) {painting(where: {colour: {_eq: $c}}) {id}}",
            {"c": "red"},
            (
                FAILED,
                "$.selectionSet.painting.args.where.colour._eq",
                "variable 'c' is declared as 'String!', but used where 'colour_enum' is expected",
            ),
        ),
        (
            '{painting(where: {colour: {_eq: "red"}}) {id}}',
            None,
            (
                FAILED,
                "$.selectionSet.painting.args.where.colour._eq",
                "expected an enum value for type 'colour_enum', but found a string",
            ),
        ),
        (
            "query @include(if: true) {painter {id}}",
            None,
            (FAILED, "$", "directive 'include' is not allowed on a query"),
        ),
        (
            "query @cached(foo: 1) {painter {id}}",
            None,
            (FAILED, "$.cached", "'cached' has no argument named 'foo'"),
        ),
        (
            'query @cached(ttl: "x") {painter {id}}',
            None,
            (FAILED, "$.cached.args.ttl", "expected a 32-bit integer for type 'Int', but found a string"),
        ),
        (
            "{painting_aggregate {aggregate {sum {title}}}}",
            None,
            (
                FAILED,
                "$.selectionSet.painting_aggregate.selectionSet.aggregate.selectionSet.sum.selectionSet.title",
                "field 'title' not found in type: 'painting_sum_fields'",
            ),
        ),
    ],
)
def test_selections_and_variables_that_are_refused(
    gallery: Client, query: str, variables: Any, error: tuple[str, str, str]
) -> None:
    assert gallery.error(query, variables) == error


@pytest.mark.parametrize(
    ("role", "variables", "ids"),
    [
        ("guest", {}, [1, 2]),
        ("not_thirty", {}, [2, 3, 4]),
        ("not_null", {}, [1, 2, 4]),
        ("own_pupils", {}, [1, 2]),
        ("older", {}, [2]),
        ("own_name", {}, [2, 3, 4]),
        ("unlisted", {"X_Hasura_Ids": "{1,4}"}, [2, 3]),
        ("unlisted", {"X_Hasura_Ids": "{}"}, [1, 2, 3, 4]),
        ("when_titled", {"X_Hasura_Title": "A"}, [1, 2, 3, 4]),
        ("when_titled", {"X_Hasura_Title": "Z"}, []),
    ],
)
def test_rules_decide_which_rows_a_role_reads(
    gallery: Client, role: str, variables: dict[str, str], ids: list[int]
) -> None:
    data = gallery.data("{painter(order_by: {id: asc}) {id}}", X_Hasura_Role=role, **variables)

    assert [row["id"] for row in data["painter"]] == ids


def test_a_permission_limit_caps_rows_but_not_aggregates(gallery: Client) -> None:
    data = gallery.data(
        """{painter_aggregate {aggregate {count} nodes {id}} some: painter_aggregate(limit: 3) {aggregate {count}}
            painter(limit: 1) {id paintings {id} paintings_aggregate {aggregate {count} nodes {id}}}}""",
        X_Hasura_Role="guest",
    )

    assert data["painter_aggregate"] == {"aggregate": {"count": 4}, "nodes": [{"id": 1}, {"id": 2}]}
    assert data["some"] == {"aggregate": {"count": 3}}
    (painter,) = data["painter"]
    assert (len(painter["paintings"]), painter["paintings_aggregate"]) == (
        1,
        {"aggregate": {"count": 2}, "nodes": [{"id": 1}]},
    )


@pytest.mark.parametrize(
    ("role", "query", "path", "message"),
    [
        (
            "guest",
            "{painting {price}}",
            "painting.selectionSet.price",
            "field 'price' not found in type: 'painting'",
        ),
        (
            "guest",
            "{painting(where: {hung: {}}) {id}}",
            "painting.args.where.hung",
            "field 'hung' not found in type: 'painting_bool_exp'",
        ),
        (
            "guest",
            "{painting(order_by: {hung: asc}) {id}}",
            "painting.args.order_by[0].hung",
            "field 'hung' not found in type: 'painting_order_by'",
        ),
        (
            "guest",
            "{attic_box_by_pk(shelf: 1) {shelf}}",
            "attic_box_by_pk",
            "field 'attic_box_by_pk' not found in type: 'query_root'",
        ),
        (
            "guest",
            "{attic_box_aggregate {nodes {shelf}}}",
            "attic_box_aggregate",
            "field 'attic_box_aggregate' not found in type: 'query_root'",
        ),
        (
            "nameless",
            "{painter_by_pk(id: 1) {name}}",
            "painter_by_pk",
            "field 'painter_by_pk' not found in type: 'query_root'",
        ),
        ("listed", "{painter {id}}", "painter", "field 'painter' not found in type: 'query_root'"),
        ("hidden", "{painter {id}}", "painter", "field 'painter' not found in type: 'query_root'"),
        (
            "blind",
            "{painter(distinct_on: id) {__typename}}",
            "painter",
            "'painter' has no argument named 'distinct_on'",
        ),
    ],
)
def test_what_a_role_may_not_see_is_not_there(
    gallery: Client, role: str, query: str, path: str, message: str
) -> None:
    assert gallery.error(query, X_Hasura_Role=role) == (FAILED, f"$.selectionSet.{path}", message)


def test_a_table_without_root_fields_is_reached_by_relationships(gallery: Client) -> None:
    data = gallery.data("{painting(where: {id: {_eq: 1}}) {painter {id}}}", X_Hasura_Role="hidden")

    assert data == {"painting": [{"painter": {"id": 1}}]}


@pytest.mark.parametrize("role", ["admin", "guest", "blind", "listed", "hidden", "nobody_at_all"])
def test_every_role_has_a_schema_that_clients_can_build(gallery: Client, role: str) -> None:
    answer = gallery.data(get_introspection_query(descriptions=True), X_Hasura_Role=role)

    schema = build_client_schema(answer)
    names = [kind["name"] for kind in answer["__schema"]["types"]]

    assert validate_schema(schema) == []
    assert names == sorted(names)
    assert ("painting_aggregate_bool_exp" in names) == (role in ("admin", "guest"))
    assert (answer["__schema"]["mutationType"] is None) == (role != "admin")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ([{"query": "{__typename}"}, 5], ("$[1]", "parse-failed")),
        ([{"query": "{__typename}"}, {"query": 5}], ("$[1].query", "parse-failed")),
        ({"query": "{__typename}", "variables": []}, ("$.variables", "parse-failed")),
    ],
)
def test_a_body_that_holds_no_request_is_refused_as_a_whole(
    gallery: Client, body: Any, error: tuple[str, str]
) -> None:
    answer = gallery.post("/v1/graphql", body).json()

    assert (answer["errors"][0]["extensions"]["path"], answer["errors"][0]["extensions"]["code"]) == error


def test_an_empty_batch_has_an_empty_answer(gallery: Client) -> None:
    assert gallery.post("/v1/graphql", []).json() == []
