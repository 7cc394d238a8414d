"""Client credentials: machines that ask for tokens of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.integration.localauth0.acme import API, RBAC_API, Browser, a_tenant, error_of, tokens_of
from tests.integration.localauth0.conftest import StartTenant
from tests.integration.localauth0.jwts import verified

from localauth0 import LocalAuth0


@pytest.fixture
def robot(acme: LocalAuth0) -> Iterator[Browser]:
    with Browser(acme.url, client_id="robot", client_secret="robot-secret") as opened:
        yield opened


def test_a_machine_token_names_the_client_as_its_subject(acme: LocalAuth0, robot: Browser) -> None:
    tokens = tokens_of(robot.token(grant_type="client_credentials", audience=API))

    claims = verified(acme, tokens["access_token"], audience=API)
    issued_at = claims.pop("iat")
    assert claims == {
        "iss": acme.issuer,
        "sub": "robot@clients",
        "aud": API,
        "exp": issued_at + 7200,
        "azp": "robot",
        "gty": "client-credentials",
        "scope": "read:things write:things",
    }
    assert tokens["scope"] == claims["scope"]
    assert tokens["expires_in"] == 7200


def test_a_machine_may_ask_for_fewer_scopes(robot: Browser) -> None:
    answer = robot.token(grant_type="client_credentials", audience=API, scope="read:things")

    assert tokens_of(answer)["scope"] == "read:things"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"client_secret": "wrong"}, (401, "access_denied")),
        ({"client_secret": None}, (401, "access_denied")),
        ({"audience": None}, (400, "invalid_request")),
        ({"audience": "https://nowhere.example"}, (403, "access_denied")),
        ({"audience": RBAC_API}, (403, "access_denied")),
        ({"scope": "drop:tables"}, (403, "access_denied")),
        ({"organization": "globex"}, (501, "not_implemented")),
    ],
    ids=str,
)
def test_a_machine_gets_what_it_was_granted_and_nothing_else(
    robot: Browser, changes: dict[str, str | None], expected: tuple[int, str]
) -> None:
    answer = robot.token(grant_type="client_credentials", **{"audience": API, **changes})

    assert error_of(answer)[:2] == expected


def test_actions_see_and_shape_the_machine_token(start_tenant: StartTenant) -> None:
    tenant = start_tenant(
        with_machine_action("""
            api.accessToken.setCustomClaim("https://acme.example/team", event.client.name);
            api.accessToken.setCustomClaim("sub", "somebody-else");
        """)
    )

    with Browser(tenant.url, client_id="robot", client_secret="robot-secret") as robot:
        answer = robot.token(grant_type="client_credentials", audience=API, scope="read:things")

    claims = verified(tenant, tokens_of(answer)["access_token"], audience=API)
    assert claims["https://acme.example/team"] == "Robot"
    assert claims["sub"] == "robot@clients"
    event = tenant.executions[0].event
    assert event["accessToken"] == {"customClaims": {}, "scope": ["read:things"]}
    assert event["resource_server"] == {"identifier": API}
    assert event["transaction"]["requested_scopes"] == ["read:things"]
    assert event["request"]["body"]["grant_type"] == "client_credentials"
    assert event["tenant"] == {"id": "acme"}
    assert "user" not in event


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ('api.access.deny("invalid_scope", "not today");', (403, "invalid_scope", "not today")),
        ('api.access.deny("server_error", "broken");', (500, "server_error", "broken")),
        ('throw new Error("oops");', (403, "access_denied", "oops")),
        (
            "api.transaction.setRedirect('x');",
            (403, "access_denied", "api.transaction.setRedirect is not implemented by localauth0"),
        ),
    ],
)
def test_an_action_can_refuse_the_machine(
    start_tenant: StartTenant, code: str, expected: tuple[int, str, str]
) -> None:
    tenant = start_tenant(with_machine_action(code))

    with Browser(tenant.url, client_id="robot", client_secret="robot-secret") as robot:
        assert error_of(robot.token(grant_type="client_credentials", audience=API)) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("api.transaction.addTargetScope('x:y');", "read:things write:things x:y"),
        ("api.transaction.removeTargetScope('read:things');", "write:things"),
        ("api.transaction.setTargetScopes(['a:b']).transaction.removeTargetScope('none');", "a:b"),
        ("api.transaction.clearTargetScopes();", None),
    ],
)
def test_an_action_edits_the_scopes_of_the_machine(
    start_tenant: StartTenant, code: str, expected: str | None
) -> None:
    tenant = start_tenant(with_machine_action(code))

    with Browser(tenant.url, client_id="robot", client_secret="robot-secret") as robot:
        answer = tokens_of(robot.token(grant_type="client_credentials", audience=API))

    assert verified(tenant, answer["access_token"], audience=API).get("scope") == expected


def with_machine_action(code: str) -> dict[str, object]:
    source = f"exports.onExecuteCredentialsExchange = async (event, api) => {{ {code} }};"
    action = {"name": "machine", "trigger": "credentials-exchange", "code": source}
    return a_tenant(actions=[action], bindings={"credentials-exchange": ["machine"]})
