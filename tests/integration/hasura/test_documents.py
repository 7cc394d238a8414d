"""Our GraphQL documents against the schema that the engine makes of our migrations and metadata."""

from __future__ import annotations

from importlib.resources import files

import pytest
from graphql import build_client_schema, get_introspection_query, parse, validate
from tests.integration.hasura.engine import ADMIN_SECRET, Engine

DOCUMENTS = sorted(
    file.name for file in files("frontdesk.hasura").iterdir() if file.name.endswith(".graphql")
)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_is_valid_for_the_services_own_role(engine: Engine, name: str) -> None:
    answer = engine.ask(
        get_introspection_query(),
        {
            "x-hasura-admin-secret": ADMIN_SECRET,
            "x-hasura-role": "frontdesk",
            "x-hasura-use-backend-only-permissions": "true",
            "x-hasura-tenant": "default",
            "x-hasura-frontdesk-tenant": "default",
        },
    )
    schema = build_client_schema(answer["data"])
    document = parse((files("frontdesk.hasura") / name).read_text())

    assert validate(schema, document) == []


def test_every_document_is_found() -> None:
    assert "check_in.graphql" in DOCUMENTS
