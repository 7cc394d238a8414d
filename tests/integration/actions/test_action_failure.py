"""What the post-login Action does when frontdesk gives no usable answer in time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.integration.actions.conftest import SETTINGS, Run, RunAction, RunActions, execute
from tests.integration.actions.events import HOOK_SECRET, a_login, a_social_login
from tests.integration.actions.receiver import (
    Behaviour,
    Receiver,
    answers,
    closes_after,
    drips,
    floods,
    gzipped,
    hangs,
    nobody_listens,
    resets,
    sends,
)

from frontdesk.auth0.actions import action_dir

SHORT_MS = 400
GRACE_MS = 1000  # a loaded machine may run the timer late
LOG_LINE_LIMIT = 256  # Auth0 keeps so many characters per execution

DEFAULT_ROLE_ONLY = [
    [
        "accessToken.setCustomClaim",
        "https://hasura.io/jwt/claims",
        {
            "x-hasura-default-role": "user",
            "x-hasura-allowed-roles": ["user"],
            "x-hasura-user-id": "auth0|64b0f1e2d3c4b5a697887766",
            "x-hasura-tenant": "default",
        },
    ]
]
DENIED = [["access.deny", SETTINGS.deny_reason]]

CLAIMS = {"access_token": {"https://hasura.io/jwt/claims": {"x-hasura-default-role": "root"}}, "id_token": {}}
BAD_ANSWERS: dict[str, tuple[Behaviour, str]] = {
    "500": (answers({"decision": "allow", **CLAIMS}, status="500 Internal Server Error"), "HTTP 500"),
    "503": (answers({"type": "urn:x", "status": 503}, status="503 Service Unavailable"), "HTTP 503"),
    "401": (answers({"type": "urn:x", "status": 401}, status="401 Unauthorized"), "HTTP 401"),
    "201": (answers({"decision": "allow", **CLAIMS}, status="201 Created"), "HTTP 201"),
    "204": (closes_after(b"HTTP/1.1 204 No Content\r\n\r\n"), "HTTP 204"),
    "HTML": (answers(b"<html><body>Bad gateway</body></html>"), "SyntaxError"),
    "an empty body": (answers(b""), ""),
    "cut JSON": (answers(b'{"decision": "allow", "access_token": {'), "SyntaxError"),
    "not UTF-8": (answers(b"\xff\xfe\x00"), "SyntaxError"),
    "null": (answers(b"null"), "without a decision"),
    "a list": (answers([]), "without a decision"),
    "a string": (answers("allow"), "without a decision"),
    "no decision": (answers(CLAIMS), "without a decision"),
    "an unknown decision": (answers({"decision": "maybe", **CLAIMS}), "without a decision"),
    "allow without claims": (answers({"decision": "allow"}), "without a decision"),
    "claims in a list": (answers({"decision": "allow", **CLAIMS, "id_token": []}), "without a decision"),
    "claims as text": (answers({"decision": "allow", **CLAIMS, "access_token": "x"}), "without a decision"),
    "claims null": (answers({"decision": "allow", **CLAIMS, "access_token": None}), "without a decision"),
    "a huge answer": (answers(b" " * 100_001), "above 100000 bytes"),
    "a flood": (floods, "above 100000 bytes"),
    "a compressed bomb": (gzipped(b" " * 20_000_000), "above 100000 bytes"),
    "a redirect": (answers(b"", status="307 Temporary Redirect", headers={"location": "/elsewhere"}), ""),
    "a reset": (resets, "ECONNRESET"),
    "half an answer": (closes_after(b'HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{"decision": '), ""),
    "no HTTP": (closes_after(b"SSH-2.0-OpenSSH_9.7\r\n"), ""),
}
SLOW_ANSWERS: dict[str, Behaviour] = {
    "silence": hangs,
    "headers only": sends(b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n"),
    "half a head": sends(b"HTTP/1.1 200 OK\r\ncontent-"),
    "a byte at a time": drips,
}


def assert_one_plain_line(run: Run, why: str) -> None:
    (line,) = run.logs
    assert line.startswith("frontdesk: no check-in (")
    assert why in line
    assert len(line) <= LOG_LINE_LIMIT
    for private in ("example.com", "127.0.0.1", "ya29", HOOK_SECRET[6:20], "auth0|", "Ana", "html", "SSH"):
        assert private not in line


@pytest.mark.parametrize("case", BAD_ANSWERS)
def test_a_bad_answer_lets_in_with_the_default_role_only(run_action: RunAction, case: str) -> None:
    behaviour, why = BAD_ANSWERS[case]

    with Receiver(behaviour) as receiver:
        run = run_action(a_login(), receiver.url)

    assert (run.thrown, run.fetches, len(receiver.requests)) == (None, 1, 1)
    assert run.calls == DEFAULT_ROLE_ONLY
    assert run.elapsed_ms < SETTINGS.deadline_ms, "it does not wait once the answer is known to be bad"
    assert_one_plain_line(run, why)


@pytest.mark.parametrize("case", ["500", "HTML", "claims in a list", "a flood", "a reset"])
def test_a_bad_answer_denies_when_so_configured(run_action: RunAction, case: str) -> None:
    behaviour, why = BAD_ANSWERS[case]

    with Receiver(behaviour) as receiver:
        run = run_action(a_login(), receiver.url, on_failure="deny")

    assert (run.thrown, run.calls) == (None, DENIED)
    assert_one_plain_line(run, why)


@pytest.mark.parametrize("case", SLOW_ANSWERS)
@pytest.mark.parametrize(("on_failure", "outcome"), [("allow", DEFAULT_ROLE_ONLY), ("deny", DENIED)])
def test_the_deadline_holds_for_the_whole_call(
    run_action: RunAction, case: str, on_failure: str, outcome: list[Any]
) -> None:
    with Receiver(SLOW_ANSWERS[case]) as receiver:
        run = run_action(a_login(), receiver.url, deadline_ms=SHORT_MS, on_failure=on_failure)

    assert SHORT_MS - 5 <= run.elapsed_ms < SHORT_MS + GRACE_MS
    assert (run.thrown, run.calls, run.fetches) == (None, outcome, 1)
    assert len(receiver.requests) <= 1, "a loaded machine may not even have read the call by then"
    assert_one_plain_line(run, f"no answer within {SHORT_MS} ms")


def test_nobody_listening_is_known_at_once(run_action: RunAction) -> None:
    run = run_action(a_login(), nobody_listens())

    assert run.calls == DEFAULT_ROLE_ONLY
    assert run.elapsed_ms < SETTINGS.deadline_ms
    assert_one_plain_line(run, "ECONNREFUSED")


def test_a_name_that_does_not_resolve_is_a_failure_as_any_other(run_action: RunAction) -> None:
    run = run_action(a_login(), "https://frontdesk.invalid")

    assert run.calls == DEFAULT_ROLE_ONLY
    assert len(run.logs) == 1
    assert "frontdesk.invalid" not in run.logs[0]


def test_the_default_role_follows_the_settings(run_action: RunAction) -> None:
    run = run_action(
        a_login(),
        nobody_listens(),
        default_role="member",
        tenant="acme_eu",
        claims_namespace="https://app.example.com/hasura",
    )

    assert run.calls == [
        [
            "accessToken.setCustomClaim",
            "https://app.example.com/hasura",
            {
                "x-hasura-default-role": "member",
                "x-hasura-allowed-roles": ["member"],
                "x-hasura-user-id": "auth0|64b0f1e2d3c4b5a697887766",
                "x-hasura-tenant": "acme_eu",
            },
        ]
    ]


@pytest.mark.parametrize(
    "secrets",
    [
        {},
        {"FRONTDESK_HOOK_SECRET": ""},
        {"FRONTDESK_HOOK_SECRET": None},
        {"FRONTDESK_HOOK_SECRET": HOOK_SECRET.removeprefix("whsec_")},
        {"FRONTDESK_HOOK_SECRET": "whsec_"},
        {"FRONTDESK_HOOK_SECRET": "whsec_c2hvcnQ="},
        {"FRONTDESK_HOOK_SECRET": "whsec_" + "not base64!" * 4},
        {"FRONTDESK_HOOK_SECRET": f"{HOOK_SECRET} {HOOK_SECRET}"},
    ],
    ids=["missing", "empty", "null", "no prefix", "prefix only", "too short", "not base64", "two of them"],
)
def test_without_a_usable_secret_nothing_is_sent(run_action: RunAction, secrets: dict[str, Any]) -> None:
    with Receiver(answers()) as receiver:
        run = run_action(a_login() | {"secrets": secrets}, receiver.url, on_failure="deny")

    assert (receiver.requests, run.fetches, run.calls) == ([], 0, DENIED)
    assert_one_plain_line(run, "the secret FRONTDESK_HOOK_SECRET is missing or not whsec_<base64>")


def test_an_event_without_secrets_is_no_exception(run_action: RunAction) -> None:
    event = a_login()
    del event["secrets"]

    run = run_action(event, nobody_listens())

    assert (run.thrown, run.fetches, run.calls) == (None, 0, DEFAULT_ROLE_ONLY)
    assert_one_plain_line(run, "the secret FRONTDESK_HOOK_SECRET is missing")


@pytest.mark.parametrize("on_failure", ["allow", "deny"])
@pytest.mark.parametrize("event", [{}, {"user": None}, {"user": {"user_id": "u", "identities": 7}}], ids=str)
def test_an_event_that_is_none_never_throws(
    run_action: RunAction, event: dict[str, Any], on_failure: str
) -> None:
    run = run_action(event, nobody_listens(), on_failure=on_failure)

    assert (run.thrown, run.fetches, len(run.calls)) == (None, 0, 1)
    assert_one_plain_line(run, "TypeError")


@pytest.mark.parametrize("on_failure", ["'Allow'", "'skip'", "''", "true", "undefined"])
def test_a_choice_that_is_no_choice_denies(node: Path, tmp_path: Path, on_failure: str) -> None:
    source = (action_dir("post-login") / "action.js").read_text()
    edited = tmp_path / "action.js"
    edited.write_text(
        source.replace("/* setting: on_failure */ 'deny'", f"/* setting: on_failure */ {on_failure}")
    )

    (run,) = execute(node, edited, [a_login()])

    assert source != edited.read_text()
    assert [call[0] for call in run.calls] == ["access.deny"]


def test_a_failed_login_leaves_the_next_one_alone(run_actions: RunActions) -> None:
    """One instance serves many users: a connection that was torn down is not used again."""
    waiting = [resets, answers()]

    with Receiver(lambda receiver, connection: waiting.pop(0)(receiver, connection)) as receiver:
        first, second = run_actions([a_login(), a_social_login()], receiver.url)

    assert first.calls == DEFAULT_ROLE_ONLY
    assert (second.calls, second.logs) == ([], [])


def test_the_file_as_it_lies_in_the_repository_calls_nobody_and_denies(node: Path) -> None:
    (run,) = execute(node, action_dir("post-login") / "action.js", [a_login()])

    assert (run.thrown, run.fetches) == (None, 0)
    assert run.calls == [["access.deny", "Signing in is not possible at the moment. Please try again later."]]
    assert_one_plain_line(run, "not rendered")
