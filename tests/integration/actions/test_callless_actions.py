"""The Actions that call nobody: metadata on the ID token, and roles of machine clients."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.actions.conftest import RunAction
from tests.integration.actions.events import a_login, the_least_event

METADATA = {"name": "id-token-metadata", "id_token_namespace": "https://app.example.com/"}
AUDIENCE = "https://api.example.com"
MACHINES = {
    "name": "credentials-exchange",
    "audience": AUDIENCE,
    "machine_roles": {"robot-1": "reporter", "__proto__": "ghost"},
}
NO_ROLE = "frontdesk: no claims: machine_roles does not name this application"


def an_exchange(client_id: str | None = "robot-1", audience: str | None = AUDIENCE) -> dict[str, Any]:
    return {
        "client": {"client_id": client_id},
        "resource_server": {"identifier": audience},
        "accessToken": {"customClaims": {}, "scope": []},
        "tenant": {"id": "acme"},
        "transaction": {"requested_scopes": []},
        "secrets": {},
    }


def test_both_metadata_go_on_the_id_token_below_the_namespace(run_action: RunAction) -> None:
    run = run_action(a_login(app_metadata={"plan": "pro"}, user_metadata={"theme": "dark"}), **METADATA)

    assert run.calls == [
        ["idToken.setCustomClaim", "https://app.example.com/app_metadata", {"plan": "pro"}],
        ["idToken.setCustomClaim", "https://app.example.com/user_metadata", {"theme": "dark"}],
    ]
    assert (run.thrown, run.logs, run.fetches) == (None, [], 0)


def test_metadata_that_is_not_there_is_an_empty_object(run_action: RunAction) -> None:
    run = run_action(the_least_event(), **METADATA)

    assert [call[2] for call in run.calls] == [{}, {}]


@pytest.mark.parametrize(
    ("limit", "sizes", "left"),
    [
        (100, (99, 10), ["app_metadata", "user_metadata"]),
        (100, (102, 10), ["user_metadata"]),
        (100, (10, 102), ["app_metadata"]),
        (32768, (30000, 30000), ["app_metadata"]),
    ],
    ids=[
        "both fit",
        "app_metadata is too large",
        "user_metadata is too large",
        "both together are too large",
    ],
)
def test_metadata_that_is_too_large_is_left_out_and_told_by_name(
    run_action: RunAction, limit: int, sizes: tuple[int, int], left: list[str]
) -> None:
    app, user = ({"k": "é" * ((size - 8) // 2)} for size in sizes)

    run = run_action(a_login(app_metadata=app, user_metadata=user), metadata_limit_bytes=limit, **METADATA)

    assert [call[1].rpartition("/")[2] for call in run.calls] == left
    assert [line.rpartition(" ")[2] for line in run.logs] == sorted(
        {"app_metadata", "user_metadata"} - set(left)
    )


def test_a_machine_gets_its_role_and_the_tenant(run_action: RunAction) -> None:
    run = run_action(an_exchange(), tenant="acme", **MACHINES)

    assert run.calls == [
        [
            "accessToken.setCustomClaim",
            "https://hasura.io/jwt/claims",
            {
                "x-hasura-default-role": "reporter",
                "x-hasura-allowed-roles": ["reporter"],
                "x-hasura-user-id": "robot-1@clients",
                "x-hasura-tenant": "acme",
            },
        ]
    ]
    assert (run.thrown, run.logs, run.fetches) == (None, [], 0)


@pytest.mark.parametrize("client_id", ["robot-2", "toString", "", None])
def test_a_machine_without_a_role_gets_no_claims(run_action: RunAction, client_id: str | None) -> None:
    run = run_action(an_exchange(client_id), **MACHINES)

    assert (run.calls, run.logs, run.thrown) == ([], [NO_ROLE], None)


def test_a_machine_without_a_role_is_denied_when_so_configured(run_action: RunAction) -> None:
    run = run_action(an_exchange("robot-2"), unknown_machines="deny", **MACHINES)

    assert run.calls == [["access.deny", "invalid_request", "This application has no role in Hasura."]]


@pytest.mark.parametrize(
    "event",
    [an_exchange("robot-2", "https://acme.eu.auth0.com/api/v2/"), an_exchange(audience=None), {}],
    ids=["the Management API", "no API", "an empty event"],
)
def test_tokens_for_another_api_are_left_alone(run_action: RunAction, event: dict[str, Any]) -> None:
    """frontdesk's own application for the Management API would be denied otherwise."""
    run = run_action(event, unknown_machines="deny", **MACHINES)

    assert (run.calls, run.logs, run.thrown) == ([], [], None)
