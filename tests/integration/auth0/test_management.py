"""The Management API client against a server that answers as tenants do when things go wrong."""

from __future__ import annotations

import time

import pytest
from tests.integration.auth0.scripted_server import Answer, ScriptedServer

from frontdesk.auth0.management import MAX_TRIES, Credentials, ManagementApi, StaticToken
from frontdesk.errors import Auth0CredentialsRefused, Auth0Rejected, Auth0ScopeMissing, Auth0Unavailable

SECRET = "s3cret-of-the-application"
CREDENTIALS = Credentials(client_id="m2m", client_secret=SECRET)
ROLE = "/api/v2/roles/rol_1"
FOUND = Answer(body={"id": "rol_1", "name": "Editor"})


def refusal(status: int, message: str, **more: object) -> Answer:
    return Answer(status=status, body={"statusCode": status, "error": "…", "message": message, **more})


def test_one_token_serves_many_calls() -> None:
    with ScriptedServer({ROLE: [FOUND]}) as server, ManagementApi(server.url, CREDENTIALS) as api:
        names = [api.sdk.roles.get("rol_1").name for _ in range(3)]

        assert names == ["Editor"] * 3
        assert server.paths() == ["/oauth/token", ROLE, ROLE, ROLE]
        assert (
            f"audience={server.url}/api/v2/".replace(":", "%3A").replace("/", "%2F") in server.calls[0].body
        )
        assert server.calls[1].headers["Authorization"] == "Bearer token-1"
        assert api.scopes() == frozenset({"read:actions", "read:clients"})


def test_a_token_that_somebody_made_is_used_as_it_is() -> None:
    with (
        ScriptedServer({ROLE: [FOUND]}) as server,
        ManagementApi(server.url, StaticToken("made-by-hand")) as api,
    ):
        api.sdk.roles.get("rol_1")

        assert server.paths() == [ROLE]
        assert server.calls[0].headers["Authorization"] == "Bearer made-by-hand"
        assert api.scopes() is None


def test_a_reached_rate_limit_is_waited_for_and_the_call_repeated() -> None:
    limited = refusal(429, "Global limit has been reached", errorCode="too_many_requests")
    later = Answer(status=429, body=limited.body, headers={"retry-after": "1"})
    with ScriptedServer({ROLE: [later, FOUND]}) as server, ManagementApi(server.url, CREDENTIALS) as api:
        start = time.monotonic()

        assert api.sdk.roles.get("rol_1").name == "Editor"
        assert time.monotonic() - start >= 1
        assert server.paths().count(ROLE) == 2


def test_an_empty_bucket_is_waited_for_before_the_next_call() -> None:
    reset = int(time.time()) + 2
    last = Answer(body=FOUND.body, headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset)})
    with ScriptedServer({ROLE: [last, FOUND]}) as server, ManagementApi(server.url, CREDENTIALS) as api:
        api.sdk.roles.get("rol_1")
        api.sdk.roles.get("rol_1")

        assert time.time() >= reset


@pytest.mark.parametrize("trouble", [Answer(status=503, body="busy"), Answer(hang_up=True)])
def test_a_read_is_repeated_after_a_passing_trouble(trouble: Answer) -> None:
    with ScriptedServer({ROLE: [trouble, FOUND]}) as server, ManagementApi(server.url, CREDENTIALS) as api:
        assert api.sdk.roles.get("rol_1").name == "Editor"


def test_a_creation_without_an_answer_is_not_repeated() -> None:
    script = {"/api/v2/roles": [Answer(hang_up=True)]}
    with ScriptedServer(script) as server, ManagementApi(server.url, CREDENTIALS) as api:
        with pytest.raises(Auth0Unavailable, match=r"POST .*/api/v2/roles"):
            api.sdk.roles.create(name="Editor")

        assert server.paths().count("/api/v2/roles") == 1


def test_wrong_credentials_are_told_without_the_secret() -> None:
    denied = Answer(status=401, body={"error": "access_denied", "error_description": "Unauthorized"})
    with ScriptedServer({"/oauth/token": [denied]}) as server, ManagementApi(server.url, CREDENTIALS) as api:
        with pytest.raises(Auth0CredentialsRefused, match=r"Unauthorized\. Check the client id") as refused:
            api.sdk.roles.get("rol_1")

        assert SECRET not in str(refused.value)
        assert SECRET not in repr(CREDENTIALS)


@pytest.mark.parametrize(
    ("body", "said"),
    [("[" * 200_000, "something else than Auth0's API"), ('["token"]', "answered without a token")],
    ids=["too deep", "a list"],
)
def test_an_answer_that_is_no_json_object_is_no_token(body: str, said: str) -> None:
    script = {"/oauth/token": [Answer(body=body)]}
    with (
        ScriptedServer(script) as server,
        ManagementApi(server.url, CREDENTIALS) as api,
        pytest.raises(Auth0Unavailable, match=said),
    ):
        api.sdk.roles.get("rol_1")


def test_a_missing_scope_is_named() -> None:
    message = "Insufficient scope, expected any of: read:roles,read:users"
    script = {ROLE: [refusal(403, message, errorCode="insufficient_scope")]}
    with ScriptedServer(script) as server, ManagementApi(server.url, CREDENTIALS) as api:
        with pytest.raises(Auth0ScopeMissing) as missing:
            api.sdk.roles.get("rol_1")

        assert missing.value.scopes == ("read:roles", "read:users")


def test_a_refusal_keeps_status_code_and_message() -> None:
    script = {ROLE: [refusal(404, "The role does not exist.", errorCode="inexistent_role")]}
    with ScriptedServer(script) as server, ManagementApi(server.url, CREDENTIALS) as api:
        with pytest.raises(Auth0Rejected, match="The role does not exist") as refused:
            api.sdk.roles.get("rol_1")

        assert (refused.value.status_code, refused.value.error_code) == (404, "inexistent_role")


def test_an_unreachable_tenant_is_told_with_its_address() -> None:
    with ScriptedServer({}) as server:
        url = server.url
    with (
        ManagementApi(url, StaticToken("x"), call_budget_s=1) as api,
        pytest.raises(Auth0Unavailable, match=url),
    ):
        api.sdk.roles.create(name="Editor")


@pytest.mark.parametrize(
    "page",
    [
        Answer(body="<html>Welcome</html>", headers={"content-type": "text/html"}),
        Answer(status=302, body="", headers={"location": "https://portal.example.com/"}),
    ],
    ids=["website", "redirect"],
)
def test_what_is_not_auth0_is_told_with_the_setting_to_check(page: Answer) -> None:
    with (
        ScriptedServer({ROLE: [page]}) as server,
        ManagementApi(server.url, StaticToken("made-by-hand")) as api,
        pytest.raises(Auth0Unavailable, match="something else than Auth0's API; check the tenant's `domain`"),
    ):
        api.sdk.roles.get("rol_1")


def test_a_host_that_nobody_knows_is_told_at_once() -> None:
    start = time.monotonic()
    with (
        ManagementApi("https://acme.eu.auht0.invalid", StaticToken("x")) as api,
        pytest.raises(Auth0Unavailable, match=r"the host acme\.eu\.auht0\.invalid is not known"),
    ):
        api.sdk.roles.get("rol_1")

    assert time.monotonic() - start < MAX_TRIES  # less than the pauses between tries would take
