"""The hooks for sign-ups and changes of passwords, with the real engine; and the probe of all hooks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.builders import (
    AT,
    OPERATOR_TOKEN,
    OTHER_HOOK_SECRET,
    a_hook_body,
    a_signed_call,
    an_environment,
    an_event,
)
from tests.integration.actions.conftest import execute
from tests.integration.web.conftest import Desk, Rows, StartDesk
from tests.integration.web.fake_hasura import HANGS, FakeHasura
from tests.node_versions import node_binary

from frontdesk.auth0.actions import rendered_actions
from frontdesk.settings import load_settings

REGISTRATION, PASSWORD_CHANGE = "post-user-registration", "post-change-password"
ANA = "auth0|64b0f1e2d3c4b5a697887766"
HOOKS = ["post-login", REGISTRATION, PASSWORD_CHANGE]
CREATED = "2026-03-02T09:00:00.000Z"


@pytest.fixture
def desk_with_engine(start_desk_at_engine: StartDesk) -> Desk:
    """A running frontdesk that writes to the engine."""
    return start_desk_at_engine()


def send(
    desk: Desk, trigger: str, body: bytes | Mapping[str, Any], *, tenant: str = "default", **signing: Any
) -> requests.Response:
    raw, headers = a_signed_call(body, **signing)
    return requests.post(f"{desk.url}/hooks/{tenant}/{trigger}", data=raw, headers=headers, timeout=20)


def a_registration(**user: Any) -> dict[str, Any]:
    """A sign-up as the Action sends it; what is None is not sent."""
    fields = {
        "user_id": ANA,
        "email": "ana@example.com",
        "email_verified": False,
        "created_at": CREATED,
        "updated_at": CREATED,
        **user,
    }
    return {
        "version": 1,
        "tenant": "acme",
        "user": {name: value for name, value in fields.items() if value is not None},
        "connection": {"id": "con_1", "name": "Username-Password-Authentication", "strategy": "auth0"},
        "request": {"ip": "203.0.113.7", "user_agent": "Mozilla/5.0"},
    }


def activities(rows: Rows) -> list[dict[str, Any]]:
    return rows.execute("select * from auth_activities order by id").fetchall()


def row_of(rows: Rows) -> dict[str, Any]:
    row = rows.execute("select * from users where user_id = %s", [ANA]).fetchone()
    assert row is not None
    return row


def without_bookkeeping(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("write_id", "synced_at")}


def test_a_registration_becomes_a_row_and_an_activity(desk_with_engine: Desk, rows: Rows) -> None:
    answer = send(desk_with_engine, REGISTRATION, a_registration(user_metadata={"lang": "de"}), id_="msg_7")

    assert (answer.status_code, answer.json()) == (200, {"synced": True, "queued": False})
    row = row_of(rows)
    assert (row["email"], row["email_verified"], row["connection"]) == (
        "ana@example.com",
        False,
        "Username-Password-Authentication",
    )
    assert (row["user_metadata"], row["app_metadata"], row["identities"]) == ({"lang": "de"}, None, None)
    assert (row["last_seen"], row["last_login"], row["clocks"]["profile"]["source"]) == (None, None, "record")
    (activity,) = activities(rows)
    told = {name: value for name, value in activity.items() if value is not None}
    assert abs((told.pop("received_at") - told.pop("occurred_at")).total_seconds()) < 60
    assert told == {
        "tenant": "default",
        "id": "msg_7",
        "type": "ss",
        "activity": "signup",
        "source": REGISTRATION,
        "counts": False,
        "user_id": ANA,
        "user_name": "ana@example.com",
        "connection": "Username-Password-Authentication",
        "connection_id": "con_1",
        "ip": "203.0.113.7",
        "user_agent": "Mozilla/5.0",
    }


def test_a_late_registration_changes_nothing_of_a_newer_profile(
    desk_with_engine: Desk,
    rows: Rows,
) -> None:
    changes = {"user.created_at": CREATED, "user.updated_at": "2026-03-02T09:30:00.000Z", "user.user_id": ANA}
    desk_with_engine.post_login(a_hook_body(changes=changes))
    before = row_of(rows)

    assert send(desk_with_engine, REGISTRATION, a_registration(email="old@example.com")).status_code == 200

    assert without_bookkeeping(row_of(rows)) == without_bookkeeping(before)
    assert len(activities(rows)) == 1


@pytest.mark.parametrize("order", ["in order", "late"])
def test_a_login_wins_whenever_the_registration_comes(
    desk_with_engine: Desk,
    rows: Rows,
    order: str,
) -> None:
    """Also at the same time: a login carries the whole profile."""
    login = a_hook_body(changes={"user.user_id": ANA, "user.created_at": CREATED, "user.updated_at": CREATED})
    calls = [(REGISTRATION, a_registration(name="From the sign-up")), ("post-login", login)]

    for trigger, body in calls if order == "in order" else reversed(calls):
        send(desk_with_engine, trigger, body)

    row = row_of(rows)
    assert (row["name"], row["email"]) == (login["user"]["name"], login["user"]["email"])
    assert row["clocks"]["profile"]["source"] == "login"


def test_a_change_of_password_clears_nothing_that_it_does_not_carry(
    desk_with_engine: Desk,
    rows: Rows,
) -> None:
    desk_with_engine.post_login(a_hook_body(changes={"user.user_id": ANA, "user.updated_at": CREATED}))
    before = row_of(rows)
    user = {"user_id": ANA, "email_verified": True, "email": "new@example.com"}

    body = {"user": {**user, "last_password_reset": "2026-03-02T09:10:00.000Z"}}
    assert send(desk_with_engine, PASSWORD_CHANGE, body).json() == {"synced": True, "queued": False}

    after = row_of(rows)
    assert (after["email"], after["email_verified"]) == ("new@example.com", True)
    ours = {"email", "email_verified", "clocks", "write_id", "synced_at"}
    assert {name for name in after if after[name] != before[name]} <= ours
    assert [(activity["type"], activity["activity"]) for activity in activities(rows)] == [
        ("scp", "password_changed")
    ]


@pytest.mark.parametrize(
    "reset", [{"last_password_reset": "2026-03-02T09:10:00.000Z"}, {}], ids=["timed", "timeless"]
)
def test_the_login_after_a_change_of_password_brings_the_whole_profile(
    desk_with_engine: Desk,
    rows: Rows,
    reset: dict[str, str],
) -> None:
    """The call about the change is signed after it: its own time must not be taken for the profile's."""
    send(desk_with_engine, PASSWORD_CHANGE, {"user": {"user_id": ANA, "email": "ana@example.com", **reset}})
    login = a_hook_body(changes={"user.user_id": ANA, "user.updated_at": "2026-03-02T09:10:00.000Z"})

    desk_with_engine.post_login(login)

    assert row_of(rows)["name"] == login["user"]["name"]


