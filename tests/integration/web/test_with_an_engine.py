"""Logins from the signed call to the row and back to Hasura, with the real engine and a real PostgreSQL."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
from tests.builders import EVENT_NAMES, a_hook_body, a_signed_call
from tests.integration.hasura.engine import JWT_KEY, Engine
from tests.integration.web.conftest import Desk, Rows, StartDesk

from frontdesk.settings import HASURA_CLAIMS

ANA = "auth0|64b0f1e2d3c4b5a697887766"
OWN_ROWS = "query { users { userId email roles { role source } } }"


@pytest.fixture
def desk(start_desk_at_engine: StartDesk) -> Desk:
    """A running frontdesk that writes to the engine."""
    return start_desk_at_engine(CLAIMS_ROLE_MAP=json.dumps({"Editor": "editor", "support": "support"}))


def row_of(rows: Rows, user_id: str = ANA) -> dict[str, Any]:
    row = rows.execute("select * from users where user_id = %s", [user_id]).fetchone()
    assert row is not None
    return row


def token_for(answer: dict[str, Any]) -> dict[str, str]:
    """Put the claims of an answer into a token, as Auth0 would, and return the header that carries it."""
    now = int(time.time())
    token = jwt.encode({**answer["access_token"], "iat": now, "exp": now + 600}, JWT_KEY, algorithm="HS256")
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("event", EVENT_NAMES)
def test_a_login_of_every_documented_kind_sees_its_own_row_and_no_other(
    desk: Desk, engine: Engine, rows: Rows, event: str
) -> None:
    rows.execute("insert into users (user_id) values ('auth0|somebody-else')")
    body = a_hook_body(event)

    answer = desk.post_login(body).json()

    assert answer["synced"] is True
    seen = engine.ask(OWN_ROWS, token_for(answer))["data"]["users"]
    assert [(row["userId"], row["email"]) for row in seen] == [
        (body["user"]["user_id"], body["user"].get("email"))
    ]


def test_the_row_holds_what_the_login_told(desk: Desk, rows: Rows) -> None:
    desk.post_login()

    row = row_of(rows)
    assert (row["tenant"], row["user_name"], row["email_verified"]) == ("default", "ana", True)
    assert (row["app_metadata"], row["user_metadata"]) == ({"plan": "pro", "roles": ["beta"]}, {"lang": "es"})
    assert (row["logins_count"], row["last_ip"], row["auth0_roles"]) == (4, "203.0.113.7", ["Editor"])
    assert (row["blocked"], row["deleted_at"]) == (False, None)


def test_the_same_call_again_changes_nothing(desk: Desk, rows: Rows) -> None:
    raw, headers = a_signed_call(a_hook_body())
    desk.post(raw, headers)
    first = row_of(rows)

    desk.post(raw, headers)

    bookkeeping = {"write_id": None, "synced_at": None}
    assert row_of(rows) | bookkeeping == first | bookkeeping


def test_a_token_refresh_moves_last_seen_and_no_login(desk: Desk, rows: Rows) -> None:
    now = time.time()
    desk.post_login(a_hook_body("database"), at=now - 60)
    before = row_of(rows)

    desk.post_login(a_hook_body("refresh_token", {"stats.logins_count": 9}), at=now)

    after = row_of(rows)
    assert after["last_seen"] > before["last_seen"]
    assert [after[name] for name in ("last_login", "last_ip", "logins_count")] == [
        before[name] for name in ("last_login", "last_ip", "logins_count")
    ]


def test_a_blocked_user_is_denied_and_a_login_never_unblocks(desk: Desk, engine: Engine, rows: Rows) -> None:
    let_in = desk.post_login().json()
    rows.execute("update users set blocked = true")

    answer = desk.post_login().json()

    assert (answer["decision"], answer["access_token"]) == ("deny", {})
    assert row_of(rows)["blocked"] is True
    assert engine.ask(OWN_ROWS, token_for(let_in))["data"] == {"users": []}


def test_a_grant_that_people_made_counts_even_at_a_stale_login(
    desk: Desk, engine: Engine, rows: Rows
) -> None:
    now = time.time()
    desk.post_login(at=now)
    engine.admin(
        'mutation { insert_roles_one(object: {name: "support"}) { name }'
        f' insert_user_roles_one(object: {{userId: "{ANA}", role: "support"}}) {{ role }} }}'
    )

    answer = desk.post_login(a_hook_body(changes={"authorization.roles": []}), at=now - 120).json()

    assert answer["access_token"][HASURA_CLAIMS]["x-hasura-allowed-roles"] == ["user", "support"]


def test_roles_of_an_organization_write_no_grant(desk: Desk, rows: Rows) -> None:
    desk.post_login(a_hook_body("organization"))

    assert rows.execute("select role from user_roles").fetchall() == []


def test_the_row_of_the_tutorials_own_mutation_is_taken_over(desk: Desk, rows: Rows) -> None:
    rows.execute("insert into users (user_id, user_name) values (%s, 'from the tutorial')", [ANA])

    assert desk.post_login().json()["synced"] is True
    assert row_of(rows)["user_name"] == "ana"


@pytest.mark.parametrize(
    "user_id",
    [
        "samlp|acme saml|ana maría@example.com",
        "oidc|con|a|b|c",
        "auth0|" + "x" * 300,
        "auth0|😀\u202e",
        "a'b\"c\\d$1{}",
        "é" * 1024,
    ],
    ids=["spaces", "pipes", "long", "unicode", "quotes", "longest"],
)
def test_any_user_id_finds_its_row_with_its_token(
    desk: Desk, engine: Engine, rows: Rows, user_id: str
) -> None:
    answer = desk.post_login(a_hook_body(changes={"user.user_id": user_id})).json()

    assert answer["synced"] is True
    assert [row["userId"] for row in engine.ask(OWN_ROWS, token_for(answer))["data"]["users"]] == [user_id]


def test_metadata_as_large_as_a_call_may_be_is_stored(desk: Desk, rows: Rows) -> None:
    metadata = {"notes": "x" * 250_000, "deep": {"list": [1, 1.5, None, {"é": "😀"}]}}

    assert desk.post_login(a_hook_body(changes={"user.user_metadata": metadata})).json()["synced"] is True
    assert row_of(rows)["user_metadata"] == metadata


def test_no_secret_of_an_event_reaches_a_row(desk: Desk, rows: Rows) -> None:
    identity = {
        "connection": "google-oauth2",
        "user_id": "1",
        "access_token": "hunter2",
        "refresh_token": "hunter2",
    }
    body = a_hook_body(changes={"user.identities": [identity]})

    desk.post_login(body | {"secrets": {"X": "hunter2"}, "request": {"body": {"password": "hunter2"}}})

    assert "hunter2" not in json.dumps(row_of(rows), default=str)


def test_logins_of_many_people_at_the_same_time_all_stand_in_the_table(desk: Desk, rows: Rows) -> None:
    def log_in(number: int) -> bool:
        answer = desk.post_login(a_hook_body(changes={"user.user_id": f"auth0|{number}"}))
        return bool(answer.json()["synced"])

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(log_in, range(60)))
    assert rows.execute("select count(*) as found from users").fetchone() == {"found": 60}


def test_a_forged_role_of_the_service_gets_nothing_from_the_engine(desk: Desk, engine: Engine) -> None:
    """Even a token that says `frontdesk`, which no answer of ours ever does."""
    desk.post_login()

    answer = engine.bearer(OWN_ROWS, role="frontdesk", user_id=ANA)
    written = engine.bearer(
        'mutation { insert_users_one(object: {userId: "x"}) { userId } }', role="frontdesk"
    )

    assert answer.get("data", {"users": []}) == {"users": []}
    assert "errors" in written


def test_readyz_is_ready_with_an_engine_that_has_our_project(desk: Desk) -> None:
    assert desk.get("/readyz").json() == {"status": "ready"}
