"""The tables as the migrations make them."""

from __future__ import annotations

import secrets
from typing import Any

import psycopg
import pytest
from psycopg import errors
from tests.integration.hasura.migrations import catalog, migrations, run


def test_down_gives_back_the_catalog_of_before_and_up_again_the_one_of_after(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        before: list[dict[str, list[Any]]] = []
        for migration in migrations():
            before.append(catalog(connection))
            run(connection, migration / "up.sql")
        newest = catalog(connection)

        for migration, expected in zip(reversed(migrations()), reversed(before), strict=True):
            run(connection, migration / "down.sql")
            assert catalog(connection) == expected, migration.name
        for migration in migrations():
            run(connection, migration / "up.sql")

        assert catalog(connection) == newest
        assert newest["triggers"]
        assert newest["constraints"]


def test_the_longest_keys_that_the_checks_allow_fit_the_indexes(database: psycopg.Connection[Any]) -> None:
    tenant, user_id, role = "t" * 64, secrets.token_hex(1024), secrets.token_hex(200)
    database.execute("insert into users (tenant, user_id) values (%s, %s)", [tenant, user_id])
    database.execute("insert into roles (tenant, name) values (%s, %s)", [tenant, role])
    database.execute(
        "insert into user_roles (tenant, user_id, role) values (%s, %s, %s)", [tenant, user_id, role]
    )
    database.execute(
        "insert into auth_activities (tenant, id, type, source, occurred_at, user_id)"
        " values (%s, %s, 's', 'test', now(), %s)",
        [tenant, secrets.token_hex(256), user_id],
    )
    organization = secrets.token_hex(200)
    database.execute(
        "insert into organizations (tenant, id, name) values (%s, %s, 'o')", [tenant, organization]
    )
    database.execute(
        "insert into organization_members (tenant, organization_id, user_id) values (%s, %s, %s)",
        [tenant, organization, user_id],
    )
    database.execute(
        "insert into user_merges (tenant, user_id, merged_into, merged_at) values (%s, %s, %s, now())",
        [tenant, secrets.token_hex(226), user_id],
    )


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("insert into users (user_id) values (repeat('ü', 1025))", "users_user_id_length"),
        ("insert into users (user_id) values ('')", "users_user_id_length"),
        ("insert into users (tenant, user_id) values (repeat('t', 65), 'a')", "users_tenant_length"),
        ("insert into users (user_id, identities) values ('a', '{}')", "users_identities_array"),
        ("insert into users (user_id, auth0_roles) values ('a', '\"r\"')", "users_auth0_roles_array"),
        ("insert into roles (name) values ('')", "roles_name_length"),
        ("insert into organizations (id, name) values ('', 'o')", "organizations_id_length"),
        (
            "insert into organization_members (organization_id, user_id, roles) values ('o', 'a', '{}')",
            "organization_members_roles_array",
        ),
        (
            "insert into user_merges (user_id, merged_into, merged_at) values (repeat('x', 2500), 'a', now())",
            "user_merges_ids_length",
        ),
    ],
)
def test_a_wrong_value_is_refused_by_a_constraint_with_a_name(
    database: psycopg.Connection[Any], statement: str, constraint: str
) -> None:
    with pytest.raises(errors.CheckViolation) as refusal:
        database.execute(statement.encode())

    assert refusal.value.diag.constraint_name == constraint


def test_a_grant_of_an_unknown_source_is_refused(database: psycopg.Connection[Any]) -> None:
    database.execute("insert into users (user_id) values ('a')")
    database.execute("insert into roles (name) values ('r')")

    with pytest.raises(errors.CheckViolation, match="user_roles_source_known"):
        database.execute("insert into user_roles (user_id, role, source) values ('a', 'r', 'me')")


def test_a_migration_that_would_wait_for_a_lock_gives_up() -> None:
    for migration in migrations():
        for file in (migration / "up.sql", migration / "down.sql"):
            text = file.read_text()

            assert text.startswith("-- "), f"{file}: begin with why"
            assert "SET LOCAL lock_timeout" in text, file
            assert "SET LOCAL statement_timeout" in text, file
