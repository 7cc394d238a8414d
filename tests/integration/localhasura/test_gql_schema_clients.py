"""gql builds requests from the schema that it fetches: of this project's own tables, and of the library."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from gql import Client as GqlClient
from gql import gql
from gql.client import SyncClientSession
from gql.dsl import DSLInlineFragment, DSLMutation, DSLQuery, DSLSchema, DSLVariableDefinitions, dsl_gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.requests import RequestsHTTPTransport
from gql.utilities import update_schema_scalars
from graphql import GraphQLEnumType, GraphQLError, GraphQLScalarType
from jose import jwt
from tests.integration.localhasura.client import ADMIN_SECRET, Client

from frontdesk.hasura.deploy import apply
from localhasura import LocalHasura

PROJECT = Path(__file__).resolve().parents[3] / "hasura"
JWT_KEY = "a-key-that-is-long-enough-for-hs256-tokens"
ADMIN = {"X-Hasura-Admin-Secret": ADMIN_SECRET}


@pytest.fixture
def frontdesk_url(database_url: str) -> Iterator[str]:
    """An engine with this project's own migrations and metadata, and two people in it."""
    secret = f'{{"type": "HS256", "key": "{JWT_KEY}"}}'
    with LocalHasura(database_url=database_url, admin_secret=ADMIN_SECRET, jwt_secret=secret) as running:
        apply(running.url, ADMIN_SECRET, PROJECT)
        yield running.url


def opened(url: str, **headers: str) -> GqlClient:
    """A client that fetches the schema of whom the headers name."""
    transport = RequestsHTTPTransport(f"{url}/v1/graphql", headers=headers, timeout=30)
    return GqlClient(transport=transport, fetch_schema_from_transport=True)


def bearer(user_id: str) -> dict[str, str]:
    claims = {
        "x-hasura-allowed-roles": ["user"],
        "x-hasura-default-role": "user",
        "x-hasura-user-id": user_id,
        "x-hasura-tenant": "default",
    }
    token = jwt.encode(
        {"https://hasura.io/jwt/claims": claims, "exp": int(time.time()) + 300}, JWT_KEY, "HS256"
    )
    return {"Authorization": f"Bearer {token}"}


def schema_of(session: SyncClientSession) -> DSLSchema:
    assert session.client.schema is not None
    return DSLSchema(session.client.schema)


def test_a_request_built_from_the_fetched_schema_writes_and_reads_people(frontdesk_url: str) -> None:
    with opened(frontdesk_url, **ADMIN) as session:
        ds, variables = schema_of(session), DSLVariableDefinitions()  # type: ignore[no-untyped-call]
        mutation = DSLMutation(
            ds.mutation_root.insert_users(
                objects=variables.people,
                on_conflict={"constraint": "users_pkey", "update_columns": ["userName", "userMetadata"]},
            ).select(
                ds.users_mutation_response.affected_rows,
                ds.users_mutation_response.returning.select(
                    ds.users.userId, ds.users.userMetadata(path="$.theme")
                ),
            )
        )
        mutation.variable_definitions = variables
        request = dsl_gql(mutation)
        request.variable_values = {
            "people": [
                {"userId": "auth0|ann", "userName": "Ann", "userMetadata": {"theme": "dark"}},
                {"userId": "auth0|bob", "userName": "Bob", "blocked": True},
            ]
        }
        written = session.execute(request)
        listed = session.execute(
            dsl_gql(
                DSLQuery(
                    blocked=ds.query_root.users(where={"blocked": {"_eq": True}}).select(ds.users.userName),
                    ordered=ds.query_root.users(order_by=[{"userName": "desc"}], limit=1).select(
                        ds.users.userName
                    ),
                    counted=ds.query_root.users_aggregate.select(
                        ds.users_aggregate.aggregate.select(ds.users_aggregate_fields.count)
                    ),
                )
            )
        )

    assert written["insert_users"] == {
        "affected_rows": 2,
        "returning": [
            {"userId": "auth0|ann", "userMetadata": "dark"},
            {"userId": "auth0|bob", "userMetadata": None},
        ],
    }
    assert listed == {
        "blocked": [{"userName": "Bob"}],
        "ordered": [{"userName": "Bob"}],
        "counted": {"aggregate": {"count": 2}},
    }


def test_a_users_schema_keeps_wrong_requests_at_home(frontdesk_url: str) -> None:
    """The same document passes gql's own check for the administrator and fails it for a user."""
    with opened(frontdesk_url, **ADMIN) as session:
        session.execute(
            gql(
                'mutation {insert_users(objects: [{userId: "u1", userName: "A"}, {userId: "u2"}]) {affected_rows}}'
            )
        )
        session.execute(gql("{users {userId appMetadata clocks}}"))

    with opened(frontdesk_url, **bearer("u1")) as session:
        ds = schema_of(session)
        own = session.execute(
            dsl_gql(DSLQuery(ds.query_root.users.select(ds.users.userId, ds.users.userName)))
        )
        with pytest.raises(GraphQLError, match="Cannot query field 'appMetadata' on type 'users'"):
            session.execute(gql("{users {userId appMetadata}}"))

    assert own == {"users": [{"userId": "u1", "userName": "A"}]}
    assert "mutation_root" not in session.client.schema.type_map


