"""HASURA_GRAPHQL_JWT_SECRET is read as Hasura reads it; the engine at hand is asked about every case."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.hasura.keys import certificate, private_pem, public_pem

from frontdesk.errors import JwtConfigInvalid
from frontdesk.hasura.jwt_config import ClaimSource, JwtConfig, TokenHeader
from localhasura.auth import JwtSecretError, parse_jwt_secret

HMAC = "k" * 64
ROLES = {"x-hasura-allowed-roles": ["user"], "x-hasura-default-role": "user"}
URL = "https://acme.eu.auth0.com/.well-known/jwks.json"

# What is refused, with Hasura's own words where they are known.
REFUSED: dict[str, tuple[Any, str | None]] = {
    "no key": ({"audience": "a"}, "key and jwk_url both cannot be empty"),
    "two keys": ({"type": "HS256", "key": HMAC, "jwk_url": URL}, "key, jwk_url both cannot be present"),
    "two namespaces": (
        {"jwk_url": URL, "claims_namespace": "a", "claims_namespace_path": "$.a"},
        "claims_namespace and claims_namespace_path both cannot be set",
    ),
    "short HS256": (
        {"type": "HS256", "key": "k" * 31},
        "Key size too small; should be atleast 32 characters",
    ),
    "short HS384": (
        {"type": "HS384", "key": "k" * 47},
        "Key size too small; should be atleast 48 characters",
    ),
    "short HS512": (
        {"type": "HS512", "key": "k" * 63},
        "Key size too small; should be atleast 64 characters",
    ),
    "EdDSA": ({"type": "EdDSA", "key": HMAC}, "Invalid JWK: Key type: EdDSA is not supported"),
    "PS256": ({"type": "PS256", "key": HMAC}, "Invalid JWK: Key type: PS256 is not supported"),
    "none": ({"type": "none", "key": HMAC}, "Invalid JWK: Key type: none is not supported"),
    "small letters": ({"type": "hs256", "key": HMAC}, "Invalid JWK: Key type: hs256 is not supported"),
    "no PEM": ({"type": "RS256", "key": HMAC}, "Could not decode PEM: "),
    "a JWK as key": ({"type": "RS256", "key": '{"kty":"RSA"}'}, "Could not decode PEM: "),
    "a private key": ({"type": "RS256", "key": private_pem()}, "Could not decode PEM: "),
    "broken PEM": (
        {"type": "RS256", "key": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"},
        "Could not decode PEM: ",
    ),
    "PEM in one line": (
        {"type": "RS256", "key": public_pem().replace("\n", " x ")},
        "Could not decode PEM: ",
    ),
    "RSA as ES256": ({"type": "ES256", "key": public_pem()}, "Could not decode PEM: "),
    "EC as RS256": ({"type": "RS256", "key": public_pem("ES256")}, "Could not decode PEM: "),
    "key without type": ({"key": HMAC}, None),
    "key of a number": ({"type": "HS256", "key": 5}, None),
    "header without type": (
        {"jwk_url": URL, "header": {}},
        "expected 'type' is 'Authorization' or 'Cookie' or 'CustomHeader'",
    ),
    "header of a text": (
        {"jwk_url": URL, "header": "Cookie"},
        "expected 'type' is 'Authorization' or 'Cookie' or 'CustomHeader'",
    ),
    "unknown header": (
        {"jwk_url": URL, "header": {"type": "Query", "name": "t"}},
        "expected 'type' is 'Authorization' or 'Cookie' or 'CustomHeader'",
    ),
    "cookie without name": ({"jwk_url": URL, "header": {"type": "Cookie"}}, None),
    "map without allowed roles": (
        {"jwk_url": URL, "claims_map": {"x-hasura-default-role": "user"}},
        "x-hasura-allowed-roles is expected but not found",
    ),
    "map without default role": (
        {"jwk_url": URL, "claims_map": {"x-hasura-allowed-roles": ["user"]}},
        "x-hasura-default-role is expected but not found",
    ),
    "map with capitals": (
        {"jwk_url": URL, "claims_map": {"X-Hasura-Allowed-Roles": ["user"], "x-hasura-default-role": "user"}},
        "x-hasura-allowed-roles is expected but not found",
    ),
    "map of a list": ({"jwk_url": URL, "claims_map": []}, None),
    "mapped number": ({"jwk_url": URL, "claims_map": {**ROLES, "x-hasura-n": 5}}, None),
    "mapped object without path": ({"jwk_url": URL, "claims_map": {**ROLES, "x-hasura-n": {}}}, None),
    "mapped bad path": ({"jwk_url": URL, "claims_map": {**ROLES, "x-hasura-n": {"path": "$.a["}}}, None),
    "allowed roles of a text": (
        {"jwk_url": URL, "claims_map": {**ROLES, "x-hasura-allowed-roles": "u"}},
        None,
    ),
    "bad namespace path": (
        {"jwk_url": URL, "claims_namespace_path": "$.a["},
        "invalid JSON path claims_namespace_path error: ",
    ),
    "unknown format": ({"jwk_url": URL, "claims_format": "yaml"}, None),
    "audience of a number": ({"jwk_url": URL, "audience": 5}, None),
    "audiences of numbers": ({"jwk_url": URL, "audience": [5]}, None),
    "issuer of a number": ({"jwk_url": URL, "issuer": 5}, None),
    "skew of text": ({"jwk_url": URL, "allowed_skew": "5"}, None),
    "skew below nought": ({"jwk_url": URL, "allowed_skew": -1}, None),
    "a list": ([{"jwk_url": URL}], None),
}

ACCEPTED: dict[str, Any] = {
    "key set": {"jwk_url": URL},
    "key set of any type": {"type": "nonsense", "jwk_url": URL},
    "HS256": {"type": "HS256", "key": "k" * 32},
    "HS512 of umlauts": {"type": "HS512", "key": "ü" * 32},
    "RS512": {"type": "RS512", "key": public_pem()},
    "certificate": {"type": "RS256", "key": certificate()},
    "ES384": {"type": "ES384", "key": public_pem("ES384")},
    "Ed25519": {"type": "Ed25519", "key": public_pem("EdDSA")},
    "two PEM blocks": {"type": "RS256", "key": certificate() + public_pem("ES256")},
    "everything": {
        "jwk_url": URL,
        "audience": ["a", "b"],
        "issuer": "https://acme.eu.auth0.com/",
        "claims_namespace_path": "$['https://x.example/y'].roles[0]",
        "claims_format": "stringified_json",
        "allowed_skew": 60,
        "header": {"type": "Cookie", "name": "jwt"},
    },
    "map": {
        "jwk_url": URL,
        "claims_map": {
            "x-hasura-allowed-roles": {"path": "$.roles", "default": ["user"]},
            "x-hasura-default-role": {"path": "$.roles[0]"},
            "x-hasura-plan": "free",
        },
    },
    "custom header": {"jwk_url": URL, "header": {"type": "CustomHeader", "name": "X-Jwt"}},
    "unknown keys": {"jwk_url": URL, "claims_namespce": "x"},
    "nulls": {"jwk_url": URL, "key": None, "type": None, "audience": None, "header": None},
}


@pytest.mark.parametrize(("value", "words"), REFUSED.values(), ids=REFUSED)
def test_what_hasura_refuses_is_refused_with_its_words(value: Any, words: str | None) -> None:
    with pytest.raises(JwtSecretError) as engine:
        parse_jwt_secret(json.dumps(value))
    with pytest.raises(JwtConfigInvalid) as ours:
        JwtConfig.parse(json.dumps(value))

    assert (ours.value.hasura or "").rstrip("…") == (words or "")
    assert (words or "") in str(engine.value)
    assert ours.value.reason
    assert HMAC not in str(ours.value)


@pytest.mark.parametrize("value", ACCEPTED.values(), ids=ACCEPTED)
def test_what_hasura_takes_is_taken_and_written_again_as_the_same(value: Any) -> None:
    config = JwtConfig.parse(json.dumps(value))

    assert parse_jwt_secret(config.text()) == parse_jwt_secret(json.dumps(value))
    assert JwtConfig.parse(config.text()) == JwtConfig.from_json(
        {name: each for name, each in value.items() if name not in config.unknown_keys}
    )


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "JSON"),
        ("[" * 100_000, "JSON"),
        ('\'{"jwk_url": "https://x"}\'', "quotes"),
        ('{"key": "a\nb"}', "\\n"),
        ('{"jwk_url": "ftp://x.example/"}', "jwk_url"),
        ('{"jwk_url": "keys.json"}', "jwk_url"),
        ('{"jwk_url": "https://x.example/", "audience": []}', "audience"),
        ('{"jwk_url": "https://x.example/", "issuer": "\\ud800"}', "character"),
        ('{"jwk_url": "https://x.example/", "claims_namespace": ""}', "claims_namespace"),
    ],
)
def test_what_would_never_work_is_refused_in_our_words(text: str, word: str) -> None:
    with pytest.raises(JwtConfigInvalid, match=word.replace("\\", r"\\")):
        JwtConfig.parse(text)


def test_the_fields_are_those_of_the_documentation() -> None:
    config = JwtConfig.parse(
        json.dumps({**ACCEPTED["map"], "audience": "a", "header": {"type": "cookie", "name": "j"}})
    )

    assert (config.audience, config.issuer, config.allowed_skew_s) == (("a",), None, 0)
    assert config.claims_namespace == "https://hasura.io/jwt/claims"
    assert config.header == TokenHeader("Cookie", "j")
    assert config.claims_map == {
        "x-hasura-allowed-roles": ClaimSource(path="$.roles", default=("user",)),
        "x-hasura-default-role": ClaimSource(path="$.roles[0]"),
        "x-hasura-plan": ClaimSource(literal="free"),
    }


def test_a_key_is_not_shown() -> None:
    assert HMAC not in repr(JwtConfig.parse(json.dumps({"type": "HS256", "key": HMAC})))


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=50)
@given(
    st.dictionaries(
        st.sampled_from([*ACCEPTED["everything"], "key", "type", "claims_map"]), _json, max_size=4
    )
)
def test_nothing_but_a_refusal_comes_of_any_json(value: dict[str, Any]) -> None:
    try:
        config = JwtConfig.parse(json.dumps(value))
    except JwtConfigInvalid:
        return

    assert JwtConfig.parse(config.text()) == config
