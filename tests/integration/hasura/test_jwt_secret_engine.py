"""Every generated JWT secret is one that the engine takes, and lets pass what it should: tokens of that provider.

Only the origin of `jwk_url` is changed, to a key server on this machine.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import jwt
import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.integration.hasura.key_server import KeyServer, Page
from tests.unit.hasura.keys import NOW, certificate, jwk, public_pem, signed

from frontdesk.hasura.claim_path import path_steps
from frontdesk.hasura.jwt_config import JwtConfig, TokenHeader
from frontdesk.hasura.jwt_secret import PROVIDERS, SecretOptions, formatted, generate
from localhasura.auth import Authenticator, parse_jwt_secret
from localhasura.errors import EngineError
from localhasura.server import LocalHasura

ADMIN_SECRET = "admin"
ROLES = {"x-hasura-allowed-roles": ["user"], "x-hasura-default-role": "user"}
NAMESPACE = "https://hasura.io/jwt/claims"
Claims = dict[str, Any]


def _hasura_claims(user: str) -> Claims:
    return {**ROLES, "x-hasura-user-id": user, "x-hasura-tenant": "default"}


# What a token of each provider holds besides iss, aud and exp, by how it carries the Hasura claims.
SHAPES: Mapping[str, Callable[[Any], Claims]] = {
    "auth0": lambda hasura: {"sub": "auth0|1", "azp": "app", "scope": "openid", NAMESPACE: hasura},
    "firebase": lambda hasura: {"sub": "u1", "user_id": "u1", "firebase": {}, NAMESPACE: hasura},
    "cognito": lambda hasura: {"sub": "u1", "token_use": "id", NAMESPACE: json.dumps(hasura)},
    "clerk": lambda hasura: {"sub": "user_1", "azp": "https://app.example.com", NAMESPACE: hasura},
    "azure-ad": lambda _: {"sub": "s", "oid": "o-1", "tid": "t", "ver": "2.0", "roles": ["user", "editor"]},
    "keycloak": lambda hasura: {"sub": "u1", "typ": "Bearer", "azp": "web", NAMESPACE: hasura},
    "google": lambda _: {"sub": "accounts.google.com:1", "email": "ana@example.com"},
    "custom": lambda hasura: {"sub": "u1", NAMESPACE: hasura},
}

# Whom each provider's tokens name as issuer, by its own documentation and not by the generator.
ISSUERS: Mapping[str, Callable[[SecretOptions], str]] = {
    "auth0": lambda said: f"https://{said.domain}/",
    "firebase": lambda said: f"https://securetoken.google.com/{said.project}",
    "cognito": lambda said: f"https://cognito-idp.{said.region}.amazonaws.com/{said.user_pool}",
    "clerk": lambda said: f"https://{said.instance}",
    "azure-ad": lambda said: f"https://login.microsoftonline.com/{said.directory}/v2.0",
    "keycloak": lambda said: f"https://{said.domain}/realms/{quote(said.realm or '', safe='')}",
    "google": lambda said: (
        "https://cloud.google.com/iap" if "/projects" in said.audiences[0] else "https://accounts.google.com"
    ),
    "custom": lambda said: said.issuer or "",
}

_label = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
_host = st.builds("{}.example.com".format, _label)
_audiences = st.lists(st.text(min_size=1, max_size=12).filter(str.strip), min_size=1, max_size=3).map(tuple)
OPTIONS: Mapping[str, st.SearchStrategy[SecretOptions]] = {
    "auth0": st.builds(
        SecretOptions,
        provider=st.just("auth0"),
        domain=st.builds("{}.eu.auth0.com".format, _label) | _host,
        audiences=_audiences,
    ),
    "firebase": st.builds(
        SecretOptions,
        provider=st.just("firebase"),
        project=st.from_regex(r"[a-z][a-z0-9-]{3,20}", fullmatch=True),
    ),
    "cognito": st.builds(
        SecretOptions,
        provider=st.just("cognito"),
        region=st.sampled_from(["eu-central-1", "us-gov-west-1"]),
        user_pool=st.from_regex(r"eu-central-1_[A-Za-z0-9]{1,9}", fullmatch=True),
        audiences=_audiences,
    ),
    "clerk": st.builds(SecretOptions, provider=st.just("clerk"), instance=_host, audiences=_audiences),
    "azure-ad": st.builds(
        SecretOptions, provider=st.just("azure-ad"), directory=_label, audiences=_audiences
    ),
    "keycloak": st.builds(
        SecretOptions,
        provider=st.just("keycloak"),
        domain=_host | st.builds("{}/auth".format, _host),
        realm=st.text(min_size=1, max_size=10).filter(
            lambda realm: not set(realm) & set("/?#") and realm.isprintable()
        ),
        audiences=_audiences,
    ),
    "google": st.builds(
        SecretOptions,
        provider=st.just("google"),
        audiences=st.sampled_from(
            [("/projects/1/global/backendServices/2",), ("1-a.apps.googleusercontent.com",)]
        ),
    ),
    "custom": st.builds(
        SecretOptions,
        provider=st.just("custom"),
        issuer=st.text(min_size=1, max_size=20).filter(str.strip),
        jwk_url=st.builds("https://{}/keys".format, _host),
        audiences=_audiences,
    ),
}
_headers = st.sampled_from(
    [None, TokenHeader(), TokenHeader("Cookie", "jwt"), TokenHeader("CustomHeader", "X-Jwt")]
)
_places = st.sampled_from(
    [
        {},
        {"claims_namespace": "https://app.example.com/claims"},
        {"claims_namespace_path": "$.hasura.claims"},
        {"claims_namespace_path": '$["https://x.example/y"].z'},
        {
            "claims_map": {
                **ROLES,
                "x-hasura-user-id": {"path": "$.sub"},
                "x-hasura-plan": {"path": "$.p", "default": "f"},
            }
        },
        {"stringified_claims": True},
    ]
)


@pytest.fixture(scope="module")
def keys() -> Iterator[KeyServer]:
    """The provider's key set, with the key that signs as the second one."""
    page = Page(body={"keys": [jwk("two", number=2), jwk("one")]}, headers={"Cache-Control": "max-age=600"})
    with KeyServer({"/keys": page}) as running:
        yield running


