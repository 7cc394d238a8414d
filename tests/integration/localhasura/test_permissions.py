"""Permissions: what a role sees, writes, and is told about what it may not."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.localhasura.client import Client

ANN: dict[str, Any] = {"X_Hasura_Role": "user", "X_Hasura_User_Id": "u1"}
CHECK_FAILED = "check constraint of an insert/update permission has failed"
_BOOLEAN_TEXTS = (
    'True values are ["true","t","yes","y"] and  False values are ["false","f","no","n"]. '
    "All values are case insensitive"
)


def test_rows_are_filtered_by_the_session(library: Client) -> None:
    data = library.data("{article(order_by: {id: asc}) {title}}", **ANN)
    others = library.data(
        "{article(order_by: {id: asc}) {title}}", X_Hasura_Role="user", X_Hasura_User_Id="u9"
    )

    assert [row["title"] for row in data["article"]] == ["One", "Two", "Three", "Four"]
    assert [row["title"] for row in others["article"]] == ["One", "Three", "Four"]


def test_related_rows_are_filtered_too(library: Client) -> None:
    data = library.data("{author {name}}", X_Hasura_Role="reader")

    assert data == {"author": [{"name": "Ann"}, {"name": "Bob"}]}


def test_filters_on_related_rows_do_not_tell_of_hidden_ones(library: Client) -> None:
    """Otherwise a client could guess a hidden draft's title character by character."""
    query = '{author(where: {articles: {title: {_eq: "Two"}}}) {name}}'

    assert library.data(query)["author"] == [{"name": "Ann"}]
    assert library.data(query, X_Hasura_Role="reader")["author"] == []


@pytest.mark.parametrize(
    ("query", "path", "message"),
    [
        (
            "{author {born}}",
            "$.selectionSet.author.selectionSet.born",
            "field 'born' not found in type: 'author'",
        ),
        (
            "{genre {value}}",
            "$.selectionSet.genre",
            "field 'genre' not found in type: 'query_root'",
        ),
        (
            '{author(where: {born: {_eq: "2000-01-01"}}) {id}}',
            "$.selectionSet.author.args.where.born",
            "field 'born' not found in type: 'author_bool_exp'",
        ),
        (
            "{article_aggregate {aggregate {count}}}",
            "$.selectionSet.article_aggregate",
            "field 'article_aggregate' not found in type: 'query_root'",
        ),
        (
            'mutation {insert_author_one(object: {userId: "u2"}) {id}}',
            "$.selectionSet.insert_author_one.args.object.userId",
            "field 'userId' not found in type: 'author_insert_input'",
        ),
        (
            'mutation {update_article(where: {}, _set: {body: "x"}) {affected_rows}}',
            "$.selectionSet.update_article.args._set.body",
            "field 'body' not found in type: 'article_set_input'",
        ),
        (
            "mutation {delete_author(where: {}) {affected_rows}}",
            "$.selectionSet.delete_author",
            "field 'delete_author' not found in type: 'mutation_root'",
        ),
    ],
)
def test_what_a_role_may_not_touch_does_not_exist_for_it(
    library: Client, query: str, path: str, message: str
) -> None:
    assert library.error(query, **ANN) == ("validation-failed", path, message)


def test_a_role_without_mutations_is_told_so(library: Client) -> None:
    error = library.error("mutation {delete_author(where: {}) {affected_rows}}", X_Hasura_Role="reader")

    assert error == ("validation-failed", "$", "no mutations exist")


def test_a_role_without_anything_has_one_field_that_says_so(library: Client) -> None:
    data = library.data("{no_queries_available}", X_Hasura_Role="stranger")

    assert data["no_queries_available"].startswith("There are no queries available to the current role.")


def test_a_permission_limit_caps_rows_but_not_counts(library: Client) -> None:
    data = library.data(
        """{author(order_by: {id: asc}) {id} one: author(limit: 1) {id} more: author(limit: 3) {id}
            author_aggregate {aggregate {count} nodes {id}}}""",
        **ANN,
    )

    assert [len(data[name]) for name in ("author", "one", "more")] == [2, 1, 2]
    assert data["author_aggregate"]["aggregate"]["count"] == 3
    assert len(data["author_aggregate"]["nodes"]) == 2


