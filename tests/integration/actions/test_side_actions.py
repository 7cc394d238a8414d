"""The Actions that call frontdesk and give no claims, and the probe that every caller can send."""

from __future__ import annotations

import re
from typing import Any

import pytest
from standardwebhooks import Webhook
from tests.integration.actions.conftest import SETTINGS, Run, RunAction, RunActions
from tests.integration.actions.events import HOOK_SECRET, a_login
from tests.integration.actions.receiver import (
    Behaviour,
    Receiver,
    answers,
    drips,
    floods,
    hangs,
    nobody_listens,
    resets,
)

SHORT_MS = 400
GRACE_MS = 1000  # a loaded machine may run the timer late
PATHS = {
    "sync": "post-login",
    "post-user-registration": "post-user-registration",
    "post-change-password": "post-change-password",
}
CALLERS = {"post-login": "post-login", **PATHS}
GOOD_ANSWER = {"decision": "allow", "access_token": {"x": {}}, "id_token": {}, "synced": True}
BAD_ANSWERS: dict[str, tuple[Behaviour, str]] = {
    "503": (answers(b"", status="503 Service Unavailable"), "HTTP 503"),
    "401": (answers(b"", status="401 Unauthorized"), "HTTP 401"),
    "HTML": (answers(b"<html>"), "SyntaxError"),
    "null": (answers(b"null"), "an answer"),
    "another object": (answers({"ok": True}), "an answer"),
    "a flood": (floods, "an answer above"),
    "a reset": (resets, "ECONNRESET"),
}
each_side_action = pytest.mark.parametrize("name", PATHS)
each_caller = pytest.mark.parametrize("name", CALLERS)


def a_registration(**user: Any) -> dict[str, Any]:
    """As documented for post-user-registration, with what must not be sent."""
    event = a_login(**user)
    return {
        "connection": {**event["connection"], "metadata": {"secret": "x"}},
        "request": {"ip": "203.0.113.7", "user_agent": "UA", "body": {"password": "hunter2"}, "geoip": {}},
        "secrets": event["secrets"],
        "tenant": {"id": "acme"},
        "transaction": {"protocol": "oidc-basic-profile", "correlation_id": "c1", "state": "private-state"},
        "user": {**event["user"], "enrolledFactors": []},
    }


def assert_one_plain_line(run: Run, why: str) -> None:
    (line,) = run.logs
    assert why in line
    assert len(line) <= 256, "Auth0 keeps so many characters per execution"
    for private in ("example.com", "127.0.0.1", HOOK_SECRET[6:20], "auth0|", "Ana", "html"):
        assert private not in line


@each_caller
def test_the_call_is_signed_and_goes_to_its_hook(run_action: RunAction, name: str) -> None:
    with Receiver(answers(GOOD_ANSWER)) as receiver:
        run = run_action(a_registration(), receiver.url, name=name)

    request = receiver.only_request
    assert request.line == f"POST /hooks/default/{CALLERS[name]} HTTP/1.1"
    Webhook(HOOK_SECRET).verify(request.body, request.headers)
    assert (run.thrown, run.logs, run.fetches, run.timers_left) == (None, [], 1, 0)


@each_side_action
def test_no_claims_are_set(run_action: RunAction, name: str) -> None:
    with Receiver(answers(GOOD_ANSWER)) as receiver:
        assert run_action(a_registration(), receiver.url, name=name).calls == []


def test_a_registration_sends_these_fields_and_no_others(run_action: RunAction) -> None:
    with Receiver(answers(GOOD_ANSWER)) as receiver:
        run_action(a_registration(), receiver.url, name="post-user-registration")

    body = receiver.only_request.json
    user = body.pop("user")
    assert body == {
        "version": 1,
        "trigger": "post-user-registration",
        "tenant": "acme",
        "connection": {name: a_login()["connection"][name] for name in ("id", "name", "strategy")},
        "request": {"ip": "203.0.113.7", "user_agent": "UA"},
        "transaction": {"protocol": "oidc-basic-profile", "correlation_id": "c1"},
    }
    assert user["user_id"] == "auth0|64b0f1e2d3c4b5a697887766"
    assert not set(user) & {"identities", "enrolledFactors"}


def test_a_change_of_password_sends_these_fields_of_the_user_and_no_others(run_action: RunAction) -> None:
    event = a_registration(last_password_reset="2026-03-02T10:00:00.000Z", username="ana")

    with Receiver(answers(GOOD_ANSWER)) as receiver:
        run_action(event, receiver.url, name="post-change-password")

    assert set(receiver.only_request.json["user"]) == {
        "user_id", "email", "email_verified", "username", "last_password_reset",
    }  # fmt: skip
    assert b"hunter2" not in receiver.only_request.body


@pytest.mark.parametrize("name", ["post-user-registration", "post-change-password"])
def test_an_event_with_next_to_nothing_is_told_as_well(run_action: RunAction, name: str) -> None:
    with Receiver(answers(GOOD_ANSWER)) as receiver:
        run = run_action({"secrets": {"FRONTDESK_HOOK_SECRET": HOOK_SECRET}}, receiver.url, name=name)

    assert receiver.only_request.json == {"version": 1, "trigger": name}
    assert (run.thrown, run.logs) == (None, [])


def test_a_registration_above_the_limit_is_sent_without_metadata(run_action: RunAction) -> None:
    event = a_registration(app_metadata={"k": "x" * 3000}, user_metadata={"k": "y" * 3000})

    with Receiver(answers(GOOD_ANSWER)) as receiver:
        run_action(event, receiver.url, name="post-user-registration", max_body_bytes=4500)
        body = receiver.only_request.json

    assert (body["omitted"], "app_metadata" in body["user"], "user_metadata" in body["user"]) == (
        ["user_metadata"],
        True,
        False,
    )


