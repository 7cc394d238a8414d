"""Who sees and changes what: the permissions of our metadata on a running engine."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from tests.integration.hasura.engine import ADMIN_SECRET, Engine
from tests.integration.hasura.histories import at, block, delete, login

from frontdesk.hasura.writes import UserWriter

Rows = psycopg.Connection[dict[str, Any]]
EVERYTHING = "{ users { userId } roles { name } user_roles { role } auth_activities { id } }"
FIELDS = "query Fields($name: String!) { __type(name: $name) { fields { name } inputFields { name } } }"
AS_FRONTDESK = {
    "x-hasura-admin-secret": ADMIN_SECRET,
    "x-hasura-role": "frontdesk",
    "x-hasura-use-backend-only-permissions": "true",
    "x-hasura-tenant": "default",
    "x-hasura-frontdesk-tenant": "default",
}
FRONTDESKS_MUTATION = (
    'mutation { insert_users(objects: [{userId: "auth0|new"}],'
    " on_conflict: {constraint: users_pkey, update_columns: [name]}) { affected_rows returning { userId } } }"
)


ADD_ACTIVITY = (
    "mutation Add($activity: auth_activities_insert_input!) { insert_auth_activities(objects: [$activity],"
    " on_conflict: {constraint: auth_activities_pkey, update_columns: []}) { affected_rows } }"
)
AN_ACTIVITY = {
    "id": "msg_1",
    "type": "ss",
    "source": "post-user-registration",
    "occurredAt": at(1).isoformat(),
}


@pytest.fixture
def people(engine: Engine, rows: Rows) -> None:
    """Ann and Bob with a role and an activity each, and an Ann of another tenant."""
    engine.upsert(
        login(1, roles=["editor"]),
        login(1, user_id="auth0|bob", name="bob", roles=["viewer"]),
        login(1, tenant="other", name="other ann", roles=["editor"]),
    )
    rows.execute(
        "insert into auth_activities (tenant, id, type, source, occurred_at, user_id, raw)"
        " select tenant, tenant || user_id, 's', 'test', now(), user_id, '{}' from users"
    )


def fields(engine: Engine, type_name: str, role: str) -> set[str]:
    """Return the field names that a role sees of a type."""
    answer = engine.ask(
        FIELDS, {**AS_FRONTDESK, "x-hasura-role": role, "x-hasura-user-id": "x"}, {"name": type_name}
    )
    found = answer["data"]["__type"]
    return {field["name"] for field in (found["fields"] or []) + (found["inputFields"] or [])}


@pytest.mark.usefixtures("people")
class TestUser:
    def test_sees_what_is_their_own_and_nothing_else(self, engine: Engine) -> None:
        answer = engine.bearer(
            "{ users { userId name lastSeen roles { role definition { name } } activities { type } }"
            " roles { name } user_roles { role } auth_activities { id } }"
        )

        assert answer["data"] == {
            "users": [
                {
                    "userId": "auth0|ann",
                    "name": "ann",
                    "lastSeen": at(1).isoformat(),
                    "roles": [{"role": "editor", "definition": {"name": "editor"}}],
                    "activities": [{"type": "s"}],
                }
            ],
            "roles": [{"name": "editor"}],
            "user_roles": [{"role": "editor"}],
            "auth_activities": [{"id": "defaultauth0|ann"}],
        }

    def test_cannot_find_another_persons_row(self, engine: Engine) -> None:
        answer = engine.bearer(
            '{ users(where: {userId: {_eq: "auth0|bob"}}) { userId }'
            ' users_by_pk(tenant: "other", userId: "auth0|ann") { userId } }'
        )

        assert answer["data"] == {"users": [], "users_by_pk": None}

    @pytest.mark.parametrize("end", [block(2), delete(2)], ids=["blocked", "deleted"])
    def test_sees_nothing_from_the_moment_that_they_are_blocked_or_deleted(
        self, engine: Engine, end: Any
    ) -> None:
        assert engine.bearer(EVERYTHING)["data"]["users"] == [{"userId": "auth0|ann"}]

        engine.upsert(end)

        assert engine.bearer(EVERYTHING)["data"] == {
            "users": [],
            "roles": [],
            "user_roles": [],
            "auth_activities": [],
        }

    @pytest.mark.parametrize(
        "column", ["appMetadata", "clocks", "writeId", "syncedAt", "blocked", "deletedAt", "auth0Roles"]
    )
    def test_sees_no_app_metadata_and_no_bookkeeping(self, engine: Engine, column: str) -> None:
        answer = engine.bearer(f"{{ users {{ {column} }} }}")

        assert answer["errors"][0]["message"] == f"field '{column}' not found in type: 'users'"

    @pytest.mark.parametrize("column", ["raw", "details"])
    def test_sees_no_raw_record(self, engine: Engine, column: str) -> None:
        assert "errors" in engine.bearer(f"{{ auth_activities {{ {column} }} }}")

    def test_changes_nothing(self, engine: Engine) -> None:
        answer = engine.bearer('mutation { update_users(where: {}, _set: {name: "x"}) { affected_rows } }')

        assert answer["errors"][0]["message"] == "no mutations exist"


@pytest.mark.usefixtures("people")
class TestUserAdmin:
    def test_sees_the_tenant_and_no_other(self, engine: Engine) -> None:
        answer = engine.bearer(
            "{ users(order_by: {userId: asc}) { tenant userId appMetadata blocked }"
            " users_aggregate { aggregate { count } } auth_activities { userId } roles { name } }",
            role="user_admin",
        )

        data = answer["data"]
        assert [(user["tenant"], user["userId"]) for user in data["users"]] == [
            ("default", "auth0|ann"),
            ("default", "auth0|bob"),
        ]
        assert data["users_aggregate"]["aggregate"]["count"] == 2
        assert len(data["auth_activities"]) == 2
        assert {role["name"] for role in data["roles"]} == {"editor", "viewer"}

    @pytest.mark.parametrize("end", [block(2), delete(2)], ids=["blocked", "deleted"])
    def test_sees_nothing_once_blocked_or_deleted(self, engine: Engine, end: Any) -> None:
        engine.upsert(end)

        data = engine.bearer(EVERYTHING, role="user_admin")["data"]
        assert data == {"users": [], "roles": [], "user_roles": [], "auth_activities": []}

    def test_sees_nothing_without_a_row_of_their_own(self, engine: Engine) -> None:
        data = engine.bearer(EVERYTHING, role="user_admin", user_id="auth0|nobody")["data"]

        assert data == {"users": [], "roles": [], "user_roles": [], "auth_activities": []}


@pytest.mark.usefixtures("people")
class TestFrontdeskInAToken:
    """The service's role must be worth nothing to whoever gets a token with it."""

    @pytest.mark.parametrize("table", ["users", "roles", "user_roles", "auth_activities"])
    @pytest.mark.parametrize("field", ["{0} {{ __typename }}", "{0}_aggregate {{ aggregate {{ count }} }}"])
    def test_reads_nothing(self, engine: Engine, table: str, field: str) -> None:
        answer = engine.bearer(f"{{ {field.format(table)} }}", role="frontdesk")

        assert "data" not in answer
        assert answer["errors"][0]["extensions"]["code"] in ("validation-failed", "not-found")
        assert answer["errors"][0]["message"].startswith(("field '", "missing session variable"))

    @pytest.mark.parametrize("header", [{}, {"x-hasura-use-backend-only-permissions": "true"}])
    def test_writes_nothing(self, engine: Engine, rows: Rows, header: dict[str, str]) -> None:
        answer = engine.bearer(FRONTDESKS_MUTATION, role="frontdesk", headers=header)

        assert answer["errors"][0]["message"] == "no mutations exist"
        assert rows.execute("select 1 from users where user_id = 'auth0|new'").fetchone() is None

    def test_cannot_be_chosen_by_a_token_of_another_role(self, engine: Engine) -> None:
        answer = engine.bearer(EVERYTHING, role="user", headers={"x-hasura-role": "frontdesk"})

        assert answer["errors"][0]["extensions"]["code"] == "access-denied"


