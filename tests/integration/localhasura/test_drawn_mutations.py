"""Mutations drawn from a schema with every kind of column, key, view and relationship: never an internal error."""

from __future__ import annotations

from random import Random

import pytest
from graphql import GraphQLSchema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.integration.localhasura.client import Client
from tests.integration.localhasura.documents import Documents
from tests.integration.localhasura.test_drawn_documents import HEADERS, check, schema_of

_relaxed = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def schemas(workshop: Client) -> dict[str, GraphQLSchema]:
    """The workshop's schema for each role."""
    return {role: schema_of(workshop, role) for role in HEADERS}


@pytest.mark.parametrize("role", HEADERS)
@_relaxed
@given(seed=st.integers(0, 2**32))
def test_mutations_of_every_kind_of_table(
    workshop: Client, schemas: dict[str, GraphQLSchema], role: str, seed: int
) -> None:
    root = schemas[role].mutation_type
    assert root is not None
    check(workshop, Documents(schemas[role], Random(seed)).draw(root, "mutation"), role)
