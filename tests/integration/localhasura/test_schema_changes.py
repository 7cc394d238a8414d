"""Metadata follows SQL: renamed tables and columns keep their relationships, permissions and custom names."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.localhasura.client import Client

SCHEMA = """
CREATE TABLE owner (id int PRIMARY KEY, name text, active boolean NOT NULL DEFAULT true);
CREATE TABLE pet (id int PRIMARY KEY, name text, owner_id int REFERENCES owner (id), boss_id int, note text);
INSERT INTO owner VALUES (1, 'Ann'), (2, 'Bob');
INSERT INTO pet VALUES (1, 'Rex', 1, 1, 'x'), (2, 'Tom', 2, 1, 'y');
"""


def _metadata() -> Any:
    pets = {"foreign_key_constraint_on": {"column": "owner_id", "table": {"schema": "public", "name": "pet"}}}
    boss = {"remote_table": {"schema": "public", "name": "owner"}, "column_mapping": {"boss_id": "id"}}
    rule = {
        "_and": [
            {"owner": {"id": {"_eq": "X-Hasura-User-Id"}}},
            {"_exists": {"_table": {"schema": "public", "name": "owner"}, "_where": {"active": True}}},
            {"_or": [{"id": {"_cgte": ["id"]}}, {"id": {"_ceq": ["$", "boss_id"]}}]},
        ]
    }
    pet = {
        "table": {"schema": "public", "name": "pet"},
        "configuration": {"column_config": {"note": {"custom_name": "remark"}}},
        "object_relationships": [
            {"name": "owner", "using": {"foreign_key_constraint_on": "owner_id"}},
            {"name": "boss", "using": {"manual_configuration": boss}},
        ],
        "select_permissions": [{"role": "user", "permission": {"columns": ["id", "name"], "filter": rule}}],
        "insert_permissions": [
            {"role": "user", "permission": {"columns": ["id"], "check": {}, "set": {"name": "Pet"}}}
        ],
    }
    owner = {
        "table": {"schema": "public", "name": "owner"},
        "array_relationships": [{"name": "pets", "using": pets}],
    }
    return {"version": 3, "sources": [{"name": "default", "kind": "postgres", "tables": [pet, owner]}]}


@pytest.fixture
def kennel(client: Client) -> Client:
    client.sql(SCHEMA)
    client.metadata("replace_metadata", {"metadata": _metadata()}, version=2)
    return client


def _refused(client: Client, sql: str, **switches: Any) -> tuple[int, str, str]:
    response = client.post("/v2/query", {"type": "run_sql", "args": {"sql": sql, **switches}})
    body = response.json()
    return response.status_code, body["code"], body["error"]


def _tables(client: Client) -> dict[str, Any]:
    exported = client.metadata("export_metadata", {})
    return {entry["table"]["name"]: entry for entry in exported["sources"][0]["tables"]}


def test_a_renamed_table_keeps_its_relationships_and_rules(kennel: Client) -> None:
    kennel.sql("ALTER TABLE owner RENAME TO keeper")

    assert kennel.data("{pet(order_by: {id: asc}) {owner {name} boss {name}}}") == {
        "pet": [
            {"owner": {"name": "Ann"}, "boss": {"name": "Ann"}},
            {"owner": {"name": "Bob"}, "boss": {"name": "Ann"}},
        ]
    }
    assert kennel.data("{keeper_by_pk(id: 1) {pets {name}}}") == {"keeper_by_pk": {"pets": [{"name": "Rex"}]}}
    assert kennel.data("{pet {name}}", X_Hasura_Role="user", X_Hasura_User_Id="2") == {
        "pet": [{"name": "Tom"}]
    }
    assert list(_tables(kennel)) == ["pet", "keeper"]


def test_a_renamed_table_on_the_many_side_is_followed(kennel: Client) -> None:
    kennel.sql("ALTER TABLE pet RENAME TO animal")

    assert kennel.data("{owner_by_pk(id: 1) {pets {name}}}") == {"owner_by_pk": {"pets": [{"name": "Rex"}]}}


def test_a_table_moved_to_another_schema_is_followed(kennel: Client) -> None:
    kennel.sql("CREATE SCHEMA home; ALTER TABLE owner SET SCHEMA home")

    assert kennel.data("{pet_by_pk(id: 1) {owner {name}}}") == {"pet_by_pk": {"owner": {"name": "Ann"}}}
    assert kennel.data("{home_owner_by_pk(id: 1) {name}}") == {"home_owner_by_pk": {"name": "Ann"}}


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE pet RENAME COLUMN owner_id TO keeper_id",
        "ALTER TABLE pet RENAME COLUMN boss_id TO chief_id",
        "ALTER TABLE owner RENAME COLUMN id TO number",
        "ALTER TABLE owner RENAME COLUMN active TO here",
        "ALTER TABLE pet RENAME id TO number; ALTER TABLE pet RENAME COLUMN owner_id TO id",
        "ALTER TABLE pet RENAME COLUMN owner_id TO keeper_id; ALTER TABLE owner RENAME TO keeper",
    ],
)
def test_renamed_columns_are_followed_by_relationships_and_rules(kennel: Client, sql: str) -> None:
    kennel.sql(sql)

    assert kennel.metadata("get_inconsistent_metadata", {})["is_consistent"] is True
    assert kennel.data("{pet {name owner {name} boss {name}}}", None, X_Hasura_Role="admin")["pet"][1] == {
        "name": "Tom",
        "owner": {"name": "Bob"},
        "boss": {"name": "Ann"},
    }
    assert kennel.data("{pet {name}}", X_Hasura_Role="user", X_Hasura_User_Id="2") == {
        "pet": [{"name": "Tom"}]
    }


def test_renamed_columns_are_followed_by_lists_presets_and_custom_names(kennel: Client) -> None:
    kennel.sql("ALTER TABLE pet RENAME COLUMN name TO title; ALTER TABLE pet RENAME COLUMN note TO memo")

    pet = _tables(kennel)["pet"]
    assert pet["select_permissions"][0]["permission"]["columns"] == ["id", "title"]
    assert pet["insert_permissions"][0]["permission"]["set"] == {"title": "Pet"}
    assert pet["configuration"] == {"column_config": {"memo": {"custom_name": "remark"}}}
    assert kennel.data("{pet_by_pk(id: 1) {remark title}}") == {"pet_by_pk": {"remark": "x", "title": "Rex"}}


@pytest.mark.parametrize(
    ("sql", "dependents"),
    [
        (
            "DROP TABLE owner CASCADE",
            [
                'permission pet.user.select in source "default"',
                'relationship pet.boss in source "default"',
                'relationship pet.owner in source "default"',
            ],
        ),
        (
            "ALTER TABLE pet DROP COLUMN owner_id",
            [
                'relationship owner.pets in source "default"',
                'relationship pet.owner in source "default"',
            ],
        ),
        (
            "ALTER TABLE pet DROP COLUMN name",
            [
                'permission pet.user.insert in source "default"',
                'permission pet.user.select in source "default"',
            ],
        ),
    ],
)
def test_a_drop_names_what_depends_on_it(kennel: Client, sql: str, dependents: list[str]) -> None:
    before = kennel.metadata("export_metadata", {}, version=2)

    status, code, message = _refused(kennel, sql)

    assert (status, code) == (400, "dependency-error")
    assert message == f"cannot drop due to the following dependent objects: {', '.join(dependents)}"
    assert kennel.metadata("export_metadata", {}, version=2) == before
    kennel.sql(sql, cascade=True)
    assert kennel.metadata("get_inconsistent_metadata", {})["is_consistent"] is True


def test_a_column_with_a_custom_name_alone_is_dropped_freely(kennel: Client) -> None:
    kennel.sql("ALTER TABLE pet DROP COLUMN note")

    assert "configuration" not in _tables(kennel)["pet"]


@pytest.mark.parametrize(
    ("sql", "dependents"),
    [
        (
            "ALTER TABLE owner ALTER COLUMN active DROP DEFAULT, ALTER COLUMN active TYPE text",
            (
                'cannot change type of column "active" in table "owner" because of the following dependencies: '
                'permission pet.user.select in source "default"'
            ),
        ),
        (
            "ALTER TABLE pet ALTER COLUMN name TYPE varchar",
            (
                'cannot change type of column "name" in table "pet" because of the following dependencies: '
                'permission pet.user.insert in source "default"'
            ),
        ),
    ],
)
def test_a_type_that_a_fixed_value_needs_does_not_change(kennel: Client, sql: str, dependents: str) -> None:
    assert _refused(kennel, sql) == (400, "dependency-error", dependents)


def test_a_type_changes_where_only_session_variables_are_compared(kennel: Client) -> None:
    kennel.sql("ALTER TABLE owner ALTER COLUMN id TYPE bigint")

    assert kennel.data("{pet {name}}", X_Hasura_Role="user", X_Hasura_User_Id="1") == {
        "pet": [{"name": "Rex"}]
    }


def test_a_dropped_constraint_leaves_a_relationship_without_ground(kennel: Client) -> None:
    status, code, message = _refused(kennel, "ALTER TABLE pet DROP CONSTRAINT pet_owner_id_fkey")

    assert (status, code) == (500, "unexpected")
    assert message == "cannot continue due to newly found inconsistent metadata"
    assert kennel.data("{pet_by_pk(id: 1) {owner {name}}}") == {"pet_by_pk": {"owner": {"name": "Ann"}}}


def test_nothing_follows_when_the_check_is_off(kennel: Client) -> None:
    kennel.sql("ALTER TABLE owner RENAME TO keeper", check_metadata_consistency=False)

    names = [
        each["name"] for each in kennel.metadata("get_inconsistent_metadata", {})["inconsistent_objects"]
    ]
    assert names[0] == "table owner in source default"
    kennel.sql("ALTER TABLE keeper RENAME TO owner", check_metadata_consistency=False)
    assert kennel.metadata("get_inconsistent_metadata", {})["is_consistent"] is True


def test_a_table_made_again_is_another_table(kennel: Client) -> None:
    kennel.sql("CREATE TABLE lone (id int PRIMARY KEY)")
    kennel.metadata("pg_track_table", {"table": "lone"})

    kennel.sql("DROP TABLE lone; CREATE TABLE lone (id int PRIMARY KEY)")

    assert "lone" not in _tables(kennel)


def test_a_renamed_relationship_is_followed_by_rules(kennel: Client) -> None:
    kennel.metadata("pg_rename_relationship", {"table": "pet", "name": "owner", "new_name": "keeper"})

    assert kennel.data("{pet {name}}", X_Hasura_Role="user", X_Hasura_User_Id="2") == {
        "pet": [{"name": "Tom"}]
    }
    assert kennel.refused("pg_drop_relationship", {"table": "pet", "relationship": "keeper"}) == (
        400,
        "dependency-error",
        "$.args",
        'cannot drop due to the following dependent objects: permission pet.user.select in source "default"',
    )
    kennel.metadata("pg_drop_relationship", {"table": "pet", "relationship": "keeper", "cascade": True})
    assert kennel.error("{pet {name}}", X_Hasura_Role="user")[0] == "validation-failed"
