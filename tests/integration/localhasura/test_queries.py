"""Queries: what is selected, filtered, ordered, aggregated, and how it is rendered."""

from __future__ import annotations

import json

import pytest
from tests.integration.localhasura.client import Client


def test_the_keys_of_an_answer_come_in_the_order_of_the_selection(reading_room: Client) -> None:
    body = {"query": '{author_by: author(where: {name: {_eq: "Ann"}}) {name id again: name}}'}

    text = reading_room.post("/v1/graphql", body).text

    assert json.dumps(json.loads(text)) == json.dumps(
        {"data": {"author_by": [{"name": "Ann", "id": 1, "again": "Ann"}]}}
    )


def test_more_fields_than_one_json_call_takes_keep_their_order(reading_room: Client) -> None:
    aliases = [f"a{number}" for number in range(120)]
    selection = " ".join(f"{alias}: id" for alias in aliases)

    data = reading_room.data(f"{{oneAuthor(id: 1) {{{selection}}}}}")

    assert list(data["oneAuthor"]) == aliases


def test_relationships_are_followed_in_both_directions(reading_room: Client) -> None:
    data = reading_room.data(
        """{oneAuthor(id: 1) {
             passport {number author {name}}
             articles(order_by: {id: desc}, limit: 1) {title author_by_hand {name}}
             articles_aggregate {aggregate {count} nodes {id}}}}"""
    )

    assert data["oneAuthor"] == {
        "passport": {"number": "P-1", "author": {"name": "Ann"}},
        "articles": [{"title": "Two", "author_by_hand": {"name": "Ann"}}],
        "articles_aggregate": {"aggregate": {"count": 2}, "nodes": [{"id": 1}, {"id": 2}]},
    }


def test_a_row_without_the_related_row_has_null(reading_room: Client) -> None:
    data = reading_room.data('{article(where: {title: {_eq: "Four"}}) {author {name}}}')

    assert data == {"article": [{"author": None}]}


@pytest.mark.parametrize(
    ("where", "titles"),
    [
        ("{}", ["One", "Two", "Three", "Four"]),
        ("{id: {_in: [1, 3]}}", ["One", "Three"]),
        ("{id: {_in: []}}", []),
        ("{id: {_nin: []}}", ["One", "Two", "Three", "Four"]),
        ("{_or: []}", []),
        ("{_and: []}", ["One", "Two", "Three", "Four"]),
        ("{_not: {}}", []),
        ("{body: {_is_null: true}}", ["Two"]),
        ("{body: {_is_null: false}, likes: {_lt: 10}}", ["Four"]),
        ('{body: {_neq: "first"}}', ["Three", "Four"]),
        ('{title: {_ilike: "t%"}}', ["Two", "Three"]),
        ('{title: {_similar: "(One|Two)"}}', ["One", "Two"]),
        ('{title: {_iregex: "^f"}}', ["Four"]),
        ('{_not: {title: {_like: "T%"}}}', ["One", "Four"]),
        ('{author: {name: {_eq: "Ann"}}}', ["One", "Two"]),
        ("{author: {articles: {likes: {_gt: 100}}}}", ["Three"]),
        ("{genre: {_eq: prose}}", ["Two", "Four"]),
        ("{genre: {_in: [poetry]}}", ["One"]),
        ('{rating: {_gte: "1.5"}}', ["One", "Three"]),
        ("{rating: {_gte: 1.50}, likes: {_gt: 9007199254740992}}", ["Three"]),
    ],
)
def test_where_picks_the_rows(reading_room: Client, where: str, titles: list[str]) -> None:
    data = reading_room.data(f"{{article(where: {where}, order_by: {{id: asc}}) {{title}}}}")

    assert [row["title"] for row in data["article"]] == titles


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ('{settings: {_contains: {theme: "dark"}}}', ["Ann"]),
        ("{settings: {_contained_in: {}}}", ["Bob"]),
        ('{settings: {_has_key: "theme"}}', ["Ann", "Cid"]),
        ('{settings: {_has_keys_any: ["x", "tags"]}}', ["Ann"]),
        ('{settings: {_has_keys_all: ["theme", "tags"]}}', ["Ann"]),
        ('{settings: {_cast: {String: {_like: "%light%"}}}}', ["Cid"]),
        ('{nicknames: {_contains: ["c"]}}', ["Cid"]),
        ('{nicknames: {_eq: "{c,d}"}}', ["Cid"]),
        ('{nicknames: {_in: [["c", "d"], ["annie"]]}}', ["Ann", "Cid"]),
        ("{nicknames: {_in: []}}", []),
    ],
)
def test_json_and_arrays_have_their_operators(reading_room: Client, where: str, names: list[str]) -> None:
    data = reading_room.data(f"{{author(where: {where}, order_by: {{id: asc}}) {{name}}}}")

    assert [row["name"] for row in data["author"]] == names


@pytest.mark.parametrize(
    ("order_by", "titles"),
    [
        ("{likes: desc}", ["Three", "Two", "One", "Four"]),
        ("{body: asc}", ["One", "Four", "Three", "Two"]),
        ("{body: asc_nulls_first}", ["Two", "One", "Four", "Three"]),
        ("{body: desc}", ["Two", "Three", "Four", "One"]),
        ("[{author: {name: asc}}, {id: desc}]", ["Two", "One", "Three", "Four"]),
    ],
)
def test_order_by_sorts(reading_room: Client, order_by: str, titles: list[str]) -> None:
    data = reading_room.data(f"{{article(order_by: {order_by}) {{title}}}}")

    assert [row["title"] for row in data["article"]] == titles


