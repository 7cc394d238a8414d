"""Session variables from bearer tokens: who gets which, and who gets none."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jwt import api_jws
from tests.integration.hasura.tokens import NAMESPACE, encoded, public_jwk, public_pem, raw_token, rsa_key

from frontdesk.errors import SessionRefused
from frontdesk.hasura.issuer_keys import IssuerKeys
from frontdesk.hasura.jwt_secret.fetch import Fetched
from frontdesk.hasura.sessions import MAX_SECONDS, MAX_TOKEN_BYTES, Session, Sessions, TokenTenant

ISSUERS = {"acme": "https://acme.eu.auth0.com/", "beta": "https://beta.eu.auth0.com/"}
AUDIENCE = "https://api.example.com"
GOOD_CLAIMS = {
    "x-hasura-allowed-roles": ["user", "editor"],
    "x-hasura-default-role": "user",
    "x-hasura-user-id": "auth0|1",
    "x-hasura-tenant": "acme",
}
ANN = {"x-hasura-user-id": "auth0|1", "x-hasura-tenant": "acme", "x-hasura-role": "user"}


class Tenants:
    """Two tenants with keys of their own, and the URLs that were fetched."""

    def __init__(self, *, unauthorized_role: str | None = None, **audiences: str) -> None:
        self.fetched: list[str] = []
        tenants = [
            TokenTenant(
                key=key,
                issuer=issuer,
                audience=audiences.get(key, AUDIENCE),
                claims_namespace=NAMESPACE,
                keys=IssuerKeys(f"{issuer}.well-known/jwks.json", fetch=self._fetch),
            )
            for key, issuer in ISSUERS.items()
        ]
        self.sessions = Sessions(tenants, unauthorized_role=unauthorized_role)

    def _fetch(self, url: str) -> Fetched:
        self.fetched.append(url)
        (key,) = [key for key, issuer in ISSUERS.items() if url.startswith(issuer)]
        # Both call their key the same, as strangers could.
        return Fetched(url, json.dumps({"keys": [public_jwk(rsa_key(key), "key-1")]}).encode(), {})

    def ask(self, token: str | None = None, **headers: str) -> Session:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.sessions.session(given | ({} if token is None else {"authorization": f"Bearer {token}"}))

    def refuses(self, token: str | None = None, **headers: str) -> bool:
        try:
            self.ask(token, **headers)
        except SessionRefused:
            return True
        return False


def token(
    hasura: Any = GOOD_CLAIMS,
    *,
    signer: str = "acme",
    header: Mapping[str, Any] | None = None,
    **changes: Any,
) -> str:
    """Return a token of acme; a change to None leaves a claim out."""
    now = int(time.time())
    claims = {"iss": ISSUERS["acme"], "aud": [AUDIENCE, "x"], "sub": "auth0|1", "iat": now, "exp": now + 600}
    claims |= {NAMESPACE: hasura, **changes}
    given = {name: value for name, value in claims.items() if value is not None}
    # PyJWT's own encode() refuses to make some of what has to be refused.
    payload, headers = json.dumps(given).encode(), {"kid": "key-1", **(header or {})}
    return api_jws.encode(payload, rsa_key(signer), algorithm="RS256", headers=headers)


def with_claims(**changes: Any) -> str:
    """Return a token with some Hasura claims changed; `_` is a dash, None leaves one out."""
    claims = GOOD_CLAIMS | {f"x-hasura-{name.replace('_', '-')}": value for name, value in changes.items()}
    return token({name: value for name, value in claims.items() if value is not None})


def test_a_good_token_gives_the_variables_of_its_claims() -> None:
    session = Tenants().ask(with_claims(plan="pro"))

    assert session.variables == {**ANN, "x-hasura-plan": "pro"}
    assert 590 < (session.seconds or 0) <= 600


def test_a_role_that_is_allowed_may_be_asked_for() -> None:
    assert Tenants().ask(token(), x_hasura_role="editor").variables == {**ANN, "x-hasura-role": "editor"}


def test_other_headers_of_hasura_change_nothing() -> None:
    headers = {
        "x_hasura_user_id": "auth0|2",
        "x_hasura_tenant": "beta",
        "x_hasura_allowed_roles": "admin",
        "cookie": "x-hasura-role=admin",
    }

    assert Tenants().ask(token(), **headers).variables == ANN


def test_what_opens_the_rows_to_frontdesk_itself_is_no_variable_of_a_token() -> None:
    assert Tenants().ask(with_claims(frontdesk_tenant="acme")).variables == ANN


def test_names_of_claims_may_be_written_in_any_case() -> None:
    assert Tenants().ask(token({name.title(): value for name, value in GOOD_CLAIMS.items()})).variables == ANN


REFUSED: dict[str, Callable[[], str]] = {
    "of nobody": lambda: token(iss="https://eve.example.com/"),
    "of nearly our issuer": lambda: token(iss=ISSUERS["acme"].rstrip("/")),
    "of a list of issuers": lambda: token(iss=[ISSUERS["acme"]]),
    "without issuer": lambda: token(iss=None),
    "signed by another tenant": lambda: token(signer="beta"),
    "of another tenant about ours": lambda: token(iss=ISSUERS["beta"], signer="beta"),
    "of ours about another tenant": lambda: with_claims(tenant="beta"),
    "about no tenant": lambda: with_claims(tenant=None),
    "about a list of tenants": lambda: with_claims(tenant=["acme"]),
    "for another audience": lambda: token(aud="https://other.example.com"),
    "without audience": lambda: token(aud=None),
    "expired": lambda: token(exp=int(time.time()) - 60),
    "without exp": lambda: token(exp=None),
    "exp as text": lambda: token(exp=str(int(time.time()) + 600)),
    "exp true": lambda: token(exp=True),
    "exp infinite": lambda: token(exp=float("inf")),
    "not yet valid": lambda: token(nbf=int(time.time()) + 60),
    "of the future": lambda: token(iat=int(time.time()) + 60),
    "with crit": lambda: token(header={"crit": ["exp"]}),
    "without key id": lambda: token(header={"kid": ""}),
    "of a key that is not there": lambda: token(header={"kid": "key-2"}),
    "without claims": lambda: token(None),
    "claims as text": lambda: token(json.dumps(GOOD_CLAIMS)),
    "claims as a list": lambda: token([GOOD_CLAIMS]),
    "no allowed roles": lambda: with_claims(allowed_roles=None),
    "allowed roles as text": lambda: with_claims(allowed_roles="user"),
    "no default role": lambda: with_claims(default_role=None),
    "a default role that is not allowed": lambda: with_claims(default_role="owner"),
    "admin": lambda: with_claims(default_role="admin", allowed_roles=["admin"]),
    "frontdesk": lambda: with_claims(default_role="frontdesk", allowed_roles=["frontdesk"]),
    "a claim that is a list": lambda: with_claims(teams=["a"]),
    "a claim that is a number": lambda: with_claims(level=3),
    "a claim that is null": lambda: token({**GOOD_CLAIMS, "x-hasura-level": None}),
    "a claim with half a character": lambda: with_claims(plan="\ud800"),
    "a claim with NUL": lambda: with_claims(plan="a\x00"),
    "no JWT": lambda: "abc",
    "three dots": lambda: "a.b.c",
    "too long": lambda: "a" * (MAX_TOKEN_BYTES + 1),
    "letters of elsewhere": lambda: "é.ü.ñ",
    "half a character": lambda: "\ud800",
    "deep": lambda: raw_token({"alg": "RS256", "kid": "key-1"}, b"[" * 20_000),
    "a huge number": lambda: raw_token({"alg": "RS256", "kid": "key-1"}, b'{"iss":' + b"9" * 10_000 + b"}"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("unauthorized_role", [None, "anonymous"])
def test_a_token_that_is_there_and_bad_gives_no_session(name: str, unauthorized_role: str | None) -> None:
    assert Tenants(unauthorized_role=unauthorized_role).refuses(REFUSED[name]())


def forged(algorithm: str) -> str:
    """Return acme's good claims, signed with what everybody knows of its key, by HMAC over it, or not at all."""
    header = {"alg": algorithm, "kid": "key-1", "typ": "JWT"}
    claims = jwt.decode(token(), options={"verify_signature": False})
    if not algorithm.startswith("HS"):
        return raw_token(header, claims, "")
    unsigned = raw_token(header, claims, "").rstrip(".")
    key = public_pem(rsa_key("acme")).encode()
    made = hmac.new(key, unsigned.encode(), getattr(hashlib, f"sha{algorithm[2:]}")).digest()
    return f"{unsigned}.{encoded(made)}"


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "", "HS256", "HS512", "RS384", "PS256", "ES256", "EdDSA"]
)
def test_only_rs256_is_taken_and_nothing_is_fetched_for_others(algorithm: str) -> None:
    tenants = Tenants()

    assert tenants.refuses(forged(algorithm))
    assert tenants.fetched == []


