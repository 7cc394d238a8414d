"""The post-login hook: who is let in, with which claims, and what Hasura was told."""

import json
from typing import Any

import pytest
from tests.builders import (
    ADMIN_SECRET,
    AT,
    EVENT_NAMES,
    HOOK_SECRET,
    OTHER_HOOK_SECRET,
    a_hook_body,
    a_signed_call,
)
from tests.integration.web.conftest import Desk, StartDesk
from tests.integration.web.fake_hasura import FakeHasura

from frontdesk.settings import HASURA_CLAIMS


def claims(answer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = answer["access_token"][HASURA_CLAIMS]
    return found


def test_a_login_is_written_and_gets_its_claims(start_desk: StartDesk, hasura: FakeHasura) -> None:
    hasura.grants = ("Auditor",)
    desk = start_desk(
        CLAIMS_ROLE_MAP=json.dumps({"Editor": "editor", "beta": "tester", "Auditor": "auditor"}),
        CLAIMS_EXTRA=json.dumps({"x-hasura-plan": "app_metadata.plan"}),
        LOGIN_ID_TOKEN_NAMESPACE="https://app.example.com",
    )

    response = desk.post_login()

    assert response.status_code == 200
    assert response.json() == {
        "decision": "allow",
        "reason": None,
        "synced": True,
        "queued": False,
        "access_token": {
            HASURA_CLAIMS: {
                "x-hasura-default-role": "user",
                "x-hasura-allowed-roles": ["user", "auditor", "editor", "tester"],
                "x-hasura-user-id": "auth0|64b0f1e2d3c4b5a697887766",
                "x-hasura-tenant": "default",
                "x-hasura-plan": "pro",
            }
        },
        "id_token": {
            "https://app.example.com/app_metadata": {"plan": "pro", "roles": ["beta"]},
            "https://app.example.com/user_metadata": {"lang": "es"},
        },
    }
    (row,) = hasura.writes
    assert (row["userId"], row["email"]) == ("auth0|64b0f1e2d3c4b5a697887766", "ana@example.com")
    assert "blocked" not in row


@pytest.mark.parametrize("event", EVENT_NAMES)
def test_every_documented_event_is_let_in(desk: Desk, hasura: FakeHasura, event: str) -> None:
    body = a_hook_body(event)

    answer = desk.post_login(body).json()

    assert (answer["decision"], answer["synced"]) == ("allow", True)
    assert claims(answer)["x-hasura-user-id"] == body["user"]["user_id"]
    assert len(hasura.writes) == 1


def test_a_login_in_an_organization_puts_its_roles_into_that_token_only(
    start_desk: StartDesk, hasura: FakeHasura
) -> None:
    desk = start_desk(CLAIMS_PASS_UNMAPPED="true")

    answer = desk.post_login(a_hook_body("organization")).json()

    assert claims(answer)["x-hasura-allowed-roles"] == ["user", "Org Owner"]
    assert claims(answer)["x-hasura-org-id"] == "org_juG7cAQ0CymOcVpV"
    assert "auth0Roles" not in hasura.writes[0]


def test_the_same_call_again_writes_the_same_times(desk: Desk, hasura: FakeHasura) -> None:
    raw, headers = a_signed_call(a_hook_body())

    desk.post(raw, headers)
    desk.post(raw, headers)

    first, second = ({**row, "writeId": None} for row in hasura.writes)
    assert first == second


@pytest.mark.parametrize(("state", "value"), [("blocked", True), ("deleted_at", AT.isoformat())])
def test_a_blocked_or_deleted_user_is_denied_without_claims(
    desk: Desk, hasura: FakeHasura, state: str, value: object
) -> None:
    setattr(hasura, state, value)

    response = desk.post_login()

    assert response.status_code == 200
    assert response.json()["decision"] == "deny"
    assert response.json()["reason"]
    assert (response.json()["access_token"], response.json()["id_token"]) == ({}, {})


def test_a_blocked_user_gets_the_default_role_only_when_the_operator_says_so(
    start_desk: StartDesk, hasura: FakeHasura
) -> None:
    hasura.blocked, hasura.grants = True, ("auditor",)

    answer = (
        start_desk(LOGIN_BLOCKED_USERS="least_privilege", CLAIMS_PASS_UNMAPPED="true").post_login().json()
    )

    assert answer["decision"] == "allow"
    assert claims(answer)["x-hasura-allowed-roles"] == ["user"]


def test_the_id_token_carries_hasura_claims_only_when_asked(start_desk: StartDesk) -> None:
    plain = start_desk().post_login().json()
    asked = start_desk(LOGIN_ID_TOKEN_CLAIMS="true").post_login().json()

    assert plain["id_token"] == {}
    assert asked["id_token"] == asked["access_token"]


def test_metadata_above_its_limit_is_left_out_of_the_id_token_and_counted(start_desk: StartDesk) -> None:
    desk = start_desk(LOGIN_ID_TOKEN_NAMESPACE="https://app.example.com/", OPERATOR_TOKEN="t" * 32)
    big = {"notes": "x" * 16384}

    answer = desk.post_login(a_hook_body(changes={"user.user_metadata": big})).json()

    assert list(answer["id_token"]) == ["https://app.example.com/app_metadata"]
    assert desk.logged("checkin.claims_left_out")[0]["claims"] == ["user_metadata"]
    metrics = desk.get("/metrics", Authorization="Bearer " + "t" * 32).text
    assert 'frontdesk_claims_left_out_total{claim="user_metadata"} 1.0' in metrics


def test_metadata_in_any_script_takes_no_more_room_than_its_limit(start_desk: StartDesk) -> None:
    desk = start_desk(LOGIN_ID_TOKEN_NAMESPACE="https://app.example.com/")
    full = {"n": "é" * 8188}  # 16,384 bytes with the rest

    response = desk.post_login(a_hook_body(changes={"user.app_metadata": full, "user.user_metadata": full}))

    assert response.json()["id_token"]["https://app.example.com/user_metadata"] == full
    assert len(response.content) < 2 * 16384 + 1000


def test_metadata_that_the_action_left_out_is_neither_cleared_nor_claimed(
    start_desk: StartDesk, hasura: FakeHasura
) -> None:
    desk = start_desk(LOGIN_ID_TOKEN_NAMESPACE="https://app.example.com/")
    body = a_hook_body(changes={"omitted": ["app_metadata", "user_metadata"]})
    del body["user"]["app_metadata"], body["user"]["user_metadata"]

    answer = desk.post_login(body).json()

    assert answer["id_token"] == {}
    assert not {"appMetadata", "userMetadata"} & hasura.writes[0].keys()


def test_metadata_of_a_megabyte_is_too_large_for_the_hook(desk: Desk, hasura: FakeHasura) -> None:
    response = desk.post_login(a_hook_body(changes={"user.app_metadata": {"big": "x" * 1024 * 1024}}))

    assert response.status_code == 413
    assert hasura.writes == []


def test_metadata_just_below_the_limit_of_the_body_is_written(desk: Desk, hasura: FakeHasura) -> None:
    metadata = {"big": "x" * 250_000}

    answer = desk.post_login(a_hook_body(changes={"user.app_metadata": metadata})).json()

    assert answer["synced"] is True
    assert hasura.writes[0]["appMetadata"] == metadata


@pytest.mark.parametrize(
    "user_id",
    [
        "samlp|acme saml|ana maría@example.com",
        "oidc|con|a|b|c",
        "auth0|" + "x" * 300,
        "auth0|😀\u202e",
        "a'b\"c\\d",
    ],
    ids=["spaces", "pipes", "long", "unicode", "quotes"],
)
def test_a_user_id_comes_back_as_it_was_sent(desk: Desk, hasura: FakeHasura, user_id: str) -> None:
    answer = desk.post_login(a_hook_body(changes={"user.user_id": user_id})).json()

    assert claims(answer)["x-hasura-user-id"] == hasura.writes[0]["userId"] == user_id


def test_each_tenant_has_its_own_secret_rows_and_claims(start_desk: StartDesk, hasura: FakeHasura) -> None:
    desk = start_desk(
        TENANTS_OTHER_DOMAIN="other.example.com",
        TENANTS_OTHER_AUDIENCE="other",
        TENANTS_OTHER_HOOK_SECRETS=OTHER_HOOK_SECRET,
        TENANTS_OTHER_CLAIMS_NAMESPACE="https://claims.example.com",
    )

    accepted = desk.post_login(tenant="other", secret=OTHER_HOOK_SECRET)
    refused = desk.post_login(tenant="other", secret=HOOK_SECRET)

    assert accepted.json()["access_token"]["https://claims.example.com"]["x-hasura-tenant"] == "other"
    assert b"x-hasura-tenant: other" in hasura.requests[0].lower()
    assert refused.status_code == 401


def test_a_call_that_names_another_auth0_tenant_is_logged_and_served(start_desk: StartDesk) -> None:
    desk = start_desk(TENANTS_DEFAULT_NAME="umbrella")

    assert desk.post_login().status_code == 200
    assert desk.logged("checkin.other_tenant")[0]["named"] == "acme"


def test_hasura_is_asked_as_the_services_own_role(desk: Desk, hasura: FakeHasura) -> None:
    desk.post_login()

    head = hasura.requests[0].partition(b"\r\n\r\n")[0].lower()
    for header in (
        f"x-hasura-admin-secret: {ADMIN_SECRET}",
        "x-hasura-role: frontdesk",
        "x-hasura-use-backend-only-permissions: true",
        "x-hasura-tenant: default",
    ):
        assert header.encode() in head
