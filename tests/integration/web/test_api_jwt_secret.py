"""`POST /api/jwt-secret`: the generator for the console, and what it fetches for whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from tests.builders import OPERATOR_TOKEN
from tests.integration.hasura.key_server import KeyServer, Page
from tests.integration.web.conftest import TIMEOUT_S, StartDesk
from tests.unit.hasura.keys import certificate, jwk, private_pem, public_pem, signed

CUSTOM = {"provider": "custom", "issuer": "me", "audience": "api"}
AUTH0 = {"provider": "auth0", "domain": "acme.eu.auth0.com", "audience": "https://api.example.com"}
Ask = Callable[..., requests.Response]


@pytest.fixture
def keys() -> Iterator[KeyServer]:
    """A tenant on this machine, with its key set."""
    page = Page(body={"keys": [jwk("one")]}, headers={"Cache-Control": "max-age=600"})
    with KeyServer({"/.well-known/jwks.json": page, "/keys": page}) as running:
        yield running


@pytest.fixture
def ask(start_desk: StartDesk, keys: KeyServer) -> Ask:
    """Ask a frontdesk whose tenant is that one, as an operator."""
    desk = start_desk(
        OPERATOR_TOKEN=OPERATOR_TOKEN,
        TENANTS_DEFAULT_ISSUER=f"{keys.url}/",
        TENANTS_DEFAULT_AUDIENCE="https://api.example.com",
    )

    def post(body: Any = None, **fields: Any) -> requests.Response:
        return requests.post(
            f"{desk.url}/api/jwt-secret",
            headers={"Authorization": f"Bearer {OPERATOR_TOKEN}"},
            timeout=TIMEOUT_S,
            **({"json": fields} if body is None else {"data": body}),
        )

    return post


def faults(response: requests.Response) -> dict[str, str]:
    assert (response.status_code, response.headers["Content-Type"]) == (400, "application/problem+json")
    return {fault["field"]: fault["expected"] for fault in response.json()["errors"]}


def test_the_only_tenant_of_the_settings_is_meant_without_a_word(ask: Ask, keys: KeyServer) -> None:
    answer = ask(check=True).json()

    assert answer["jwt_secret"] == {
        "jwk_url": f"{keys.url}/.well-known/jwks.json",
        "audience": "https://api.example.com",
        "issuer": f"{keys.url}/",
    }
    assert {each["verdict"] for each in answer["check"]} == {"ok"}
    assert (answer["warnings"], answer["notes"]) == ([], [])
    assert "aud, iss, exp" in answer["not_checked"][0]


def test_any_provider_is_answered_in_any_format(ask: Ask) -> None:
    answer = ask(**AUTH0, format="env", allowed_skew=30, header="cookie:jwt").json()

    assert answer["jwt_secret"] == {
        "jwk_url": "https://acme.eu.auth0.com/.well-known/jwks.json",
        "audience": "https://api.example.com",
        "issuer": "https://acme.eu.auth0.com/",
        "allowed_skew": 30,
        "header": {"type": "Cookie", "name": "jwt"},
    }
    assert answer["text"].startswith("HASURA_GRAPHQL_JWT_SECRET='{")
    assert answer["check"] is None


def test_the_key_of_a_tenant_is_embedded(ask: Ask) -> None:
    answer = ask(tenant="default", embed_key=True).json()

    assert answer["jwt_secret"]["key"] == public_pem()
    assert "Embedded the RS256 key 'one'" in answer["notes"][0]


def test_a_public_key_may_be_brought(ask: Ask) -> None:
    assert ask(**CUSTOM, key=certificate()).json()["jwt_secret"]["type"] == "RS256"


def test_a_token_is_a_start(ask: Ask) -> None:
    claims = {"iss": "https://id.example.com/realms/main", "aud": ["web"]}
    answer = ask(token=signed(claims)).json()

    assert answer["jwt_secret"]["issuer"] == "https://id.example.com/realms/main"
    assert "without verifying" in answer["notes"][0]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"provider": "okta"}, {"provider"}),
        ({"project": "my-app-1234"}, {"provider"}),
        ({"provider": "cognito"}, {"region", "user_pool"}),
        ({"provider": "custom"}, {"audience", "issuer", "jwk_url"}),
        ({"provider": "clerk", "tenant": "default"}, {"tenant"}),
        ({"tenant": "nobody"}, {"tenant"}),
        ({**AUTH0, "domain": 5}, {"domain"}),
        ({**AUTH0, "domain": ""}, {"domain"}),
        ({**AUTH0, "audience": [5]}, {"audience"}),
        ({**AUTH0, "format": "xml"}, {"format"}),
        ({**AUTH0, "header": "query:t"}, {"header"}),
        ({**AUTH0, "allowed_skew": "5"}, {"allowed_skew"}),
        ({**AUTH0, "check": "yes"}, {"check"}),
        ({**AUTH0, "audiance": "x"}, {"audiance"}),
        ({**AUTH0, "claims_map": []}, {"claims_map"}),
        ({**AUTH0, "claims_namespace": "a", "claims_namespace_path": "$.a"}, {"claims_namespace_path"}),
        ({**CUSTOM, "key": "k" * 32}, {"key"}),
        ({**CUSTOM, "key": public_pem(), "embed_key": True}, {"key"}),
        ({"token": "opaque"}, {"token"}),
    ],
)
def test_a_wrong_body_names_its_fields(ask: Ask, fields: dict[str, Any], named: set[str]) -> None:
    assert faults(ask(**fields)).keys() == named


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"a": NaN}', b"\xff"])
def test_what_is_no_json_object_is_refused(ask: Ask, body: bytes) -> None:
    assert faults(ask(body)).keys() == {"body"}


def test_a_body_is_bounded(ask: Ask) -> None:
    assert ask(b" " * 70_000).status_code == 413


def test_what_hasura_refuses_is_refused_with_its_words(ask: Ask) -> None:
    refused = ask(**AUTH0, claims_map={})

    assert (refused.status_code, refused.json()["type"]) == (400, "urn:frontdesk:problem:jwt-config-invalid")
    assert "x-hasura-allowed-roles is expected but not found" in refused.json()["detail"]


def test_a_private_key_is_refused_and_not_repeated(ask: Ask) -> None:
    refused = ask(**CUSTOM, key=private_pem())

    assert refused.status_code == 400
    assert "private key" in refused.json()["detail"]
    assert private_pem()[40:80] not in refused.text


@pytest.mark.parametrize(
    "field",
    [
        {"jwk_url": "https://127.0.0.1/keys"},
        {"jwk_url": "https://169.254.169.254/x"},
        {"key_url": "https://[::1]/x"},
    ],
)
def test_no_private_address_is_asked_for_a_stranger(ask: Ask, keys: KeyServer, field: dict[str, str]) -> None:
    embedding = ask(**{**CUSTOM, **field}, embed_key=True)

    assert embedding.status_code == 422
    assert embedding.json()["type"] == "urn:frontdesk:problem:keys-unavailable"
    assert "not a public one" in embedding.json()["detail"]
    assert keys.asked == []


def test_plain_http_and_a_neighbour_of_the_tenant_are_not_asked(ask: Ask, keys: KeyServer) -> None:
    with KeyServer({"/keys": Page(body={"keys": [jwk("one")]})}) as neighbour:
        answer = ask(**CUSTOM, jwk_url=f"{neighbour.url}/keys", check=True).json()

        assert [(each["verdict"], "https URL" in each["sentence"]) for each in answer["check"]] == [
            ("failed", True)
        ]
        assert neighbour.asked == []
    assert ask(**CUSTOM, jwk_url=f"{keys.url}/keys", check=True).json()["check"][0]["verdict"] == "ok"
