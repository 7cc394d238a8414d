"""Other people's GraphQL clients drive the engine: gql with its schema check, graphql-core on the introspection."""

from __future__ import annotations

import re
from typing import Any

import pytest
from gql import Client as GqlClient
from gql import gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.requests import RequestsHTTPTransport
from graphql import (
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    build_client_schema,
    get_introspection_query,
    print_type,
)
from tests.integration.localhasura.client import ADMIN_SECRET, Client


def schema_of(client: Client, **headers: str) -> GraphQLSchema:
    return build_client_schema(client.data(get_introspection_query(), **headers))


def shape(schema: GraphQLSchema, name: str) -> str:
    """The type without descriptions."""
    text = re.sub(r'^ *"""(.|\n)*?"""\n', "", print_type(schema.type_map[name]), flags=re.MULTILINE)
    return re.sub(r"\n\n", "\n", text)


def test_gql_fetches_the_schema_and_runs_documents_against_it(library: Client) -> None:
    transport = RequestsHTTPTransport(
        f"{library.url}/v1/graphql", headers={"X-Hasura-Admin-Secret": ADMIN_SECRET}, timeout=10
    )
    document = gql(
        """mutation ($rows: [author_insert_input!]!, $columns: [author_update_column!]!) {
             insert_author(objects: $rows,
                           on_conflict: {constraint: author_name_key, update_columns: $columns}) {
               affected_rows returning {name born}}}"""
    )

    with GqlClient(transport=transport, fetch_schema_from_transport=True) as session:
        document.variable_values = {"rows": [{"name": "Ann", "born": "2001-02-03"}], "columns": ["born"]}
        answer = session.execute(document)
        document.variable_values = {"rows": [{"name": None}], "columns": []}
        with pytest.raises(TransportQueryError, match="unexpected null value"):
            session.execute(document)

    assert answer["insert_author"] == {
        "affected_rows": 1,
        "returning": [{"name": "Ann", "born": "2001-02-03"}],
    }


def test_types_look_as_hasuras(library: Client) -> None:
    schema = schema_of(library)

    assert shape(schema, "author_on_conflict") == (
        "input author_on_conflict {\n"
        "  constraint: author_constraint!\n"
        "  update_columns: [author_update_column!]! = []\n"
        "  where: author_bool_exp\n"
        "}"
    )
    assert shape(schema, "author_mutation_response") == (
        "type author_mutation_response {\n  affected_rows: Int!\n  returning: [author!]!\n}"
    )
    author = schema.type_map["author"]
    assert isinstance(author, GraphQLObjectType)
    assert str(author.fields["articles"].type) == "[article!]!"
    assert str(author.fields["passport"].type) == "passport"
    assert str(author.fields["nicknames"].type) == "[String!]!"
    assert str(author.fields["born"].type) == "date"
    assert list(author.fields) == sorted(author.fields)


def test_each_role_sees_its_own_schema(library: Client) -> None:
    schema = schema_of(library, X_Hasura_Role="user", X_Hasura_User_Id="u1")

    row = schema.type_map["author_insert_input"]
    assert isinstance(row, GraphQLInputObjectType)
    assert set(row.fields) == {"id", "name", "born", "articles", "passport"}
    assert "genre" not in schema.type_map
    assert schema.mutation_type is not None
    assert "delete_author" not in schema.mutation_type.fields
    reader = schema_of(library, X_Hasura_Role="reader")
    assert reader.mutation_type is None


def test_root_types_have_hasuras_names(library: Client) -> None:
    schema = schema_of(library)

    names = [
        each.name for each in (schema.query_type, schema.mutation_type, schema.subscription_type) if each
    ]
    assert names == ["query_root", "mutation_root", "subscription_root"]


def test_introspection_answers_beside_data(library: Client) -> None:
    data: Any = library.data(
        '{author(limit: 1) {id} __type(name: "author_pk_columns_input") {inputFields {name}}}'
    )

    assert data["author"] == [{"id": 1}]
    assert data["__type"] == {"inputFields": [{"name": "id"}]}