def test_presets_fill_columns_in(library: Client) -> None:
    data = library.data('mutation {insert_author_one(object: {name: "Mine"}) {userId}}', **ANN)

    assert data == {"insert_author_one": {"userId": "u1"}}


def test_an_insert_check_may_look_at_related_rows(library: Client) -> None:
    insert = 'mutation ($author: Int) {insert_article_one(object: {title: "t", author_id: $author}) {title}}'

    assert library.data(insert, {"author": 1}, **ANN) == {"insert_article_one": {"title": "t"}}
    assert library.error(insert, {"author": 2}, **ANN) == (
        "permission-error",
        "$.selectionSet.insert_article_one.args.object",
        CHECK_FAILED,
    )


def test_a_failed_check_leaves_no_row_behind(library: Client) -> None:
    library.error(
        """mutation {insert_article(objects: [{title: "mine", author_id: 1}, {title: "theirs", author_id: 2}])
             {affected_rows}}""",
        **ANN,
    )

    assert library.data('{article(where: {title: {_in: ["mine", "theirs"]}}) {id}}') == {"article": []}


def test_updates_and_deletes_reach_only_permitted_rows(library: Client) -> None:
    data = library.data(
        """mutation {
             update_article(where: {}, _set: {title: "changed"}) {affected_rows}
             delete_article(where: {id: {_gte: 2}}) {affected_rows}}""",
        **ANN,
    )

    assert data == {"update_article": {"affected_rows": 2}, "delete_article": {"affected_rows": 1}}
    assert library.data("{article(order_by: {id: asc}) {title}}") == {
        "article": [{"title": "changed"}, {"title": "Three"}, {"title": "Four"}]
    }


def test_an_update_check_tests_the_new_row_and_presets_are_set(library: Client) -> None:
    update = "mutation ($name: String!) {update_author(where: {}, _set: {name: $name}) {affected_rows}}"

    assert library.error(update, {"name": "Zed"}, **ANN) == ("permission-error", "$", CHECK_FAILED)
    assert library.data(update, {"name": "Yan"}, **ANN) == {"update_author": {"affected_rows": 1}}
    assert library.data("{oneAuthor(id: 1) {name settings}}") == {
        "oneAuthor": {"name": "Yan", "settings": {"touched": True}}
    }


def test_returned_rows_ignore_the_row_filter_but_not_that_of_related_rows(library: Client) -> None:
    library.sql("UPDATE article SET author_id = NULL")

    data = library.data(
        'mutation {insert_passport_one(object: {author_id: 1, number: "x"}, '
        "on_conflict: {constraint: passport_pkey, update_columns: []}) {number}}",
        **ANN,
    )

    assert data == {"insert_passport_one": None}


def test_an_upsert_is_tested_by_the_insert_and_the_update_rules(library: Client) -> None:
    upsert = """mutation ($name: String!, $born: date) {insert_author_one(object: {name: $name, born: $born},
        on_conflict: {constraint: author_name_key, update_columns: [born]}) {name}}"""

    own = library.data(upsert, {"name": "Ann", "born": "1990-01-01"}, **ANN)
    other = library.data(upsert, {"name": "Bob", "born": "1990-01-01"}, **ANN)

    assert own == {"insert_author_one": {"name": "Ann"}}
    assert other == {"insert_author_one": None}
    assert library.data("{oneAuthor(id: 2) {born}}") == {"oneAuthor": {"born": None}}


def test_a_role_without_update_permission_can_only_ignore_conflicts(library: Client) -> None:
    insert = 'mutation {insert_log_one(object: {line: "x"}, on_conflict: {constraint: log_pkey %s}) {line}}'

    assert library.data(insert % "", **ANN) == {"insert_log_one": {"line": "x"}}
    assert library.error(insert % "update_columns: [_PLACEHOLDER]", **ANN) == (
        "validation-failed",
        "$.selectionSet.insert_log_one.args.on_conflict",
        "erroneous column name",
    )


