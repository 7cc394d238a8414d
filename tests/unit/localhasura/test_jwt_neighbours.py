"""Tables for JWT secrets and tokens: every algorithm, every spelling of a key, every way from claims to roles."""

from __future__ import annotations

import datetime
import json
import warnings
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.warnings import InsecureKeyLengthWarning

from localhasura.auth import JwtSecretError, parse_jwt_secret
from localhasura.auth.claims import HasuraClaims, hasura_claims
from localhasura.auth.jwt_mode import JwtMode
from localhasura.auth.keys import keys_from_jwks
from localhasura.auth.tokens import verified_claims
from localhasura.errors import EngineError

HMAC = "k" * 64
NOW = 1_700_000_000.0
KEYS: dict[str, Any] = {
    "rsa": rsa.generate_private_key(65537, 2048),
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "p384": ec.generate_private_key(ec.SECP384R1()),
    "p521": ec.generate_private_key(ec.SECP521R1()),
    "k256": ec.generate_private_key(ec.SECP256K1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
}
FITTING = {
    "rsa": ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
    "p256": ["ES256"],
    "p384": ["ES384"],
    "p521": ["ES512"],
    "k256": ["ES256K"],
    "ed25519": ["EdDSA"],
}
ROLES = {"x-hasura-allowed-roles": ["user"], "x-hasura-default-role": "user"}
NAMESPACE = "https://hasura.io/jwt/claims"


def secret(**members: Any) -> Any:
    return parse_jwt_secret(json.dumps({"type": "HS256", "key": HMAC, **members}))


def key_set(**members: Any) -> Any:
    return parse_jwt_secret(json.dumps({"jwk_url": "https://issuer/jwks.json", **members}))


def jwk(name: str, **members: Any) -> dict[str, Any]:
    public = KEYS[name].public_key()
    kind: Any = {"rsa": RSAAlgorithm, "ed25519": OKPAlgorithm}.get(name, ECAlgorithm)
    return {**kind.to_jwk(public, as_dict=True), **members}


def spki(key: Any) -> str:
    return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def pkcs1(key: Any) -> str:
    return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode())


def certificate(key: Any) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    dated = (
        builder.serial_number(1).not_valid_before(start).not_valid_after(start + datetime.timedelta(days=1))
    )
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return dated.sign(key, digest).public_bytes(Encoding.PEM).decode()


def refusal(token: str, keys: Any, made: Any) -> str:
    with pytest.raises(EngineError) as caught:
        verified_claims(token, keys, made, NOW)
    assert (caught.value.code, caught.value.status) == ("invalid-jwt", 400)
    return caught.value.message.removeprefix("Could not verify JWT: ")


@pytest.mark.parametrize(
    ("name", "algorithm"), [(name, algorithm) for name, listed in FITTING.items() for algorithm in listed]
)
def test_a_key_set_takes_every_algorithm_that_fits_its_key(name: str, algorithm: str) -> None:
    keys = keys_from_jwks({"keys": [jwk(name)]})
    others = keys_from_jwks({"keys": [jwk(other) for other in KEYS if other != name]})
    token = jwt.encode({"a": 1}, KEYS[name], algorithm=algorithm)

    assert verified_claims(token, keys, key_set(), NOW) == {"a": 1}
    assert refusal(token, others, key_set()) == "JWSError JWSInvalidSignature"


@pytest.mark.parametrize(
    ("name", "kind", "spelling"),
    [
        ("rsa", "RS256", spki),
        ("rsa", "RS384", pkcs1),
        ("rsa", "RS512", certificate),
        ("p256", "ES256", spki),
        ("p256", "ES256", certificate),
        ("p384", "ES384", certificate),
        ("p521", "ES512", spki),
        ("ed25519", "Ed25519", spki),
        ("ed25519", "Ed25519", certificate),
    ],
)
def test_a_key_is_read_in_every_encoding(name: str, kind: str, spelling: Any) -> None:
    """A certificate that is long past its end is no fault: only its key counts."""
    made = secret(type=kind, key=spelling(KEYS[name]))

    for algorithm in FITTING[name]:
        token = jwt.encode({"a": 1}, KEYS[name], algorithm=algorithm)
        assert verified_claims(token, [made.key], made, NOW) == {"a": 1}


def test_only_the_first_block_of_a_key_counts() -> None:
    made = secret(type="RS256", key=certificate(KEYS["rsa"]) + spki(KEYS["p256"]))

    assert verified_claims(jwt.encode({}, KEYS["rsa"], algorithm="RS256"), [made.key], made, NOW) == {}


