"""gql's asynchronous transport drives the engine: many requests at once, batches, errors, roles by token."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from gql import Client as GqlClient
from gql import GraphQLRequest, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from tests.integration.localhasura.client import ADMIN_SECRET, Client

from localhasura import LocalHasura

KEY = "a-key-that-is-long-enough-for-hs256-tokens"
INSERT = gql("mutation ($line: String!) {insert_log_one(object: {line: $line}) {line who}}")


def transport(url: str, **headers: str) -> HTTPXAsyncTransport:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HTTPXAsyncTransport(f"{url}/v1/graphql", headers=named, timeout=20)


@pytest.fixture
def token_url(library: Client, database_url: str) -> Iterator[str]:
    """The URL of an engine over the library that takes tokens."""
    secret = json.dumps({"type": "HS256", "key": KEY})
    with LocalHasura(database_url=database_url, admin_secret=ADMIN_SECRET, jwt_secret=secret) as engine:
        yield engine.url


def token(user_id: str) -> str:
    claims = {
        "x-hasura-allowed-roles": ["user"],
        "x-hasura-default-role": "user",
        "x-hasura-user-id": user_id,
    }
    return jwt.encode({"https://hasura.io/jwt/claims": claims}, KEY)


def test_requests_at_once_keep_their_answers(token_url: str) -> None:
    async def write() -> list[Any]:
        client = GqlClient(
            transport=transport(token_url, Authorization=f"Bearer {token('u1')}"),
            fetch_schema_from_transport=True,
        )
        async with client as session:
            requests = [GraphQLRequest(INSERT, variable_values={"line": f"line {n}"}) for n in range(30)]
            return await asyncio.gather(*(session.execute(request) for request in requests))

    answers = asyncio.run(write())

    assert answers == [{"insert_log_one": {"line": f"line {n}", "who": "u1"}} for n in range(30)]


def test_a_batch_is_answered_in_its_order(library: Client) -> None:
    async def read() -> list[Any]:
        async with GqlClient(transport=transport(library.url, X_Hasura_Admin_Secret=ADMIN_SECRET)) as session:
            query = gql("query ($name: String!) {author(where: {name: {_eq: $name}}) {name}}")
            names = ["Bob", "Ann", "Nobody"]
            answers = await session.execute_batch(
                [GraphQLRequest(query, variable_values={"name": name}) for name in names]
            )
            return list(answers)

    assert asyncio.run(read()) == [
        {"author": [{"name": "Bob"}]},
        {"author": [{"name": "Ann"}]},
        {"author": []},
    ]


def test_a_refusal_is_raised_with_its_code(token_url: str) -> None:
    async def refused(**headers: str) -> Any:
        async with GqlClient(transport=transport(token_url, **headers)) as session:
            with pytest.raises(TransportQueryError) as caught:
                await session.execute(gql("{log {line}}"))
        (error,) = caught.value.errors or []
        return error["extensions"]["code"]

    assert asyncio.run(refused()) == "invalid-headers"
    assert asyncio.run(refused(Authorization="Bearer a.b")) == "invalid-jwt"
    assert (
        asyncio.run(refused(Authorization=f"Bearer {token('u1')}", X_Hasura_Role="admin")) == "access-denied"
    )
    assert asyncio.run(refused(X_Hasura_Admin_Secret="wrong")) == "access-denied"
