"""Writes through a running engine: the product's writer, next to what teams bring along."""

from __future__ import annotations

from typing import Any

import psycopg
from tests.integration.hasura.conftest import only_row
from tests.integration.hasura.engine import Engine
from tests.integration.hasura.histories import at, block, delete, full_profile, login, refresh

from frontdesk.hasura.writes import UserWriter

Rows = psycopg.Connection[dict[str, Any]]
BUDGET_S = 10.0
TUTORIAL_QUERY = "query {users {userId userName lastSeen}}"
TUTORIAL_MUTATION = """
mutation Auth0SyncUsersAction($userId: String!, $userName: String) {
  insert_users_one(object: {userId: $userId, userName: $userName}, on_conflict: {constraint: users_pkey, update_columns: userName}) {
    userId
    userName
  }
}
"""  # noqa: E501 - word for word


def tutorial(engine: Engine, name: str) -> None:
    engine.admin(TUTORIAL_MUTATION, {"userId": "auth0|ann", "userName": name})


def test_a_login_is_written_with_everything_that_it_carries(writer: UserWriter, rows: Rows) -> None:
    stored = writer.write(login(1, name="ann", count=3), budget_s=BUDGET_S)

    row = only_row(rows)
    assert (stored.blocked, stored.deleted_at, stored.granted_roles) == (False, None, ())
    assert (row["tenant"], row["name"], row["app_metadata"]) == ("default", "ann", {"plan": "ann"})
    assert (row["last_login"], row["last_ip"], row["logins_count"]) == (at(1), "192.0.2.1", 3)
    assert row["auth0_roles"] == ["editor"]


def test_the_tutorials_own_row_is_taken_over(engine: Engine, writer: UserWriter, rows: Rows) -> None:
    tutorial(engine, "tutorial")
    seen = engine.admin(TUTORIAL_QUERY)["users"]
    assert [(user["userId"], user["userName"]) for user in seen] == [("auth0|ann", "tutorial")]
    assert seen[0]["lastSeen"] is not None

    writer.write(login(1), budget_s=BUDGET_S)
    tutorial(engine, "again")

    row = only_row(rows)
    assert (row["name"], row["user_name"], row["last_seen"]) == ("ann", None, at(1))


def test_a_stale_login_still_learns_what_the_database_knows(
    engine: Engine, writer: UserWriter, rows: Rows
) -> None:
    engine.upsert(login(5), block(6), delete(7))
    engine.admin(
        'mutation { insert_roles_one(object: {name: "support"}) { name }'
        ' insert_user_roles_one(object: {userId: "auth0|ann", role: "support"}) { role } }'
    )
    before = only_row(rows)

    stored = writer.write(login(1), budget_s=BUDGET_S)

    assert (stored.blocked, stored.deleted_at, stored.granted_roles) == (True, at(7), ("support",))
    assert only_row(rows) == before


def test_the_grants_that_auth0_assigned_are_not_read_back(writer: UserWriter) -> None:
    first = writer.write(login(1, roles=["editor"]), budget_s=BUDGET_S)
    second = writer.write(login(2, roles=["editor"]), budget_s=BUDGET_S)

    assert first.granted_roles == second.granted_roles == ()


def test_an_organization_login_writes_no_grant(writer: UserWriter, rows: Rows) -> None:
    writer.write(refresh(1), budget_s=BUDGET_S)  # a session in an organization carries no roles group

    assert only_row(rows)["organization_id"] == "org_1"
    assert rows.execute("select * from user_roles").fetchall() == []


def test_two_tenants_with_one_user_id_stay_apart(writer: UserWriter, rows: Rows) -> None:
    writer.write(login(1, name="here"), budget_s=BUDGET_S)
    writer.write(login(1, name="there", tenant="other"), budget_s=BUDGET_S)

    names = rows.execute("select tenant, name from users order by tenant").fetchall()
    assert [tuple(row.values()) for row in names] == [("default", "here"), ("other", "there")]


def test_an_edit_in_the_console_passes_only_where_no_login_has_written(
    engine: Engine, writer: UserWriter, rows: Rows
) -> None:
    writer.write(login(1), budget_s=BUDGET_S)

    engine.admin(
        'mutation { update_users(where: {}, _set: {name: "edited", blocked: true}) { affected_rows } }'
    )

    row = only_row(rows)
    assert (row["name"], row["blocked"]) == ("ann", True)


def test_unusual_user_ids_arrive_as_they_are(writer: UserWriter, rows: Rows) -> None:
    user_ids = ["auth0|ann b", "samlp|corp|ann@example.com", "oauth2|ünïcødé-人", "x" * 300, "a'\"\\;--"]

    for user_id in user_ids:
        writer.write(login(1, user_id=user_id), budget_s=BUDGET_S)

    found = rows.execute("select user_id from users").fetchall()
    assert {row["user_id"] for row in found} == set(user_ids)


def test_all_kinds_of_payload_in_two_orders_end_in_the_same_row(engine: Engine, rows: Rows) -> None:
    history = [
        login(1, count=1),
        login(2, omitted=True, roles=["viewer"], count=2),
        refresh(3),
        full_profile(3, name="profile", blocked=True),
        block(4, blocked=False),
        delete(5),
        refresh(11, name="again", born=10),
        login(11, name="again", born=10, count=1),
    ]
    engine.upsert(*history)
    first = only_row(rows)
    rows.execute("delete from users")

    engine.upsert(*reversed(history), *history[::2])

    assert only_row(rows) == first
    assert (first["name"], first["blocked"], first["deleted_at"]) == ("again", False, None)