@pytest.mark.parametrize(
    "text", ["", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", spki(KEYS["p256"])]
)
def test_a_key_that_is_none_is_told_without_repeating_it(text: str) -> None:
    with pytest.raises(JwtSecretError, match=r"^Invalid JWK: Could not decode PEM: ") as caught:
        secret(type="RS256", key=text)
    assert "AAAA" not in str(caught.value)


@pytest.mark.parametrize(("use", "kept"), [(None, 1), ("sig", 1), ("enc", 1), ("other", 0)])
def test_keys_are_kept_by_their_use(use: str | None, kept: int) -> None:
    found = keys_from_jwks(
        {"keys": [jwk("rsa", **({} if use is None else {"use": use}), kid="a", alg="RS256")]}
    )

    assert len(found) == kept


def test_keys_that_verify_nothing_do_not_spoil_the_set() -> None:
    others: list[Any] = [ed448.Ed448PrivateKey.generate(), x25519.X25519PrivateKey.generate()]
    listed = [OKPAlgorithm.to_jwk(each.public_key(), as_dict=True) for each in others[:1]]
    listed.append({"kty": "OKP", "crv": "X25519", "x": "AAAA"})

    assert len(keys_from_jwks({"keys": [*listed, jwk("ed25519")]})) == 1


def test_odd_base64_in_a_key_is_read() -> None:
    plain = jwk("rsa")
    odd = {**plain, "n": plain["n"].replace("-", "+").replace("_", "/") + "==", "e": plain["e"] + "="}

    token = jwt.encode({}, KEYS["rsa"], algorithm="RS256")
    assert verified_claims(token, keys_from_jwks({"keys": [odd]}), key_set(), NOW) == {}


def made_by_hand(header: Any, claims: Any, signature: str = "AAAA") -> str:
    def part(value: Any) -> str:
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        return jwt.utils.base64url_encode(raw).decode()

    return f"{part(header)}.{part(claims)}.{signature}"


@pytest.mark.parametrize(
    ("token", "told"),
    [
        ("x", "JWSError (CompactDecodeError Invalid number of parts: Expected 3 parts; got 1)"),
        ("a.b", "JWSError (CompactDecodeError Invalid number of parts: Expected 3 parts; got 2)"),
        ("a.b.c.d.e", "JWSError (CompactDecodeError Invalid number of parts: Expected 3 parts; got 5)"),
        (made_by_hand({"alg": "none"}, {}, ""), "JWSError JWSNoSignatures"),
        (made_by_hand({"alg": "none"}, {}), "JWSError JWSNoSignatures"),
        (made_by_hand({"alg": "HS256"}, {}), "JWSError JWSInvalidSignature"),
        (made_by_hand({"alg": "RS256"}, {}), "JWSError JWSInvalidSignature"),
    ],
)
def test_tokens_are_refused_in_the_words_of_the_real_one(token: str, told: str) -> None:
    made = secret()

    assert refusal(token, [made.key], made) == told


@pytest.mark.parametrize(
    "token",
    [
        made_by_hand({"alg": "XX"}, {}),
        made_by_hand({}, {}),
        made_by_hand([], {}),
        made_by_hand({"alg": ["HS256"]}, {}),
        made_by_hand({"alg": "hs256"}, {}),
        made_by_hand({"alg": "HS256", "crit": ["exp"]}, {}),
        made_by_hand({"alg": "HS256"}, {}, "é"),
        made_by_hand({"alg": "HS256"}, {}, "AAAA="),
        made_by_hand({"alg": "HS256"}, {}, "A"),
        made_by_hand({"alg": "HS256"}, {}).replace(".e30.", ".e3!0."),
    ],
)
def test_tokens_that_are_no_tokens_are_refused_before_their_signature(token: str) -> None:
    made = secret()

    assert refusal(token, [made.key], made).startswith("JWSError (JSONDecodeError ")


@pytest.mark.parametrize(
    "claims",
    [
        b"\xff\xfe",
        b'{"exp": NaN}',
        b"[" * 100_000,
        b"",
        [],
        {"aud": 5},
        {"iss": 5},
        {"sub": 5},
        {"jti": []},
        {"exp": "1"},
    ],
    ids=str,
)
def test_tokens_that_hold_no_claims_are_refused_before_their_signature(claims: Any) -> None:
    made = secret()

    token = made_by_hand({"alg": "HS256"}, claims)
    assert refusal(token, [made.key], made).startswith('JWTClaimsSetDecodeError "Error in $')


@pytest.mark.parametrize(
    ("standard", "told"),
    [
        ({"exp": NOW}, "JWTExpired"),
        ({"exp": NOW + 1}, None),
        ({"exp": NOW + 0.5}, None),
        ({"nbf": NOW}, None),
        ({"nbf": NOW + 1}, "JWTNotYetValid"),
        ({"iat": NOW}, None),
        ({"iat": NOW + 1}, "JWTIssuedAtFuture"),
        ({"exp": NOW - 5, "iss": "b", "aud": "other"}, "JWTExpired"),
        ({"iat": NOW + 5, "nbf": NOW + 5}, "JWTIssuedAtFuture"),
        ({"aud": "one"}, None),
        ({"aud": ["x", "two"]}, None),
        ({"aud": []}, "JWTNotInAudience"),
        ({"aud": ["x"]}, "JWTNotInAudience"),
        ({"aud": "ONE"}, "JWTNotInAudience"),
    ],
)
def test_standard_claims_are_checked_in_order(standard: dict[str, Any], told: str | None) -> None:
    made = secret(audience=["one", "two"])
    token = jwt.encode(standard, HMAC)

    if told is None:
        assert verified_claims(token, [made.key], made, NOW) == standard
    else:
        assert refusal(token, [made.key], made) == told


@pytest.mark.parametrize(
    ("standard", "accepted"),
    [
        ({"exp": NOW - 9}, True),
        ({"exp": NOW - 10}, False),
        ({"nbf": NOW + 10}, True),
        ({"nbf": NOW + 11}, False),
        ({"iat": NOW + 10}, True),
        ({"iat": NOW + 11}, False),
    ],
)
def test_the_skew_widens_every_time(standard: dict[str, Any], accepted: bool) -> None:
    made = secret(allowed_skew=10)
    token = jwt.encode(standard, HMAC)

    if accepted:
        assert verified_claims(token, [made.key], made, NOW) == standard
    else:
        refusal(token, [made.key], made)


def test_another_issuer_is_told_before_anything_else() -> None:
    mode = JwtMode([secret(issuer="https://issuer/")])
    forged = jwt.encode({"iss": "https://issuer", "exp": 1}, "x" * 64)
    silent = jwt.encode({NAMESPACE: ROLES}, HMAC)

    with pytest.raises(EngineError, match="Could not verify JWT: JWTNotInIssuer"):
        mode.claims({"authorization": f"Bearer {forged}"})
    assert mode.claims({"authorization": f"Bearer {silent}"}) == HasuraClaims(("user",), "user", {})


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [("HS512", "k" * 32), ("RS256", rsa.generate_private_key(65537, 1024))],
    ids=["HS512", "RS256"],
)
def test_the_length_of_a_key_is_measured_by_its_type_alone(algorithm: str, key: Any) -> None:
    made = secret(type="HS256", key=key) if isinstance(key, str) else secret(type="RS256", key=spki(key))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InsecureKeyLengthWarning)
        token = jwt.encode({"a": 1}, key, algorithm=algorithm)

    assert verified_claims(token, [made.key], made, NOW) == {"a": 1}


