"""Deployed Actions in force: what runs after `frontdesk actions deploy`, and what Hasura makes of the tokens."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from frontdesk.errors import FrontdeskError, SettingsInvalid
from frontdesk.settings import HASURA_CLAIMS
from frontdesk.settings_types import ACTION_NAMES
from tests.acceptance.actions_house import (
    MACHINE,
    MACHINE_SECRET,
    METADATA_NAMESPACE,
    OTHERS,
    House,
    a_house,
)
from tests.conftest import new_database
from tests.integration.localauth0.acme import (
    ANA,
    DATABASE,
    GOOGLE_USER,
    SAML_USER,
    SMS_USER,
    Browser,
    tokens_of,
    wait_until,
)
from tests.integration.localauth0.test_signup import ask_for_password, sign_up

pytestmark = pytest.mark.timeout(180)
REPORTS = "{reports {text}}"
USERS = "{users {userId tenant}}"
PERSONS: dict[str, tuple[dict[str, str] | None, dict[str, str]]] = {
    "database": (None, {}),
    "organization": (None, {"organization": "org_0000000000000001"}),
    "social": ({"user_id": GOOGLE_USER, "connection": "google-oauth2"}, {"connection": "google-oauth2"}),
    "passwordless": ({"user_id": SMS_USER, "connection": "sms"}, {"connection": "sms"}),
    "enterprise": ({"user_id": SAML_USER, "connection": "corp"}, {"connection": "corp"}),
}
# Beside those of each of these, the Actions of the other triggers.
WAYS_IN = {"one Action": ("post-login",), "two Actions": ("claims", "sync")}
OTHER_ACTIONS = (
    "id-token-metadata",
    "credentials-exchange",
    "post-user-registration",
    "post-change-password",
)


@pytest.fixture(scope="module")
def built(postgres_url: str, worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    place = tmp_path_factory.mktemp("house")
    with (
        new_database(postgres_url, f"in_force_{worker_id}_{os.getpid()}") as url,
        a_house(place, url) as house,
    ):
        (place / "secret").write_text(MACHINE_SECRET)
        yield house


@pytest.fixture
def house(built: House, monkeypatch: pytest.MonkeyPatch) -> House:
    built.clear()
    monkeypatch.chdir(built.place)
    return built


def machine_token(house: House, tenant: str = "acme", **changes: str) -> tuple[str, str]:
    """Return what `token get` prints for the machine: the token, and what it says of it."""
    found = house.run(
        *("token", "get", "--tenant", tenant, "--client-id", MACHINE, "--client-secret-file", "secret"),
        **changes,
    )
    assert found.exit_code == 0, found.exception
    return found.stdout.strip(), found.stderr


def log_in(house: House, tenant: str = "acme", person: str = "database") -> dict[str, Any]:
    fields, changes = PERSONS[person]
    with Browser(house.auth0[tenant].url) as browser:
        return tokens_of(browser.exchange(browser.log_in(fields, **changes).code))


def unverified(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def hasura_claims(tokens: dict[str, Any]) -> dict[str, Any]:
    claims: dict[str, Any] = unverified(tokens["access_token"])[HASURA_CLAIMS]
    return claims


def executed(house: House) -> list[tuple[str, str | None]]:
    """Return the Actions that the logins at acme ran, in order, each with its error."""
    executions = house.auth0["acme"].executions
    return [(each.action, each.error) for each in executions if each.trigger == "post-login"]


def ask(house: House, token: str, query: str, tenant: str = "acme", **headers: str) -> Any:
    answer = house.engines[tenant].ask(query, {"Authorization": f"Bearer {token}", **headers})
    assert "errors" not in answer, answer
    return answer["data"]


@pytest.mark.parametrize("tenant", ["acme", "beta"])
def test_a_machine_with_a_role_reads_what_its_role_and_tenant_may(house: House, tenant: str) -> None:
    house.deploy("credentials-exchange", tenant=tenant)

    token, said = machine_token(house, tenant)

    assert said == 'frontdesk: Hasura will accept this as role "reporter".\n'
    assert unverified(token)[HASURA_CLAIMS] == {
        "x-hasura-default-role": "reporter",
        "x-hasura-allowed-roles": ["reporter"],
        "x-hasura-user-id": f"{MACHINE}@clients",
        "x-hasura-tenant": tenant,
    }
    url = house.engines[tenant].url
    found = house.run("token", "query", REPORTS, "--url", url, "--tenant", tenant, stdin=token)
    assert json.loads(found.stdout) == {"reports": [{"text": f"of {tenant}"}]}
    assert "errors" in house.engines[tenant].ask(USERS, {"Authorization": f"Bearer {token}"})


def test_without_the_action_a_machine_hears_why_hasura_refuses_its_token(house: House) -> None:
    token, said = machine_token(house)

    found = house.run("token", "query", REPORTS, "--tenant", "acme", stdin=token)

    assert "Hasura will refuse this: the token has no claim" in said
    assert "deploy the Action credentials-exchange" in said
    assert found.exit_code == 1
    assert "deploy the Action credentials-exchange" in found.stderr


def test_a_machine_that_nobody_named_gets_a_token_without_claims(house: House) -> None:
    house.deploy("credentials-exchange", TENANTS_ACME_MACHINE_ROLES="{}")

    token, said = machine_token(house, TENANTS_ACME_MACHINE_ROLES="{}")

    assert HASURA_CLAIMS not in unverified(token)
    assert "Hasura will refuse this" in said
    assert "machine_roles" in said
    assert "errors" in house.engines["acme"].ask(REPORTS, {"Authorization": f"Bearer {token}"})


def test_a_machine_that_nobody_named_may_be_denied_and_the_management_api_still_works(house: House) -> None:
    changes = {"TENANTS_ACME_MACHINE_ROLES": "{}", "ACTION_UNKNOWN_MACHINES": "deny"}
    house.deploy("credentials-exchange", **changes)

    found = house.run(
        *("token", "get", "--tenant", "acme", "--client-id", MACHINE, "--client-secret-file", "secret")
    )

    assert isinstance(found.exception, FrontdeskError)
    assert "This application has no role in Hasura." in found.exception.detail
    # The deploying application is none of machine_roles either: its token is for another API.
    assert "Nothing had to be changed." in house.deploy("credentials-exchange", **changes)


def test_claims_alone_gives_the_claims_of_frontdesk(house: House) -> None:
    house.deploy("claims")
    alone = {person: hasura_claims(log_in(house, person=person)) for person in PERSONS}
    house.deploy("post-login")

    for person, claims in alone.items():
        tokens = log_in(house, person=person)

        assert hasura_claims(tokens) == claims
        assert claims["x-hasura-tenant"] == "acme"
        (own,) = ask(house, tokens["access_token"], USERS, **{"x-hasura-role": "user"})["users"]
        assert own["userId"] == claims["x-hasura-user-id"]


def test_claims_alone_writes_nobody_and_its_token_is_good_for_hasura(house: House) -> None:
    house.deploy("claims")

    token = log_in(house)["access_token"]

    assert ask(house, token, USERS) == {"users": []}
    assert house.rows("select user_id from users") == []


def test_a_token_of_one_tenant_never_reads_rows_of_the_other(house: House) -> None:
    """The same person in both, and at each allowed to see everybody of the tenant."""
    for tenant in ("acme", "beta"):
        house.deploy("post-login", tenant=tenant)
    tokens = {tenant: log_in(house, tenant)["access_token"] for tenant in ("acme", "beta")}
    assert len(house.rows("select * from users where user_id = %s", ANA)) == 2

    for tenant, other in (("acme", "beta"), ("beta", "acme")):
        for role in ("user", "user_admin"):
            asked = {"x-hasura-role": role, "x-hasura-tenant": other}
            seen = ask(house, tokens[tenant], USERS, tenant, **asked)["users"]
            assert seen == [{"userId": ANA, "tenant": tenant}]
        refused = house.engines[other].ask(USERS, {"Authorization": f"Bearer {tokens[tenant]}"})
        assert refused["errors"][0]["extensions"]["code"] == "invalid-jwt"


def test_a_sign_up_and_a_new_password_become_a_row_and_activities(house: House) -> None:
    house.deploy("post-login", "post-user-registration", "post-change-password")
    tenant = house.auth0["acme"]
    activities = (
        "select activity, source, connection from auth_activities where user_id = %s order by received_at"
    )

    user_id = f"auth0|{sign_up(tenant, email='nia@example.com', given_name='Nia').json()['_id']}"
    wait_until(lambda: len(house.rows(activities, user_id)) == 1)
    (row,) = house.rows("select tenant, email, given_name, logins_count from users")
    ask_for_password(tenant, "nia@example.com")
    with Browser(tenant.url) as browser:
        page = browser.http.get(tenant.mails[-1].url, timeout=30)
        browser.submit(page, {"password": "a new one", "confirmation": "a new one"})
        wait_until(lambda: len(house.rows(activities, user_id)) == 2)
        callback = browser.log_in({"username": "nia@example.com", "password": "a new one"})
        token = tokens_of(browser.exchange(callback.code))["access_token"]

    assert row == {"tenant": "acme", "email": "nia@example.com", "given_name": "Nia", "logins_count": None}
    assert house.rows(activities, user_id) == [
        {"activity": "signup", "source": "post-user-registration", "connection": DATABASE},
        {"activity": "password_changed", "source": "post-change-password", "connection": DATABASE},
    ]
    assert house.rows("select logins_count, given_name from users") == [
        {"logins_count": 1, "given_name": "Nia"}
    ]
    own = ask(house, token, "{auth_activities {activity}}")["auth_activities"]
    assert {each["activity"] for each in own} == {"signup", "password_changed"}


@pytest.mark.parametrize("way_in", WAYS_IN)
def test_all_actions_at_once_work_beside_those_of_other_people(house: House, way_in: str) -> None:
    ours = WAYS_IN[way_in]

    first, second = house.deploy(*ours, *OTHER_ACTIONS), house.deploy(*ours, *OTHER_ACTIONS)

    assert first.count("Created and deployed") == len((*ours, *OTHER_ACTIONS))
    assert second == "acme: Nothing had to be changed.\n"
    post_login = [*OTHERS["post-login"][1], *(f"frontdesk-{name}" for name in (*ours, "id-token-metadata"))]
    assert house.flow("post-login") == post_login
    for trigger in OTHER_ACTIONS[1:]:
        assert house.flow(trigger) == [*OTHERS[trigger][1], f"frontdesk-{trigger}"]

    tokens = log_in(house)
    assert executed(house) == [(name, None) for name in post_login]
    claims = hasura_claims(tokens)
    assert (claims["x-hasura-tenant"], claims["x-hasura-plan"]) == ("acme", "pro")
    assert claims["x-hasura-allowed-roles"] == ["user", "user_admin"]
    assert unverified(tokens["id_token"])[f"{METADATA_NAMESPACE}/app_metadata"]["plan"] == "pro"
    assert ask(house, tokens["access_token"], USERS)["users"] == [{"userId": ANA, "tenant": "acme"}]
    assert ask(house, machine_token(house)[0], REPORTS) == {"reports": [{"text": "of acme"}]}


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        ("first", ["frontdesk-post-login", "frontdesk-id-token-metadata", "log-country", "greet"]),
        (
            "after:log-country",
            ["log-country", "frontdesk-post-login", "frontdesk-id-token-metadata", "greet"],
        ),
    ],
)
def test_logins_run_our_actions_where_they_were_put_and_others_in_their_order(
    house: House, position: str, expected: list[str]
) -> None:
    house.run(
        *("actions", "deploy", "--tenant", "acme", "--position", position),
        ACTION_NAMES="post-login,id-token-metadata",
    )

    log_in(house)

    assert executed(house) == [(name, None) for name in expected]


def test_all_seven_at_once_are_refused_with_the_reason(house: House) -> None:
    found = house.run("actions", "deploy", "--all", ACTION_NAMES=",".join(ACTION_NAMES))

    assert isinstance(found.exception, SettingsInvalid)
    assert "post-login does their work too" in str(found.exception)
    assert house.flow("post-login") == OTHERS["post-login"][1]
