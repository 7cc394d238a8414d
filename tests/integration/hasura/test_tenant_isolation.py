"""A session of one tenant never reads or changes anything of another: over every table and role that is shipped.

Tables, roles and columns come from the metadata and the served schema, so that a new one cannot be forgotten.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql
from tests.integration.hasura.engine import ADMIN_SECRET, Engine
from tests.integration.hasura.migrations import PROJECT

from frontdesk.hasura.project import read_project

Rows = psycopg.Connection[dict[str, Any]]
TABLES = {table["table"]["name"]: table for table in read_project(PROJECT).tables}
KINDS = ("select", "insert", "update", "delete")
ROLES = sorted(
    {
        entry["role"]
        for table in TABLES.values()
        for kind in KINDS
        for entry in table.get(f"{kind}_permissions", ())
    }
)
OURS, THEIRS = "a", "b"
IDS = (
    "auth0|ann",
    "auth0|bob",
    "auth0|eve",
)  # the same people in both tenants: only the tenant tells them apart
SCHEMA = """{ __schema { queryType { fields { name } } mutationType { fields { name } }
  types { name fields { name args { name } type { kind name ofType { kind name ofType { kind name
    ofType { kind name } } } } } } } }"""
# Each row of a tenant carries its mark in a value of every table, so an answer shows whose rows it holds.
STATEMENTS = {
    "users": """
        insert into users (tenant, user_id, name, blocked, deleted_at, identities, clocks, write_id)
        select %(tenant)s, id, %(mark)s, id = any(%(blocked)s::text[]),
               case when id = any(%(deleted)s::text[]) then now() end,
               jsonb_build_array(null, jsonb_build_object('provider', %(mark)s::text, 'user_id', id)),
               '{"profile": {"at": "2026-01-01T00:00:00Z", "source": "profile"}}', gen_random_uuid()
        from unnest(%(people)s::text[]) id""",
    "roles": "insert into roles (tenant, name, description) values (%(tenant)s, %(mark)s, %(mark)s)",
    "user_roles": """
        insert into user_roles (tenant, user_id, role)
        select %(tenant)s, id, %(mark)s from unnest(%(granted)s::text[]) id""",
    "organizations": "insert into organizations (tenant, id, name) values (%(tenant)s, %(mark)s, %(mark)s)",
    "organization_members": """
        insert into organization_members (tenant, organization_id, user_id, roles)
        select %(tenant)s, %(mark)s, id, jsonb_build_array(%(mark)s::text) from unnest(%(members)s::text[]) id""",
    "auth_activities": """
        insert into auth_activities (tenant, id, type, source, occurred_at, user_id)
        select %(tenant)s, %(mark)s::text || id, 's', %(mark)s, now(), id from unnest(%(active)s::text[]) id""",
}


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """Who there is in a tenant, and what of them."""

    people: tuple[str, ...] = IDS
    blocked: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    granted: tuple[str, ...] = IDS
    members: tuple[str, ...] = IDS
    active: tuple[str, ...] = IDS

    def fill(self, rows: Rows, tenant: str) -> None:
        there = set(self.people)
        values = {
            name: [each for each in getattr(self, name) if each in there] for name in self.__annotations__
        }
        for statement in STATEMENTS.values():
            rows.execute(statement.encode(), {**values, "tenant": tenant, "mark": mark(tenant)})


def mark(tenant: str) -> str:
    return f"of-tenant-{tenant}"


SOME = st.sets(st.sampled_from(IDS)).map(lambda ids: tuple(sorted(ids)))
DRAWN = st.builds(Tenant, people=SOME, blocked=SOME, deleted=SOME, granted=SOME, members=SOME, active=SOME)


def headers(role: str, user_id: str) -> dict[str, str]:
    """Return what makes a session of our tenant; Hasura takes the variables from it as it does from a token."""
    return {
        "x-hasura-admin-secret": ADMIN_SECRET,
        "x-hasura-role": role,
        "x-hasura-user-id": user_id,
        "x-hasura-tenant": OURS,
        **({"x-hasura-frontdesk-tenant": OURS} if role == "frontdesk" else {}),
        "x-hasura-use-backend-only-permissions": "true",
    }


class Served:
    """What a role is served, and the operations that ask for all of it."""

    def __init__(self, engine: Engine, role: str) -> None:
        schema = engine.ask(SCHEMA, headers(role, "x"))["data"]["__schema"]
        self._types = {each["name"]: each for each in schema["types"]}
        self.roots = [field["name"] for field in schema["queryType"]["fields"]]
        self.mutations = [field["name"] for field in (schema["mutationType"] or {"fields": []})["fields"]]

    def everything(self) -> str:
        """Return a query of every table with all its columns, what hangs on its rows, and how many there are."""
        tables = [name for name in self.roots if name in TABLES]
        asked = [f"{name} {{ {self._selection(name, deep=True)} }}" for name in tables]
        asked += [
            f"{name} {{ aggregate {{ count }} nodes {{ {self._selection(table, deep=False)} }} }}"
            for table in tables
            if (name := f"{table}_aggregate") in self.roots
        ]
        return f"{{ {' '.join(asked)} }}"

    def _selection(self, table: str, *, deep: bool) -> str:
        asked: list[str] = []
        for field in self._types[table]["fields"]:
            kind, name = _named(field["type"])
            if kind == "SCALAR":
                asked.append(field["name"])
            elif deep and name in TABLES:
                asked.append(f"{field['name']} {{ {self._selection(name, deep=False)} }}")
        return " ".join(asked)


def _named(kind: Mapping[str, Any]) -> tuple[str, str]:
    while kind.get("ofType"):
        kind = kind["ofType"]
    return kind["kind"], kind["name"]


@pytest.fixture
def served(engine: Engine) -> dict[str, Served]:
    """What each shipped role is served."""
    return {role: Served(engine, role) for role in ROLES}


def told(engine: Engine, served: Mapping[str, Served], role: str, user_id: str) -> dict[str, Any]:
    answer = engine.ask(served[role].everything(), headers(role, user_id))
    assert "errors" not in answer, answer
    data: dict[str, Any] = answer["data"]
    return data


def fill(rows: Rows, ours: Tenant, theirs: Tenant) -> None:
    for table in reversed(STATEMENTS):
        rows.execute(sql.SQL("delete from {}").format(sql.Identifier(table)))
    ours.fill(rows, OURS)
    theirs.fill(rows, THEIRS)


def of(rows: Rows, tenant: str) -> dict[str, list[dict[str, Any]]]:
    """Return every row of a tenant, by table."""
    query = "select * from {} where tenant = %s order by {}::text"
    return {
        table: rows.execute(
            sql.SQL(query).format(sql.Identifier(table), sql.Identifier(table)), [tenant]
        ).fetchall()
        for table in TABLES
    }


def changes(rows: Rows, table: str) -> list[str]:
    """Return mutations that would change every row of a table, or write theirs anew."""
    permissions = {
        kind: entry["permission"]
        for kind in KINDS
        for entry in TABLES[table].get(f"{kind}_permissions", ())
        if entry["role"] == "frontdesk"
    }
    asked = []
    theirs = of(rows, THEIRS)[table]
    if "update" in permissions and theirs:
        values = _object(table, permissions["update"]["columns"], theirs[0])
        asked.append(f"mutation {{ update_{table}(where: {{}}, _set: {values}) {{ affected_rows }} }}")
    if "insert" in permissions:
        names = " ".join(
            _graphql(table, each) for each in permissions.get("update", {"columns": []})["columns"]
        )
        clause = f"on_conflict: {{constraint: {table}_pkey, update_columns: [{names}]}}"
        asked += [
            f"mutation {{ insert_{table}(objects: [{_object(table, permissions['insert']['columns'], row)}], {clause})"
            f" {{ affected_rows }} }}"
            for row in theirs
        ]
    if "delete" in permissions:
        asked.append(f"mutation {{ delete_{table}(where: {{}}) {{ affected_rows }} }}")
    return asked


def _graphql(table: str, column: str) -> str:
    names: dict[str, str] = TABLES[table]["configuration"]["custom_column_names"]
    return names.get(column, column)


def _object(table: str, columns: list[str], row: Mapping[str, Any]) -> str:
    """Return what a row holds as an object of GraphQL; JSON goes as null, its literal would be no JSON."""
    plain = {column: row[column] for column in columns if not isinstance(row[column], dict | list)}
    return (
        "{" + ", ".join(f"{_graphql(table, c)}: {json.dumps(v, default=str)}" for c, v in plain.items()) + "}"
    )


on_sessions = settings(
    max_examples=12,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@on_sessions
@given(ours=DRAWN, theirs=DRAWN, user_id=st.sampled_from((*IDS, "auth0|nobody")))
def test_no_role_reads_anything_of_another_tenant(
    engine: Engine, rows: Rows, served: dict[str, Served], ours: Tenant, theirs: Tenant, user_id: str
) -> None:
    fill(rows, ours, theirs)

    for role in ROLES:
        seen = told(engine, served, role, user_id)

        assert mark(THEIRS) not in json.dumps(seen)
        own = of(rows, OURS)
        counts = {
            name: each["aggregate"]["count"] for name, each in seen.items() if name.endswith("_aggregate")
        }
        assert all(count <= len(own[name.removesuffix("_aggregate")]) for name, count in counts.items())


@on_sessions
@given(ours=DRAWN, theirs=DRAWN)
def test_no_role_changes_anything_of_another_tenant(
    engine: Engine, rows: Rows, ours: Tenant, theirs: Tenant
) -> None:
    fill(rows, ours, theirs)
    before = of(rows, THEIRS)

    for table in TABLES:
        for mutation in changes(rows, table):
            engine.ask(mutation, headers("frontdesk", IDS[0]))

    assert of(rows, THEIRS) == before


def test_the_drawn_rows_are_in_every_table_and_every_role_reads_its_own(
    engine: Engine, rows: Rows, served: dict[str, Served]
) -> None:
    fill(rows, Tenant(), Tenant())

    for role in ROLES:
        seen = told(engine, served, role, IDS[0])
        readable = {name for name in TABLES if name in served[role].roots}
        assert readable
        assert {name for name in readable if mark(OURS) in json.dumps(seen[name])} == readable
    assert all(of(rows, THEIRS).values())


def test_the_changes_that_are_tried_do_change_rows_of_their_own_tenant(engine: Engine, rows: Rows) -> None:
    fill(rows, Tenant(), Tenant())
    asked = [mutation for table in TABLES for mutation in changes(rows, table)]

    answers = [engine.ask(mutation, headers("frontdesk", IDS[0])) for mutation in asked]

    done = [answer for answer in answers if "errors" not in answer]
    assert len(done) > len(asked) / 2
    assert {kind for kind in KINDS for each in asked if f"{{ {kind}_" in each} == {
        "insert",
        "update",
        "delete",
    }
    assert of(rows, OURS) != of(rows, THEIRS)


def test_only_the_service_has_mutations(served: dict[str, Served]) -> None:
    assert {role for role in ROLES if served[role].mutations} == {"frontdesk"}
