"""Roles and organizations by the Management API: written, read by page and by checkpoint, and in force at logins."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from auth0.management.client import Auth0
from tests.integration.localauth0.acme import (
    ANA,
    BLOCKED,
    GOOGLE_USER,
    RBAC_API,
    SAML_USER,
    SMS_USER,
    Browser,
)
from tests.integration.localauth0.jwts import verified
from tests.integration.localauth0.managed import Operator

from localauth0 import LocalAuth0

EDITOR, OWNER, GLOBEX = "rol_0000000000000001", "rol_0000000000000002", "org_0000000000000001"
EVERYBODY = [ANA, BLOCKED, GOOGLE_USER, SMS_USER, SAML_USER]


def user_path(user_id: str, rest: str) -> str:
    return f"/users/{quote(user_id, safe='')}/{rest}"


def walked(operator: Operator, path: str, key: str, **query: Any) -> list[list[str]]:
    """The user ids of all parts of a list by checkpoint, until there is no further part."""
    parts, asked = [], {"take": 2, **query}
    while True:
        answer = operator.answer("GET", path, params=asked)
        parts.append([member["user_id"] for member in answer[key]])
        if "next" not in answer:
            return parts
        asked["from"] = answer["next"]


def granted(tenant: LocalAuth0) -> list[str]:
    """The permissions in a new token of Ana."""
    with Browser(tenant.url) as browser:
        token = browser.tokens(audience=RBAC_API, scope="openid read:things write:things")["access_token"]
    return sorted(verified(tenant, token, audience=RBAC_API)["permissions"])


def test_a_role_is_made_changed_and_deleted(operator: Operator) -> None:
    role = operator.answer("POST", "/roles", {"name": "Reader", "description": "Reads"})

    changed = operator.answer("PATCH", f"/roles/{role['id']}", {"description": "Reads all"})

    assert changed == {"id": role["id"], "name": "Reader", "description": "Reads all"}
    assert operator.answer("GET", f"/roles/{role['id']}") == changed
    assert operator.refusal("POST", "/roles", {"name": "Reader"})[0] == 409
    assert operator.answer("DELETE", f"/roles/{role['id']}") == {}
    assert operator.refusal("GET", f"/roles/{role['id']}")[0] == 404


def test_the_users_of_a_role_come_by_page_or_by_checkpoint(operator: Operator) -> None:
    path = f"/roles/{OWNER}/users"
    assert operator.answer("POST", path, {"users": EVERYBODY}) == {}

    parts = walked(operator, path, "users")
    page = operator.answer("GET", path, params={"per_page": 2, "page": 1, "include_totals": "true"})

    assert [len(part) for part in parts] == [2, 2, 1]
    assert [user_id for part in parts for user_id in part] == sorted(EVERYBODY)
    assert {key: page[key] for key in ("start", "limit", "total")} == {"start": 2, "limit": 2, "total": 5}
    assert [user["user_id"] for user in page["users"]] == sorted(EVERYBODY)[2:4]


def test_a_list_by_checkpoint_shows_nobody_twice_when_its_last_one_goes(operator: Operator) -> None:
    path = f"/roles/{OWNER}/users"
    operator.answer("POST", path, {"users": EVERYBODY})
    first = operator.answer("GET", path, params={"take": 2})
    last_seen = first["users"][-1]["user_id"]

    operator.answer("DELETE", user_path(last_seen, "roles"), {"roles": [OWNER]})
    rest = operator.answer("GET", path, params={"take": 50, "from": first["next"]})

    assert [user["user_id"] for user in rest["users"]] == sorted(EVERYBODY)[2:]


def test_absent_attributes_of_a_member_are_absent(operator: Operator) -> None:
    operator.answer("POST", f"/roles/{OWNER}/users", {"users": [SMS_USER]})

    assert operator.answer("GET", f"/roles/{OWNER}/users") == [{"user_id": SMS_USER}]


def test_a_user_is_given_roles_and_loses_them(operator: Operator) -> None:
    path = user_path(SAML_USER, "roles")

    operator.answer("POST", path, {"roles": [EDITOR, OWNER]})
    with_both = operator.answer("GET", path, params={"include_totals": "true"})
    operator.answer("DELETE", path, {"roles": [OWNER]})

    assert [role["name"] for role in with_both["roles"]] == ["Editor", "Owner"]
    assert [role["id"] for role in operator.answer("GET", path)] == [EDITOR]
    assert [
        one["permission_name"] for one in operator.answer("GET", user_path(SAML_USER, "permissions"))
    ] == ["read:things"]


def test_permissions_are_given_to_a_user_directly_and_are_in_the_next_token(
    operated: LocalAuth0, operator: Operator
) -> None:
    path = user_path(ANA, "permissions")
    body = {"permissions": [{"resource_server_identifier": RBAC_API, "permission_name": "write:things"}]}

    operator.answer("POST", path, body)
    listed = operator.answer("GET", path)
    in_token = granted(operated)
    operator.answer("DELETE", path, body)

    assert [one["permission_name"] for one in listed] == ["write:things", "read:things"]
    assert in_token == ["read:things", "write:things"]
    assert [one["permission_name"] for one in operator.answer("GET", path)] == ["read:things"]
    assert granted(operated) == ["read:things"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/roles/rol_none/users", {"users": [ANA]}),
        ("POST", f"/roles/{OWNER}/users", {"users": ["auth0|nobody"]}),
        ("POST", user_path(ANA, "roles"), {"roles": ["rol_none"]}),
        ("POST", user_path("auth0|nobody", "roles"), {"roles": [OWNER]}),
        ("GET", "/organizations/org_none", None),
        ("GET", "/organizations/name/none", None),
        ("POST", f"/organizations/{GLOBEX}/members", {"members": ["auth0|nobody"]}),
        ("GET", "/organizations/org_none/members", None),
        ("DELETE", "/organizations/org_none/members", {"members": [ANA]}),
    ],
)
def test_what_is_not_there_is_not_found(operator: Operator, method: str, path: str, body: Any) -> None:
    assert operator.refusal(method, path, body)[0] == 404


def test_a_role_that_is_given_is_in_the_next_token_and_a_deleted_one_is_not(
    operated: LocalAuth0, operator: Operator
) -> None:
    permissions = {
        "permissions": [{"resource_server_identifier": RBAC_API, "permission_name": "write:things"}]
    }
    operator.answer("POST", f"/roles/{OWNER}/permissions", permissions)
    operator.answer("POST", user_path(ANA, "roles"), {"roles": [OWNER]})

    with_both = granted(operated)
    operator.answer("DELETE", f"/roles/{EDITOR}")

    assert with_both == ["read:things", "write:things"]
    assert granted(operated) == ["write:things"]


def test_permissions_of_a_role_are_listed_and_taken_away(operator: Operator) -> None:
    path = f"/roles/{EDITOR}/permissions"
    listed = operator.answer("GET", path)

    operator.answer("DELETE", path, {"permissions": [_named(listed[0])]})

    assert listed[0]["resource_server_name"] == "Guarded"
    assert operator.answer("GET", path) == []
    unknown = {"resource_server_identifier": RBAC_API, "permission_name": "no:such"}
    assert operator.refusal("POST", path, {"permissions": [unknown]})[0] == 400


def _named(permission: dict[str, Any]) -> dict[str, Any]:
    return {name: permission[name] for name in ("resource_server_identifier", "permission_name")}


def test_an_organization_is_made_changed_and_deleted(operator: Operator) -> None:
    made = operator.answer(
        "POST", "/organizations", {"name": "initech", "metadata": {"tier": "gold", "old": "x"}}
    )

    changed = operator.answer(
        "PATCH", f"/organizations/{made['id']}", {"display_name": "Initech", "metadata": {"old": None}}
    )

    assert made == {"id": made["id"], "name": "initech", "metadata": {"tier": "gold", "old": "x"}}
    assert changed == {
        "id": made["id"],
        "name": "initech",
        "display_name": "Initech",
        "metadata": {"tier": "gold"},
    }
    assert operator.answer("GET", "/organizations/name/initech") == changed
    assert operator.refusal("POST", "/organizations", {"name": "initech"})[0] == 409
    assert operator.call("DELETE", f"/organizations/{made['id']}").status_code == 204
    assert [one["name"] for one in operator.answer("GET", "/organizations")] == ["globex"]


def test_organizations_come_sorted_and_by_checkpoint(operator: Operator) -> None:
    for name in ("initech", "acme", "hooli"):
        operator.answer("POST", "/organizations", {"name": name})

    by_name = operator.answer("GET", "/organizations", params={"sort": "name:-1"})
    newest = operator.answer("GET", "/organizations", params={"sort": "created_at:-1", "per_page": 1})
    part = operator.answer("GET", "/organizations", params={"take": 3})
    rest = operator.answer("GET", "/organizations", params={"take": 3, "from": part["next"]})

    assert [one["name"] for one in by_name] == ["initech", "hooli", "globex", "acme"]
    assert newest[0]["name"] == "hooli"
    assert [one["name"] for one in rest["organizations"]] == ["hooli"]
    assert "next" not in rest
    assert operator.refusal("GET", "/organizations", params={"sort": "size:1"})[2] == "invalid_query_string"


def test_the_last_part_of_an_organizations_members_is_empty(operator: Operator) -> None:
    path = f"/organizations/{GLOBEX}/members"
    operator.answer("POST", path, {"members": EVERYBODY})

    parts = walked(operator, path, "members", take=3)

    assert [len(part) for part in parts] == [3, 2, 0]
    assert {user_id for part in parts for user_id in part} == set(EVERYBODY)


def test_members_come_with_their_roles_when_those_are_asked_for(
    operated: LocalAuth0, operator: Operator
) -> None:
    path = f"/organizations/{GLOBEX}/members"

    without = operator.answer("GET", path)
    with_roles = operator.answer("GET", path, params={"fields": "user_id,roles"})
    stranger = Operator(operated, scope="read:organization_members")

    assert "roles" not in without[0]
    assert with_roles == [{"user_id": ANA, "roles": [{"id": OWNER, "name": "Owner"}]}]
    assert stranger.answer("GET", path) == without
    assert stranger.refusal("GET", path, params={"fields": "roles"})[2] == "insufficient_scope"


def test_roles_within_an_organization_go_with_the_membership(operator: Operator) -> None:
    roles = f"/organizations/{GLOBEX}/members/{quote(ANA, safe='')}/roles"
    operator.answer("POST", roles, {"roles": [EDITOR]})
    operator.answer("DELETE", roles, {"roles": [OWNER]})
    given = operator.answer("GET", roles)

    operator.answer("DELETE", f"/organizations/{GLOBEX}/members", {"members": [ANA]})

    assert [role["name"] for role in given] == ["Editor"]
    assert operator.answer("GET", roles) == []
    assert operator.answer("GET", user_path(ANA, "organizations")) == []


def test_only_members_log_in_to_an_organization(operated: LocalAuth0, operator: Operator) -> None:
    operator.answer("DELETE", f"/organizations/{GLOBEX}/members", {"members": [ANA]})

    with Browser(operated.url) as browser:
        error = browser.log_in(organization=GLOBEX).error

    assert error == ("access_denied", f"user {ANA} is not part of the {GLOBEX} organization")


def test_the_official_sdk_reads_roles_and_organizations_with_its_pagers(auth0: Auth0) -> None:
    auth0.roles.users.assign(OWNER, users=EVERYBODY)
    auth0.organizations.members.create(GLOBEX, members=EVERYBODY)

    holders = [user.user_id for user in auth0.roles.users.list(OWNER, take=2)]
    members = list(
        auth0.organizations.members.list(GLOBEX, take=2, fields="user_id,roles", include_fields=True)
    )

    assert sorted(str(holder) for holder in holders) == sorted(EVERYBODY)
    assert {member.user_id: [role.name for role in member.roles or []] for member in members} == {
        user_id: ["Owner"] if user_id == ANA else [] for user_id in EVERYBODY
    }
    assert [role.name for role in auth0.users.roles.list(SMS_USER)] == ["Owner"]
    assert [one.name for one in auth0.organizations.list(take=1)] == ["globex"]
    assert [one.name for one in auth0.users.organizations.list(SMS_USER)] == ["globex"]
    assert [role.name for role in auth0.organizations.members.roles.list(GLOBEX, ANA)] == ["Owner"]
