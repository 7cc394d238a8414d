"""Mutations: inserts, upserts, nested inserts, updates, deletes, and the one transaction around them."""

from __future__ import annotations

import pytest
from tests.integration.localhasura.client import Client

TITLES = "{article(order_by: {id: asc}) {title}}"


def test_rows_are_inserted_with_defaults_for_what_is_not_given(library: Client) -> None:
    data = library.data(
        'mutation {insert_article(objects: [{title: "A", likes: 3}, {title: "B"}]) '
        "{affected_rows returning {title likes is_published}}}"
    )

    assert data["insert_article"] == {
        "affected_rows": 2,
        "returning": [
            {"title": "A", "likes": 3, "is_published": False},
            {"title": "B", "likes": 0, "is_published": False},
        ],
    }


def test_an_empty_object_inserts_a_row_of_defaults(client: Client) -> None:
    client.sql("CREATE TABLE counter (id serial PRIMARY KEY, n integer DEFAULT 7)")
    client.metadata("pg_track_table", {"table": "counter"})

    data = client.data("mutation {insert_counter_one(object: {}) {id n}}")

    assert data == {"insert_counter_one": {"id": 1, "n": 7}}


def test_no_objects_insert_nothing(library: Client) -> None:
    data = library.data("mutation {insert_author(objects: []) {affected_rows returning {id}}}")

    assert data == {"insert_author": {"affected_rows": 0, "returning": []}}


def test_an_upsert_updates_the_named_columns_only(library: Client) -> None:
    data = library.data(
        """mutation {insert_author_one(
             object: {name: "Ann", born: "1999-01-01", settings: {new: true}},
             on_conflict: {constraint: author_name_key, update_columns: [born]}) {id born settings}}"""
    )

    assert data["insert_author_one"] == {
        "id": 1,
        "born": "1999-01-01",
        "settings": {"theme": "dark", "tags": ["a", "b"]},
    }


@pytest.mark.parametrize("update_columns", ["update_columns: []", ""])
def test_an_upsert_without_columns_leaves_the_row_alone(library: Client, update_columns: str) -> None:
    data = library.data(
        f"""mutation {{
              one: insert_author_one(object: {{name: "Ann"}},
                on_conflict: {{constraint: author_name_key {update_columns}}}) {{id}}
              many: insert_author(objects: {{name: "Ann"}},
                on_conflict: {{constraint: author_name_key {update_columns}}}) {{affected_rows returning {{id}}}}}}"""
    )

    assert data == {"one": None, "many": {"affected_rows": 0, "returning": []}}


def test_the_condition_of_an_upsert_sees_the_existing_row(library: Client) -> None:
    upsert = """mutation ($born: date!) {insert_author_one(object: {name: "Ann", born: $born},
        on_conflict: {constraint: author_name_key, update_columns: [born], where: {born: {_lt: $born}}}) {born}}"""

    assert library.data(upsert, {"born": "1960-01-01"}) == {"insert_author_one": None}
    assert library.data(upsert, {"born": "2000-01-01"}) == {"insert_author_one": {"born": "2000-01-01"}}


def test_a_conflict_on_another_constraint_is_still_an_error(library: Client) -> None:
    error = library.error(
        """mutation {insert_author_one(object: {id: 77, name: "Ann"},
             on_conflict: {constraint: author_pkey, update_columns: [born]}) {id}}"""
    )

    assert error == (
        "constraint-violation",
        "$.selectionSet.insert_author_one.args.object",
        'Uniqueness violation. duplicate key value violates unique constraint "author_name_key"',
    )


def test_the_same_key_twice_in_one_upsert_is_an_error(library: Client) -> None:
    code, _, message = library.error(
        """mutation {insert_author(objects: [{name: "New"}, {name: "New"}],
             on_conflict: {constraint: author_name_key, update_columns: [name]}) {affected_rows}}"""
    )

    assert (code, message) == ("unexpected", "database query error")


def test_related_rows_are_inserted_with_their_parent(library: Client) -> None:
    data = library.data(
        """mutation {insert_author(objects: [{
             name: "Dee", passport: {data: {number: "P-4"}},
             articles: {data: [{title: "n1"}, {title: "n2", genre: prose}]}}]) {
               affected_rows
               returning {name passport {number} articles(order_by: {id: asc}) {title genre}}}}"""
    )

    assert data["insert_author"] == {
        "affected_rows": 4,
        "returning": [
            {
                "name": "Dee",
                "passport": {"number": "P-4"},
                "articles": [{"title": "n1", "genre": None}, {"title": "n2", "genre": "prose"}],
            }
        ],
    }


def test_a_row_that_is_referred_to_is_inserted_first(library: Client) -> None:
    data = library.data(
        """mutation {insert_article_one(object: {title: "x", author: {data: {name: "Ann"},
             on_conflict: {constraint: author_name_key, update_columns: [name]}}}) {author {id name}}}"""
    )

    assert data["insert_article_one"] == {"author": {"id": 1, "name": "Ann"}}


