"""Roles and organizations with their members: page by page, and never user by user."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import pytest
from tests.integration.auth0.reading_server import (
    CREDENTIALS,
    Asked,
    ReadingServer,
    Reply,
    as_json,
    refusal,
    some_users,
)

from frontdesk.auth0.everyone import choose_way, count, read_everybody
from frontdesk.auth0.management import ManagementApi
from frontdesk.auth0.organizations import (
    Member,
    OrganizationGone,
    TenantOrganization,
    organization_members,
    read_organizations,
)
from frontdesk.auth0.roles import Role, RoleGone, read_roles, role_members
from frontdesk.auth0.single_user import read_user
from frontdesk.errors import Auth0Error, Auth0Rejected, Auth0ScopeMissing, Auth0Unavailable

EDITOR = Role(id="rol_1", name="Editor")
ACME = TenantOrganization(id="org_1", name="acme")


def some_members(number: int) -> list[dict[str, Any]]:
    return [{"user_id": f"auth0|{index}", "email": "x@example.com"} for index in range(number)]


def members_of_role(server: ReadingServer) -> list[str]:
    with ManagementApi(server.url, CREDENTIALS) as api:
        return [user_id for page in role_members(api, EDITOR) for user_id in page]


@pytest.mark.parametrize("number", [0, 1, 100, 101, 1000])
def test_all_roles_are_read_by_the_hundred(number: int) -> None:
    roles = [{"id": f"rol_{index}", "name": f"Role {index}", "description": "…"} for index in range(number)]
    with ReadingServer(lists={"/roles": roles}) as server, ManagementApi(server.url, CREDENTIALS) as api:
        found = read_roles(api)

        assert [(role.id, role.name, role.description) for role in found] == [
            (role["id"], role["name"], "…") for role in roles
        ]
        assert server.count("/api/v2/roles") == min(10, number // 100 + 1)


def test_a_role_deleted_meanwhile_moves_no_other_one_out_of_sight() -> None:
    roles = [{"id": f"rol_{index}", "name": f"Role {index}"} for index in range(250)]
    deletions = [roles[3], roles[120]]

    def deletes(asked: Asked) -> None:
        if asked.query.get("page") == "1" and deletions:
            server.lists["/roles"].remove(deletions.pop())

    with ReadingServer(lists={"/roles": roles}, fault=deletes) as server:
        with ManagementApi(server.url, CREDENTIALS) as api:
            found = read_roles(api)

        assert [role.id for role in found] == [role["id"] for role in server.lists["/roles"]]
        assert len(found) == 248


@pytest.mark.parametrize("ends_with_an_empty_page", [True, False])
@pytest.mark.parametrize("number", [0, 1, 100, 250])
def test_everybody_with_a_role_is_read_however_the_list_ends(
    number: int, ends_with_an_empty_page: bool
) -> None:
    lists = {"/roles/rol_1/users": some_members(number)}
    with ReadingServer(lists=lists, ends_with_an_empty_page=ends_with_an_empty_page) as server:
        assert members_of_role(server) == [f"auth0|{index}" for index in range(number)]


def test_a_role_that_is_deleted_while_it_is_read_is_told_apart_from_an_error() -> None:
    def deleted_after_a_page(asked: Asked) -> Reply | None:
        return refusal(404, "The role does not exist.") if "from" in asked.query else None

    lists = {"/roles/rol_1/users": some_members(300)}
    with (
        ReadingServer(lists=lists, fault=deleted_after_a_page) as server,
        pytest.raises(RoleGone, match="the role Editor was deleted at Auth0"),
    ):
        members_of_role(server)


def test_a_list_that_goes_round_in_a_circle_ends_in_an_error() -> None:
    circle = as_json({"users": some_members(2), "next": "again"})
    with (
        ReadingServer(fault=lambda asked: circle if "roles" in asked.path else None) as server,
        pytest.raises(Auth0Unavailable, match="goes round in a circle"),
    ):
        members_of_role(server)


@pytest.mark.parametrize("ends_with_an_empty_page", [True, False])
def test_organizations_come_with_members_and_their_roles_there(ends_with_an_empty_page: bool) -> None:
    organizations: list[dict[str, Any]] = [
        {"id": f"org_{index}", "name": f"acme-{index}", "display_name": "Acme", "metadata": {"tier": "1"}}
        for index in range(130)
    ]
    organizations[1] = {"id": "org_1", "name": "acme"}
    members: list[dict[str, Any]] = [
        {"user_id": "auth0|1", "roles": [{"id": "rol_1", "name": "Editor"}]},
        {"user_id": "auth0|2"},
    ]
    lists = {"/organizations": organizations, "/organizations/org_1/members": members}
    with (
        ReadingServer(lists=lists, ends_with_an_empty_page=ends_with_an_empty_page) as server,
        ManagementApi(server.url, CREDENTIALS) as api,
    ):
        found = list(read_organizations(api))
        people = list(organization_members(api, ACME))

        asked = next(asked for asked in server.asked if asked.path.endswith("/members"))
    assert len(found) == 130
    assert found[0] == TenantOrganization(
        id="org_0", name="acme-0", display_name="Acme", metadata={"tier": "1"}
    )
    assert found[1] == ACME
    assert people == [(Member(user_id="auth0|1", roles=("Editor",)), Member(user_id="auth0|2"))]
    assert (asked.query["fields"], asked.query["include_fields"]) == ("user_id,roles", "true")


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (refusal(404, "No organization found by that id"), OrganizationGone),
        (
            refusal(
                403,
                "Insufficient scope, expected any of: read:organization_member_roles",
                "insufficient_scope",
            ),
            Auth0ScopeMissing,
        ),
        (refusal(400, "the checkpoint is too old"), Auth0Rejected),
        (as_json({"members": "none"}), Auth0Unavailable),
    ],
    ids=["deleted", "scope", "checkpoint", "no list"],
)
def test_members_that_cannot_be_read_are_an_error_of_their_kind(
    reply: Reply, error: type[Auth0Error]
) -> None:
    with (
        ReadingServer(fault=lambda asked: reply if "members" in asked.path else None) as server,
        ManagementApi(server.url, CREDENTIALS) as api,
        pytest.raises(error),
    ):
        list(organization_members(api, ACME))


def test_the_calls_grow_with_pages_roles_and_organizations_and_never_with_users() -> None:
    roles = [{"id": f"rol_{index}", "name": f"Role {index}"} for index in range(5)]
    organizations = [{"id": f"org_{index}", "name": f"acme-{index}"} for index in range(2)]
    users = some_users(2000)
    lists: dict[str, list[dict[str, Any]]] = {"/roles": roles, "/organizations": organizations}
    lists |= {f"/roles/{role['id']}/users": users[:150] for role in roles}
    lists |= {f"/organizations/{each['id']}/members": users[:150] for each in organizations}
    with ReadingServer(users, lists=lists) as server, ManagementApi(server.url, CREDENTIALS) as api:
        with read_everybody(api, choose_way(2000, job_from_users=5000), total=count(api)) as reading:
            assert sum(1 for _ in reading.records()) == 2000
        assert sum(len(page) for role in read_roles(api) for page in role_members(api, role)) == 750
        assert (
            sum(len(page) for each in read_organizations(api) for page in organization_members(api, each))
            == 300
        )

        calls = dict(api.calls)
    assert calls == {
        "POST /oauth/token": 1,
        "GET /users": calls["GET /users"],
        "GET /roles": 1,
        "GET /roles/{id}/users": 10,
        "GET /organizations": 1,
        "GET /organizations/{id}/members": 4,
    }
    assert calls["GET /users"] <= 2000 / 99 + 4


ODD_IDS = ["auth0|1", "samlp|acme|a/b%2F#?&+é🚀", "oauth2|x|..", "..", "a b;c=d"]


@pytest.fixture
def tenant() -> Iterator[ReadingServer]:
    def knows_odd_ids(asked: Asked) -> Reply | None:
        if not asked.path.startswith("/api/v2/users/"):
            return None
        user_id = unquote(asked.path.removeprefix("/api/v2/users/"))
        if user_id in ODD_IDS:
            return as_json({"user_id": user_id, "email": "x@example.com"})
        if user_id == "social":
            identity = {
                "provider": "x",
                "access_token": "t",
                "access_token_secret": "s",
                "refresh_token": "r",
            }
            return as_json({"user_id": user_id, "identities": [identity]})
        if user_id == "linked":
            return as_json({"user_id": "primary"})
        if user_id == "terse":
            return refusal(404, "The user does not exist.")
        if user_id.startswith("proxy"):
            return refusal(404, "Not Found")
        return refusal(404, "The user does not exist.", "inexistent_user")

    with ReadingServer(fault=knows_odd_ids) as server:
        yield server


@pytest.mark.parametrize("user_id", ODD_IDS)
def test_a_single_user_is_read_whatever_the_id(tenant: ReadingServer, user_id: str) -> None:
    with ManagementApi(tenant.url, CREDENTIALS) as api:
        assert read_user(api, user_id) == {"user_id": user_id, "email": "x@example.com"}


def test_tokens_of_upstream_providers_are_left_at_auth0(tenant: ReadingServer) -> None:
    with ManagementApi(tenant.url, CREDENTIALS) as api:
        assert read_user(api, "social") == {"user_id": "social", "identities": [{"provider": "x"}]}


@pytest.mark.parametrize("user_id", ["gone", "terse", "linked", ""])
def test_somebody_who_is_no_user_any_more_is_none(tenant: ReadingServer, user_id: str) -> None:
    with ManagementApi(tenant.url, CREDENTIALS) as api:
        assert read_user(api, user_id) is None
    if not user_id:
        assert tenant.asked == [], "an empty id is the path of the whole list"


@pytest.mark.parametrize("user_id", ["proxy", "proxy: The user does not exist."])
def test_a_404_of_somebody_else_deletes_nobody(tenant: ReadingServer, user_id: str) -> None:
    with ManagementApi(tenant.url, CREDENTIALS) as api, pytest.raises(Auth0Rejected, match="Not Found"):
        read_user(api, user_id)
