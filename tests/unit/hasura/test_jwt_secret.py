"""The generator of JWT secrets: what each provider publishes, what is missing, what is doubtful."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.hasura.keys import NOW, certificate, private_pem, public_pem, unsigned

from frontdesk.errors import JwtConfigInvalid, PayloadInvalid, UsageError
from frontdesk.hasura.jwt_config import JwtConfig, TokenHeader
from frontdesk.hasura.jwt_secret import (
    PROVIDERS,
    SecretOptions,
    SecretReport,
    claims_map,
    generate,
    proposal_from,
    tenant_options,
    token_header,
    unchecked_by_hasura,
    warnings_about,
    with_said,
)

IAP = "/projects/1/global/backendServices/2"
CLIENT = "1-abc.apps.googleusercontent.com"
USER_CLAIMS = {
    "x-hasura-allowed-roles": ["user"],
    "x-hasura-default-role": "user",
    "x-hasura-user-id": {"path": "$.sub"},
}
ENTRA = "https://login.microsoftonline.com/1234-abcd"

PUBLISHED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "auth0": (
        {"domain": "Acme.eu.auth0.com", "audiences": ("https://api.example.com",)},
        {
            "jwk_url": "https://acme.eu.auth0.com/.well-known/jwks.json",
            "audience": "https://api.example.com",
            "issuer": "https://acme.eu.auth0.com/",
        },
    ),
    "firebase": (
        {"project": "my-app-1234"},
        {
            "type": "RS256",
            "jwk_url": "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com",
            "audience": "my-app-1234",
            "issuer": "https://securetoken.google.com/my-app-1234",
        },
    ),
    "cognito": (
        {"region": "eu-central-1", "user_pool": "eu-central-1_AbCdEf123", "audiences": ("client",)},
        {
            "type": "RS256",
            "jwk_url": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123/.well-known/jwks.json",
            "audience": "client",
            "issuer": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123",
            "claims_format": "stringified_json",
        },
    ),
    "clerk": (
        {"instance": "clerk.example.com", "audiences": ("hasura",)},
        {
            "jwk_url": "https://clerk.example.com/.well-known/jwks.json",
            "audience": "hasura",
            "issuer": "https://clerk.example.com",
        },
    ),
    "azure-ad": (
        {"directory": "1234-abcd", "audiences": ("app",)},
        {
            "jwk_url": f"{ENTRA}/discovery/v2.0/keys",
            "audience": "app",
            "issuer": f"{ENTRA}/v2.0",
            "claims_map": {
                "x-hasura-allowed-roles": {"path": "$.roles", "default": ["user"]},
                "x-hasura-default-role": {"path": "$.roles[0]", "default": "user"},
                "x-hasura-user-id": {"path": "$.oid"},
            },
        },
    ),
    "keycloak": (
        {"domain": "id.example.com/auth", "realm": "my realm", "audiences": ("web",)},
        {
            "jwk_url": "https://id.example.com/auth/realms/my%20realm/protocol/openid-connect/certs",
            "audience": "web",
            "issuer": "https://id.example.com/auth/realms/my%20realm",
        },
    ),
    "google": (
        {"audiences": (IAP,)},
        {
            "jwk_url": "https://www.gstatic.com/iap/verify/public_key-jwk",
            "audience": IAP,
            "issuer": "https://cloud.google.com/iap",
            "claims_map": USER_CLAIMS,
            "header": {"type": "CustomHeader", "name": "x-goog-iap-jwt-assertion"},
        },
    ),
    "custom": (
        {"issuer": "me", "jwk_url": "https://me.example/keys", "audiences": ("a", "b")},
        {"jwk_url": "https://me.example/keys", "audience": ["a", "b"], "issuer": "me"},
    ),
}


def secret_of(provider: str, **said: Any) -> dict[str, Any]:
    return generate(SecretOptions(provider=provider, **said), NOW).config.as_json()


def faults_of(provider: str, **said: Any) -> dict[str, str]:
    with pytest.raises(PayloadInvalid) as refused:
        generate(SecretOptions(provider=provider, **said), NOW)
    return {fault.field: fault.expected for fault in refused.value.faults}


@pytest.mark.parametrize(("provider", "said", "secret"), [(name, *each) for name, each in PUBLISHED.items()])
def test_a_provider_gives_its_exact_secret(
    provider: str, said: dict[str, Any], secret: dict[str, Any]
) -> None:
    assert secret_of(provider, **said) == secret


def test_every_provider_has_its_exact_secret_here() -> None:
    assert PUBLISHED.keys() == PROVIDERS.keys()


def test_an_oauth_client_of_google_signs_in_without_the_proxy() -> None:
    assert secret_of("google", audiences=(CLIENT,)) == {
        "jwk_url": "https://www.googleapis.com/oauth2/v3/certs",
        "audience": CLIENT,
        "issuer": "https://accounts.google.com",
        "claims_map": USER_CLAIMS,
    }


@pytest.mark.parametrize("issuer", ["https://acme.eu.auth0.com/", "https://acme.eu.auth0.com"])
def test_a_tenant_of_the_settings_gets_its_slash(issuer: str) -> None:
    options = tenant_options(issuer=issuer, audience="https://api.example.com")

    assert generate(options, NOW).config.as_json() == {
        "jwk_url": "https://acme.eu.auth0.com/.well-known/jwks.json",
        "audience": "https://api.example.com",
        "issuer": "https://acme.eu.auth0.com/",
    }


@pytest.mark.parametrize(
    ("provider", "said", "words"),
    [
        ("auth0", {"audiences": ("a",)}, {"domain": "Auth0's Domain"}),
        (
            "auth0",
            {"audiences": ("a",), "domain": "https://acme.eu.auth0.com"},
            {"domain": "without https://"},
        ),
        ("auth0", {"audiences": ("a",), "domain": "acme.eu.auth0.com/login"}, {"domain": "and path"}),
        ("auth0", {"audiences": ("a",), "domain": "acme..auth0.com"}, {"domain": "host name"}),
        ("auth0", {"audiences": ("a",), "issuer": "acme.eu.auth0.com"}, {"issuer": "https URL"}),
        ("auth0", {"domain": "acme.eu.auth0.com"}, {"audience": "Identifier of an API"}),
        ("auth0", {"domain": "acme.eu.auth0.com", "audiences": (" ",)}, {"audience": "not empty"}),
        ("firebase", {}, {"project": "Project ID"}),
        ("cognito", {}, {"region": "AWS Region", "user_pool": "User pool ID"}),
        ("clerk", {}, {"instance": "Frontend API"}),
        ("azure-ad", {"directory": "common"}, {"directory": "not common"}),
        ("keycloak", {"domain": "id.example.com"}, {"realm": "Realm name"}),
        ("google", {}, {"audience": "/projects/"}),
        ("custom", {}, {"audience": "aud", "issuer": "iss", "jwk_url": "openid-configuration"}),
        ("okta", {}, {"provider": "auth0, firebase"}),
    ],
)
def test_what_is_missing_is_named_by_the_providers_word(
    provider: str, said: dict[str, Any], words: dict[str, str]
) -> None:
    faults = faults_of(provider, **said)

    assert faults.keys() == words.keys()
    assert all(word in faults[field] for field, word in words.items())


def test_without_audience_and_issuer_there_is_a_secret_only_for_who_insists() -> None:
    said: dict[str, Any] = {"jwk_url": "https://me.example/keys"}

    assert faults_of("custom", **said).keys() == {"audience", "issuer"}
    insisted = generate(SecretOptions(provider="custom", allow_any_audience=True, **said), NOW)
    assert insisted.config.as_json() == said
    assert [warning[:12] for warning in insisted.warnings] == ["No audience:", "No issuer: H"]


def test_one_namespace_takes_the_place_of_another() -> None:
    options = tenant_options(
        issuer="https://a.example/", audience="api", claims_namespace="https://b.example/c"
    )

    assert generate(options, NOW).config.claims_namespace == "https://b.example/c"
    moved = generate(with_said(options, {"claims_namespace_path": "$.hasura"}), NOW).config
    assert (moved.claims_namespace, moved.claims_namespace_path) == (None, "$.hasura")
    with pytest.raises(PayloadInvalid):
        with_said(options, {"claims_namespace_path": "$.hasura", "claims_namespace": "x"})


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("authorization", TokenHeader()),
        ("cookie:jwt", TokenHeader("Cookie", "jwt")),
        ("custom:X-Jwt", TokenHeader("CustomHeader", "X-Jwt")),
        ("cookie", None),
        ("cookie:", None),
        ("cookie:a b", None),
        ("query:a", None),
        ("authorization:x", None),
    ],
)
def test_a_header_is_said_in_one_word(text: str, header: TokenHeader | None) -> None:
    if header is not None:
        assert token_header(text) == header
        return
    with pytest.raises(PayloadInvalid):
        token_header(text)


@pytest.mark.parametrize("text", ["[]", "{", "null", "[" * 100_000])
def test_a_claims_map_is_an_object(text: str) -> None:
    with pytest.raises(PayloadInvalid):
        claims_map(text)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("k" * 32, "HS256"),
        (public_pem(), "RS256"),
        (certificate(), "RS256"),
        (public_pem("ES256"), "ES256"),
        (public_pem("ES512"), "ES512"),
        (public_pem("EdDSA"), "Ed25519"),
    ],
)
def test_a_key_tells_its_type(key: str, kind: str) -> None:
    assert secret_of("custom", key=key, issuer="i", audiences=("a",))["type"] == kind


@pytest.mark.parametrize("key", ["short", private_pem(), '{"kty": "RSA"}'])
def test_a_key_that_hasura_refuses_makes_no_secret(key: str) -> None:
    with pytest.raises(JwtConfigInvalid) as refused:
        secret_of("custom", key=key, issuer="i", audiences=("a",))

    assert refused.value.hasura is not None
    assert key not in str(refused.value)


@pytest.mark.parametrize("key", [public_pem(), private_pem()])
def test_a_public_key_is_no_hmac_secret(key: str) -> None:
    assert faults_of("custom", key=key, key_type="HS256", issuer="i", audiences=("a",)).keys() == {"key_type"}


SOUND = {"jwk_url": "https://x.example/keys", "audience": "a", "issuer": "https://x.example/"}
DOUBTFUL: dict[str, tuple[dict[str, Any], str]] = {
    "no audience": ({"audience": None}, "No audience"),
    "empty audience": ({"audience": ["a", ""]}, "empty"),
    "no issuer": ({"issuer": None}, "No issuer"),
    "no slash": ({"issuer": "https://acme.eu.auth0.com"}, "lacks the slash"),
    "a slash too many": ({"issuer": "https://securetoken.google.com/p/"}, "has a slash"),
    "http": ({"jwk_url": "http://x.example/keys"}, "http"),
    "skew": ({"allowed_skew": 301}, "301 s"),
    "unknown key": ({"audiance": "a"}, "audiance"),
    "stranger in the map": (
        {"claims_map": {"x-hasura-allowed-roles": ["u"], "x-hasura-default-role": "u", "user-id": "x"}},
        "user-id",
    ),
    "HMAC": ({"jwk_url": None, "type": "HS256", "key": "k" * 32}, "signs"),
    "public key as HMAC": ({"jwk_url": None, "type": "HS256", "key": public_pem()}, "anybody can sign"),
    "fixed key": ({"jwk_url": None, "type": "RS256", "key": public_pem()}, "rotates"),
    "weak RSA": ({"jwk_url": None, "type": "RS256", "key": public_pem("weak")}, "1024 bits"),
    "wrong curve": ({"jwk_url": None, "type": "ES256", "key": public_pem("ES384")}, "ES384"),
    "two blocks": ({"jwk_url": None, "type": "RS256", "key": public_pem() + certificate()}, "several PEM"),
    "expired": ({"jwk_url": None, "type": "RS256", "key": certificate(-1)}, "ended on 2026-03-01"),
    "expires soon": ({"jwk_url": None, "type": "RS256", "key": certificate(29)}, "ends on 2026-03-31"),
}


@pytest.mark.parametrize(("change", "word"), DOUBTFUL.values(), ids=DOUBTFUL)
def test_what_hasura_takes_and_should_not_is_warned_of(change: dict[str, Any], word: str) -> None:
    config = JwtConfig.from_json({**SOUND, **change})

    assert any(word in warning for warning in warnings_about(config, NOW))


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"issuer": "https://acme.eu.auth0.com/"},
        {"issuer": "https://securetoken.google.com/p"},
        {"jwk_url": "http://127.0.0.1:3000/keys"},
        {"jwk_url": "http://localhost:3000/keys"},
        {"allowed_skew": 300},
    ],
)
def test_a_sound_secret_gets_no_warning(change: dict[str, Any]) -> None:
    assert warnings_about(JwtConfig.from_json({**SOUND, **change}), NOW) == ()


def test_a_certificate_that_lasts_is_not_said_to_end() -> None:
    config = JwtConfig.from_json({**SOUND, "jwk_url": None, "type": "RS256", "key": certificate(31)})

    assert not any("ends on" in warning for warning in warnings_about(config, NOW))
    assert any("ends on" in warning for warning in warnings_about(config, NOW + timedelta(days=2)))


def test_what_the_engine_never_checks_is_said() -> None:
    said = " ".join(unchecked_by_hasura(JwtConfig.from_json(SOUND)))

    assert "aud, iss, exp" in said


ROLES = {"x-hasura-allowed-roles": ["user"], "x-hasura-default-role": "user"}
AUTH0 = {
    "iss": "https://acme.eu.auth0.com/",
    "aud": ["https://api.example.com", "https://acme.eu.auth0.com/userinfo"],
}


@pytest.mark.parametrize(
    ("issuer", "provider"),
    [
        ("https://acme.eu.auth0.com/", "auth0"),
        ("https://login.example.com/", "auth0"),
        ("https://securetoken.google.com/my-app-1234", "firebase"),
        ("https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_A", "cognito"),
        ("https://clerk.example.com", "clerk"),
        ("https://big-fish-1.clerk.accounts.dev", "clerk"),
        ("https://login.microsoftonline.com/1234-abcd/v2.0", "azure-ad"),
        ("https://sts.windows.net/1234-abcd/", "azure-ad"),
        ("https://id.example.com/realms/main", "keycloak"),
        ("https://accounts.google.com", "google"),
        ("https://cloud.google.com/iap", "google"),
        ("https://id.example.com", "custom"),
        ("my-backend", "custom"),
    ],
)
def test_a_token_proposes_its_provider_issuer_and_audience(issuer: str, provider: str) -> None:
    proposal = proposal_from(unsigned({"iss": issuer, "aud": "app"}))

    assert (proposal.options.provider, proposal.options.issuer) == (provider, issuer)
    assert (proposal.options.audiences, proposal.kid) == (("app",), "one")
    assert "without verifying" in proposal.notes[0]
    if provider != "custom":
        assert generate(proposal.options, NOW).config.issuer == issuer


@pytest.mark.parametrize(
    ("claims", "namespace"),
    [
        ({"https://hasura.io/jwt/claims": ROLES}, {}),
        ({"https://me.example/claims": ROLES}, {"claims_namespace": "https://me.example/claims"}),
        ({"a": {"https://x.y/z": ROLES}}, {"claims_namespace_path": '$.a["https://x.y/z"]'}),
        (ROLES, {"claims_namespace_path": "$"}),
        ({"https://hasura.io/jwt/claims": json.dumps(ROLES)}, {"claims_format": "stringified_json"}),
    ],
)
def test_a_token_proposes_its_namespace(claims: dict[str, Any], namespace: dict[str, str]) -> None:
    config = generate(proposal_from(unsigned({**AUTH0, **claims})).options, NOW).config

    assert config.as_json() == {
        "jwk_url": "https://acme.eu.auth0.com/.well-known/jwks.json",
        "audience": "https://api.example.com",
        "issuer": "https://acme.eu.auth0.com/",
        **namespace,
    }


@pytest.mark.parametrize(
    ("token", "word"),
    [
        ("", "not a JWT"),
        ("opaque-token", "not a JWT"),
        ("a.b.c.d.e", "encrypted"),
        ("a.b.c", "cannot be read"),
        ("é.é.é", "cannot be read"),
        (unsigned([]), "cannot be read"),
        (unsigned({}), "names no issuer"),
    ],
)
def test_what_is_no_token_is_said_to_be_none(token: str, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        proposal_from(token)


def test_a_token_is_taken_as_it_was_pasted() -> None:
    assert proposal_from(f'  "Bearer {unsigned(AUTH0)}"\n').options.provider == "auth0"


@pytest.mark.parametrize(
    ("claims", "word"),
    [({"nonce": "x"}, "ID token"), ({"aud": None}, "no audience"), ({}, "no x-hasura-allowed-roles")],
)
def test_what_is_odd_about_a_token_is_said(claims: dict[str, Any], word: str) -> None:
    assert any(word in note for note in proposal_from(unsigned({**AUTH0, **claims})).notes)


@pytest.mark.parametrize(
    "issuer", ["https://[/", "https://a\x1b]0;b/", "https://accounts.google.com/\x1b[2J\u202e/"]
)
def test_a_strange_issuer_is_told_and_controls_no_terminal(issuer: str) -> None:
    proposal = proposal_from(unsigned({**AUTH0, "iss": issuer}))
    options = dataclasses.replace(proposal.options, provider="custom", jwk_url="https://a.example.com/keys")

    secret = generate(options, NOW)

    assert secret.config.issuer == issuer
    lines = list(SecretReport(secret=secret, how="env", proposal=proposal).lines())
    assert lines
    assert all(line.isprintable() for line in lines)
