"""Users changed over HTTP by operators."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
import requests
from tests.integration.users.house import ANN, CONNECTION, ODD, OPERATOR, READER, TIMEOUT_S, House

ANNS = f"/{quote(ANN, safe='')}"


def test_a_user_is_created_changed_blocked_and_deleted(served: House) -> None:
    mia = {**OPERATOR, "X-Frontdesk-Actor": "mia"}
    new = {"connection": CONNECTION, "email": "new@example.com", "password": "Secret-Horse-7!"}

    made = served.call("POST", body=new, headers=mia)
    path = f"/{quote(made.json()['user_id'], safe='')}"
    answers = [
        served.call("PATCH", path, {"nickname": "neo", "user_metadata": {"a": None, "b": [1]}}),
        served.call("POST", f"{path}/block"),
        served.call("PUT", f"{path}/roles", {"roles": ["Viewer"]}),
        served.call("PUT", f"{path}/groups", {"groups": ["users"]}),
        served.call("POST", f"{path}/unblock", {"brute_force": True}),
        served.call("DELETE", path),
    ]

    assert (made.status_code, made.json()["synced"]) == (201, True)
    assert [(each.status_code, each.json()["outcome"]) for each in answers] == [(200, "done")] * 6
    row = served.there(made.json()["user_id"])
    assert (row["nickname"], row["user_metadata"], row["app_metadata"]) == (
        "neo",
        {"b": [1]},
        {"groups": ["users"]},
    )
    assert (row["auth0_roles"], row["blocked"], row["deleted_at"] is None) == (["Viewer"], False, False)
    actors = [(line["actor"], line["action"]) for line in served.audit()]
    assert actors[:2] == [("mia", "create"), ("operator", "update")]


def test_an_id_with_slashes_escapes_and_unicode_is_one_segment(served: House) -> None:
    path = f"/{quote(ODD, safe='')}"

    shown = served.call("GET", path)
    blocked = served.call("POST", f"{path}/block")
    split = served.call("GET", f"/{quote(ODD, safe='/')}")

    assert shown.json()["user_id"] == ODD
    assert blocked.json()["user_id"] == ODD
    assert served.there(ODD)["blocked"] is True
    assert split.status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("GET", "/auth0%7Cnobody", None, 404, "no user 'auth0|nobody'"),
        ("PATCH", "/auth0%7Cnobody", {"name": "x"}, 404, "no user 'auth0|nobody'"),
        ("DELETE", "/auth0%7Cnobody", None, 404, "no user 'auth0|nobody'"),
        ("PATCH", ANNS, {"app_metadata": {}}, 400, "Auth0 would erase"),
        ("PATCH", ANNS, {"email": "a@b.example", "password": "x"}, 400, "does not change password and email"),
        ("PATCH", ANNS, {"name": 7}, 400, "name"),
        ("PATCH", ANNS, {"shoe_size": 7}, 400, "shoe_size"),
        ("PATCH", ANNS, {"phone_number": "+1\n"}, 400, "phone_number"),
        ("PATCH", ANNS, [], 400, "a JSON object"),
        ("PUT", f"{ANNS}/roles", {"roles": "Editor"}, 400, "a list"),
        ("PUT", f"{ANNS}/roles", {"role": []}, 400, "roles"),
        ("PUT", f"{ANNS}/roles", {"roles": ["Nobody"]}, 400, "Auth0 has no role 'Nobody'"),
        ("POST", f"{ANNS}/block", {"x": 1}, 400, "no body"),
        ("POST", f"{ANNS}/erase", {"at_auth0": "yes"}, 400, "true or false"),
        ("POST", "", {"connection": CONNECTION, "email": "ann@example.com", "password": "Secret-Horse-7!"}, 409, ""),
        ("POST", "", {"connection": "Nowhere", "email": "x@example.com"}, 400, "Connection does not exist"),
        ("GET", "?per_page=101", None, 400, "per_page"),
        ("GET", "?page=20", None, 400, "first 1,000"),
        ("GET", "?fields=x", None, 400, "fields"),
        ("GET", "/%FF", None, 404, ""),
        ("PATCH", "/%2E%2E", {"name": "x"}, 404, "no user '..'"),
        ("POST", "/auth0%7Ca%00b/block", None, 404, ""),
        ("GET", "/auth0%7Ca%00b", None, 404, ""),
        ("POST", f"/{'x' * 2100}/block", None, 404, "no user"),
        ("PUT", f"{ANNS}/roles", {"roles": ["a\0"]}, 400, "roles"),
        ("PUT", f"{ANNS}/groups", {"groups": ["\ud800"]}, 400, "groups"),
        ("PATCH", ANNS, {"user_metadata": {"a\0": 1}}, 400, "user_metadata"),
        ("PATCH", ANNS, {"user_metadata": {"a": "\ud800"}}, 400, "user_metadata"),
        ("POST", "", {"connection": "a\0b", "email": "x@example.com"}, 400, "connection"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_a_problem_document_that_says_so(
    served: House, method: str, path: str, body: Any, status: int, said: str
) -> None:
    answer = served.call(method, path, body)

    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert said in answer.text


def test_the_audit_of_an_impossible_id_is_a_wrong_question(served: House) -> None:
    url = f"{served.url}/api/audit/{served.tenant}?user=a%00b"

    answer = requests.get(url, headers=OPERATOR, timeout=TIMEOUT_S)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "user")


def test_a_missing_scope_is_named_to_an_operator(house: House, request: pytest.FixtureRequest) -> None:
    house.machine = READER
    served: House = request.getfixturevalue("served")

    answer = served.call("POST", f"{ANNS}/block")

    assert answer.status_code == 502
    assert "update:users" in answer.json()["detail"]


def test_nobody_without_the_operator_token_reaches_a_user(served: House) -> None:
    for headers in ({}, {"Authorization": "Bearer x"}):
        for method, path in (("GET", ""), ("GET", ANNS), ("DELETE", ANNS), ("POST", f"{ANNS}/erase")):
            assert served.call(method, path, headers=headers).status_code == 401
    hidden = requests.delete(f"{served.url}/%61pi/users/{served.tenant}{ANNS}", timeout=TIMEOUT_S)

    assert hidden.status_code == 401
    assert ANN in served.auth0.store.users


def test_another_tenant_is_not_there_and_a_body_has_a_bound(served: House) -> None:
    other = requests.get(f"{served.url}/api/users/other", headers=OPERATOR, timeout=TIMEOUT_S)
    large = served.call("PATCH", ANNS, {"user_metadata": {"x": "y" * 300_000}})
    actor = served.call("POST", f"{ANNS}/block", headers={**OPERATOR, "X-Frontdesk-Actor": "x" * 201})

    assert (other.status_code, large.status_code, actor.status_code) == (404, 413, 400)
    assert served.audit() == []


def test_lists_have_items_and_the_next_page(served: House) -> None:
    first = served.call("GET", "?per_page=1&sort=email:1").json()
    second = served.call("GET", f"?per_page=1&sort=email:1&page={first['next']}").json()
    served.call("POST", f"{ANNS}/block")
    served.call("POST", f"{ANNS}/unblock")
    url = f"{served.url}/api/audit/{served.tenant}?limit=1"
    newest = requests.get(url, headers=OPERATOR, timeout=TIMEOUT_S).json()
    older = requests.get(f"{url}&before={newest['next']}", headers=OPERATOR, timeout=TIMEOUT_S).json()

    assert [each["items"][0]["user_id"] for each in (first, second)] == [ANN, ODD]
    assert (first["total"], second["next"]) == (2, None)
    assert [each["items"][0]["action"] for each in (newest, older)] == ["unblock", "block"]


def test_without_a_database_users_can_be_read_and_not_changed(
    house: House, request: pytest.FixtureRequest
) -> None:
    house.changes["DATABASE_URL"] = ""
    served: House = request.getfixturevalue("served")

    shown = served.call("GET", ANNS)
    refused = served.call("POST", f"{ANNS}/block")

    assert shown.status_code == 200
    assert refused.status_code == 503
    assert "FRONTDESK_DATABASE_URL" in refused.json()["detail"]
    assert "blocked" not in served.profile()
