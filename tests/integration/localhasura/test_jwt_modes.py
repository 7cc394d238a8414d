"""JWT modes over HTTP: where a token is, whose it is when there are several secrets, and what stops a start."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as new_ec_key
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as new_rsa_key
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from tests.integration.localhasura.client import ADMIN_SECRET, Client
from tests.integration.localhasura.test_authentication import KeySet, ask, bearer, code_of, until_accepted
from tests.integration.localhasura.test_server import STOP_LIMIT_S, program, ready_url

from localhasura import LocalHasura
from localhasura.auth import JwtSecretError
from localhasura.auth.jwks import JwksUnavailableError, fetch
from localhasura.config import Options

ONE, TWO = "the-first-hmac-secret-of-32-bytes-and-more", "the-second-hmac-secret-of-32-bytes-and-more"
FATAL = "Fatal Error:- Environment variable HASURA_GRAPHQL_JWT_SECRET: Error in $: "
QUERY = {"query": "{__typename}"}
FINE = {"data": {"__typename": "query_root"}}


def hmac_secret(key: str, **members: Any) -> dict[str, Any]:
    return {"type": "HS256", "key": key, **members}


@contextmanager
def serving(client: Client, database_url: str, *secrets: dict[str, Any], **options: Any) -> Iterator[str]:
    """A second engine over the client's database, with these secrets; gives its URL."""
    made = Options(
        database_url=database_url,
        port=0,
        admin_secret=ADMIN_SECRET,
        jwt_secrets=json.dumps(secrets),
        schema_sync_poll_interval_s=0,
        **options,
    )
    with LocalHasura.from_options(made) as engine:
        yield engine.url


def told(answer: Any) -> str:
    """Return the message of an answer's error, or nothing."""
    return "" if answer == FINE else str(answer["errors"][0]["message"])


def token(key: str, **standard: Any) -> str:
    return bearer(key, **standard).removeprefix("Bearer ")


@pytest.mark.parametrize(
    ("cookies", "taken"),
    [
        ("jwt={token}", True),
        ("a=b; jwt={token}; c=d", True),
        ("a=b;jwt={token}", True),
        ('jwt="{token}"', True),
        ('settings={{"theme": "dark"}}; jwt={token}', True),
        ("x[y]=1; jwt={token}; broken", True),
        ("JWT={token}", False),
        ("other={token}", False),
        ("jwt", False),
    ],
)
def test_a_cookie_is_found_among_others(
    library: Client, database_url: str, cookies: str, taken: bool
) -> None:
    secret = hmac_secret(ONE, header={"type": "Cookie", "name": "jwt"})
    with serving(library, database_url, secret) as url:
        answer = ask(url, QUERY, Cookie=cookies.format(token=token(ONE)))

    missing = "Missing 'Authorization' or 'Cookie' header in JWT authentication mode"
    assert told(answer) == ("" if taken else missing)


def test_a_header_of_its_own_holds_the_token_alone(library: Client, database_url: str) -> None:
    with serving(
        library, database_url, hmac_secret(ONE, header={"type": "customheader", "name": "X-Jwt"})
    ) as url:
        plain = ask(url, QUERY, x_jwt=token(ONE), Authorization="rubbish")
        with_scheme = ask(url, QUERY, X_Jwt=bearer(ONE))

    assert plain == FINE
    assert code_of(with_scheme) == "invalid-jwt"


def test_the_issuer_chooses_among_several_secrets(library: Client, database_url: str) -> None:
    secrets = [hmac_secret(ONE, issuer="one"), hmac_secret(TWO, issuer="two")]
    bad_signature = "Could not verify JWT: JWSError JWSInvalidSignature"
    cases = {
        (ONE, "one"): "",
        (TWO, "two"): "",
        (ONE, "two"): bad_signature,
        (ONE, "three"): "Could not verify JWT: JWTNotInIssuer",
        (ONE, None): "Could not verify JWT: Multiple JWTs found",
    }
    with serving(library, database_url, *secrets) as url:
        answers = {
            (key, issuer): told(
                ask(url, QUERY, Authorization=bearer(key, **({"iss": issuer} if issuer else {})))
            )
            for key, issuer in cases
        }
        without = ask(url, QUERY)
        config = requests.get(
            f"{url}/v1alpha1/config", headers={"X-Hasura-Admin-Secret": ADMIN_SECRET}, timeout=5
        ).json()

    assert answers == cases
    assert code_of(without) == "invalid-headers"
    assert (config["is_jwt_set"], len(config["jwt"])) == (True, 2)


