"""Inherited roles: what several roles may do, taken together."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.localhasura.client import Client

CHIEF: dict[str, Any] = {"X_Hasura_Role": "chief", "X_Hasura_User_Id": "2"}


def _permit(client: Client, kind: str, table: str, role: str, **permission: Any) -> None:
    client.metadata(f"pg_create_{kind}_permission", {"table": table, "role": role, "permission": permission})


@pytest.fixture
def ranks(client: Client) -> Client:
    """A person is a clerk to herself and a boss to grade 1; a chief is both."""
    client.sql(
        """CREATE TABLE person (id int PRIMARY KEY, name text NOT NULL, pay int NOT NULL, grade int NOT NULL);
           INSERT INTO person VALUES (1, 'Ann', 10, 1), (2, 'Bob', 20, 2), (3, 'Cid', 30, 1), (4, 'Dot', 40, 3);
           CREATE TABLE note (id int PRIMARY KEY, body text)"""
    )
    for table in ("person", "note"):
        client.metadata("pg_track_table", {"table": table})
    own, low = {"id": {"_eq": "X-Hasura-User-Id"}}, {"grade": {"_eq": 1}}
    _permit(client, "select", "person", "clerk", columns=["id", "name", "pay"], filter=own, limit=1)
    _permit(
        client,
        "select",
        "person",
        "boss",
        columns=["id", "grade"],
        filter=low,
        limit=5,
        allow_aggregations=True,
    )
    client.metadata("add_inherited_role", {"role_name": "chief", "role_set": ["clerk", "boss"]})
    return client


def test_rows_of_all_parents_are_read_and_columns_where_a_parent_may(ranks: Client) -> None:
    data = ranks.data("{person(order_by: {id: asc}) {id name pay grade}}", **CHIEF)

    assert data["person"] == [
        {"id": 1, "name": None, "pay": None, "grade": 1},
        {"id": 2, "name": "Bob", "pay": 20, "grade": None},
        {"id": 3, "name": None, "pay": None, "grade": 1},
    ]


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("{person(where: {pay: {_gt: 15}}) {id}}", [{"id": 2}]),
        ("{person(where: {_not: {pay: {_gt: 25}}}) {id}}", [{"id": 2}]),
        ("{person(where: {pay: {_is_null: true}}, order_by: {id: asc}) {id}}", [{"id": 1}, {"id": 3}]),
        ("{person(where: {pay: {_is_null: false}}) {id}}", [{"id": 2}]),
        ("{person(order_by: [{pay: asc_nulls_last}, {id: desc}]) {id}}", [{"id": 2}, {"id": 3}, {"id": 1}]),
        ("{person(distinct_on: pay, order_by: [{pay: asc}, {id: asc}]) {pay}}", [{"pay": 20}, {"pay": None}]),
    ],
)
def test_hidden_values_cannot_be_told_from_filters_and_orders(ranks: Client, query: str, answer: Any) -> None:
    assert ranks.data(query, **CHIEF) == {"person": answer}


def test_aggregates_are_of_the_values_that_are_seen(ranks: Client) -> None:
    query = "{person_aggregate {aggregate {count rich: count(columns: pay) sum {pay} max {grade name}}}}"

    assert ranks.data(query, **CHIEF)["person_aggregate"] == {
        "aggregate": {"count": 3, "rich": 1, "sum": {"pay": 20}, "max": {"grade": 1, "name": "Bob"}}
    }


def test_a_column_that_may_be_hidden_is_nullable(ranks: Client) -> None:
    kinds = ranks.data('{__type(name: "person") {fields {name type {kind}}}}', **CHIEF)["__type"]["fields"]

    assert {field["name"]: field["type"]["kind"] for field in kinds} == {
        "id": "NON_NULL",
        "name": "SCALAR",
        "pay": "SCALAR",
        "grade": "SCALAR",
    }


def test_a_permission_of_its_own_goes_first(ranks: Client) -> None:
    _permit(ranks, "select", "person", "chief", columns=["id"], filter={"id": 4})

    assert ranks.data("{person {id}}", **CHIEF) == {"person": [{"id": 4}]}


def test_what_one_parent_may_change_is_inherited(ranks: Client) -> None:
    _permit(ranks, "insert", "note", "boss", columns=["id", "body"], check={"body": {"_ne": ""}})
    insert = "mutation ($body: String) {insert_note(objects: {id: 1, body: $body}) {affected_rows}}"

    assert ranks.error(insert, {"body": ""}, **CHIEF)[0] == "permission-error"
    assert ranks.data(insert, {"body": "x"}, **CHIEF) == {"insert_note": {"affected_rows": 1}}


def test_parents_that_disagree_leave_the_role_without_the_permission(ranks: Client) -> None:
    _permit(ranks, "delete", "note", "boss", filter={})
    _permit(ranks, "delete", "note", "clerk", filter={"id": 1})
    ranks.metadata("add_inherited_role", {"role_name": "heir", "role_set": ["chief", "boss"]})

    report = ranks.metadata("get_inconsistent_metadata", {})

    assert report["is_consistent"] is False
    assert report["inconsistent_objects"] == [
        {
            "type": "inherited role permission inconsistency",
            "name": role,
            "reason": f"Could not inherit permission for the role '{role}' for the entity: "
            "'delete permission, table: note, source: 'default''",
            "entity": {
                "permission_type": "delete",
                "source": "default",
                "table": {"name": "note", "schema": "public"},
            },
        }
        for role in ("chief", "heir")
    ]
    error = ranks.error("mutation {delete_note(where: {}) {affected_rows}}", **CHIEF)
    assert error == ("validation-failed", "$", "no mutations exist")


def test_inherited_roles_may_inherit(ranks: Client) -> None:
    _permit(ranks, "select", "note", "reader", columns="*", filter={})
    ranks.metadata("add_inherited_role", {"role_name": "heir", "role_set": ["chief", "reader"]})
    ranks.sql("INSERT INTO note VALUES (1, 'n')")

    data = ranks.data(
        "{note {id} person(order_by: {id: asc}) {pay}}", X_Hasura_Role="heir", X_Hasura_User_Id="2"
    )

    assert data == {"note": [{"id": 1}], "person": [{"pay": None}, {"pay": 20}, {"pay": None}]}


@pytest.mark.parametrize(
    ("kind", "args", "code", "message"),
    [
        (
            "add_inherited_role",
            {"role_name": "clerk", "role_set": ["chief"]},
            "cyclic-dependency",
            'found cycle(s) in roles: ["chief","clerk"]',
        ),
        (
            "add_inherited_role",
            {"role_name": "x", "role_set": ["x"]},
            "invalid-params",
            "an inherited role name cannot be in the role combination",
        ),
        (
            "add_inherited_role",
            {"role_name": "x", "role_set": ["nobody"]},
            "invalid-configuration",
            'Inconsistent object: parent role "nobody" does not exist',
        ),
        (
            "drop_inherited_role",
            {"role_name": "clerk"},
            "not-exists",
            '"clerk" inherited role doesn\'t exist',
        ),
    ],
)
def test_roles_that_cannot_be_are_refused(
    ranks: Client, kind: str, args: Any, code: str, message: str
) -> None:
    assert ranks.refused(kind, args) == (400, code, "$.args", message)


def test_metadata_keeps_them_and_drops_broken_ones(ranks: Client) -> None:
    exported = ranks.metadata("export_metadata", {})
    assert exported["inherited_roles"] == [{"role_name": "chief", "role_set": ["clerk", "boss"]}]

    broken = {**exported, "inherited_roles": [{"role_name": "lost", "role_set": ["nobody"]}]}
    args = {"metadata": broken, "allow_inconsistent_metadata": True}
    report = ranks.metadata("replace_metadata", args, version=2)
    assert [each["name"] for each in report["inconsistent_objects"]] == ["inherited role lost"]

    ranks.metadata("drop_inconsistent_metadata", {})
    assert not ranks.metadata("export_metadata", {}).get("inherited_roles")