@pytest.mark.parametrize(
    "issuer", ["https://eve.example.com/", "http://169.254.169.254/", "file:///etc/", 7, None]
)
def test_no_key_is_fetched_for_an_issuer_that_is_no_tenant(issuer: Any) -> None:
    tenants = Tenants()

    assert tenants.refuses(token(iss=issuer, header={"jku": "https://eve.example.com/jwks.json"}))
    assert tenants.fetched == []


def test_the_keys_of_the_issuer_alone_are_fetched_and_once() -> None:
    tenants = Tenants()

    for _ in range(3):
        tenants.ask(token())

    assert tenants.fetched == [f"{ISSUERS['acme']}.well-known/jwks.json"]


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Basic YTpi", "a.b.c"])
@pytest.mark.parametrize("unauthorized_role", [None, "anonymous"])
def test_an_authorization_that_is_no_bearer_token_is_refused(
    authorization: str, unauthorized_role: str | None
) -> None:
    assert Tenants(unauthorized_role=unauthorized_role).refuses(authorization=authorization)


def test_a_little_disagreement_of_the_clocks_is_borne() -> None:
    now = int(time.time())

    assert Tenants().ask(token(iat=now + 5, nbf=now + 5)).variables == ANN
    assert Tenants().ask(token(exp=now - 3)).seconds == 0


