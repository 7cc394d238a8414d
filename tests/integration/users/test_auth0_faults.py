"""What is said when Auth0 gives no answer, or one that its own SDK cannot read."""

from __future__ import annotations

from typing import Any

from tests.integration.auth0.scripted_server import Answer, ScriptedServer
from tests.integration.users.house import ANN, CONNECTION, House

USERS = "/api/v2/users"
ANNS = f"{USERS}/auth0%7Cann"
UNREADABLE = {"user_id": ANN, "email": "ann@example.com", "identities": "none", "created_at": 7}
READABLE = {"user_id": ANN, "email": "ann@example.com", "updated_at": "2026-11-01T08:00:00.000Z"}


def test_a_change_without_an_answer_is_not_known_to_be_done_and_is_not_sent_twice(house: House) -> None:
    with _auth0(house, {ANNS: [Answer(hang_up=True)]}) as auth0:
        done = house.users("block", ANN)

    assert done.returncode == 1
    assert "whether it was done is not known" in done.stderr
    assert "frontdesk users show" in done.stderr
    assert auth0.paths().count(ANNS) == 1
    assert [line["outcome"] for line in house.audit()] == ["unknown"]


def test_an_answer_that_the_sdk_cannot_read_does_not_undo_the_change(house: House) -> None:
    script = {
        USERS: [Answer(status=201, body=UNREADABLE)],
        ANNS: [Answer(body=READABLE), Answer(body=UNREADABLE), Answer(body=READABLE)],
    }
    with _auth0(house, script):
        made = house.users("create", "--connection", CONNECTION, "--email", "ann@example.com", "--json")
        changed = house.users("update", ANN, "--name", "Ann", "--json")

    assert (made.json()["user_id"], made.json()["synced"]) == (ANN, True)
    assert (changed.returncode, changed.json()["synced"]) == (0, True)


def test_a_record_that_hasura_cannot_hold_is_named_and_the_change_stands(house: House) -> None:
    broken = {**READABLE, "name": "a\0b"}
    with _auth0(house, {ANNS: [Answer(body=READABLE), Answer(body=broken)]}):
        done = house.users("block", ANN)

    assert done.returncode == 1
    assert "cannot be written to Hasura: name" in done.stderr
    assert [line["outcome"] for line in house.audit()] == ["not_synced"]


def test_roles_that_were_half_changed_are_not_called_refused(house: House) -> None:
    """The role is given, and taking the other one away is refused."""
    one, other = ({"id": f"rol_{name}", "name": name} for name in ("Editor", "Viewer"))
    has = Answer(body={"roles": [one], "start": 0, "limit": 100, "total": 1})
    both = Answer(body={"roles": [one, other], "start": 0, "limit": 100, "total": 2})
    refused = Answer(status=400, body={"statusCode": 400, "message": "Not now"})
    script = {
        f"{ANNS}/roles": [has, Answer(status=204, body=""), refused, both],
        "/api/v2/roles": [both],
        ANNS: [Answer(body=READABLE)],
    }
    with _auth0(house, script):
        done = house.users("set-roles", ANN, "Viewer")

    assert done.returncode == 1
    assert "Not now" in done.stderr
    assert house.there()["auth0_roles"] == ["Editor", "Viewer"]
    assert [line["outcome"] for line in house.audit()] == ["unknown"]


def test_a_list_of_a_large_tenant_says_that_the_search_ends(house: House) -> None:
    page = {"users": [READABLE] * 50, "total": 4321, "start": 0, "limit": 50, "length": 50}
    with _auth0(house, {USERS: [Answer(body=page)]}):
        listed = house.users("list")
        facts = house.users("list", "--json").json()

    assert "Auth0 finds 4,321 users and shows the first 1,000 of a search" in listed.stderr
    assert (len(facts["items"]), facts["total"]) == (50, 4321)
    assert "frontdesk import" in facts["beyond"]


def _auth0(house: House, script: dict[str, list[Answer]]) -> Any:
    server = ScriptedServer(script)
    house.changes[f"TENANTS_{house.tenant.upper()}_MANAGEMENT_URL"] = server.url
    return server