def test_backend_only_mutations_need_the_secret_and_the_header(library: Client) -> None:
    insert = 'mutation {insert_article(objects: {title: "beep"}) {affected_rows}}'
    header = "X_Hasura_Use_Backend_Only_Permissions"

    assert library.error(insert, X_Hasura_Role="robot") == ("validation-failed", "$", "no mutations exist")
    assert library.error(insert, X_Hasura_Role="robot", **{header: "no"})[2] == "no mutations exist"
    assert library.data(insert, X_Hasura_Role="robot", **{header: "TRUE"}) == {
        "insert_article": {"affected_rows": 1}
    }
    assert library.error(insert, X_Hasura_Role="robot", **{header: "maybe"}) == (
        "bad-request",
        "$",
        f"{header.lower().replace('_', '-')}:  Not a valid boolean text. {_BOOLEAN_TEXTS}",
    )


def test_a_missing_session_variable_is_an_error_not_a_null(library: Client) -> None:
    error = library.error("{article {id}}", X_Hasura_Role="user")

    assert error == ("not-found", "$", 'missing session variable: "x-hasura-user-id"')


@pytest.mark.parametrize(
    "rule",
    [
        {"id": {"_in": "X-Hasura-Ids"}},
        {"id": {"$in": "x-hasura-ids"}},
        {"_or": [{"id": 1}, {"id": {"$eq": 2}}]},
        {"$not": {"id": {"_eq": 3}}},
        {"id": {"_in": [1, 2]}, "name": {"_nin": ["X-Hasura-Second"]}},
        {"_and": [{"id": {"_clte": "id"}}, {"id": {"_lt": 3}}]},
        {"_exists": {"_table": "passport", "_where": {"number": "P-1"}}, "id": {"_lt": 3}},
        {"id": {"_lte": "X-Hasura-Second"}, "name": {"_ne": "Cid"}},
    ],
)
def test_rules_are_understood_in_every_spelling(library: Client, rule: dict[str, Any]) -> None:
    permission = {"columns": ["name"], "filter": rule}
    library.metadata(
        "pg_create_select_permission", {"table": "author", "role": "guest", "permission": permission}
    )

    data = library.data(
        "{author(order_by: {name: asc}) {name}}",
        X_Hasura_Role="guest",
        X_Hasura_Ids="{1,2}",
        X_Hasura_Second="2",
    )

    assert data == {"author": [{"name": "Ann"}, {"name": "Bob"}]}


def test_hidden_root_fields_leave_the_relationships(library: Client) -> None:
    permission = {"columns": ["title"], "filter": {}, "query_root_fields": []}
    library.metadata(
        "pg_create_select_permission", {"table": "article", "role": "guest", "permission": permission}
    )
    library.metadata(
        "pg_create_select_permission",
        {"table": "author", "role": "guest", "permission": {"columns": "*", "filter": {}}},
    )

    assert library.error("{article {title}}", X_Hasura_Role="guest")[1] == "$.selectionSet.article"
    assert library.data("{oneAuthor(id: 2) {articles {title}}}", X_Hasura_Role="guest") == {
        "oneAuthor": {"articles": [{"title": "Three"}]}
    }


@pytest.mark.parametrize(
    ("permission", "reason"),
    [
        (
            {"columns": ["name"], "query_root_fields": ["select_by_pk"]},
            'because the role does not have access to the primary key of the table "author"',
        ),
        (
            {"columns": ["id"], "subscription_root_fields": ["select_aggregate"]},
            'when "allow_aggregations" is set to true',
        ),
    ],
)
def test_root_fields_that_the_permission_does_not_allow_are_refused(
    library: Client, permission: dict[str, object], reason: str
) -> None:
    args = {"table": "author", "role": "visitor", "permission": {"filter": {}, **permission}}

    _, _, _, message = library.refused("pg_create_select_permission", args)

    assert reason in message