@pytest.mark.parametrize("body", [{}, {"user": None}, {"user": {"email": "x@example.com"}}], ids=str)
@pytest.mark.parametrize("trigger", [REGISTRATION, PASSWORD_CHANGE])
def test_without_a_user_id_there_is_an_activity_alone(
    desk_with_engine: Desk,
    rows: Rows,
    trigger: str,
    body: dict[str, Any],
) -> None:
    assert send(desk_with_engine, trigger, body).json() == {"synced": True, "queued": False}

    assert rows.execute("select 1 from users").fetchall() == []
    assert [(activity["source"], activity["user_id"]) for activity in activities(rows)] == [(trigger, None)]


def test_the_same_call_twice_changes_nothing(desk_with_engine: Desk, rows: Rows) -> None:
    send(desk_with_engine, REGISTRATION, a_registration())
    first = (without_bookkeeping(row_of(rows)), activities(rows))

    assert send(desk_with_engine, REGISTRATION, a_registration()).json() == {"synced": True, "queued": False}

    assert (without_bookkeeping(row_of(rows)), activities(rows)) == first


@pytest.mark.parametrize("trigger", HOOKS)
def test_a_call_cannot_be_repeated_at_another_hook(desk: Desk, hasura: FakeHasura, trigger: str) -> None:
    """The signature holds there too: it covers the body, and not the URL."""
    for other in set(HOOKS) - {trigger}:
        refused = send(desk, trigger, {**a_hook_body(), "trigger": other})
        assert (refused.status_code, refused.json()["errors"]) == (
            400,
            [{"field": "trigger", "expected": trigger}],
        )
    assert hasura.requests == []


@pytest.mark.parametrize("trigger", HOOKS)
@pytest.mark.parametrize(
    "body", [{"probe": True}, {**a_hook_body(), "probe": True}], ids=["alone", "with a user"]
)
def test_a_probe_is_answered_and_writes_nothing(
    desk: Desk, hasura: FakeHasura, trigger: str, body: dict[str, Any]
) -> None:
    answer = send(desk, trigger, body)

    assert (answer.status_code, answer.json()) == (200, {"probe": True, "tenant": "default", "version": 1})
    assert hasura.requests == []


@pytest.mark.parametrize("trigger", HOOKS)
def test_a_probe_is_verified_and_parsed_like_any_call(desk: Desk, trigger: str) -> None:
    refused = send(desk, trigger, {"probe": True}, secret=OTHER_HOOK_SECRET)
    unknown = send(desk, trigger, {"probe": True}, tenant="nobody")
    wrong = send(desk, trigger, {"probe": True, "user": {"user_id": 7}})

    assert [answer.status_code for answer in (refused, unknown, wrong)] == [401, 401, 400]
    assert wrong.json()["errors"] == [{"field": "user.user_id", "expected": "a string"}]