def test_rows_sort_by_aggregates_of_related_rows(reading_room: Client) -> None:
    data = reading_room.data(
        """{by_count: author(order_by: [{articles_aggregate: {count: desc}}, {id: asc}]) {name}
            by_likes: author(order_by: {articles_aggregate: {max: {likes: desc_nulls_last}}}) {name}}"""
    )

    assert [row["name"] for row in data["by_count"]] == ["Ann", "Bob", "Cid"]
    assert [row["name"] for row in data["by_likes"]] == ["Bob", "Ann", "Cid"]


def test_distinct_on_keeps_the_first_row_of_each_value(reading_room: Client) -> None:
    data = reading_room.data("{article(distinct_on: genre, order_by: [{genre: asc}, {id: desc}]) {genre id}}")

    assert data["article"] == [
        {"genre": "poetry", "id": 1},
        {"genre": "prose", "id": 4},
        {"genre": None, "id": 3},
    ]


def test_distinct_on_must_lead_the_order(reading_room: Client) -> None:
    code, _, message = reading_room.error("{article(distinct_on: genre, order_by: {id: asc}) {id}}")

    assert (code, message) == (
        "validation-failed",
        '"distinct_on" columns must match initial "order_by" columns',
    )


def test_aggregates_count_and_compute_over_the_selected_rows(reading_room: Client) -> None:
    data = reading_room.data(
        """{article_aggregate(where: {is_published: {_eq: true}}, order_by: {id: asc}, limit: 2) {
             aggregate {count genres: count(columns: [genre], distinct: true)
                        sum {rating} max {title likes} avg {rating}}
             nodes {title}}}"""
    )

    assert data["article_aggregate"] == {
        "aggregate": {
            "count": 2,
            "genres": 1,
            "sum": {"rating": 4.75},
            "max": {"title": "Three", "likes": 9007199254740993},
            "avg": {"rating": 2.375},
        },
        "nodes": [{"title": "One"}, {"title": "Three"}],
    }


def test_values_are_rendered_as_hasura_renders_them(reading_room: Client) -> None:
    body = {
        "query": "{article(where: {id: {_eq: 1}}) {likes rating written_at} oneAuthor(id: 1) {born nicknames}}"
    }

    text = reading_room.post("/v1/graphql", body).text

    assert '"rating" : 1.50' in text
    assert json.loads(text)["data"]["oneAuthor"] == {"born": "1970-01-02", "nicknames": ["annie"]}
    assert json.loads(text)["data"]["article"][0]["written_at"] == "2024-01-02T03:04:05.25+00:00"


def test_a_json_column_gives_what_its_path_leads_to(reading_room: Client) -> None:
    data = reading_room.data('{oneAuthor(id: 1) {settings(path: "$.tags[1]") all: settings(path: "$")}}')

    assert data["oneAuthor"] == {"settings": "b", "all": {"theme": "dark", "tags": ["a", "b"]}}


def test_fragments_and_directives_shape_the_selection(reading_room: Client) -> None:
    query = """
        query ($with: Boolean!, $id: Int!) {
          oneAuthor(id: $id) {...Names ... on author @include(if: $with) {born} ... on article {title}}
        }
        fragment Names on author {name id @skip(if: $with)}
    """

    assert reading_room.data(query, {"with": True, "id": 3}) == {
        "oneAuthor": {"name": "Cid", "born": "1980-05-06"}
    }
    assert reading_room.data(query, {"with": False, "id": 3}) == {"oneAuthor": {"name": "Cid", "id": 3}}


def test_whole_arguments_may_come_in_variables(reading_room: Client) -> None:
    data = reading_room.data(
        "query ($where: author_bool_exp!, $order: [author_order_by!], $n: Int = 2) "
        "{author(where: $where, order_by: $order, limit: $n) {name}}",
        {"where": {"name": {"_in": ["Ann", "Bob", "Cid"]}}, "order": [{"name": "desc"}]},
    )

    assert [row["name"] for row in data["author"]] == ["Cid", "Bob"]


def test_a_batch_is_answered_element_by_element(reading_room: Client) -> None:
    answer = reading_room.post(
        "/v1/graphql", [{"query": "{nothing}"}, {"query": "{oneAuthor(id: 2) {name}}"}]
    ).json()

    assert answer[0]["errors"][0]["extensions"]["path"] == "$.selectionSet.nothing"
    assert answer[1] == {"data": {"oneAuthor": {"name": "Bob"}}}


def test_typename_is_known_everywhere(reading_room: Client) -> None:
    data = reading_room.data(
        """{__typename oneAuthor(id: 1) {__typename articles {__typename}}
            article_aggregate {__typename aggregate {__typename max {__typename}}}}"""
    )

    assert data["__typename"] == "query_root"
    assert data["oneAuthor"] == {"__typename": "author", "articles": [{"__typename": "article"}] * 2}
    assert data["article_aggregate"] == {
        "__typename": "article_aggregate",
        "aggregate": {"__typename": "article_aggregate_fields", "max": {"__typename": "article_max_fields"}},
    }
