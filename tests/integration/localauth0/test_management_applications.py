"""Applications, APIs and grants through the Management API, by the official SDK: what is made is in force at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from auth0.management.client import Auth0
from auth0.management.core.api_error import ApiError
from tests.integration.localauth0.acme import (
    API,
    CALLBACK,
    RBAC_API,
    TIMEOUT_S,
    Browser,
    error_of,
    tokens_of,
)
from tests.integration.localauth0.jwts import verified
from tests.integration.localauth0.managed import Operator

from localauth0 import LocalAuth0

NEW_API = "https://new.example.com/graphql"


def machine_token(tenant: LocalAuth0, client: Any, audience: str, **more: str) -> Any:
    with Browser(tenant.url, client_id=client.client_id, client_secret=client.client_secret) as machine:
        return machine.token(grant_type="client_credentials", audience=audience, **more)


def test_a_new_application_logs_people_in(operated: LocalAuth0, auth0: Auth0) -> None:
    client = auth0.clients.create(
        name="New SPA", app_type="spa", callbacks=[CALLBACK], client_metadata={"team": "new"}
    )

    with Browser(operated.url, client_id=str(client.client_id)) as browser:
        tokens = browser.tokens()

    assert verified(operated, tokens["access_token"], audience=API)["azp"] == client.client_id


def test_an_application_is_made_read_changed_and_deleted(auth0: Auth0) -> None:
    made = auth0.clients.create(name="Server", app_type="regular_web", callbacks=[CALLBACK])
    client_id = str(made.client_id)

    changed = auth0.clients.update(client_id, callbacks=[], description="Ours")
    read = auth0.clients.get(client_id)
    listed = [client.client_id for client in auth0.clients.list()]
    auth0.clients.delete(client_id)

    assert made.client_secret == read.client_secret
    assert len(str(made.client_secret)) == 64
    assert made.grant_types == ["authorization_code", "implicit", "refresh_token", "client_credentials"]
    assert (changed.callbacks, read.callbacks, read.description) == ([], [], "Ours")
    assert (read.name, read.app_type) == ("Server", "regular_web")
    assert client_id in listed
    with pytest.raises(ApiError) as gone:
        auth0.clients.get(client_id)
    assert gone.value.status_code == 404


def test_applications_made_side_by_side_are_all_there(operator: Operator) -> None:
    names = [f"Client {number}" for number in range(24)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: operator.answer("POST", "/clients", {"name": name}), names))

    listed = operator.answer("GET", "/clients", params={"per_page": 100})
    assert sorted(client["name"] for client in listed if client["name"] in names) == sorted(names)


def test_an_applications_own_origin_may_call_the_token_endpoint(
    operated: LocalAuth0, operator: Operator
) -> None:
    origin = {"Origin": "https://debugger.example"}
    before = requests.get(f"{operated.url}/.well-known/jwks.json", headers=origin, timeout=TIMEOUT_S)
    operator.answer("PATCH", "/clients/spa", {"web_origins": [origin["Origin"]]})
    after = requests.get(f"{operated.url}/.well-known/jwks.json", headers=origin, timeout=TIMEOUT_S)

    assert "Access-Control-Allow-Origin" not in before.headers
    assert after.headers["Access-Control-Allow-Origin"] == origin["Origin"]


def test_metadata_of_an_application_is_merged_key_by_key(operator: Operator) -> None:
    operator.answer("PATCH", "/clients/spa", {"client_metadata": {"team": None, "tier": "gold"}})

    assert operator.answer("GET", "/clients/spa")["client_metadata"] == {"tier": "gold"}


def test_null_takes_a_setting_of_an_application_away(operator: Operator) -> None:
    operator.answer("PATCH", "/clients/spa", {"description": "One", "web_origins": ["http://localhost"]})

    changed = operator.answer("PATCH", "/clients/spa", {"description": None, "callbacks": None})

    assert "description" not in changed
    assert "callbacks" not in changed
    assert changed["web_origins"] == ["http://localhost"]


def test_the_secret_is_shown_to_who_may_read_keys(operated: LocalAuth0) -> None:
    with_keys = Operator(operated, scope="read:clients read:client_keys")
    without = Operator(operated, scope="read:clients")

    assert with_keys.answer("GET", "/clients/web")["client_secret"] == "web-secret"
    assert "client_secret" not in without.answer("GET", "/clients/web")
    assert all("client_secret" not in client for client in without.answer("GET", "/clients"))


def test_after_a_rotation_only_the_new_secret_counts(operated: LocalAuth0, auth0: Auth0) -> None:
    rotated = auth0.clients.rotate_secret("robot")

    with Browser(operated.url, client_id="robot", client_secret="robot-secret") as robot:
        refused = robot.token(grant_type="client_credentials", audience=API)

    assert error_of(refused)[:2] == (401, "access_denied")
    assert tokens_of(machine_token(operated, rotated, API))


def test_a_public_application_gets_no_token_of_its_own(operated: LocalAuth0, auth0: Auth0) -> None:
    spa = auth0.clients.create(name="SPA", app_type="spa", grant_types=["client_credentials"])
    auth0.client_grants.create(client_id=spa.client_id, audience=API, scope=[])
    spa_without_secret = spa.model_copy(update={"client_secret": None})

    assert error_of(machine_token(operated, spa_without_secret, API))[:2] == (401, "access_denied")


def test_applications_are_listed_by_kind(operator: Operator) -> None:
    found = operator.answer("GET", "/clients", params={"app_type": "spa,native"})

    assert [client["client_id"] for client in found] == ["spa"]
    assert operator.answer("GET", "/clients", params={"is_global": "true"}) == []
    assert operator.answer("GET", "/clients", params={"is_first_party": "false"}) == []


def test_the_files_applications_and_apis_are_seen_through_the_api(operated: LocalAuth0, auth0: Auth0) -> None:
    apis = {api.identifier: api for api in auth0.resource_servers.list()}

    system = apis.pop(f"{operated.url}/api/v2/")
    assert system.is_system
    assert "create:clients" in {scope.value for scope in system.scopes or []}
    assert set(apis) == {API, RBAC_API}
    assert (apis[RBAC_API].enforce_policies, apis[RBAC_API].token_dialect) == (True, "access_token_authz")
    assert [scope.value for scope in apis[API].scopes or []] == ["read:things", "write:things"]


def test_a_new_api_gets_tokens(operated: LocalAuth0, auth0: Auth0) -> None:
    api = auth0.resource_servers.create(
        identifier=NEW_API,
        name="New",
        scopes=[{"value": "read:new", "description": "Read"}],
        token_lifetime=600,
    )
    client = auth0.clients.create(name="Machine", app_type="non_interactive")
    auth0.client_grants.create(client_id=client.client_id, audience=NEW_API, scope=["read:new"])

    answer = tokens_of(machine_token(operated, client, NEW_API))

    assert (api.signing_alg, api.token_lifetime) == ("RS256", 600)
    assert verified(operated, answer["access_token"], audience=NEW_API)["scope"] == "read:new"
    assert answer["expires_in"] == 600


@pytest.mark.parametrize("by", ["id", "identifier"])
def test_an_api_goes_by_its_id_and_by_its_identifier(auth0: Auth0, by: str) -> None:
    made = auth0.resource_servers.create(identifier=NEW_API, name="New")
    name = getattr(made, by)

    auth0.resource_servers.update(
        name,
        name="Newer",
        enforce_policies=True,
        token_dialect="access_token_authz",
        scopes=[{"value": "read:new"}],
    )
    read = auth0.resource_servers.get(name)
    auth0.resource_servers.delete(name)

    assert (read.id, read.identifier, read.name) == (made.id, NEW_API, "Newer")
    assert (read.enforce_policies, read.token_dialect) == (True, "access_token_authz")
    assert [scope.value for scope in read.scopes or []] == ["read:new"]
    assert NEW_API not in [api.identifier for api in auth0.resource_servers.list()]


def test_permissions_reach_tokens_once_the_api_asks_for_them(operated: LocalAuth0, auth0: Auth0) -> None:
    auth0.resource_servers.update(RBAC_API, token_dialect="access_token")
    with Browser(operated.url) as browser:
        without = browser.tokens(audience=RBAC_API)["access_token"]
    auth0.resource_servers.update(RBAC_API, token_dialect="access_token_authz")
    with Browser(operated.url) as browser:
        with_permissions = browser.tokens(audience=RBAC_API)["access_token"]

    assert "permissions" not in verified(operated, without, audience=RBAC_API)
    assert verified(operated, with_permissions, audience=RBAC_API)["permissions"] == ["read:things"]


def test_a_deleted_api_takes_its_grants_along(auth0: Auth0, operated: LocalAuth0) -> None:
    auth0.resource_servers.delete(API)

    assert API not in {grant.audience for grant in auth0.client_grants.list()}
    with Browser(operated.url, client_id="robot", client_secret="robot-secret") as robot:
        answer = robot.token(grant_type="client_credentials", audience=API)
    assert error_of(answer) == (403, "access_denied", f"Service not found: {API}")


def test_a_deleted_application_takes_its_grants_along(auth0: Auth0, operated: LocalAuth0) -> None:
    auth0.clients.delete("robot")

    assert "robot" not in {grant.client_id for grant in auth0.client_grants.list()}
    with Browser(operated.url, client_id="robot", client_secret="robot-secret") as robot:
        answer = robot.token(grant_type="client_credentials", audience=API)
    assert error_of(answer) == (401, "access_denied", "Unauthorized")


def test_an_application_that_needs_no_authentication_is_public(operated: LocalAuth0, auth0: Auth0) -> None:
    client = auth0.clients.create(name="Public", callbacks=[CALLBACK], token_endpoint_auth_method="none")

    with Browser(operated.url, client_id=str(client.client_id)) as browser:
        assert browser.tokens()["access_token"]
    assert client.grant_types == ["authorization_code", "implicit", "refresh_token"]


def test_an_api_for_other_signatures_gets_no_token_at_all(operated: LocalAuth0, auth0: Auth0) -> None:
    """Rather than one that is signed in another way than the API was told."""
    auth0.resource_servers.create(identifier=NEW_API, signing_alg="HS256")
    client = auth0.clients.create(name="Machine", app_type="non_interactive")
    auth0.client_grants.create(client_id=client.client_id, audience=NEW_API, scope=[])

    assert error_of(machine_token(operated, client, NEW_API))[:2] == (501, "not_implemented")


def test_a_grant_is_made_changed_and_deleted(operated: LocalAuth0, auth0: Auth0) -> None:
    client = auth0.clients.create(name="Machine", app_type="non_interactive")
    grant = auth0.client_grants.create(client_id=client.client_id, audience=API, scope=["read:things"])
    grant_id = str(grant.id)

    auth0.client_grants.update(grant_id, scope=["write:things"])
    answer = tokens_of(machine_token(operated, client, API))
    of_client = [one.scope for one in auth0.client_grants.list(client_id=client.client_id)]
    auth0.client_grants.delete(grant_id)

    assert answer["scope"] == "write:things"
    assert of_client == [["write:things"]]
    assert error_of(machine_token(operated, client, API))[:2] == (403, "access_denied")


def test_a_grant_for_logins_of_people_gives_machines_nothing(operated: LocalAuth0, auth0: Auth0) -> None:
    client = auth0.clients.create(name="Machine", app_type="non_interactive")
    auth0.client_grants.create(
        client_id=client.client_id, audience=API, scope=["read:things"], subject_type="user"
    )

    assert error_of(machine_token(operated, client, API))[:2] == (403, "access_denied")


def test_the_grant_of_the_management_api_can_be_widened(operated: LocalAuth0, auth0: Auth0) -> None:
    audience = f"{operated.url}/api/v2/"
    client = auth0.clients.create(name="Machine", app_type="non_interactive")
    grant = auth0.client_grants.create(client_id=client.client_id, audience=audience, scope=["read:users"])

    def operator() -> Operator:
        token = tokens_of(machine_token(operated, client, audience))["access_token"]
        return Operator(operated, token=token)

    assert operator().refusal("GET", "/roles")[2] == "insufficient_scope"
    auth0.client_grants.update(str(grant.id), scope=["read:users", "read:roles"])
    assert operator().call("GET", "/roles").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/client-grants", {"client_id": "nobody", "audience": API, "scope": []}, 404),
        ("POST", "/client-grants", {"client_id": "spa", "audience": "https://no.example", "scope": []}, 404),
        ("POST", "/client-grants", {"client_id": "spa", "audience": API, "scope": ["no:scope"]}, 400),
        ("POST", "/client-grants", {"client_id": "spa", "audience": API}, 400),
        ("POST", "/client-grants", {"client_id": "robot", "audience": API, "scope": []}, 409),
        ("GET", "/client-grants/cgr_none", None, 404),
        ("POST", "/resource-servers", {"identifier": API}, 409),
        ("POST", "/resource-servers", {"name": "No identifier"}, 400),
        ("PATCH", f"/resource-servers/{API}", {"identifier": NEW_API}, 400),
        ("PATCH", f"/resource-servers/{API}", {"scopes": [{"value": "a"}, {"value": "a"}]}, 400),
        ("PATCH", "/resource-servers/none", {"name": "x"}, 404),
        ("POST", "/clients", {"name": "<b>"}, 400),
        ("POST", "/clients", {"name": "x", "app_type": "toaster"}, 400),
        ("PATCH", "/clients/nobody", {"name": "x"}, 404),
        ("POST", "/clients/nobody/rotate-secret", None, 404),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    operated: LocalAuth0, operator: Operator, method: str, path: str, body: Any, status: int
) -> None:
    before = operated.store.config

    assert operator.refusal(method, path, body)[0] == status
    assert operated.store.config == before


def test_the_management_api_itself_stays(operated: LocalAuth0, operator: Operator) -> None:
    system = f"/resource-servers/{operated.url}/api/v2/"

    assert operator.refusal("DELETE", system)[0] == 400
    assert operator.refusal("PATCH", system, {"name": "Mine"})[0] == 400
    assert operator.call("GET", system).status_code == 200


@pytest.mark.parametrize("path", ["/clients/nobody", "/client-grants/cgr_none", "/resource-servers/none"])
def test_deleting_what_is_gone_is_no_error(operator: Operator, path: str) -> None:
    assert operator.call("DELETE", path).status_code == 204


def test_a_reset_forgets_what_was_made(operated: LocalAuth0, operator: Operator) -> None:
    before = operated.store.config
    operator.answer("POST", "/clients", {"name": "New"})
    operator.answer("PATCH", f"/resource-servers/{API}", {"name": "Renamed"})

    operated.reset()

    assert operated.store.config == before