def local(config: JwtConfig, server: KeyServer) -> str:
    """Return the secret as text, read back from what is printed, with the origin of its key set changed."""
    value = json.loads(formatted(config, "cloud"))
    if "jwk_url" in value:
        value["jwk_url"] = f"{server.url}/keys"
    return json.dumps(value)


def a_token(options: SecretOptions, config: JwtConfig, **changes: Any) -> str:
    """Return a token of this provider that carries the Hasura claims where the configuration looks for them."""
    hasura = _hasura_claims("u1")
    claims = {
        "iss": ISSUERS[options.provider](options),
        "aud": options.audiences[-1] if options.audiences else options.project,
        "exp": int(time.time()) + 600,
        **SHAPES[options.provider](hasura),
    }
    if options.claims_namespace or options.claims_namespace_path or options.stringified_claims:
        claims.pop(NAMESPACE, None)
        value: Any = json.dumps(hasura) if config.claims_format == "stringified_json" else hasura
        steps = path_steps(options.claims_namespace_path) if options.claims_namespace_path else ()
        names = [str(step) for step in steps] or [options.claims_namespace or NAMESPACE]
        for name in reversed(names):
            value = {name: value}
        claims |= value
    return signed({**claims, **changes})


def headers_with(token: str, header: TokenHeader) -> dict[str, str]:
    if header.kind == "Cookie":
        return {"cookie": f"other=1; {header.name}={token}"}
    if header.kind == "CustomHeader":
        return {(header.name or "").lower(): token}
    return {"authorization": f"Bearer {token}"}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_any_generated_secret_is_taken_and_lets_pass_its_providers_tokens_alone(
    provider: str, keys: KeyServer
) -> None:
    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(OPTIONS[provider], _headers, _places, st.integers(0, 300))
    def every(options: SecretOptions, header: TokenHeader | None, place: Any, skew: int) -> None:
        options = replace(options, header=header, allowed_skew_s=skew, **place)
        config = generate(options, NOW).config
        engine = Authenticator(
            admin_secrets=[ADMIN_SECRET], jwt_secrets=[parse_jwt_secret(local(config, keys))]
        )
        engine.start()
        try:
            for change, fault in CHANGES.items():
                token = a_token(options, config, **change(config))
                _expect(engine, headers_with(token, config.header), fault)
        finally:
            engine.stop()

    every()


CHANGES: Mapping[Callable[[JwtConfig], Claims], str | None] = {
    lambda config: {}: None,
    lambda config: {"aud": ["other", *config.audience]}: None,
    lambda config: {"aud": config.audience[0] + "x"}: "JWTNotInAudience",
    lambda config: {"iss": f"{config.issuer}x"}: "JWTNotInIssuer",
    lambda config: {"exp": int(time.time()) - config.allowed_skew_s - 60}: "JWTExpired",
}


def _expect(engine: Authenticator, headers: dict[str, str], fault: str | None) -> None:
    if fault is None:
        assert engine.session(headers).role == "user"
        return
    with pytest.raises(EngineError, match=fault):
        engine.session(headers)


KEYED = [
    SecretOptions(provider="custom", issuer="me", audiences=("api",), key="k" * 32),
    SecretOptions(provider="custom", issuer="me", audiences=("api",), key="ü" * 64, key_type="HS512"),
    SecretOptions(provider="auth0", domain="acme.eu.auth0.com", audiences=("api",), key=certificate()),
    SecretOptions(
        provider="auth0", domain="acme.eu.auth0.com", audiences=("api",), key=public_pem(), key_type="RS512"
    ),
]


@pytest.mark.parametrize("options", KEYED, ids=["HS256", "HS512", "certificate", "public key"])
def test_a_secret_with_its_key_in_it_needs_no_server(options: SecretOptions, keys: KeyServer) -> None:
    config = generate(options, NOW).config
    engine = Authenticator(admin_secrets=[ADMIN_SECRET], jwt_secrets=[parse_jwt_secret(local(config, keys))])
    token = a_token(options, config)
    if (config.type or "").startswith("HS"):
        claims = jwt.decode(token, options={"verify_signature": False})
        token = jwt.encode(claims, config.key or "", algorithm=config.type)

    _expect(engine, {"authorization": f"Bearer {token}"}, None)
    _expect(engine, {"authorization": f"Bearer {signed({}, number=2)}"}, "JWSInvalidSignature")


def test_a_whole_engine_starts_with_the_secret_and_answers_the_token(
    database_url: str, keys: KeyServer
) -> None:
    options = SecretOptions(
        provider="auth0", domain="acme.eu.auth0.com", audiences=("https://api.example.com",)
    )
    config = generate(options, NOW).config

    with LocalHasura(
        database_url=database_url, admin_secret=ADMIN_SECRET, jwt_secret=local(config, keys)
    ) as engine:

        def ask(token: str) -> Any:
            return requests.post(
                f"{engine.url}/v1/graphql",
                json={"query": "{ __typename }"},
                headers={"Authorization": f"Bearer {token}"},
                timeout=20,
            ).json()

        assert ask(a_token(options, config)) == {"data": {"__typename": "query_root"}}
        refused = ask(a_token(options, config, aud="https://other.example.com"))
        assert refused["errors"][0]["message"] == "Could not verify JWT: JWTNotInAudience"