@pytest.mark.parametrize(
    "path",
    [
        "$.a.b",
        "$['a']['b']",
        '$["a"]["b"]',
        "$['a'].b",
        '$.["a"].b',
        "$.list[1]",
        "$['list'][1]",
        "$['https://x/y'].z",
        '$["https://x/y"].z',
        "$['a b']",
        "$.with-dash",
    ],
)
@pytest.mark.parametrize("stringified", [False, True])
def test_the_namespace_may_be_anywhere(path: str, stringified: bool) -> None:
    value: Any = json.dumps(ROLES) if stringified else ROLES
    places = {"a": {"b": value}, "list": [{}, value], "https://x/y": {"z": value}, "a b": value}
    made = secret(
        claims_namespace_path=path,
        claims_format="stringified_json" if stringified else "json",
        claims_map=None,
    )

    assert hasura_claims({**places, "with-dash": value}, made) == HasuraClaims(("user",), "user", {})


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("$.hasura.claims", "$.hasura.claims"),
        ("$['hasura'][0]", "$.hasura[0]"),
        ("$['https://x/y'].z", '$["https://x/y"].z'),
        ("$.with-dash", "$.with-dash"),
        ("$['1st']", '$["1st"]'),
    ],
)
def test_a_path_is_told_as_the_real_one_writes_it(path: str, told: str) -> None:
    with pytest.raises(EngineError) as caught:
        hasura_claims({}, secret(claims_namespace_path=path))
    assert caught.value.message == f"claims not found at claims_namespace_path: '{told}'"