def test_the_place_chooses_among_several_secrets(library: Client, database_url: str) -> None:
    secrets = [hmac_secret(ONE), hmac_secret(TWO, header={"type": "Cookie", "name": "jwt"})]
    with serving(library, database_url, *secrets, unauthorized_role="reader") as url:
        in_header = ask(url, QUERY, Authorization=bearer(ONE))
        in_cookie = ask(url, QUERY, Cookie=f"jwt={token(TWO)}")
        swapped = ask(url, QUERY, Authorization=bearer(TWO))
        in_both = ask(url, QUERY, Authorization=bearer(ONE), Cookie=f"jwt={token(TWO)}")
        nowhere = ask(url, QUERY, Cookie="a=b")

    assert in_header == in_cookie == nowhere == FINE
    assert code_of(swapped) == "invalid-jwt"
    assert in_both["errors"][0]["extensions"]["code"] == "invalid-headers"
    assert told(in_both) == "Could not verify JWT: Multiple JWTs found"


def test_several_secrets_come_from_the_environment(database_url: str) -> None:
    environment = {
        "HASURA_GRAPHQL_ADMIN_SECRET": "replaced",
        "HASURA_GRAPHQL_ADMIN_SECRETS": '["old", "new"]',
        "HASURA_GRAPHQL_JWT_SECRET": "not even JSON",
        "HASURA_GRAPHQL_JWT_SECRETS": json.dumps([hmac_secret(ONE), hmac_secret(TWO, issuer="two")]),
    }
    with program(["--port", "0", "--database-url", database_url], **environment) as started:
        url = ready_url(started)
        by_secret = {
            name: ask(url, QUERY, X_Hasura_Admin_Secret=name) == FINE for name in ("old", "new", "replaced")
        }
        by_token = ask(url, QUERY, Authorization=bearer(ONE, iss="one"))

    assert by_secret == {"old": True, "new": True, "replaced": False}
    assert by_token == FINE


@pytest.mark.parametrize("value", ["s", "[]", '"s"', "[5]", '[""]', "{}"])
def test_admin_secrets_that_are_no_list_of_texts_are_wrong_usage(database_url: str, value: str) -> None:
    environment = {"HASURA_GRAPHQL_ADMIN_SECRETS": value}
    with program(["--port", "0", "--database-url", database_url], **environment) as started:
        _, errors = started.communicate(timeout=STOP_LIMIT_S)

    assert started.returncode == 2
    assert "HASURA_GRAPHQL_ADMIN_SECRETS: expected a JSON list of texts" in errors


@pytest.mark.parametrize(
    ("secret", "message"),
    [
        ({}, "key and jwk_url both cannot be empty"),
        ({"key": "k", "jwk_url": "https://issuer/"}, "key, jwk_url both cannot be present"),
        (hmac_secret("k" * 31), "Invalid JWK: Key size too small; should be atleast 32 characters"),
        ({"type": "PS256", "key": ONE}, "Invalid JWK: Key type: PS256 is not supported"),
        ({"type": "RS256", "key": "k"}, "Invalid JWK: Could not decode PEM: no PEM block found"),
        (
            hmac_secret("k", claims_namespace="a", claims_namespace_path="$.b"),
            "claims_namespace and claims_namespace_path both cannot be set",
        ),
        (
            hmac_secret(ONE, claims_namespace_path="$.["),
            "invalid JSON path claims_namespace_path error: invalid JSON path: $.[",
        ),
        (
            hmac_secret(ONE, header={"type": "Query"}),
            "expected 'type' is 'Authorization' or 'Cookie' or 'CustomHeader'",
        ),
        (
            hmac_secret(ONE, claims_map={"x-hasura-allowed-roles": ["user"]}),
            "x-hasura-default-role is expected but not found",
        ),
    ],
)
def test_a_secret_that_cannot_be_used_stops_the_start(
    database_url: str, secret: dict[str, Any], message: str
) -> None:
    with pytest.raises(JwtSecretError) as caught:
        LocalHasura(
            database_url=database_url, admin_secret=ADMIN_SECRET, jwt_secret=json.dumps(secret)
        ).start()
    assert str(caught.value) == FATAL + message


