"""What the post-login Action makes of frontdesk's answer."""

from __future__ import annotations

import pytest
from tests.integration.actions.conftest import SETTINGS, RunAction
from tests.integration.actions.events import a_login
from tests.integration.actions.receiver import Receiver, answers

NAMESPACE = SETTINGS.claims_namespace
HASURA_CLAIMS = {
    "x-hasura-default-role": "user",
    "x-hasura-allowed-roles": ["user", "editor"],
    "x-hasura-user-id": "auth0|64b0f1e2d3c4b5a697887766",
    "x-hasura-tenant": "default",
}


def test_the_claims_go_on_the_token_that_they_are_meant_for(run_action: RunAction) -> None:
    answer = {
        "decision": "allow",
        "reason": None,
        "synced": True,
        "access_token": {NAMESPACE: HASURA_CLAIMS},
        "id_token": {
            "https://app.example.com/app_metadata": {"plan": "pro"},
            "https://app.example.com/n": None,
        },
    }

    with Receiver(answers(answer)) as receiver:
        run = run_action(a_login(), receiver.url)

    assert run.calls == [
        ["accessToken.setCustomClaim", NAMESPACE, HASURA_CLAIMS],
        ["idToken.setCustomClaim", "https://app.example.com/app_metadata", {"plan": "pro"}],
        ["idToken.setCustomClaim", "https://app.example.com/n", None],
    ]
    assert (run.thrown, run.logs) == (None, [])


def test_an_answer_that_was_not_synced_counts_as_well(run_action: RunAction) -> None:
    answer = {
        "decision": "allow",
        "synced": False,
        "access_token": {NAMESPACE: HASURA_CLAIMS},
        "id_token": {},
    }

    with Receiver(answers(answer)) as receiver:
        run = run_action(a_login(), receiver.url)

    assert run.calls == [["accessToken.setCustomClaim", NAMESPACE, HASURA_CLAIMS]]


def test_nothing_is_left_running_after_the_answer(run_action: RunAction) -> None:
    with Receiver(answers()) as receiver:
        run = run_action(a_login(), receiver.url)

    assert run.timers_left == 0


def test_an_answer_without_claims_sets_none(run_action: RunAction) -> None:
    with Receiver(answers()) as receiver:
        run = run_action(a_login(), receiver.url)

    assert (run.calls, run.logs) == ([], [])


def test_a_denial_denies_with_its_reason_and_sets_no_claim(run_action: RunAction) -> None:
    answer = {
        "decision": "deny",
        "reason": "The account is blocked.",
        "access_token": {NAMESPACE: HASURA_CLAIMS},
        "id_token": {},
    }

    with Receiver(answers(answer)) as receiver:
        run = run_action(a_login(), receiver.url, on_failure="allow")

    assert (run.calls, run.logs) == ([["access.deny", "The account is blocked."]], [])


@pytest.mark.parametrize("reason", [None, 7, {"toString": 1}], ids=["null", "a number", "an object"])
def test_a_denial_without_a_reason_denies_with_the_configured_one(
    run_action: RunAction, reason: object
) -> None:
    with Receiver(answers({"decision": "deny", "reason": reason})) as receiver:
        run = run_action(a_login(), receiver.url, on_failure="allow", deny_reason="Not now.")

    assert run.calls == [["access.deny", "Not now."]]


def test_claims_in_every_script_arrive_unharmed(run_action: RunAction) -> None:
    claims = {NAMESPACE: {"x-hasura-name": "Zoë 李 🙂 \u2028"}}

    with Receiver(answers({"decision": "allow", "access_token": claims, "id_token": {}})) as receiver:
        run = run_action(a_login(), receiver.url)

    assert run.calls == [["accessToken.setCustomClaim", NAMESPACE, claims[NAMESPACE]]]