class TestFrontdesk:
    """The service's own role, with the admin secret."""

    def test_writes_only_with_the_header_for_backends(self, engine: Engine) -> None:
        headers = {**AS_FRONTDESK, "x-hasura-use-backend-only-permissions": "false"}

        assert "errors" in engine.ask(FRONTDESKS_MUTATION, headers)
        assert engine.ask(FRONTDESKS_MUTATION, AS_FRONTDESK)["data"]["insert_users"]["affected_rows"] == 1

    def test_writes_only_in_the_tenant_of_its_session(self, engine: Engine, rows: Rows) -> None:
        engine.ask(FRONTDESKS_MUTATION, {**AS_FRONTDESK, "x-hasura-tenant": "acme"})

        assert [row["tenant"] for row in rows.execute("select tenant from users").fetchall()] == ["acme"]
        assert "tenant" not in fields(engine, "users_insert_input", "frontdesk")

    def test_makes_no_tombstone_but_by_the_clocks(self, engine: Engine) -> None:
        assert not fields(engine, "users_insert_input", "frontdesk") & {"deletedAt", "syncedAt", "tenant"}
        assert not fields(engine, "users_set_input", "frontdesk") & {"deletedAt", "syncedAt", "userId"}

    def test_has_no_mutation_on_grants_and_none_that_changes_an_activity_or_a_pointer(
        self, engine: Engine
    ) -> None:
        mutations = fields(engine, "mutation_root", "frontdesk")

        assert not {name for name in mutations if name.startswith(("insert_user_roles", "delete_user_roles"))}
        assert not {name for name in mutations if "auth_activities" in name and name.startswith("update")}
        assert {name for name in mutations if "user_merges" in name} == {"delete_user_merges"}

    @pytest.mark.parametrize("header", ["x-hasura-tenant", "x-hasura-frontdesk-tenant"])
    def test_reads_the_tenant_of_its_session_and_no_other(
        self, engine: Engine, writer: UserWriter, header: str
    ) -> None:
        writer.write(login(1), budget_s=10)

        here = engine.ask("{ users { userId clocks } users_aggregate { aggregate { count } } }", AS_FRONTDESK)
        there = engine.ask("{ users { userId } }", {**AS_FRONTDESK, header: "other"})

        assert [user["userId"] for user in here["data"]["users"]] == ["auth0|ann"]
        assert here["data"]["users_aggregate"]["aggregate"]["count"] == 1
        assert there["data"]["users"] == []

    def test_adds_activities_in_the_tenant_of_its_session_and_as_a_backend_only(
        self, engine: Engine, rows: Rows
    ) -> None:
        in_public = {**AS_FRONTDESK, "x-hasura-use-backend-only-permissions": "false"}

        assert "errors" in engine.ask(ADD_ACTIVITY, in_public, {"activity": AN_ACTIVITY})
        engine.ask(ADD_ACTIVITY, {**AS_FRONTDESK, "x-hasura-tenant": "acme"}, {"activity": AN_ACTIVITY})
        engine.ask(ADD_ACTIVITY, AS_FRONTDESK, {"activity": {**AN_ACTIVITY, "tenant": "other"}})

        assert rows.execute("select tenant, id from auth_activities").fetchall() == [
            {"tenant": "acme", "id": "msg_1"}
        ]

    def test_changes_no_activity_and_reads_no_more_than_whose_and_when(
        self, engine: Engine, rows: Rows
    ) -> None:
        engine.ask(ADD_ACTIVITY, AS_FRONTDESK, {"activity": AN_ACTIVITY})

        again = engine.ask(ADD_ACTIVITY, AS_FRONTDESK, {"activity": {**AN_ACTIVITY, "type": "scp"}})
        upsert = engine.ask(
            ADD_ACTIVITY.replace("update_columns: []", "update_columns: [type]"),
            AS_FRONTDESK,
            {"activity": {**AN_ACTIVITY, "type": "scp"}},
        )

        assert again["data"]["insert_auth_activities"]["affected_rows"] == 0
        assert "errors" in upsert
        assert rows.execute("select type from auth_activities").fetchall() == [{"type": "ss"}]
        assert "receivedAt" not in fields(engine, "auth_activities_insert_input", "frontdesk")
        assert fields(engine, "auth_activities", "frontdesk") == {"id", "occurredAt", "userId", "user"}


@pytest.mark.usefixtures("people")
def test_without_a_token_there_is_nothing(engine: Engine) -> None:
    answer = engine.ask(EVERYTHING, {})

    assert "data" not in answer
    assert answer["errors"][0]["extensions"]["code"] == "invalid-headers"


@pytest.mark.usefixtures("people")
def test_an_anonymous_role_sees_nothing(engine: Engine) -> None:
    answer = engine.ask(EVERYTHING, {"x-hasura-admin-secret": ADMIN_SECRET, "x-hasura-role": "anonymous"})

    assert "not found in type: 'query_root'" in answer["errors"][0]["message"]