def test_a_token_for_ever_gives_a_session_with_an_end() -> None:
    assert Tenants().ask(token(exp=10**400)).seconds == MAX_SECONDS


def test_without_a_token_there_is_the_unauthorized_role_or_nothing() -> None:
    hoping = {"x_hasura_role": "editor", "x_hasura_user_id": "auth0|1", "cookie": "token=abc"}

    assert Tenants().refuses(**hoping)
    assert Tenants(unauthorized_role="anonymous").ask(**hoping) == Session({"x-hasura-role": "anonymous"})


def test_two_tenants_of_one_issuer_are_told_apart_by_audience_and_tenant() -> None:
    keys = IssuerKeys("https://x/", fetch=lambda url: Fetched(url, document(), {}))
    tenants = [
        TokenTenant(
            key=key, issuer=ISSUERS["acme"], audience=f"https://{key}/", claims_namespace=NAMESPACE, keys=keys
        )
        for key in ("acme", "beta")
    ]
    sessions = Sessions(tenants)

    def ask(tenant: str, audience: str) -> str | None:
        given = token({**GOOD_CLAIMS, "x-hasura-tenant": tenant}, aud=f"https://{audience}/")
        try:
            return sessions.session({"authorization": f"Bearer {given}"}).variables["x-hasura-tenant"]
        except SessionRefused:
            return None

    assert [ask("acme", "acme"), ask("beta", "beta")] == ["acme", "beta"]
    assert [ask("acme", "beta"), ask("beta", "acme")] == [None, None]


def document() -> bytes:
    return json.dumps({"keys": [public_jwk(rsa_key("acme"), "key-1")]}).encode()


KEYS = st.sampled_from(["acme", "beta"])
NAMES = st.sampled_from(
    [
        "x-hasura-role",
        "x-hasura-user-id",
        "x-hasura-tenant",
        "x-hasura-allowed-roles",
        "x-hasura-default-role",
        "x-hasura-admin-secret",
        "x-hasura-use-backend-only-permissions",
        "cookie",
        "x-forwarded-for",
    ]
)
VALUES = st.sampled_from(
    ["", "user", "editor", "owner", "admin", "frontdesk", "acme", "beta", "auth0|2", "true"]
)
SHARED = Tenants()


@settings(max_examples=120, deadline=None, print_blob=True)
@given(
    signer=KEYS,
    issuer=KEYS,
    claimed=KEYS,
    audience=st.sampled_from([AUDIENCE, "https://other.example.com"]),
    allowed=st.lists(VALUES, max_size=4),
    default=VALUES,
    headers=st.dictionaries(NAMES, VALUES, max_size=5),
)
def test_a_session_is_of_the_tenant_that_signed_with_a_role_that_it_allowed(
    signer: str,
    issuer: str,
    claimed: str,
    audience: str,
    allowed: list[str],
    default: str,
    headers: dict[str, str],
) -> None:
    hasura = {
        "x-hasura-tenant": claimed,
        "x-hasura-user-id": "auth0|1",
        "x-hasura-allowed-roles": allowed,
        "x-hasura-default-role": default,
    }
    made = token(hasura, signer=signer, iss=ISSUERS[issuer], aud=audience)
    role = headers.get("x-hasura-role", default)
    good = signer == issuer == claimed and audience == AUDIENCE
    good = good and role in allowed and role not in ("", "admin", "frontdesk")

    try:
        found = dict(SHARED.sessions.session({**headers, "authorization": f"Bearer {made}"}).variables)
    except SessionRefused:
        found = {}

    wanted = {"x-hasura-tenant": signer, "x-hasura-user-id": "auth0|1", "x-hasura-role": role}
    assert found == (wanted if good else {})
