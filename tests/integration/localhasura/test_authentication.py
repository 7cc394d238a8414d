"""Who asks: the admin secret, tokens by key and by key set, the unauthorized role."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm
from tests.integration.localhasura.client import ADMIN_SECRET, Client
from tests.loopback import LoopbackServer, QuietHandler

from localhasura import LocalHasura, StartError
from localhasura.auth.jwks import JwksUnavailableError

HMAC_SECRET = "an-hmac-secret-of-more-than-32-bytes"
NAMESPACE = "https://hasura.io/jwt/claims"
CLAIMS = {
    "x-hasura-allowed-roles": ["user", "reader"],
    "x-hasura-default-role": "user",
    "x-hasura-user-id": "u1",
}
QUERY = {"query": '{author(where: {name: {_eq: "Ann"}}) {name}}'}
WAIT_S = 10.0


@contextmanager
def serving(library: Client, database_url: str, **options: Any) -> Iterator[str]:
    """A second engine over the library's database, with other options; gives its URL."""
    with LocalHasura(database_url=database_url, admin_secret=ADMIN_SECRET, **options) as engine:
        yield engine.url


def ask(url: str, body: Any = QUERY, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.post(f"{url}/v1/graphql", json=body, headers=named, timeout=10).json()


def code_of(answer: Any) -> str:
    return str(answer["errors"][0]["extensions"]["code"])


def bearer(key: Any, algorithm: str = "HS256", claims: Any = CLAIMS, **standard: Any) -> str:
    return "Bearer " + jwt.encode({NAMESPACE: claims, **standard}, key, algorithm=algorithm)


def test_without_a_secret_everybody_is_the_administrator(database_url: str) -> None:
    with LocalHasura(database_url=database_url) as engine:
        assert ask(engine.url, {"query": "{__typename}"}) == {"data": {"__typename": "query_root"}}


@pytest.mark.parametrize("options", [{"jwt_secret": "{}"}, {"unauthorized_role": "anonymous"}])
def test_tokens_and_the_unauthorized_role_need_an_admin_secret(
    database_url: str, options: dict[str, Any]
) -> None:
    with pytest.raises(StartError, match=r"requires --admin-secret"):
        LocalHasura(database_url=database_url, **options).start()


def test_the_secret_may_come_in_the_old_header(library: Client) -> None:
    answer = ask(library.url, X_Hasura_Access_Key=ADMIN_SECRET)

    assert answer == {"data": {"author": [{"name": "Ann"}]}}


def test_other_endpoints_answer_with_real_status_codes(library: Client) -> None:
    missing = requests.post(
        f"{library.url}/v1/metadata", json={"type": "export_metadata", "args": {}}, timeout=5
    )

    assert missing.status_code == 401
    assert missing.json() == {
        "path": "$",
        "error": '"x-hasura-admin-secret"/"x-hasura-access-key" required, but not found',
        "code": "access-denied",
    }


def test_an_hmac_token_gives_role_and_session(library: Client, database_url: str) -> None:
    secret = json.dumps({"type": "HS256", "key": HMAC_SECRET})
    query = {"query": 'mutation {insert_log_one(object: {line: "x"}) {who}}'}

    with serving(library, database_url, jwt_secret=secret) as url:
        own = ask(url, query, Authorization=bearer(HMAC_SECRET))
        forged = ask(url, query, Authorization=bearer(HMAC_SECRET), X_Hasura_User_Id="u2")
        other = ask(url, Authorization=bearer(HMAC_SECRET), X_Hasura_Role="reader")
        not_allowed = ask(url, Authorization=bearer(HMAC_SECRET), X_Hasura_Role="admin")
        backend = ask(url, Authorization=bearer(HMAC_SECRET), X_Hasura_Use_Backend_Only_Permissions="true")

    assert own == forged == {"data": {"insert_log_one": {"who": "u1"}}}
    assert other == backend == {"data": {"author": [{"name": "Ann"}]}}
    assert code_of(not_allowed) == "access-denied"


@pytest.mark.parametrize(
    ("standard", "message"),
    [
        ({}, None),
        ({"exp": 60}, None),
        ({"exp": -1}, "Could not verify JWT: JWTExpired"),
        ({"nbf": 60}, "Could not verify JWT: JWTNotYetValid"),
        ({"iat": 60}, "Could not verify JWT: JWTIssuedAtFuture"),
        ({"aud": "api", "iss": "https://issuer/"}, None),
        ({"aud": ["other", "api"]}, None),
        ({"aud": "other"}, "Could not verify JWT: JWTNotInAudience"),
        ({"iss": "https://issuer"}, "Could not verify JWT: JWTNotInIssuer"),
    ],
)
def test_standard_claims_are_checked_when_they_are_there(
    library: Client, database_url: str, standard: dict[str, Any], message: str | None
) -> None:
    secret = {"type": "HS256", "key": HMAC_SECRET, "audience": ["api"], "issuer": "https://issuer/"}
    times = {name: int(time.time()) + value for name, value in standard.items() if isinstance(value, int)}

    with serving(library, database_url, jwt_secret=json.dumps(secret)) as url:
        answer = ask(url, Authorization=bearer(HMAC_SECRET, **{**standard, **times}))

    told = answer["errors"][0]["message"] if "errors" in answer else None
    assert told == message


@pytest.mark.parametrize(
    ("header", "sent"),
    [
        ({"type": "Cookie", "name": "token"}, {"Cookie": "a=b; token={token}"}),
        ({"type": "CustomHeader", "name": "X-Token"}, {"X_Token": "{token}"}),
    ],
)
def test_a_token_may_come_in_a_cookie_or_header(
    library: Client, database_url: str, header: dict[str, str], sent: dict[str, str]
) -> None:
    secret = json.dumps({"type": "HS256", "key": HMAC_SECRET, "header": header})
    token = bearer(HMAC_SECRET).removeprefix("Bearer ")

    with serving(library, database_url, jwt_secret=secret) as url:
        answer = ask(url, **{name: value.format(token=token) for name, value in sent.items()})
        without = ask(url, Authorization=f"Bearer {token}")

    assert answer == {"data": {"author": [{"name": "Ann"}]}}
    assert code_of(without) == "invalid-headers"


def test_the_unauthorized_role_is_only_for_requests_without_a_token(
    library: Client, database_url: str
) -> None:
    secret = json.dumps({"type": "HS256", "key": HMAC_SECRET})

    with serving(library, database_url, jwt_secret=secret, unauthorized_role="reader") as url:
        anonymous = ask(url, {"query": "{author {name}}"}, X_Hasura_Role="admin")
        bad = ask(url, Authorization=bearer("another-secret-of-more-than-32-bytes!"))
        malformed = ask(url, Authorization="Basic abc")

    assert anonymous == {"data": {"author": [{"name": "Ann"}, {"name": "Bob"}]}}
    assert code_of(bad) == "invalid-jwt"
    assert code_of(malformed) == "invalid-headers"


class KeySet(LoopbackServer):
    """A server of a key set, whose keys and caching headers a test changes while it runs."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = []
        self.headers: dict[str, str] = {"Cache-Control": "max-age=1"}
        self.failing = False
        self.fetched = 0
        owner = self

        class Handler(QuietHandler):
            def do_GET(self) -> None:
                owner.fetched += 1
                body = json.dumps({"keys": owner.keys}).encode()
                self.answer(500 if owner.failing else 200, owner.headers, body)

        super().__init__(Handler)
        self.url += "/jwks.json"


@pytest.fixture
def key_set() -> Iterator[KeySet]:
    with KeySet() as made:
        yield made


def public_jwk(key: RSAPrivateKey, kid: str) -> dict[str, Any]:
    return {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}


def until_accepted(url: str, token: str) -> bool:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if "data" in ask(url, Authorization=token):
            return True
        threading.Event().wait(0.05)
    return False


def test_a_rotated_key_is_picked_up(library: Client, database_url: str, key_set: KeySet) -> None:
    old, new = generate_private_key(65537, 2048), generate_private_key(65537, 2048)
    key_set.keys = [public_jwk(old, "old")]

    with serving(library, database_url, jwt_secret=json.dumps({"jwk_url": key_set.url})) as url:
        assert "data" in ask(url, Authorization=bearer(old, "RS256"))
        assert code_of(ask(url, Authorization=bearer(new, "RS256"))) == "invalid-jwt"

        key_set.keys = [public_jwk(new, "old")]

        assert until_accepted(url, bearer(new, "RS512"))
        assert code_of(ask(url, Authorization=bearer(old, "RS256"))) == "invalid-jwt"


def test_a_failing_refresh_keeps_the_keys(library: Client, database_url: str, key_set: KeySet) -> None:
    key = generate_private_key(65537, 2048)
    key_set.keys, key_set.headers = [public_jwk(key, "only")], {"Cache-Control": "no-store"}

    with serving(library, database_url, jwt_secret=json.dumps({"jwk_url": key_set.url})) as url:
        key_set.failing = True
        seen = key_set.fetched
        deadline = time.monotonic() + WAIT_S
        while key_set.fetched < seen + 2 and time.monotonic() < deadline:
            threading.Event().wait(0.05)

        assert key_set.fetched >= seen + 2
        assert "data" in ask(url, Authorization=bearer(key, "RS256"))


def test_all_keys_are_tried_whatever_their_id(library: Client, database_url: str, key_set: KeySet) -> None:
    key, other = generate_private_key(65537, 2048), generate_private_key(65537, 2048)
    key_set.keys = [public_jwk(other, "wanted"), public_jwk(key, "another")]
    token = "Bearer " + jwt.encode({NAMESPACE: CLAIMS}, key, algorithm="PS256", headers={"kid": "wanted"})

    with serving(library, database_url, jwt_secret=json.dumps({"jwk_url": key_set.url})) as url:
        assert "data" in ask(url, Authorization=token)


def test_an_unreachable_key_set_stops_the_start(database_url: str, key_set: KeySet) -> None:
    key_set.failing = True
    secret = json.dumps({"jwk_url": key_set.url})

    with pytest.raises(
        JwksUnavailableError, match=r"^Non-2xx response on fetching JWK from: http://127.0.0.1:"
    ):
        LocalHasura(database_url=database_url, admin_secret=ADMIN_SECRET, jwt_secret=secret).start()
    assert key_set.fetched == 6
