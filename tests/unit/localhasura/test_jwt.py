"""JWT secrets, keys and claims, without a server."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from localhasura.auth import JwtSecretError, parse_jwt_secret
from localhasura.auth.claims import HasuraClaims, hasura_claims
from localhasura.auth.jwks import lifetime
from localhasura.auth.keys import KeyFault, keys_from_jwks
from localhasura.auth.tokens import verified_claims
from localhasura.errors import EngineError

HMAC = "k" * 64
NAMESPACE = "https://hasura.io/jwt/claims"
ROLES = {"x-hasura-allowed-roles": ["user"], "x-hasura-default-role": "user"}
NOW = 1_700_000_000.0

NOT_STRINGS: list[tuple[Any, str]]
NOT_STRINGS = [(5, "Number"), (True, "Boolean"), (None, "Null"), ([], "Array"), ({}, "Object")]
NOT_STRING_CLAIMS = [
    (
        {NAMESPACE: {**ROLES, "x-hasura-user-id": value}},
        "jwt-invalid-claims",
        f"x-hasura-* claims: parsing Text failed, expected String, but encountered {kind}",
    )
    for value, kind in NOT_STRINGS
]


def secret(**members: Any) -> Any:
    return parse_jwt_secret(json.dumps({"type": "HS256", "key": HMAC, **members}))


def pem(key: Any) -> str:
    return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "key and jwk_url both cannot be empty"),
        ({"key": "k", "jwk_url": "u"}, "key, jwk_url both cannot be present"),
        (
            {"type": "HS256", "key": "k" * 31},
            "Invalid JWK: Key size too small; should be atleast 32 characters",
        ),
        (
            {"type": "HS384", "key": "k" * 47},
            "Invalid JWK: Key size too small; should be atleast 48 characters",
        ),
        (
            {"type": "HS512", "key": "k" * 63},
            "Invalid JWK: Key size too small; should be atleast 64 characters",
        ),
        ({"type": "PS256", "key": "k"}, "Invalid JWK: Key type: PS256 is not supported"),
        ({"type": "none", "key": "k"}, "Invalid JWK: Key type: none is not supported"),
        ({"type": "RS256", "key": "k"}, "Invalid JWK: Could not decode PEM: no PEM block found"),
        (
            {"jwk_url": "u", "claims_namespace": "a", "claims_namespace_path": "b"},
            "claims_namespace and claims_namespace_path both cannot be set",
        ),
        (
            {"jwk_url": "u", "header": {"type": "Body"}},
            "expected 'type' is 'Authorization' or 'Cookie' or 'CustomHeader'",
        ),
        ({"jwk_url": "u", "claims_map": {}}, "x-hasura-allowed-roles is expected but not found"),
        (
            {"jwk_url": "u", "claims_map": {"x-hasura-allowed-roles": ["a"]}},
            "x-hasura-default-role is expected but not found",
        ),
        (
            {"jwk_url": "u", "claims_map": {"X-Hasura-Allowed-Roles": ["a"], "x-hasura-default-role": "a"}},
            "x-hasura-allowed-roles is expected but not found",
        ),
        (
            {"jwk_url": "u", "claims_map": {"x-hasura-allowed-roles": "a", "x-hasura-default-role": "a"}},
            "claims_map: x-hasura-allowed-roles: expected a path, or a literal of the right kind",
        ),
        ({"type": "EdDSA", "key": "k"}, "Invalid JWK: Key type: EdDSA is not supported"),
        ({"type": "Ed448", "key": "k"}, "Invalid JWK: Key type: Ed448 is not supported"),
        ({"type": "hs256", "key": HMAC}, "Invalid JWK: Key type: hs256 is not supported"),
        ({"key": HMAC}, "the key 'type' was not present"),
    ],
)
def test_secrets_that_stop_the_start(value: Any, message: str) -> None:
    with pytest.raises(JwtSecretError) as caught:
        parse_jwt_secret(json.dumps(value))
    assert str(caught.value) == message


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.dictionaries(st.text(), x)
    )
)
def test_a_secret_is_parsed_or_refused(value: Any) -> None:
    """Nothing else than JwtSecretError comes out, whatever somebody pastes into the variable."""
    with pytest.raises(JwtSecretError):
        parse_jwt_secret(json.dumps(value))


def test_the_type_of_the_header_is_read_in_any_case() -> None:
    assert secret(header={"type": "cookie", "name": "c"}).header.type == "Cookie"


def test_a_secret_does_not_print_its_key() -> None:
    assert HMAC not in repr(secret())


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_the_type_does_not_choose_the_algorithm_of_tokens(algorithm: str) -> None:
    made = secret()
    token = jwt.encode({"a": 1}, HMAC, algorithm=algorithm)

    assert verified_claims(token, [made.key], made, NOW) == {"a": 1}


@pytest.mark.parametrize(
    ("key", "kind", "algorithms"),
    [
        (rsa.generate_private_key(65537, 2048), "RS512", ["RS256", "RS512", "PS384"]),
        (ec.generate_private_key(ec.SECP256R1()), "ES256", ["ES256"]),
        (ec.generate_private_key(ec.SECP384R1()), "ES384", ["ES384"]),
        (ed25519.Ed25519PrivateKey.generate(), "Ed25519", ["EdDSA"]),
    ],
    ids=["rsa", "p256", "p384", "ed25519"],
)
def test_public_keys_verify_what_fits_them(key: Any, kind: str, algorithms: list[str]) -> None:
    made = secret(type=kind, key=pem(key))

    for algorithm in algorithms:
        token = jwt.encode({"a": 1}, key, algorithm=algorithm)
        assert verified_claims(token, [made.key], made, NOW) == {"a": 1}


def test_the_public_key_is_no_hmac_secret() -> None:
    key = rsa.generate_private_key(65537, 2048)
    made = secret(type="RS256", key=pem(key))
    # PyJWT refuses to sign so; the token is put together by hand.
    import hashlib
    import hmac
    from base64 import urlsafe_b64encode

    def part(raw: bytes) -> bytes:
        return urlsafe_b64encode(raw).rstrip(b"=")

    signed = part(b'{"alg":"HS256"}') + b"." + part(b"{}")
    token = signed + b"." + part(hmac.digest(pem(key).encode(), signed, hashlib.sha256))

    with pytest.raises(EngineError) as caught:
        verified_claims(token.decode(), [made.key], made, NOW)
    assert caught.value.message == "Could not verify JWT: JWSError JWSInvalidSignature"


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.b.c", "....", "é.b.c", "e30.e30.", "bnVsbA.e30.e30"])
def test_tokens_that_cannot_be_read(token: str) -> None:
    made = secret()
    with pytest.raises(EngineError) as caught:
        verified_claims(token, [made.key], made, NOW)
    assert caught.value.code == "invalid-jwt"


@given(st.text())
def test_any_token_text_is_answered(token: str) -> None:
    made = secret()
    with pytest.raises(EngineError):
        verified_claims(token, [made.key], made, NOW)


@pytest.mark.parametrize("value", ["soon", [1], {}, True])
def test_times_must_be_numbers(value: Any) -> None:
    made = secret()
    payload = jwt.api_jws.encode(json.dumps({"exp": value}).encode(), HMAC, algorithm="HS256")

    with pytest.raises(EngineError) as caught:
        verified_claims(payload, [made.key], made, NOW)
    assert caught.value.code == "invalid-jwt"


def test_no_keys_are_told() -> None:
    with pytest.raises(EngineError) as caught:
        verified_claims(jwt.encode({}, HMAC), [], secret(), NOW)
    assert caught.value.message == "Could not verify JWT: JWSError NoUsableKeys"


def test_claims_are_found_in_the_namespace() -> None:
    claims = {NAMESPACE: {**ROLES, "X-Hasura-User-Id": "u1", "other": 5}}

    assert hasura_claims(claims, secret()) == HasuraClaims(("user",), "user", {"x-hasura-user-id": "u1"})


@pytest.mark.parametrize("path", ["$.a.b", "$['a'][\"b\"]", "a.b", '$.["a"].b'])
def test_claims_are_found_by_path(path: str) -> None:
    found = hasura_claims({"a": {"b": ROLES}}, secret(claims_namespace_path=path))

    assert found.default_role == "user"


def test_claims_at_the_root() -> None:
    assert hasura_claims(ROLES, secret(claims_namespace_path="$")).allowed_roles == ("user",)


def test_a_map_puts_claims_together() -> None:
    claims_map = {
        "x-hasura-allowed-roles": {"path": "$.roles"},
        "x-hasura-default-role": {"path": "$.roles[0]", "default": "none"},
        "x-hasura-user-id": {"path": "$.user.id", "default": "nobody"},
        "X-Hasura-Org": "fixed",
    }

    found = hasura_claims({"roles": ["b", "a"]}, secret(claims_map=claims_map))

    assert found == HasuraClaims(("b", "a"), "b", {"x-hasura-user-id": "nobody", "x-hasura-org": "fixed"})


@pytest.mark.parametrize(
    ("claims", "code", "message"),
    [
        ({}, "jwt-invalid-claims", f"claims key: '{NAMESPACE}' not found"),
        ({NAMESPACE: "{}"}, "jwt-invalid-claims", "expecting a json object when claims_format is json"),
        (
            {NAMESPACE: {"x-hasura-default-role": "user"}},
            "jwt-missing-role-claims",
            'JWT claim does not contain "x-hasura-allowed-roles"',
        ),
        (
            {NAMESPACE: {"x-hasura-allowed-roles": ["user"]}},
            "jwt-missing-role-claims",
            'JWT claim does not contain "x-hasura-default-role"',
        ),
        (
            {NAMESPACE: {**ROLES, "x-hasura-allowed-roles": "user"}},
            "jwt-invalid-claims",
            (
                'invalid "x-hasura-allowed-roles"; should be a list of roles: '
                "parsing [] failed, expected Array, but encountered String"
            ),
        ),
        *NOT_STRING_CLAIMS,
        (
            {NAMESPACE: {**ROLES, "x-hasura-allowed-roles": [5]}},
            "jwt-invalid-claims",
            (
                'invalid "x-hasura-allowed-roles"; should be a list of roles: '
                "parsing String failed, expected String, but encountered Number"
            ),
        ),
        (
            {NAMESPACE: {**ROLES, "x-hasura-default-role": ["user"]}},
            "jwt-invalid-claims",
            (
                'invalid "x-hasura-default-role"; should be a single role name: '
                "parsing String failed, expected String, but encountered Array"
            ),
        ),
        (
            {NAMESPACE: {**ROLES, "x-hasura-default-role": ""}},
            "jwt-invalid-claims",
            'invalid "x-hasura-default-role"; should be a single role name: empty string not allowed',
        ),
    ],
)
def test_claims_that_are_refused(claims: Any, code: str, message: str) -> None:
    with pytest.raises(EngineError) as caught:
        hasura_claims(claims, secret()).variables()
    assert (caught.value.code, caught.value.message) == (code, message)


def test_the_default_role_must_be_allowed_too() -> None:
    found = HasuraClaims(("user",), "other", {})

    assert found.role("user") == "user"
    with pytest.raises(EngineError, match="Your requested role is not in allowed roles"):
        found.role(None)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"cache-control": "max-age=60"}, 60.0),
        ({"cache-control": "public, s-maxage=5, must-revalidate"}, 5.0),
        ({"cache-control": "must-revalidate"}, 0.0),
        ({"cache-control": "no-store, max-age=60"}, 0.0),
        ({"cache-control": "no-cache"}, 0.0),
        ({"cache-control": "max-age=60, no-store, must-revalidate"}, 60.0),
        ({"cache-control": "max-age=60", "expires": "Tue, 14 Nov 2023 22:00:00 GMT"}, 60.0),
        ({"cache-control": "public", "expires": "Tue, 14 Nov 2023 22:14:20 GMT"}, 60.0),
        ({"expires": "Tue, 14 Nov 2023 22:00:00 GMT"}, 0.0),
        ({"expires": "soon"}, 60.0),
    ],
)
def test_how_long_a_key_set_is_good_for(headers: dict[str, str], seconds: float | None) -> None:
    assert lifetime(headers, NOW) == seconds


def test_a_key_set_leaves_out_keys_for_other_uses() -> None:
    oct_key = {"kty": "oct", "k": "a2tra2s"}

    assert (
        len(keys_from_jwks({"keys": [oct_key, {**oct_key, "use": "other"}, {**oct_key, "use": "sig"}]})) == 2
    )


@pytest.mark.parametrize(
    "document", [None, [], {}, {"keys": {}}, {"keys": [{"kty": "RSA"}]}, {"keys": [{"kty": "?"}]}]
)
def test_documents_that_are_no_key_set(document: Any) -> None:
    with pytest.raises(KeyFault):
        keys_from_jwks(document)