@pytest.mark.parametrize("trigger", HOOKS)
def test_each_hook_is_timed_by_what_became_of_the_call(
    start_desk: StartDesk, hasura: FakeHasura, trigger: str
) -> None:
    desk = start_desk(OPERATOR_TOKEN=OPERATOR_TOKEN)
    hasura.status, hasura.body = "502 Bad Gateway", b"<html>"
    good = a_hook_body() if trigger == "post-login" else {}

    send(desk, trigger, good, tenant="nobody")
    send(desk, trigger, b"nonsense")
    send(desk, trigger, b" " * (1024 * 1024 + 1))
    send(desk, trigger, {**good, "probe": True})
    send(desk, trigger, good)

    metrics = desk.get("/metrics", Authorization=f"Bearer {OPERATOR_TOKEN}").text
    for outcome in ("refused", "invalid", "too_large", "probe", "unavailable"):
        assert f'frontdesk_hook_seconds_count{{outcome="{outcome}",way="{trigger}"}} 1.0' in metrics
    assert "nobody" not in metrics


@pytest.mark.parametrize("mark", [False, 1, "true", None])
def test_nothing_but_true_makes_a_probe(desk: Desk, hasura: FakeHasura, mark: object) -> None:
    answer = send(desk, "post-login", {**a_hook_body(), "probe": mark})

    assert answer.json()["decision"] == "allow"
    assert len(hasura.writes) == 1


@pytest.mark.parametrize("trigger", [REGISTRATION, PASSWORD_CHANGE])
@pytest.mark.parametrize(
    ("call", "status"),
    [
        ({"body": {}, "secret": OTHER_HOOK_SECRET}, 401),
        ({"body": {}, "at": AT.timestamp()}, 401),
        ({"body": b"{}" + b" " * 262_144}, 413),
        ({"body": b"[]"}, 400),
        ({"body": b"{"}, 400),
        ({"body": {"user": {"email": 7}}}, 400),
        ({"body": {"user": {"user_id": "x" * 2049}}}, 400),
        ({"body": {}, "id_": "m" * 513}, 400),
    ],
    ids=[
        "wrong secret",
        "too old",
        "too large",
        "a list",
        "no JSON",
        "a wrong type",
        "a long id",
        "a long call id",
    ],
)
def test_a_bad_call_is_a_problem_document_and_writes_nothing(
    desk: Desk, hasura: FakeHasura, trigger: str, call: dict[str, Any], status: int
) -> None:
    answer = send(desk, trigger, **call)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert hasura.requests == []


@pytest.mark.parametrize("trigger", [REGISTRATION, PASSWORD_CHANGE])
@pytest.mark.parametrize("body", [{}, {"user": {"user_id": ANA}}], ids=["of nobody", "of a user"])
def test_while_hasura_is_away_the_answer_is_503(
    start_desk: StartDesk, hasura: FakeHasura, trigger: str, body: dict[str, Any]
) -> None:
    hasura.behaviour = HANGS
    desk = start_desk(LOGIN_BUDGET_S="0.2")

    answer = send(desk, trigger, body)

    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:frontdesk:problem:hasura-unavailable"


def test_a_refusal_of_the_activity_is_503_too(desk: Desk, hasura: FakeHasura) -> None:
    refusal = {"errors": [{"message": "x", "extensions": {"code": "permission-error", "path": "$"}}]}
    hasura.body = json.dumps(refusal).encode()

    assert send(desk, REGISTRATION, {}).json()["type"] == "urn:frontdesk:problem:hasura-rejected"


@pytest.mark.parametrize(
    ("name", "kept"),
    [("sync", []), (REGISTRATION, ["signup"]), (PASSWORD_CHANGE, ["password_changed"])],
)
def test_what_the_action_sends_ends_in_the_database(
    desk_with_engine: Desk, rows: Rows, tmp_path: Path, name: str, kept: list[str]
) -> None:
    """The very file that ships, in Node, against a running frontdesk."""
    settings = load_settings(
        an_environment(ACTION_URL=desk_with_engine.url, ACTION_DEADLINE_MS="5000"), tmp_path
    )
    (action,) = rendered_actions(settings, "default", [name])
    (tmp_path / "action.js").write_text(action.code)
    event = {**an_event(), "secrets": dict(action.secrets)}

    told, probed = execute(
        node_binary(22), tmp_path / "action.js", [event, {**event, "frontdesk_probe": True}]
    )

    assert (told.calls, told.logs, told.thrown) == ([], [], None)
    assert (probed.calls, probed.logs) == ([], ["frontdesk: probe: HTTP 200"])
    assert row_of(rows)["email"] == event["user"]["email"]
    assert [activity["activity"] for activity in activities(rows)] == kept


def test_nothing_is_kept_of_somebody_whom_the_filter_leaves_out(
    start_desk_at_engine: StartDesk, rows: Rows
) -> None:
    desk = start_desk_at_engine(FILTER_VERIFIED_ONLY="true")

    answer = send(desk, REGISTRATION, a_registration())
    passing = send(desk, REGISTRATION, a_registration(user_id="auth0|bob", email_verified=True), id_="msg_2")

    assert (answer.status_code, answer.json()) == (200, {"synced": False, "queued": False})
    assert passing.json() == {"synced": True, "queued": False}
    assert [activity["user_id"] for activity in activities(rows)] == ["auth0|bob"]
    assert [row["user_id"] for row in rows.execute("select user_id from users").fetchall()] == ["auth0|bob"]
