"""Roles, organizations and members as Auth0 has them, and the erasing of one user."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from tests.integration.hasura.engine import ADMIN_SECRET, Engine
from tests.integration.hasura.histories import at, login
from tests.integration.hasura.test_linked_accounts import LINKED, profile

from frontdesk.hasura.directory import Directory, Dropped, MemberRow, OrganizationRow, RoleRow

Rows = psycopg.Connection[dict[str, Any]]
BUDGET_S = 20.0
EDITOR = RoleRow(name="editor", auth0_id="rol_1", description="edits")
VIEWER = RoleRow(name="viewer", auth0_id="rol_2")
ACME = OrganizationRow(id="org_1", name="acme", display_name="Acme", metadata={"region": "eu"})
ANNS = MemberRow(organization_id="org_1", user_id="auth0|ann", roles=("owner", "editor"))


@pytest.fixture
def directory(engine: Engine) -> Iterator[Directory]:
    """The writer that the product uses, on the running engine."""
    made = Directory(engine.url, ADMIN_SECRET)
    yield made
    made.close()


def read(rows: Rows, what: str) -> list[tuple[Any, ...]]:
    found = rows.execute(what.encode()).fetchall()
    return [tuple(row.values()) for row in found]


class TestRoles:
    def test_are_written_by_name_and_take_over_what_a_grant_has_made(
        self, engine: Engine, directory: Directory, rows: Rows
    ) -> None:
        engine.upsert(login(1, roles=["editor"]))

        assert directory.write_roles("default", [EDITOR, VIEWER], budget_s=BUDGET_S) == ()

        assert read(rows, "select tenant, name, auth0_id, description from roles order by name") == [
            ("default", "editor", "rol_1", "edits"),
            ("default", "viewer", "rol_2", None),
        ]

    def test_that_are_gone_lose_their_row_or_only_their_id(
        self, engine: Engine, directory: Directory, rows: Rows
    ) -> None:
        engine.upsert(login(1, roles=["editor"]))
        directory.write_roles("default", [EDITOR, VIEWER], budget_s=BUDGET_S)
        directory.write_roles("other", [VIEWER], budget_s=BUDGET_S)
        rows.execute("insert into roles (name) values ('peoples')")

        dropped = directory.drop_roles("default", known=[], budget_s=BUDGET_S)

        assert dropped == Dropped(rows=1, kept=1)
        assert read(rows, "select tenant, name, auth0_id from roles order by 1, 2") == [
            ("default", "editor", None),
            ("default", "peoples", None),
            ("other", "viewer", "rol_2"),
        ]

    def test_that_are_known_stay(self, directory: Directory, rows: Rows) -> None:
        directory.write_roles("default", [EDITOR, VIEWER], budget_s=BUDGET_S)

        assert directory.drop_roles("default", known=[EDITOR, VIEWER], budget_s=BUDGET_S) == Dropped(rows=0)

    def test_that_have_another_name_now_move_their_id(
        self, engine: Engine, directory: Directory, rows: Rows
    ) -> None:
        engine.upsert(login(1, roles=["editor"]))
        directory.write_roles("default", [EDITOR], budget_s=BUDGET_S)
        renamed = RoleRow(name="author", auth0_id="rol_1")
        directory.write_roles("default", [renamed], budget_s=BUDGET_S)

        directory.drop_roles("default", known=[renamed], budget_s=BUDGET_S)

        assert read(rows, "select name, auth0_id from roles order by name") == [
            ("author", "rol_1"),
            ("editor", None),
        ]

    def test_that_no_key_holds_are_refused_alone(self, directory: Directory, rows: Rows) -> None:
        bad = RoleRow(name="x" * 401, auth0_id="rol_3")

        (refused,) = directory.write_roles("default", [EDITOR, bad, VIEWER], budget_s=BUDGET_S)

        assert refused.row == bad
        assert read(rows, "select count(*) from roles") == [(2,)]


class TestOrganizations:
    def test_and_members_are_written_with_the_time_of_their_reading(
        self, engine: Engine, directory: Directory, rows: Rows
    ) -> None:
        engine.upsert(login(1))

        assert directory.write_organizations("default", [ACME], read_at=at(1), budget_s=BUDGET_S) == ()
        assert directory.write_members("default", [ANNS], read_at=at(1), budget_s=BUDGET_S) == ()

        assert read(rows, "select * from organizations") == [
            ("default", "org_1", "acme", "Acme", {"region": "eu"}, at(1))
        ]
        assert read(rows, "select * from organization_members") == [
            ("default", "org_1", "auth0|ann", ["editor", "owner"], at(1))
        ]

    @pytest.mark.parametrize("order", [1, -1])
    def test_the_newest_reading_wins(
        self, engine: Engine, directory: Directory, rows: Rows, order: int
    ) -> None:
        engine.upsert(login(1))
        for minutes in (1, 2)[::order]:
            named = OrganizationRow(id="org_1", name=f"n{minutes}")
            placed = MemberRow(organization_id="org_1", user_id="auth0|ann", roles=(f"r{minutes}",))
            directory.write_organizations("default", [named], read_at=at(minutes), budget_s=BUDGET_S)
            directory.write_members("default", [placed], read_at=at(minutes), budget_s=BUDGET_S)

        assert read(rows, "select name, read_at from organizations") == [("n2", at(2))]
        assert read(rows, "select roles, read_at from organization_members") == [(["r2"], at(2))]

    def test_a_member_without_a_row_is_refused_alone(
        self, engine: Engine, directory: Directory, rows: Rows
    ) -> None:
        engine.upsert(login(1), login(1, user_id="auth0|zoe"))
        directory.write_organizations("default", [ACME], read_at=at(1), budget_s=BUDGET_S)
        members = [ANNS, *(MemberRow(organization_id="org_1", user_id=f"auth0|{n}") for n in ("bob", "zoe"))]

        (refused,) = directory.write_members("default", members, read_at=at(1), budget_s=BUDGET_S)

        assert refused.row == members[1]
        assert "constraint-violation" in refused.detail
        assert read(rows, "select count(*) from organization_members") == [(2,)]

    def test_what_a_complete_reading_has_not_seen_goes(
        self, engine: Engine, directory: Directory, rows: Rows
    ) -> None:
        engine.upsert(login(1), login(1, user_id="auth0|bob"))
        old = OrganizationRow(id="org_2", name="old")
        theirs = [ANNS, MemberRow(organization_id="org_1", user_id="auth0|bob")]
        directory.write_organizations("default", [ACME, old], read_at=at(1), budget_s=BUDGET_S)
        directory.write_organizations("other", [old], read_at=at(1), budget_s=BUDGET_S)
        directory.write_members("default", theirs, read_at=at(1), budget_s=BUDGET_S)
        directory.write_organizations("default", [ACME], read_at=at(2), budget_s=BUDGET_S)
        directory.write_members("default", [ANNS], read_at=at(2), budget_s=BUDGET_S)

        dropped = directory.drop_organizations("default", before=at(2), budget_s=BUDGET_S)

        assert dropped.rows == 2
        assert read(rows, "select tenant, id from organizations order by 1, 2") == [
            ("default", "org_1"),
            ("other", "org_2"),
        ]
        assert read(rows, "select user_id from organization_members") == [("auth0|ann",)]


def test_nothing_of_an_erased_user_is_left_and_the_receipt_counts_it(
    engine: Engine, directory: Directory, rows: Rows
) -> None:
    engine.upsert(login(1, user_id=LINKED, roles=[]), profile(2, LINKED), login(3, tenant="other"))
    engine.upsert(login(4, roles=["editor", "viewer"], user_id="auth0|bob"))
    directory.write_organizations("default", [ACME], read_at=at(1), budget_s=BUDGET_S)
    directory.write_members("default", [ANNS], read_at=at(1), budget_s=BUDGET_S)
    rows.execute("insert into user_roles (user_id, role) values ('auth0|ann', 'viewer')")
    rows.execute(
        "insert into auth_activities (tenant, id, type, source, occurred_at, user_id)"
        " select tenant, n::text || tenant, 's', 'test', now(), 'auth0|ann'"
        " from generate_series(1, 3) n, (values ('default'), ('other')) tenants (tenant)"
    )

    receipt = directory.erase_user("default", "auth0|ann", budget_s=BUDGET_S)

    assert receipt == {
        "users": 1,
        "user_roles": 1,
        "organization_members": 1,
        "user_merges": 1,
        "auth_activities": 3,
    }
    assert read(rows, "select tenant, user_id from users order by 1, 2") == [
        ("default", "auth0|bob"),
        ("default", LINKED),
        ("other", "auth0|ann"),
    ]
    assert read(rows, "select count(*) from auth_activities") == [(3,)]
    assert set(directory.erase_user("default", "auth0|ann", budget_s=BUDGET_S).values()) == {0}