def test_the_engine_refuses_what_an_unchecked_client_sends(frontdesk_url: str) -> None:
    transport = RequestsHTTPTransport(f"{frontdesk_url}/v1/graphql", headers=bearer("u1"), timeout=30)

    with GqlClient(transport=transport) as session, pytest.raises(TransportQueryError) as refused:
        session.execute(gql("{users {userId appMetadata}}"))

    (error,) = refused.value.errors or []
    assert error == {
        "message": "field 'appMetadata' not found in type: 'users'",
        "extensions": {"path": "$.selectionSet.users.selectionSet.appMetadata", "code": "validation-failed"},
    }


def library_scalars(session: SyncClientSession) -> DSLSchema:
    """Teach the fetched schema what Hasura's scalars are in Python."""
    assert session.client.schema is not None
    update_schema_scalars(
        session.client.schema,
        [
            GraphQLScalarType(
                "timestamptz", serialize=datetime.isoformat, parse_value=datetime.fromisoformat
            ),
            GraphQLScalarType("numeric", serialize=str, parse_value=lambda value: Decimal(str(value))),
        ],
    )
    return DSLSchema(session.client.schema)


def test_custom_scalars_and_enums_travel_both_ways(library: Client) -> None:
    written_at = datetime(2024, 5, 6, 9, 8, 9, 123456, timezone(timedelta(hours=2)))

    with opened(library.url, **ADMIN) as session:
        ds = library_scalars(session)
        variables = DSLVariableDefinitions()  # type: ignore[no-untyped-call]
        mutation = DSLMutation(
            ds.mutation_root.insert_article_one(object=variables.article).select(
                ds.article.genre, ds.article.rating, ds.article.written_at, ds.article.likes
            )
        )
        mutation.variable_definitions = variables
        request = dsl_gql(mutation)
        request.variable_values = {
            "article": {
                "title": "Five",
                "genre": "poetry",
                "rating": Decimal("2.75"),
                "written_at": written_at,
                "likes": 3,
            }
        }
        answer = session.execute(request, serialize_variables=True, parse_result=True)
        request.variable_values = {"article": {"title": "Six", "genre": "ballad"}}
        with pytest.raises(GraphQLError, match="Enum 'genre_enum' cannot represent value: 'ballad'"):
            session.execute(request, serialize_variables=True)

    assert answer["insert_article_one"] == {
        "genre": "poetry",
        "rating": Decimal("2.75"),
        "written_at": written_at,
        "likes": 3,
    }


def test_an_enum_column_is_an_enum_in_whatever_order_types_are_met(library: Client) -> None:
    with opened(library.url, **ADMIN) as session:
        kind = schema_of(session)._schema.type_map["genre_enum"]

    assert isinstance(kind, GraphQLEnumType)
    assert {name: value.description for name, value in kind.values.items()} == {
        "poetry": "in verse",
        "prose": None,
    }


def test_nested_rows_and_fragments_come_as_the_schema_says(library: Client) -> None:
    with opened(library.url, **ADMIN) as session:
        ds = schema_of(session)
        articles = ds.author.articles(
            where={
                "is_published": {"_eq": True},
                "_or": [{"likes": {"_gt": 5}}, {"genre": {"_eq": "prose"}}],
            },
            order_by=[{"author": {"name": "asc_nulls_last"}}, {"id": "desc"}],
        ).select(ds.article.title, ds.article.author.select(ds.author.name))
        answer: Any = session.execute(
            dsl_gql(
                DSLQuery(
                    ds.query_root.author(
                        where={"articles": {"title": {"_in": ["One", "Three"]}}}, order_by={"id": "asc"}
                    )
                    .select(ds.author.name, articles)
                    .select(DSLInlineFragment().on(ds.author).select(ds.author.nicknames, ds.author.settings))
                )
            )
        )
        with pytest.raises(TransportQueryError, match="Foreign key violation"):
            session.execute(
                dsl_gql(
                    DSLMutation(
                        ds.mutation_root.insert_article_one(object={"title": "x", "author_id": 99}).select(
                            ds.article.id
                        )
                    )
                )
            )

    assert answer["author"] == [
        {
            "name": "Ann",
            "articles": [{"title": "One", "author": {"name": "Ann"}}],
            "nicknames": ["annie"],
            "settings": {"theme": "dark", "tags": ["a", "b"]},
        },
        {
            "name": "Bob",
            "articles": [{"title": "Three", "author": {"name": "Bob"}}],
            "nicknames": [],
            "settings": {},
        },
    ]


def test_variables_of_a_reader_are_checked_on_both_sides(library: Client) -> None:
    document = gql(
        "query ($title: String!, $n: Int = 1) {article(where: {title: {_eq: $title}}, limit: $n) {title}}"
    )

    with opened(library.url, **ADMIN, **{"X-Hasura-Role": "reader"}) as session:
        document.variable_values = {"title": "One"}
        found = session.execute(document)
        document.variable_values = {}
        with pytest.raises(TransportQueryError, match='expecting a value for non-nullable variable: "title"'):
            session.execute(document)
        with pytest.raises(GraphQLError, match="Cannot query field 'likes'"):
            session.execute(gql("{article {likes}}"))

    assert found == {"article": [{"title": "One"}]}