@pytest.mark.parametrize("value", ["", "{user", "[]", "5", "null", '"x"', "[" * 100_000])
def test_a_string_that_holds_no_claims_is_shown(value: str) -> None:
    with pytest.raises(EngineError) as caught:
        hasura_claims({NAMESPACE: value}, secret(claims_format="stringified_json"))
    assert caught.value.message == (
        f"expecting stringified json at: 'claims_namespace {NAMESPACE}', but found: {value}"
    )


MAP = {
    "x-hasura-allowed-roles": {"path": "$.roles"},
    "x-hasura-default-role": {"path": "$.roles[0]"},
    "x-hasura-user-id": {"path": "$.user.id"},
}


@pytest.mark.parametrize(
    ("changes", "claims", "variables"),
    [
        ({}, {"user": {"id": "u"}}, {"x-hasura-user-id": "u"}),
        ({"x-hasura-user-id": {"path": "$.sub"}}, {"sub": "u"}, {"x-hasura-user-id": "u"}),
        ({"x-hasura-user-id": {"path": "$.a", "default": "d"}}, {}, {"x-hasura-user-id": "d"}),
        ({"x-hasura-user-id": {"path": "$.a", "default": "d"}}, {"a": "x"}, {"x-hasura-user-id": "x"}),
        ({"x-hasura-user-id": "literal"}, {}, {"x-hasura-user-id": "literal"}),
        ({"X-Hasura-User-Id": {"path": "$['q q'][1]"}}, {"q q": ["a", "b"]}, {"x-hasura-user-id": "b"}),
    ],
)
def test_a_map_leads_to_variables(changes: Any, claims: Any, variables: Any) -> None:
    kept = MAP if not any(name.lower() in MAP for name in changes) else dict(list(MAP.items())[:2])

    found = hasura_claims({"roles": ["r"], **claims}, secret(claims_map={**kept, **changes}))

    assert (found.allowed_roles, found.default_role, found.variables()) == (("r",), "r", variables)


@pytest.mark.parametrize(
    ("changes", "claims", "code", "told"),
    [
        ({}, {}, "jwt-missing-role-claims", 'JWT claim does not contain "x-hasura-allowed-roles"'),
        (
            {"x-hasura-default-role": {"path": "$.role"}},
            {"roles": ["r"]},
            "jwt-missing-role-claims",
            'JWT claim does not contain "x-hasura-default-role"',
        ),
        (
            {},
            {"roles": ["r"]},
            "jwt-invalid-claims",
            'JWT claim from claims_map, "x-hasura-user-id" not found',
        ),
        (
            {},
            {"roles": [1]},
            "jwt-invalid-claims",
            (
                'invalid "x-hasura-allowed-roles"; should be a list of roles: '
                "parsing String failed, expected String, but encountered Number"
            ),
        ),
        (
            {"x-hasura-default-role": {"path": "$.role"}},
            {"roles": ["r"], "role": ["r"]},
            "jwt-invalid-claims",
            (
                'invalid "x-hasura-default-role"; should be a role: '
                "parsing String failed, expected String, but encountered Array"
            ),
        ),
        (
            {"x-hasura-user-id": {"path": "$.id", "default": "d"}},
            {"roles": ["r"], "id": None},
            "jwt-invalid-claims",
            "x-hasura-* claims: parsing Text failed, expected String, but encountered Null",
        ),
    ],
)
def test_a_map_that_leads_nowhere_is_told(changes: Any, claims: Any, code: str, told: str) -> None:
    with pytest.raises(EngineError) as caught:
        hasura_claims(claims, secret(claims_map={**MAP, **changes})).variables()
    assert (caught.value.code, caught.value.message) == (code, told)


def test_roles_of_a_map_may_be_fixed_or_have_defaults() -> None:
    roles = {"x-hasura-allowed-roles": ["a", "b"], "x-hasura-default-role": {"path": "$.no", "default": "b"}}

    assert hasura_claims({}, secret(claims_map=roles)) == HasuraClaims(("a", "b"), "b", {})


def test_an_empty_role_header_is_no_role() -> None:
    assert HasuraClaims(("user",), "user", {}).role("") == "user"
