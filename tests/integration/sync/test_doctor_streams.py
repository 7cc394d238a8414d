"""What the doctor says of streams: one server answers for Auth0, one for a frontdesk that takes streams or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from tests.integration.auth0.action_tenant import CREDENTIALS
from tests.integration.auth0.scripted_server import Answer, ScriptedServer

from frontdesk.auth0.event_deliveries import MAX_ATTEMPTS, redeliver_failed
from frontdesk.auth0.management import ManagementApi
from frontdesk.auth0.setup_streams import EVENT_TYPES
from frontdesk.auth0.stream_probe import why_refused
from frontdesk.errors import Auth0ScopeMissing
from frontdesk.sync.doctor.checks import Finding, Verdict
from frontdesk.sync.doctor.streams import event_stream, log_stream

HOOKS = "/hooks/acme"
TOKENS = ("the-new-stream-token-0123456789-0123456789", "the-old-stream-token-0123456789-0123456789")
TAKEN = [Answer(status=401), Answer(status=200)]
NOT_THERE: list[Answer] = []
WITHOUT_A_DATABASE = [
    Answer(status=401),
    Answer(status=503, body={"type": "urn:frontdesk:problem:store-missing"}),
]
OTHER_TOKEN = [Answer(status=401)]
ELSEWHERE = "https://elsewhere.example.com/logs"


def a_log_stream(url: str, status: str, token: str) -> dict[str, Any]:
    sink = {
        "httpEndpoint": url,
        "httpAuthorization": f"Bearer {token}",
        "httpContentFormat": "JSONARRAY",
        "httpContentType": "application/json",
    }
    return {"id": "lst_1", "name": "frontdesk-log-stream", "type": "http", "status": status, "sink": sink}


def an_event_stream(url: str, status: str, types: Sequence[str]) -> dict[str, Any]:
    configuration = {"webhook_endpoint": url, "webhook_authorization": {"method": "bearer"}}
    return {
        "id": "est_1",
        "name": "frontdesk-event-stream",
        "status": status,
        "subscriptions": [{"event_type": each} for each in types],
        "destination": {"type": "webhook", "configuration": configuration},
        "created_at": "2026-03-02T10:00:01.000Z",
        "updated_at": "2026-03-02T10:00:01.000Z",
    }


Look = Callable[[ManagementApi, str, Sequence[str]], Finding]


def found_by(look: Look, listed: Callable[[str], Answer], *, hook: list[Answer]) -> Finding:
    """Ask with a tenant that lists this, at a frontdesk whose hook answers so."""
    name = "log-stream" if look is log_stream else "event-stream"
    with ScriptedServer({f"{HOOKS}/{name}": hook} if hook else {}) as desk:
        hooks = f"{desk.url}{HOOKS}"
        script = {f"/api/v2/{name}s": [listed(f"{hooks}/{name}")]}
        with ScriptedServer(script) as auth0, ManagementApi(auth0.url, CREDENTIALS) as api:
            return look(api, hooks, TOKENS)


def logs(status: str, at: str | None = None, token: str = TOKENS[1]) -> Callable[[str], Answer]:
    return lambda url: Answer(body=[a_log_stream(at or url, status, token)])


def events(status: str, types: Sequence[str] = EVENT_TYPES) -> Callable[[str], Answer]:
    return lambda url: Answer(body={"eventStreams": [an_event_stream(url, status, types)]})


def no_plan(_: str) -> Answer:
    body = {
        "statusCode": 403,
        "error": "Forbidden",
        "message": "Not included",
        "errorCode": "feature_not_enabled",
    }
    return Answer(status=403, body=body)


CASES: dict[str, tuple[Look, Callable[[str], Answer], list[Answer], Verdict, str]] = {
    "runs": (log_stream, logs("active"), TAKEN, Verdict.OK, "is active and delivers to http"),
    "suspended": (log_stream, logs("suspended"), TAKEN, Verdict.FAILED, "is suspended, so nothing"),
    "elsewhere": (log_stream, logs("active", ELSEWHERE), TAKEN, Verdict.FAILED, f"to {ELSEWHERE}, and not"),
    "none": (log_stream, lambda _: Answer(body=[]), TAKEN, Verdict.FAILED, "the tenant has no such stream"),
    "another token": (log_stream, logs("active", token="x"), TAKEN, Verdict.FAILED, "none of the settings"),
    "paused before it can run": (
        log_stream,
        logs("paused"),
        NOT_THERE,
        Verdict.SKIPPED,
        "so no stream has to run",
    ),
    "runs in vain": (log_stream, logs("active"), NOT_THERE, Verdict.FAILED, "Auth0 will disable it"),
    "runs without a database": (
        log_stream,
        logs("active"),
        WITHOUT_A_DATABASE,
        Verdict.FAILED,
        "set FRONTDESK_DATABASE_URL there: Auth0 will disable it",
    ),
    "a token not known": (
        log_stream,
        logs("active"),
        OTHER_TOKEN,
        Verdict.FAILED,
        "does not know this token",
    ),
    "not in the plan": (log_stream, no_plan, TAKEN, Verdict.WARNING, "the tenant's plan has no log streams"),
    "events": (event_stream, events("enabled"), TAKEN, Verdict.OK, "is enabled and delivers to http"),
    "no events": (event_stream, events("disabled"), TAKEN, Verdict.FAILED, "is disabled, so nothing"),
    "some events": (
        event_stream,
        events("enabled", EVENT_TYPES[1:]),
        TAKEN,
        Verdict.WARNING,
        "no subscription to user.created",
    ),
    "events in vain": (event_stream, events("enabled"), NOT_THERE, Verdict.FAILED, "Auth0 will disable it"),
    "events not in the plan": (event_stream, no_plan, TAKEN, Verdict.WARNING, "plan has no event streams"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_stream_is_told_as_it_is(name: str) -> None:
    look, listed, hook, verdict, says = CASES[name]

    found = found_by(look, listed, hook=hook)

    assert (found.verdict, says in found.sentence) == (verdict, True), found
    assert TOKENS[0] not in found.sentence + str(found.fix)


def test_a_server_that_asks_for_no_token_is_shown_none() -> None:
    with ScriptedServer({"/x": [Answer(status=200)]}) as other:
        assert (
            why_refused(f"{other.url}/x", TOKENS[0]) == f"nothing of frontdesk answers at {other.url}/x yet"
        )
        assert [call.headers.get("authorization") for call in other.calls] == [None]


def test_a_missing_scope_is_not_taken_for_the_plan() -> None:
    body = {
        "statusCode": 403,
        "error": "Forbidden",
        "message": "Insufficient scope, expected any of: read:log_streams",
        "errorCode": "insufficient_scope",
    }

    with pytest.raises(Auth0ScopeMissing, match="read:log_streams"):
        found_by(log_stream, lambda _: Answer(status=403, body=body), hook=TAKEN)


def test_events_that_auth0_could_not_deliver_are_told_and_asked_for_again() -> None:
    tried = [{"status": "failed"}] * MAX_ATTEMPTS
    failures = [
        {"id": "evt_1", "status": "failed", "attempts": tried[:4]},
        {"id": "evt_2", "status": "failed", "attempts": tried},  # in vain often enough
        {"id": "evt_3", "status": "failed", "attempts": []},  # sent in the meantime
    ]
    with ScriptedServer({f"{HOOKS}/event-stream": TAKEN}) as desk:
        hooks = f"{desk.url}{HOOKS}"
        redeliver = "/api/v2/event-streams/est_1/redeliver"
        script = {
            "/api/v2/event-streams": [events("enabled")(f"{hooks}/event-stream")],
            "/api/v2/event-streams/est_1/deliveries": [Answer(body={"deliveries": failures})],
            f"{redeliver}/evt_1": [Answer(status=202, body={})],
            f"{redeliver}/evt_3": [Answer(status=409, body={"statusCode": 409, "message": "Not now"})],
        }
        with ScriptedServer(script) as auth0, ManagementApi(auth0.url, CREDENTIALS) as api:
            found = event_stream(api, hooks, TOKENS)
            asked = redeliver_failed(api, at_most=10)

    assert (found.verdict, "3 events could not be delivered" in found.sentence) == (Verdict.WARNING, True)
    assert asked == 1
    assert [path for path in auth0.paths() if redeliver in path] == [
        f"{redeliver}/evt_1",
        f"{redeliver}/evt_3",
    ]
