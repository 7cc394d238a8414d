"""What a successful call of the Management API changed, by its method, path and bodies."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from frontdesk.auth0.api_operations import ApiOperation, operation_of
from frontdesk.auth0.log_record import incoming_from_log
from frontdesk.identity import Refresh, RefreshKind

ANN, BOB = "auth0|ann", "google-oauth2|115015401343387192604"
USER, MEMBERSHIPS, ORGANIZATION = RefreshKind.USER, RefreshKind.MEMBERSHIPS, RefreshKind.ORGANIZATION


def a_token(subject: str) -> str:
    parts = ({"alg": "RS256"}, {"sub": subject})
    return (
        ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts)
        + ".sig"
    )


def a_call(method: str, path: str, body: Any = None, answer: Any = None, status: Any = 200) -> dict[str, Any]:
    return {
        "request": {"method": method, "path": f"/api/v2/{path}", "body": body},
        "response": {"statusCode": status, "body": answer},
    }


@pytest.mark.parametrize(
    ("call", "refreshes"),
    [
        (a_call("post", "users", {"email": "a@b.c"}, {"user_id": ANN}, 201), {(USER, ANN)}),
        (a_call("patch", "users/auth0%7Cann", {"blocked": True}), {(USER, ANN)}),
        (a_call("PATCH", "users/auth0|ann"), {(USER, ANN)}),
        (a_call("patch", "users/samlp%7Ccorp%7Ca%2Fb%40c.d"), {(USER, "samlp|corp|a/b@c.d")}),
        (a_call("post", "users/auth0%7Cann/roles", {"roles": ["rol_1"]}), {(USER, ANN)}),
        (a_call("delete", "users/auth0%7Cann/roles?x=1", {"roles": ["rol_1"]}), {(USER, ANN)}),
        (a_call("post", "roles/rol_1/users", {"users": [ANN, BOB, ANN, 7]}), {(USER, ANN), (USER, BOB)}),
        (
            a_call(
                "post",
                "users/auth0%7Cann/identities",
                {"provider": "google-oauth2", "user_id": BOB.split("|")[1]},
            ),
            {(USER, ANN), (USER, BOB)},
        ),
        (
            a_call("post", "users/auth0%7Cann/identities", {"provider": "google-oauth2", "user_id": BOB}),
            {(USER, ANN), (USER, BOB)},
        ),
        (
            a_call("post", "users/auth0%7Cann/identities", {"link_with": a_token(BOB)}),
            {(USER, ANN), (USER, BOB)},
        ),
        (
            a_call(
                "post",
                "users/auth0%7Cann/identities",
                {"link_with": "*****"},
                [{"provider": "auth0", "user_id": "ann"}, {"provider": "sms", "user_id": 7}],
            ),
            {(USER, ANN), (USER, "sms|7")},
        ),
        (
            a_call("delete", f"users/auth0%7Cann/identities/google-oauth2/{BOB.split('|')[1]}"),
            {(USER, ANN), (USER, BOB)},
        ),
        (a_call("post", "organizations", {"name": "o"}, {"id": "org_1"}), {(ORGANIZATION, "org_1")}),
        (a_call("patch", "organizations/org_1"), {(ORGANIZATION, "org_1")}),
        (a_call("delete", "organizations/org_1"), {(ORGANIZATION, "org_1")}),
        (
            a_call("post", "organizations/org_1/members", {"members": [ANN, BOB]}),
            {(MEMBERSHIPS, ANN), (MEMBERSHIPS, BOB)},
        ),
        (a_call("delete", "organizations/org_1/members", {"members": [ANN]}), {(MEMBERSHIPS, ANN)}),
        (
            a_call("post", "organizations/org_1/members/auth0%7Cann/roles", {"roles": ["r"]}),
            {(MEMBERSHIPS, ANN)},
        ),
        (a_call("delete", "users/auth0%7Cann"), set()),  # a tombstone, and nothing left to read
        (a_call("patch", "users/auth0%7Cann", status=404), set()),
        (a_call("get", "users/auth0%7Cann"), set()),
        (a_call("post", "clients", {"name": "Shop"}, {"client_id": "c"}), set()),
        (a_call("post", "users", {}, [ANN]), set()),
        (a_call("post", "roles/rol_1/users", [ANN]), set()),
        (a_call("post", "users/auth0%7Cann/identities", {"link_with": "a.b.c"}), {(USER, ANN)}),
        ({"request": {"method": "patch", "path": "/elsewhere/users/auth0%7Cann"}}, set()),
        ({"request": "patch", "response": []}, set()),
        ([], set()),
        (None, set()),
    ],
)
def test_a_call_hints_at_whom_it_changed(call: Any, refreshes: set[tuple[RefreshKind, str]]) -> None:
    assert operation_of(call).refreshes == {Refresh(kind, id) for kind, id in refreshes}


def test_an_id_that_no_column_holds_is_no_hint() -> None:
    assert operation_of(a_call("patch", "users/" + "a" * 3000)).refreshes == frozenset()
    assert operation_of(a_call("patch", "users/a%00b")).refreshes == frozenset()


@pytest.mark.parametrize(
    "organization_id", ["%00", "\ud800", "o" * 3000], ids=["null", "half a pair", "long"]
)
@pytest.mark.parametrize(
    "rest", ["members", "members/auth0%7Cann", "members/auth0%7Cann/roles", "invitations"]
)
def test_an_organization_that_no_column_holds_is_not_named(organization_id: str, rest: str) -> None:
    call = a_call("post", f"organizations/{organization_id}/{rest}", {"members": [ANN]})

    assert operation_of(call) == ApiOperation()


@pytest.mark.parametrize("status", ["403", 400, 500, [204], {}])
def test_nobody_is_deleted_by_a_call_of_which_nobody_says_that_it_succeeded(status: Any) -> None:
    call = a_call("delete", "users/auth0%7Cann")
    call["response"]["statusCode"] = status

    assert operation_of(call) == ApiOperation()


def record_of(call: dict[str, Any], **data: Any) -> dict[str, Any]:
    told = {"type": "sapi", "date": "2026-03-02T10:00:00Z", "user_id": "auth0|admin", "user_name": "admin"}
    return {"log_id": "1", "data": {**told, "details": call, **data}}


@pytest.mark.parametrize(
    ("call", "user_id", "counts", "deleted"),
    [
        (a_call("delete", "users/auth0%7Cann", status=204), ANN, False, [ANN]),  # `sdu` counts
        (a_call("post", "users", {}, {"user_id": ANN}, 201), ANN, False, []),  # `ss` counts
        (a_call("patch", "users/auth0%7Cann"), ANN, True, []),
        (a_call("post", "organizations/org_1/members", {"members": [ANN]}), ANN, True, []),
        (a_call("post", "roles/rol_1/users", {"users": [ANN, BOB]}), "auth0|admin", True, []),
        (a_call("post", "clients"), "auth0|admin", True, []),
    ],
)
def test_a_record_of_a_call_is_about_the_user_that_it_changed(
    call: dict[str, Any], user_id: str, counts: bool, deleted: list[str]
) -> None:
    at = datetime(2026, 3, 2, 10, tzinfo=UTC)
    incoming = incoming_from_log(record_of(call), tenant="acme", way="logs", received_at=at)

    activity = incoming.activity
    assert activity is not None
    assert (activity.activity, activity.user_id, activity.counts) == ("api_operation", user_id, counts)
    assert activity.user_name == ("admin" if user_id == "auth0|admin" else None)
    assert [(user.user_id, user.deleted) for user in incoming.users] == [(each, at) for each in deleted]


def test_where_an_administrator_is_stands_in_no_column_that_the_user_may_read() -> None:
    at = datetime(2026, 3, 2, 10, tzinfo=UTC)
    place = {
        "ip": "203.0.113.7",
        "client_ip": "203.0.113.7",
        "user_agent": "Firefox",
        "location_info": {"city_name": "Porto"},
    }

    def activity(call: dict[str, Any]) -> Any:
        return incoming_from_log(record_of(call, **place), tenant="acme", way="logs", received_at=at).activity

    about_ann, about_nobody = (
        activity(a_call("patch", "users/auth0%7Cann")),
        activity(a_call("post", "clients")),
    )
    by_ann = activity(a_call("patch", "users/auth0%7Cadmin"))

    assert (about_ann.user_id, about_ann.ip, about_ann.user_agent, about_ann.location) == (
        ANN,
        None,
        None,
        None,
    )
    assert about_ann.raw["data"]["location_info"] == place["location_info"]
    assert about_ann.raw["data"]["ip"] == place["ip"]
    for own in (about_nobody, by_ann):
        assert (own.ip, own.user_agent, own.location) == ("203.0.113.7", "Firefox", {"city_name": "Porto"})


def test_a_call_on_an_organization_names_it() -> None:
    at = datetime(2026, 3, 2, 10, tzinfo=UTC)
    call = a_call("post", "organizations/org_1/members", {"members": [ANN, BOB]})

    activity = incoming_from_log(record_of(call), tenant="acme", way="logs", received_at=at).activity

    assert activity is not None
    assert activity.organization_id == "org_1"
