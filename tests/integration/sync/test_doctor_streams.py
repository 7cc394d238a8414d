"""What the doctor says of streams: one server answers for Auth0, one for a frontdesk that takes streams or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.integration.auth0.action_tenant import CREDENTIALS
from tests.integration.auth0.scripted_server import Answer, ScriptedServer

from frontdesk.auth0.management import ManagementApi
from frontdesk.errors import Auth0ScopeMissing
from frontdesk.sync.doctor.checks import Finding, Verdict
from frontdesk.sync.doctor.streams import event_stream, log_stream

HOOKS = "/hooks/acme"
ELSEWHERE = "https://elsewhere.example.com/logs"


def a_log_stream(url: str, status: str) -> dict[str, Any]:
    sink = {"httpEndpoint": url, "httpContentFormat": "JSONARRAY", "httpContentType": "application/json"}
    return {"id": "lst_1", "name": "frontdesk-log-stream", "type": "http", "status": status, "sink": sink}


def an_event_stream(url: str, status: str) -> dict[str, Any]:
    configuration = {"webhook_endpoint": url, "webhook_authorization": {"method": "bearer"}}
    return {
        "id": "est_1",
        "name": "frontdesk-event-stream",
        "status": status,
        "subscriptions": [{"event_type": "user.created"}],
        "destination": {"type": "webhook", "configuration": configuration},
        "created_at": "2026-03-02T10:00:01.000Z",
        "updated_at": "2026-03-02T10:00:01.000Z",
    }


def found_by(
    look: Callable[[ManagementApi, str], Finding], listed: Callable[[str], Answer], *, taken: bool
) -> Finding:
    """Ask with a tenant that lists this, at a frontdesk that takes streams or does not."""
    name = "log-stream" if look is log_stream else "event-stream"
    hook = {f"{HOOKS}/{name}": [Answer(status=401)]} if taken else {}
    with ScriptedServer(hook) as desk:
        hooks = f"{desk.url}{HOOKS}"
        script = {f"/api/v2/{name}s": [listed(f"{hooks}/{name}")]}
        with ScriptedServer(script) as auth0, ManagementApi(auth0.url, CREDENTIALS) as api:
            return look(api, hooks)


def logs(status: str, at: str | None = None) -> Callable[[str], Answer]:
    return lambda url: Answer(body=[a_log_stream(at or url, status)])


def events(status: str) -> Callable[[str], Answer]:
    return lambda url: Answer(body={"eventStreams": [an_event_stream(url, status)]})


def no_plan(_: str) -> Answer:
    body = {
        "statusCode": 403,
        "error": "Forbidden",
        "message": "Not included",
        "errorCode": "feature_not_enabled",
    }
    return Answer(status=403, body=body)


CASES = {
    "runs": (log_stream, logs("active"), True, Verdict.OK, "is active and delivers to http"),
    "suspended": (
        log_stream,
        logs("suspended"),
        True,
        Verdict.FAILED,
        "is suspended, so nothing is delivered",
    ),
    "elsewhere": (
        log_stream,
        logs("active", ELSEWHERE),
        True,
        Verdict.FAILED,
        f"delivers to {ELSEWHERE}, and not",
    ),
    "none": (log_stream, lambda _: Answer(body=[]), True, Verdict.FAILED, "the tenant has no such stream"),
    "paused before it can run": (
        log_stream,
        logs("paused"),
        False,
        Verdict.SKIPPED,
        "takes no stream at http",
    ),
    "runs in vain": (log_stream, logs("active"), False, Verdict.FAILED, "Auth0 will disable it"),
    "not in the plan": (log_stream, no_plan, True, Verdict.WARNING, "the tenant's plan has no log streams"),
    "events": (event_stream, events("enabled"), True, Verdict.OK, "is enabled and delivers to http"),
    "no events": (
        event_stream,
        events("disabled"),
        True,
        Verdict.FAILED,
        "is disabled, so nothing is delivered",
    ),
    "events in vain": (event_stream, events("enabled"), False, Verdict.FAILED, "Auth0 will disable it"),
    "events not in the plan": (event_stream, no_plan, True, Verdict.WARNING, "plan has no event streams"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_stream_is_told_as_it_is(name: str) -> None:
    look, listed, taken, verdict, says = CASES[name]

    found = found_by(look, listed, taken=taken)

    assert (found.verdict, says in found.sentence) == (verdict, True), found


def test_a_missing_scope_is_not_taken_for_the_plan() -> None:
    body = {
        "statusCode": 403,
        "error": "Forbidden",
        "message": "Insufficient scope, expected any of: read:log_streams",
        "errorCode": "insufficient_scope",
    }

    with pytest.raises(Auth0ScopeMissing, match="read:log_streams"):
        found_by(log_stream, lambda _: Answer(status=403, body=body), taken=True)
