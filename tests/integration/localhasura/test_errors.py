"""Errors: Hasura's codes, paths and messages for what a request can get wrong, always with HTTP 200."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.localhasura.client import Client

FAILED, PARSE = "validation-failed", "parse-failed"


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("{ author", (FAILED, "$.query", "not a valid graphql query")),
        ("type A {a: Int}", (FAILED, "$.query", "not a valid graphql query")),
        (
            "query A {author {id}} query B {author {id}}",
            (
                FAILED,
                "$",
                "exactly one operation has to be present in the document when operationName is not specified",
            ),
        ),
        ("{a: author}", (FAILED, "$.selectionSet.author.selectionSet", "missing selection set for 'author'")),
        (
            "{author {id {x}}}",
            (
                FAILED,
                "$.selectionSet.author.selectionSet.id",
                "unexpected subselection set for non-object field",
            ),
        ),
        ("{author(foo: 1) {id}}", (FAILED, "$.selectionSet.author", "'author' has no argument named 'foo'")),
        (
            "{author {...F}} fragment F on author {...F}",
            (
                FAILED,
                "$.selectionSet.author.selectionSet.F.selectionSet",
                'the fragment definition(s) "F" form a cycle',
            ),
        ),
        (
            "{author {...G}}",
            (FAILED, "$.selectionSet.author.selectionSet", 'reference to undefined fragment "G"'),
        ),
        (
            "{author {id @foo}}",
            (FAILED, "$.selectionSet.author.selectionSet", "directive 'foo' is not defined in the schema"),
        ),
        (
            "{a: author {id} a: article {id}}",
            (
                FAILED,
                "$.selectionSet",
                "selection of both 'author' and 'article' specify the same response name, 'a'",
            ),
        ),
        (
            "{author(limit: 1) {id} author(limit: 2) {id}}",
            (
                FAILED,
                "$.selectionSet",
                "inconsistent arguments between multiple selections of field 'author'",
            ),
        ),
        (
            "{author {...F}} fragment F on author {...G} fragment G on author {...F}",
            (
                FAILED,
                "$.selectionSet.author.selectionSet.F.selectionSet.G.selectionSet",
                'the fragment definition(s) "F" and "G" form a cycle',
            ),
        ),
        (
            "{author {id}} fragment F on author {id} fragment F on author {name}",
            (PARSE, "$", 'multiple definitions for fragment "F"'),
        ),
        (
            "{author {id @include}}",
            (FAILED, "$.selectionSet.author.selectionSet.include.args.if", "missing required field 'if'"),
        ),
        (
            '{author(offset: "x") {id}}',
            (
                FAILED,
                "$.selectionSet.author.args.offset",
                (
                    "expected a 32-bit integer, or a 64-bit integer represented as a string for type 'Int', "
                    "but found a string"
                ),
            ),
        ),
        ("{author(offset: -1) {id}}", ("data-exception", "$", "OFFSET must not be negative")),
        (
            "{author(limit: 3000000000) {id}}",
            (
                PARSE,
                "$.selectionSet.author.args.limit",
                (
                    "The value 3.0e9 lies outside the bounds or is not an integer. "
                    "Maybe it is a float, or is there integer overflow?"
                ),
            ),
        ),
        (
            "mutation {insert_author(objects: {nope: 1}) {affected_rows}}",
            (
                FAILED,
                "$.selectionSet.insert_author.args.objects[0].nope",
                "field 'nope' not found in type: 'author_insert_input'",
            ),
        ),
        (
            "{author(limit: -1) {id}}",
            (
                FAILED,
                "$.selectionSet.author.args.limit",
                "expected a non-negative 32-bit integer for type 'Int', but found an integer",
            ),
        ),
        (
            "{author(where: []) {id}}",
            (
                FAILED,
                "$.selectionSet.author.args.where",
                "expected an object for type 'author_bool_exp', but found a list",
            ),
        ),
        (
            "{author(where: {_and: null}) {id}}",
            (FAILED, "$.selectionSet.author.args.where._and", "expected a list, but found null"),
        ),
        (
            "{author(where: {id: {_eq: null}}) {id}}",
            (FAILED, "$.selectionSet.author.args.where.id._eq", "unexpected null value for type 'Int'"),
        ),
        (
            "{author(where: {name: {_eq: 5}}) {id}}",
            (
                PARSE,
                "$.selectionSet.author.args.where.name._eq",
                "parsing Text failed, expected String, but encountered Number",
            ),
        ),
        (
            "{author(where: {id: {_eq: 1.5}}) {id}}",
            (
                PARSE,
                "$.selectionSet.author.args.where.id._eq",
                (
                    "The value 1.5 lies outside the bounds or is not an integer. "
                    "Maybe it is a float, or is there integer overflow?"
                ),
            ),
        ),
        (
            '{author(where: {id: {_eq: "abc"}}) {id}}',
            ("data-exception", "$", 'invalid input syntax for type integer: "abc"'),
        ),
        (
            "{article(where: {genre: {_eq: drama}}) {id}}",
            (
                FAILED,
                "$.selectionSet.article.args.where.genre._eq",
                "expected one of the values ['poetry', 'prose'] for type 'genre_enum', but found 'drama'",
            ),
        ),
        (
            "{oneAuthor {id}}",
            (FAILED, "$.selectionSet.oneAuthor.args.id", "missing required field 'id'"),
        ),
        (
            "mutation {delete_author {affected_rows}}",
            (FAILED, "$.selectionSet.delete_author.args.where", "missing required field 'where'"),
        ),
        (
            "mutation {update_author(where: null) {affected_rows}}",
            (
                FAILED,
                "$.selectionSet.update_author.args.where",
                "expected an object for type 'author_bool_exp', but found null",
            ),
        ),
        (
            'mutation {insert_author_one(object: {name: "x"}, on_conflict: {constraint: nope}) {id}}',
            (
                FAILED,
                "$.selectionSet.insert_author_one.args.on_conflict.constraint",
                (
                    "expected one of the values ['author_name_key', 'author_pkey'] for type 'author_constraint', "
                    "but found 'nope'"
                ),
            ),
        ),
        (
            "subscription {author {id}}",
            (
                "unexpected-payload",
                "$",
                "subscriptions are not supported over HTTP, use websockets instead",
            ),
        ),
    ],
)
def test_documents_that_do_not_fit(reading_room: Client, query: str, error: tuple[str, str, str]) -> None:
    assert reading_room.error(query) == error


@pytest.mark.parametrize(
    ("query", "variables", "error"),
    [
        (
            "query ($x: Int!) {oneAuthor(id: $x) {id}}",
            {},
            (FAILED, "$", 'expecting a value for non-nullable variable: "x"'),
        ),
        (
            "query ($x: Int!) {oneAuthor(id: $x) {id}}",
            {"x": None},
            (FAILED, "$", 'null value found for non-nullable type: "Int!"'),
        ),
        (
            "query ($x: Int) {author(where: {id: {_eq: $x}}) {id}}",
            {},
            (FAILED, "$.selectionSet.author.args.where.id._eq", "unexpected null value for type 'Int'"),
        ),
        (
            "query ($x: String) {author(where: {id: {_eq: $x}}) {id}}",
            {"x": "1"},
            (
                FAILED,
                "$.selectionSet.author.args.where.id._eq",
                "variable 'x' is declared as 'String', but used where 'Int' is expected",
            ),
        ),
        (
            "query ($x: Int) {author {id}}",
            {"x": 1, "y": 2},
            (FAILED, "$", "unexpected variables in variableValues: x, y"),
        ),
        (
            "query ($x: author_bool_exp) {author(where: $x) {id}}",
            {"x": {"a b": {}}},
            (
                FAILED,
                "$.selectionSet.author.args.where",
                'variable value contains object with key "a b", which is not a legal GraphQL name',
            ),
        ),
        ("{author(limit: $x) {id}}", {}, (FAILED, "$", 'unbound variable "x"')),
        (
            "query ($x: Int, $x: Int) {author(limit: $x) {id}}",
            {},
            (PARSE, "$", 'multiple definitions for variable "x"'),
        ),
        (
            "mutation ($rows: [author_insert_input!]!) {insert_author(objects: $rows) {affected_rows}}",
            {"rows": [{"name": "x"}, {"name": 5}]},
            (
                PARSE,
                "$.selectionSet.insert_author.args.objects[1].name",
                "parsing Text failed, expected String, but encountered Number",
            ),
        ),
    ],
)
def test_variables_that_do_not_fit(
    reading_room: Client, query: str, variables: dict[str, Any], error: tuple[str, str, str]
) -> None:
    assert reading_room.error(query, variables) == error


@pytest.mark.parametrize(
    ("row", "code", "message"),
    [
        (
            '{title: "t", key: "nope"}',
            "data-exception",
            'invalid input syntax for type uuid: "nope"',
        ),
        ('{title: "t", code: "long"}', "data-exception", "value too long for type character varying(3)"),
        (
            '{body: "t"}',
            "constraint-violation",
            'Not-NULL violation. null value in column "title" of relation "article" violates not-null constraint',
        ),
        (
            '{title: "t", author_id: 1000}',
            "constraint-violation",
            (
                'Foreign key violation. insert or update on table "article" violates foreign key constraint '
                '"article_author_id_fkey"'
            ),
        ),
        (
            '{title: "t", author: {data: {name: "nobody"}}}',
            "permission-error",
            'Check constraint violation. new row for relation "author" violates check constraint "author_name_check"',
        ),
    ],
)
def test_what_the_database_refuses(reading_room: Client, row: str, code: str, message: str) -> None:
    answered, _, text = reading_room.error(f"mutation {{insert_article_one(object: {row}) {{id}}}}")

    assert (answered, text) == (code, message)


def test_an_exception_of_a_trigger_tells_clients_nothing(reading_room: Client) -> None:
    answer = reading_room.graphql(
        'mutation {insert_log_one(object: {line: "refuse"}) {line}}',
        X_Hasura_Role="user",
        X_Hasura_User_Id="u1",
    )

    assert answer["errors"] == [
        {
            "message": "database query error",
            "extensions": {"path": "$.selectionSet.insert_log_one.args.object", "code": "unexpected"},
        }
    ]


def test_the_administrator_sees_what_the_database_said(reading_room: Client) -> None:
    answer = reading_room.graphql('mutation {insert_log_one(object: {line: "refuse"}) {line}}')

    internal = answer["errors"][0]["extensions"]["internal"]
    assert internal["error"]["status_code"] == "P0001"
    assert internal["error"]["message"] == "a line that is refused"


def test_null_bytes_and_lone_surrogates_are_answered(reading_room: Client) -> None:
    query = "query ($name: String!) {author(where: {name: {_eq: $name}}) {id}}"

    assert reading_room.error(query, {"name": "a\u0000b"})[0] == "data-exception"
    body = b'{"query": "{author(where: {name: {_eq: $n}}) {id}}", "variables": {"n": "\\ud800"}}'
    raw = body.replace(b"{author", b"query ($n: String!) {author", 1)
    answer = reading_room.raw("/v1/graphql", raw)
    assert answer.json() == {"data": {"author": []}}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "invalid-json"),
        (b"", "invalid-json"),
        (b"\xff\xfe", "invalid-json"),
        (b'{"query": NaN}', "invalid-json"),
        (b"5", "parse-failed"),
        (b"{}", "parse-failed"),
        (b'{"query": 5}', "parse-failed"),
        (b'{"query": "{author {id}}", "variables": []}', "parse-failed"),
        (b"[" * 100_000, "invalid-json"),
        (b'{"query": "' + b"{a" * 5_000 + b'"}', "validation-failed"),
    ],
)
def test_bodies_that_are_no_request(reading_room: Client, body: bytes, code: str) -> None:
    response = reading_room.raw("/v1/graphql", body)

    assert response.status_code == 200
    assert response.json()["errors"][0]["extensions"]["code"] == code


def test_queries_nested_beyond_the_limit_are_refused(reading_room: Client) -> None:
    query = "{author {" + "articles {author {" * 40 + "id" + "}}" * 40 + "}}"

    code, _, message = reading_room.error(query)

    assert (code, message) == ("validation-failed", "the query is nested more than 60 levels deep")