@each_side_action
@pytest.mark.parametrize("case", BAD_ANSWERS)
def test_a_bad_answer_is_one_line_and_nothing_else(run_action: RunAction, name: str, case: str) -> None:
    behaviour, why = BAD_ANSWERS[case]

    with Receiver(behaviour) as receiver:
        run = run_action(a_registration(), receiver.url, name=name)

    assert (run.thrown, run.calls, run.fetches) == (None, [], 1)
    assert_one_plain_line(run, why)


@each_side_action
@pytest.mark.parametrize("behaviour", [hangs, drips], ids=["silence", "a byte at a time"])
def test_the_deadline_holds(run_action: RunAction, name: str, behaviour: Behaviour) -> None:
    with Receiver(behaviour) as receiver:
        run = run_action(a_registration(), receiver.url, name=name, deadline_ms=SHORT_MS)

    assert run.elapsed_ms < SHORT_MS + GRACE_MS
    assert (run.thrown, run.calls) == (None, [])
    assert_one_plain_line(run, f"no answer within {SHORT_MS} ms")


@each_side_action
@pytest.mark.parametrize("secret", [None, "whsec_short"])
def test_without_a_secret_nobody_is_called(run_action: RunAction, name: str, secret: Any) -> None:
    event = a_registration() | {"secrets": {"FRONTDESK_HOOK_SECRET": secret}}

    run = run_action(event, nobody_listens(), name=name)

    assert (run.thrown, run.calls, run.fetches) == (None, [], 0)
    assert_one_plain_line(run, "the secret FRONTDESK_HOOK_SECRET is missing or not whsec_<base64>")


@pytest.mark.parametrize(
    ("reason", "told"),
    [("This account is blocked.", "This account is blocked."), (None, SETTINGS.deny_reason)],
)
def test_a_blocked_user_is_denied_by_sync_too(run_action: RunAction, reason: str | None, told: str) -> None:
    with Receiver(answers({"decision": "deny", "reason": reason})) as receiver:
        run = run_action(a_login(), receiver.url, name="sync")

    assert run.calls == [["access.deny", told]]


@each_caller
def test_a_probe_tells_nothing_and_changes_nothing(run_action: RunAction, name: str) -> None:
    with Receiver(answers({"probe": True, "tenant": "default", "version": 1})) as receiver:
        run = run_action(a_registration() | {"frontdesk_probe": True}, receiver.url, name=name)

    assert receiver.only_request.json == {"version": 1, "tenant": "acme", "probe": True}
    Webhook(HOOK_SECRET).verify(receiver.only_request.body, receiver.only_request.headers)
    assert (run.calls, run.logs, run.thrown) == ([], ["frontdesk: probe: HTTP 200"], None)


@each_caller
@pytest.mark.parametrize("status", ["401 Unauthorized", "503 Service Unavailable"])
def test_a_probe_that_is_refused_shows_the_status_alone(
    run_action: RunAction, name: str, status: str
) -> None:
    with Receiver(answers({"detail": "private"}, status=status)) as receiver:
        run = run_action(
            a_registration() | {"frontdesk_probe": True}, receiver.url, name=name, on_failure="deny"
        )

    assert (run.calls, run.logs) == ([], [f"frontdesk: probe: HTTP {status[:3]}"])


@each_caller
@pytest.mark.parametrize("mark", ["true", 1])
def test_no_other_mark_makes_a_probe(run_action: RunAction, name: str, mark: Any) -> None:
    with Receiver(answers(GOOD_ANSWER)) as receiver:
        run_action(a_registration() | {"frontdesk_probe": mark}, receiver.url, name=name)

    assert "probe" not in receiver.only_request.json
    assert re.search(rb'"user":', receiver.only_request.body)


TRANSACTIONS: list[tuple[dict[str, Any] | None, str | None]] = [
    ({"id": "txn_Zk3pQ9", "correlation_id": "c-1"}, "txn_Zk3pQ9"),
    ({"correlation_id": "order:42.b_C-1"}, "order:42.b_C-1"),
    ({"id": "two\r\nx-hasura-role: admin", "correlation_id": "c-1"}, "c-1"),
    ({"id": "x" * 65, "correlation_id": "é"}, None),
    ({"id": {"a": 1}, "correlation_id": ["c"]}, None),
    ({}, None),
    (None, None),
]


@each_caller
def test_each_call_carries_auth0s_own_id_where_a_header_can(run_actions: RunActions, name: str) -> None:
    events = [{**a_registration(), "transaction": transaction} for transaction, _ in TRANSACTIONS]
    with Receiver(answers(GOOD_ANSWER)) as receiver:
        runs = run_actions(events, receiver.url, name=name)

    assert [(run.thrown, run.logs) for run in runs] == [(None, [])] * len(events)
    sent = [request.headers for request in receiver.requests]
    assert [headers["x-request-id"] for headers in sent] == [
        own or headers["webhook-id"] for (_, own), headers in zip(TRANSACTIONS, sent, strict=True)
    ]


@pytest.mark.parametrize("name", ["post-user-registration", "post-change-password"])
@pytest.mark.parametrize(
    ("answer", "is_told"),
    [({"synced": False, "queued": True}, False), ({"synced": False, "queued": False}, True)],
    ids=["queued", "neither"],
)
def test_an_event_that_is_safely_on_its_way_is_no_fault(
    run_action: RunAction, name: str, answer: dict[str, bool], is_told: bool
) -> None:
    with Receiver(answers(answer)) as receiver:
        run = run_action(a_registration(), receiver.url, name=name)

    assert bool(run.logs) is is_told