@pytest.mark.parametrize(
    ("mutation", "error"),
    [
        (
            'insert_article_one(object: {title: "x", author_id: 1, author: {data: {name: "E"}}}) {id}',
            (
                "validation-failed",
                "$.selectionSet.insert_article_one.args.object[0].author",
                'cannot insert object relationship "author" as "author_id" column values are already determined',
            ),
        ),
        (
            'insert_author_one(object: {name: "E", articles: {data: [{title: "n", author_id: 2}]}}) {id}',
            (
                "validation-failed",
                "$.selectionSet.insert_author_one.args.object[0].articles.data[0]",
                'cannot insert "author_id" columns as their values are already being determined by parent insert',
            ),
        ),
        (
            """insert_author_one(object: {name: "Ann", articles: {data: [{title: "n"}]}},
                 on_conflict: {constraint: author_name_key, update_columns: []}) {id}""",
            (
                "not-supported",
                "$.selectionSet.insert_author_one.args.object[0]",
                'cannot proceed to insert array relations since insert to table "author" affects zero rows',
            ),
        ),
    ],
    ids=["column and object", "column of the parent", "parent skipped"],
)
def test_nested_inserts_that_contradict_themselves(
    library: Client, mutation: str, error: tuple[str, str, str]
) -> None:
    assert library.error(f"mutation {{{mutation}}}") == error


def test_updates_set_and_count(library: Client) -> None:
    data = library.data(
        """mutation {update_article(where: {author_id: {_eq: 1}}, _set: {body: "new"}, _inc: {likes: 2, rating: 0.25})
             {affected_rows returning {body likes rating author {name}}}}"""
    )

    assert data["update_article"] == {
        "affected_rows": 2,
        "returning": [
            {"body": "new", "likes": 12, "rating": 1.75, "author": {"name": "Ann"}},
            {"body": "new", "likes": 22, "rating": None, "author": {"name": "Ann"}},
        ],
    }


@pytest.mark.parametrize(
    ("operator", "settings"),
    [
        ("_append: {settings: {n: 1}}", {"theme": "dark", "tags": ["a", "b"], "n": 1}),
        ('_prepend: {settings: {theme: "x", n: 1}}', {"theme": "dark", "tags": ["a", "b"], "n": 1}),
        ('_delete_key: {settings: "tags"}', {"theme": "dark"}),
        ('_delete_at_path: {settings: ["tags", "0"]}', {"theme": "dark", "tags": ["b"]}),
        ("_set: {settings: [1, {a: null}]}", [1, {"a": None}]),
    ],
)
def test_json_columns_have_update_operators(library: Client, operator: str, settings: object) -> None:
    data = library.data(f"mutation {{update_author_by_pk(pk_columns: {{id: 1}}, {operator}) {{settings}}}}")

    assert data["update_author_by_pk"] == {"settings": settings}


def test_updates_that_change_nothing(library: Client) -> None:
    data = library.data(
        """mutation {
             none: update_author(where: {}) {affected_rows returning {id}}
             by_key: update_author_by_pk(pk_columns: {id: 1}) {id}
             missing: update_author_by_pk(pk_columns: {id: 99}, _set: {name: "x"}) {id}
             many: update_author_many(updates: []) {affected_rows}
             gone: delete_author_by_pk(id: 99) {id}}"""
    )

    assert data == {
        "none": {"affected_rows": 0, "returning": []},
        "by_key": {},
        "missing": None,
        "many": [],
        "gone": None,
    }


def test_many_updates_run_in_order(library: Client) -> None:
    data = library.data(
        """mutation {update_author_many(updates: [
             {where: {name: {_eq: "Ann"}}, _set: {name: "Anna"}},
             {where: {name: {_eq: "Anna"}}, _set: {born: "2000-02-03"}},
             {where: {id: {_eq: 99}}, _set: {born: null}}]) {affected_rows returning {name born}}}"""
    )

    assert [each["affected_rows"] for each in data["update_author_many"]] == [1, 1, 0]
    assert data["update_author_many"][1]["returning"] == [{"name": "Anna", "born": "2000-02-03"}]


def test_one_column_in_two_operators_is_an_error(library: Client) -> None:
    error = library.error(
        "mutation {update_author(where: {}, _set: {settings: {}}, _append: {settings: {}}) {affected_rows}}"
    )

    assert error == (
        "validation-failed",
        "$.selectionSet.update_author.args",
        "Column found in multiple operators: ['settings'].",
    )


def test_deletes_return_the_rows_with_what_they_refer_to(library: Client) -> None:
    data = library.data(
        """mutation {
             delete_article(where: {is_published: {_eq: false}}) {
               affected_rows returning {title author {name articles {title}}}}
             delete_article_by_pk(id: 4) {title}}"""
    )

    assert data == {
        "delete_article": {
            "affected_rows": 1,
            "returning": [{"title": "Two", "author": {"name": "Ann", "articles": [{"title": "One"}]}}],
        },
        "delete_article_by_pk": {"title": "Four"},
    }


def test_all_mutations_of_a_request_succeed_or_none(library: Client) -> None:
    before = library.data(TITLES)

    error = library.error(
        """mutation {
             first: insert_article_one(object: {title: "kept?"}) {id}
             delete_article(where: {id: {_eq: 1}}) {affected_rows}
             last: insert_author_one(object: {name: "Ann"}) {id}}"""
    )

    assert error[:2] == ("constraint-violation", "$.selectionSet.insert_author_one.args.object")
    assert library.data(TITLES) == before


def test_triggers_see_the_session(library: Client) -> None:
    data = library.data(
        'mutation {insert_log_one(object: {line: "hello"}) {who line}}',
        X_Hasura_Role="user",
        X_Hasura_User_Id="u2",
    )

    assert data == {"insert_log_one": {"who": "u2", "line": "hello"}}


def test_the_session_of_one_request_is_gone_in_the_next(library: Client) -> None:
    for _ in range(20):
        insert = 'mutation {insert_log_one(object: {line: "x"}) {who}}'
        with_user = library.data(insert, X_Hasura_User_Id="u1")
        without = library.data(insert)

        assert with_user["insert_log_one"]["who"] == "u1"
        assert without["insert_log_one"]["who"] is None
