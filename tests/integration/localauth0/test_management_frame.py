"""The Management API's frame: tokens and scopes, error bodies, lists in parts, and the rate limit."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.integration.localauth0.acme import (
    ANA,
    API,
    TIMEOUT_S,
    Browser,
    Clock,
    error_of,
    tokens_of,
)
from tests.integration.localauth0.conftest import StartTenant
from tests.integration.localauth0.jwts import verified
from tests.integration.localauth0.managed import (
    OPERATOR,
    OPERATOR_SECRET,
    Operator,
    an_operated_tenant,
    operator_token,
)

from localauth0 import LocalAuth0
from localauth0.app import create_app
from localauth0.live import LiveTenant
from localauth0.management.scopes import CURRENT_USER_SCOPES, MANAGEMENT_SCOPES


def test_a_token_for_the_management_api_has_the_documented_claims(operated: LocalAuth0) -> None:
    audience = f"{operated.url}/api/v2/"

    with Browser(operated.url, client_id=OPERATOR, client_secret=OPERATOR_SECRET) as machine:
        answer = tokens_of(machine.token(grant_type="client_credentials", audience=audience))

    claims = verified(operated, answer["access_token"], audience=audience)
    issued_at = claims.pop("iat")
    assert claims == {
        "iss": operated.issuer,
        "sub": f"{OPERATOR}@clients",
        "aud": audience,
        "exp": issued_at + 86_400,
        "scope": " ".join(MANAGEMENT_SCOPES),
        "gty": "client-credentials",
        "azp": OPERATOR,
    }
    assert (answer["scope"], answer["expires_in"]) == (claims["scope"], 86_400)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"client_secret": "wrong"}, (401, "access_denied", "Unauthorized")),
        ({"client_id": "nobody"}, (401, "access_denied", "Unauthorized")),
        ({"audience": "https://else.example/api/v2/"}, (403, "access_denied", "Service not found: ")),
        (
            {"client_id": "robot", "client_secret": "robot-secret"},
            (403, "access_denied", "Client is not auth"),
        ),
        (
            {"client_id": "web", "client_secret": "web-secret"},
            (403, "unauthorized_client", "Grant type 'client_"),
        ),
        ({"scope": "read:things"}, (403, "access_denied", "Client has not been granted scopes")),
    ],
    ids=str,
)
def test_who_may_not_have_a_management_token_gets_none(
    operated: LocalAuth0, changes: dict[str, str], expected: tuple[int, str, str]
) -> None:
    with Browser(operated.url, client_id=OPERATOR, client_secret=OPERATOR_SECRET) as machine:
        audience = f"{operated.url}/api/v2/"
        answer = machine.token(grant_type="client_credentials", **{"audience": audience, **changes})

    status, error, description = error_of(answer)
    assert (status, error) == expected[:2]
    assert description.startswith(expected[2])


def test_a_token_of_fewer_scopes_opens_less(operated: LocalAuth0) -> None:
    operator = Operator(operated, scope="read:clients")

    assert operator.call("GET", "/clients").status_code == 200
    assert operator.refusal("POST", "/clients", {"name": "x"}) == (
        403,
        "Insufficient scope, expected any of: create:clients",
        "insufficient_scope",
    )


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, (401, "Invalid token", None)),
        ("Basic YTpi", (400, "Bad HTTP authentication header format", "Bearer")),
        ("Bearer", (400, "Bad HTTP authentication header format", "Bearer")),
        ("Bearer opaque", (401, "Invalid token", None)),
        ("Bearer a.b.c", (401, "Invalid signature received for JSON Web Token validation", None)),
    ],
)
def test_a_call_without_a_good_token_is_refused(
    operated: LocalAuth0, header: str | None, expected: tuple[int, str, str | None]
) -> None:
    headers = {"Authorization": header} if header is not None else {}

    answer = requests.get(f"{operated.url}/api/v2/clients", headers=headers, timeout=TIMEOUT_S)

    problem = answer.json()
    assert answer.status_code == problem["statusCode"] == expected[0]
    assert (problem["message"], problem.get("errorCode")) == expected[1:]
    if expected[1] == "Invalid token":
        assert problem["attributes"] == {"error": "Invalid token"}


def test_a_token_for_another_api_is_refused(operated: LocalAuth0) -> None:
    with Browser(operated.url, client_id="robot", client_secret="robot-secret") as robot:
        token = tokens_of(robot.token(grant_type="client_credentials", audience=API))["access_token"]

    assert Operator(operated, token=token).refusal("GET", "/clients")[:2] == (401, "Invalid token")


def test_a_token_of_another_tenant_is_refused(operated: LocalAuth0, start_tenant: StartTenant) -> None:
    """Both tenants share their keys here, so it is the issuer that tells them apart."""
    other = start_tenant(an_operated_tenant())

    assert Operator(operated, token=operator_token(other)).refusal("GET", "/clients")[0] == 401


def test_the_management_api_moves_with_the_tenants_address(keys_dir: Path) -> None:
    tenant = LocalAuth0(tenant=an_operated_tenant(), data_dir=keys_dir)
    with tenant:
        Operator(tenant).answer("POST", "/clients", {"name": "Made before"})
        first = tenant.url

    with tenant:
        names = [client["name"] for client in Operator(tenant).answer("GET", "/clients")]
        apis = [api["identifier"] for api in Operator(tenant).answer("GET", "/resource-servers")]
        tenant.reset()
        after_reset = Operator(tenant).call("GET", "/clients").status_code

    assert "Made before" in names
    assert f"{tenant.url}/api/v2/" in apis
    assert first == tenant.url or f"{first}/api/v2/" not in apis
    assert after_reset == 200


def test_a_token_ends(start_tenant: StartTenant) -> None:
    clock = Clock()
    tenant = start_tenant(an_operated_tenant(), clock=clock)
    operator = Operator(tenant)

    clock.advance(timedelta(seconds=86_401))

    expected = (401, "Expired token received for JSON Web Token validation", None)
    assert operator.refusal("GET", "/clients") == expected


def test_a_person_may_read_oneself_and_nothing_else(operated: LocalAuth0) -> None:
    with Browser(operated.url) as browser:
        tokens = browser.tokens(
            audience=f"{operated.url}/api/v2/", scope="openid read:users read:current_user"
        )
    assert tokens["scope"] == "openid read:current_user"
    person = Operator(operated, token=tokens["access_token"])

    assert person.answer("GET", f"/users/{ANA}")["email"] == "ana@example.com"
    assert person.refusal("GET", "/users/auth0|bad")[2] == "insufficient_scope"
    assert person.refusal("GET", "/users")[2] == "insufficient_scope"


def test_every_view_of_the_management_api_is_guarded() -> None:
    app = create_app(_nobody())
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/v2/")]

    unguarded = [rule.rule for rule in rules if not hasattr(app.view_functions[rule.endpoint], "scopes")]

    assert len(rules) > 30
    assert unguarded == []


def test_every_scope_that_guards_a_view_can_be_granted() -> None:
    app = create_app(_nobody())
    asked = {scope for view in app.view_functions.values() for scope in getattr(view, "scopes", ())}

    # The others are for people, and for tokens that only read names.
    assert asked - CURRENT_USER_SCOPES - {"read:client_summary"} <= set(MANAGEMENT_SCOPES)


def _nobody() -> Any:
    """Routes are registered without a look at the tenant."""
    return object.__new__(LiveTenant)


@pytest.mark.parametrize("path", ["/branding", "/keys/signing/x/revoke", "/nowhere/at/all"])
def test_what_is_not_there_says_so_in_the_management_apis_shape(operated: LocalAuth0, path: str) -> None:
    status, message, code = Operator(operated).refusal("PUT", path, {})

    assert (status, code) == (501, "not_implemented")
    assert message == f"localauth0 does not implement PUT /api/v2{path}."


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "Payload validation error: 'Missing required property: name'."),
        (
            {"name": 1},
            "Payload validation error: 'Expected type string but found type integer' on property name.",
        ),
        ({"name": "x", "n": 1}, "Payload validation error: 'Additional properties not allowed: n'."),
        ([], "Payload validation error: 'Expected type object but found type array'."),
        (
            {"name": "x", "callbacks": [None]},
            "Payload validation error: 'Expected type string but found type null' on property callbacks.0.",
        ),
    ],
)
def test_a_bad_body_names_the_property(operated: LocalAuth0, body: Any, message: str) -> None:
    assert Operator(operated).refusal("POST", "/clients", body) == (400, message, "invalid_body")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/clients/spa", {"name": None}),
        ("PATCH", "/clients/spa", {"client_metadata": {"key": {}}}),
        ("PATCH", "/clients/spa", {"client_metadata": {f"key{n}": "x" for n in range(11)}}),
        ("PATCH", "/clients/spa", {"client_authentication_methods": {"private_key_jwt": []}}),
        (
            "PATCH",
            "/clients/spa",
            {"client_authentication_methods": {"private_key_jwt": {"credentials": [1]}}},
        ),
        (
            "PATCH",
            "/clients/spa",
            {"client_authentication_methods": {"private_key_jwt": {"credentials": [{"pem": "no key"}]}}},
        ),
        ("PATCH", "/clients/spa", {"jwt_configuration": "RS256"}),
        ("POST", "/resource-servers", {"identifier": "x", "scopes": ["read:x"]}),
        ("POST", "/resource-servers", {"identifier": "x", "token_lifetime": 2_592_001}),
        ("POST", "/resource-servers", {"identifier": "x", "token_encryption": []}),
        ("POST", "/client-grants", {"client_id": "spa", "audience": API, "scope": "read:things"}),
        ("POST", "/log-streams", {"type": "http", "sink": []}),
        ("POST", "/event-streams", {"destination": {"type": "webhook", "configuration": []}}),
        (
            "POST",
            "/event-streams",
            {
                "destination": {
                    "type": "webhook",
                    "configuration": {
                        "webhook_endpoint": "https://a.example",
                        "webhook_authorization": {"method": ["bearer"]},
                    },
                }
            },
        ),
    ],
    ids=lambda value: str(value)[:70],
)
def test_a_wrong_value_anywhere_is_the_callers_fault(
    operated: LocalAuth0, method: str, path: str, body: Any
) -> None:
    before = operated.store.config

    assert Operator(operated).refusal(method, path, body)[::2] == (400, "invalid_body")
    assert operated.store.config == before


def test_a_body_that_is_no_json_is_refused(operated: LocalAuth0) -> None:
    operator = Operator(operated)
    answer = requests.post(
        f"{operator.base}/clients",
        data=b"{",
        headers={**operator.headers, "Content-Type": "application/json"},
        timeout=TIMEOUT_S,
    )

    assert (answer.status_code, answer.json()["errorCode"]) == (400, "invalid_body")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"page": "-1"}, "invalid_query_string"),
        ({"per_page": "101"}, "invalid_query_string"),
        ({"per_page": "x"}, "invalid_query_string"),
        ({"include_totals": "yes"}, "invalid_query_string"),
        ({"take": "0"}, "invalid_query_string"),
        ({"page": "10", "per_page": "100"}, "invalid_paging"),
        ({"from": "nothing-of-ours"}, "invalid_paging"),
    ],
    ids=str,
)
def test_a_bad_query_is_refused(operated: LocalAuth0, query: dict[str, str], code: str) -> None:
    assert Operator(operated).refusal("GET", "/clients", params=query)[::2] == (400, code)


def test_a_list_comes_bare_or_with_totals_in_pages(operated: LocalAuth0) -> None:
    operator = Operator(operated)

    bare = operator.answer("GET", "/clients", params={"per_page": 3})
    rest = operator.answer(
        "GET", "/clients", params={"page": 1, "per_page": 3, "include_totals": "true", "fields": "client_id"}
    )

    assert [client["client_id"] for client in bare] == ["spa", "web", "robot"]
    assert rest == {"start": 3, "limit": 3, "total": 4, "clients": [{"client_id": OPERATOR}]}


def test_a_list_by_checkpoint_ends_without_a_next_part(operated: LocalAuth0) -> None:
    operator = Operator(operated)
    parts, query = [], {"take": "3"}
    while True:
        answer = operator.answer("GET", "/clients", params=query)
        parts.append([client["client_id"] for client in answer["clients"]])
        if "next" not in answer:
            break
        query = {"take": "3", "from": answer["next"]}

    assert parts == [["spa", "web", "robot"], [OPERATOR]]


def test_a_list_by_checkpoint_goes_on_where_it_was_though_the_list_has_changed(operated: LocalAuth0) -> None:
    operator = Operator(operated)
    first = operator.answer("GET", "/clients", params={"take": "2"})

    operator.answer("DELETE", f"/clients/{first['clients'][0]['client_id']}")
    rest = operator.answer("GET", "/clients", params={"take": "2", "from": first["next"]})
    operator.answer("DELETE", f"/clients/{first['clients'][1]['client_id']}")
    without_last = operator.answer("GET", "/clients", params={"take": "2", "from": first["next"]})

    assert [client["client_id"] for client in rest["clients"]] == ["robot", OPERATOR]
    assert OPERATOR in [client["client_id"] for client in without_last["clients"]]


def test_fields_can_be_chosen_and_left_out(operated: LocalAuth0) -> None:
    operator = Operator(operated)

    chosen = operator.answer("GET", "/clients/spa", params={"fields": "name,app_type"})
    left = operator.answer("GET", "/clients/spa", params={"fields": "name", "include_fields": "false"})

    assert chosen == {"name": "Acme web", "app_type": "spa"}
    assert "name" not in left
    assert left["client_id"] == "spa"


def test_the_rate_limit_empties_and_fills_again(start_tenant: StartTenant) -> None:
    clock = Clock()
    tenant = start_tenant(an_operated_tenant(rate_limit={"burst": 2, "per_second": 1}), clock=clock)
    operator = Operator(tenant)

    answers = [operator.call("GET", "/roles") for _ in range(3)]
    clock.advance(timedelta(seconds=1))
    later = operator.call("GET", "/roles")

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
    assert {answer.headers["x-ratelimit-limit"] for answer in answers} == {"2"}
    assert int(answers[2].headers["x-ratelimit-reset"]) == int(clock.now.timestamp())
    assert later.status_code == 200
    assert answers[2].json() == {
        "statusCode": 429,
        "error": "Too Many Requests",
        "message": "Global limit has been reached",
        "errorCode": "too_many_requests",
    }


def test_every_answer_tells_of_the_rate_limit_and_other_paths_do_not(operated: LocalAuth0) -> None:
    operator = Operator(operated)

    told = [operator.call("GET", path) for path in ("/clients", "/branding", "/clients/nobody")]
    elsewhere = requests.get(f"{operated.url}/.well-known/jwks.json", timeout=TIMEOUT_S)

    for answer in told:
        assert re.fullmatch(r"\d+", answer.headers["x-ratelimit-remaining"])
        assert int(answer.headers["x-ratelimit-reset"]) >= int(datetime.now(UTC).timestamp()) - 1
    assert "x-ratelimit-limit" not in elsewhere.headers