@pytest.mark.parametrize("secrets", ["{}", "[]", "[{}]"])
def test_secrets_that_cannot_be_used_stop_the_start(database_url: str, secrets: str) -> None:
    options = Options(database_url=database_url, port=0, admin_secret=ADMIN_SECRET, jwt_secrets=secrets)
    with pytest.raises(
        JwtSecretError, match=r"^Fatal Error:- Environment variable HASURA_GRAPHQL_JWT_SECRETS: "
    ):
        LocalHasura.from_options(options).start()


@pytest.fixture
def key_set() -> Iterator[KeySet]:
    with KeySet() as made:
        yield made


def published(keys: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the keys as a set may hold them: of several kinds, without `kid`, `use` or `alg`."""
    kind: Any = {True: RSAAlgorithm, False: ECAlgorithm}
    return [kind[isinstance(key, RSAPrivateKey)].to_jwk(key.public_key(), as_dict=True) for key in keys]


def test_keys_of_a_set_need_no_names(library: Client, database_url: str, key_set: KeySet) -> None:
    first, second, third = new_rsa_key(65537, 2048), new_ec_key(SECP256R1()), new_rsa_key(65537, 2048)
    key_set.keys = published([first, second])
    named = jwt.encode({"a": 1}, third, algorithm="RS256", headers={"kid": "unknown"})
    with serving(library, database_url, {"jwk_url": key_set.url}) as url:
        answers = [
            ask(url, QUERY, Authorization=bearer(key, alg))
            for key, alg in [(first, "RS384"), (second, "ES256")]
        ]
        unknown = ask(url, QUERY, Authorization=f"Bearer {named}")

    assert answers == [FINE, FINE]
    assert told(unknown) == "Could not verify JWT: JWSError JWSInvalidSignature"


@pytest.mark.parametrize(
    "headers",
    [
        {"Cache-Control": "no-cache"},
        {"Cache-Control": "no-store, max-age=3600"},
        {"Cache-Control": "public, must-revalidate"},
        {"Cache-Control": "s-maxage=1"},
        {"Expires": "Thu, 01 Jan 1970 00:00:00 GMT"},
    ],
    ids=str,
)
def test_a_set_that_has_expired_is_fetched_again(
    library: Client, database_url: str, key_set: KeySet, headers: dict[str, str]
) -> None:
    old, new = new_ec_key(SECP256R1()), new_ec_key(SECP256R1())
    key_set.keys, key_set.headers = published([old]), headers
    with serving(library, database_url, {"jwk_url": key_set.url}) as url:
        key_set.keys = published([new])

        assert until_accepted(url, bearer(new, "ES256"))
        assert code_of(ask(url, Authorization=bearer(old, "ES256"))) == "invalid-jwt"


def test_an_empty_set_is_fetched_until_it_has_keys(
    library: Client, database_url: str, key_set: KeySet
) -> None:
    key = new_ec_key(SECP256R1())
    key_set.headers = {}
    with serving(library, database_url, {"jwk_url": key_set.url}) as url:
        empty = ask(url, QUERY, Authorization=bearer(key, "ES256"))
        key_set.keys = published([key])

        assert until_accepted(url, bearer(key, "ES256"))
    assert told(empty) == "Could not verify JWT: JWSError NoUsableKeys"


@pytest.mark.parametrize("keys", [None, [{"kty": "RSA", "n": "!", "e": "AQAB"}], [{"kty": "EC"}], 5])
def test_a_document_that_is_no_key_set_is_told(key_set: KeySet, keys: Any) -> None:
    key_set.keys = keys

    with pytest.raises(JwksUnavailableError, match=f"^Error parsing JWK from url: {key_set.url}: ") as caught:
        fetch(f"{key_set.url}?key=secret")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["http://user:password@127.0.0.1:1/keys", "http://127.0.0.1:1/keys?password"]
)
def test_a_key_set_that_is_away_is_told_without_its_secrets(address: str) -> None:
    with pytest.raises(
        JwksUnavailableError, match=r"^Error fetching JWK: http://127.0.0.1:1/keys: "
    ) as caught:
        fetch(address)
    assert "password" not in str(caught.value)


def test_the_older_names_of_the_admin_secret_are_known(database_url: str) -> None:
    for arguments, environment in (
        (["--access-key", "older"], {}),
        ([], {"HASURA_GRAPHQL_ACCESS_KEY": "older"}),
    ):
        with program(["--port", "0", "--database-url", database_url, *arguments], **environment) as started:
            url = ready_url(started)
            assert ask(url, QUERY, X_Hasura_Access_Key="older") == FINE
            assert code_of(ask(url, QUERY)) == "access-denied"
