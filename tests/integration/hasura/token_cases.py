"""Tokens and configurations for the token doctor and the engine to judge: what is refused, taken, overlooked, odd."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

from tests.integration.hasura.tokens import (
    AUDIENCE,
    HASURA_CLAIMS,
    ISSUER,
    NAMESPACE,
    SECRET,
    a_token,
    encoded,
    from_now,
    public_pem,
    raw_token,
    rsa_key,
    standard_claims,
    with_claim,
    without_claim,
)

PEM_KEY = {"type": "RS256", "key": public_pem(rsa_key())}
EXPECTED = {"audience": AUDIENCE, "issuer": ISSUER}
CLAIMS_MAP = {
    "x-hasura-allowed-roles": {"path": "$.app.roles"},
    "x-hasura-default-role": {"path": "$.app.roles[0]", "default": "user"},
    "x-hasura-user-id": {"path": "$.app['user id']"},
    "x-hasura-plan": "free",
}
CONFIGS: Mapping[str, Mapping[str, Any]] = {
    "key set": {"jwk_url": "{jwks}", **EXPECTED},
    "no keys": {"jwk_url": "{empty}", **EXPECTED},
    "pem": {**PEM_KEY, **EXPECTED},
    "hmac": {"type": "HS256", "key": SECRET, **EXPECTED},
    "stringified": {**PEM_KEY, **EXPECTED, "claims_format": "stringified_json"},
    "path": {**PEM_KEY, **EXPECTED, "claims_namespace_path": "$.hasura['the claims']"},
    "map": {**PEM_KEY, **EXPECTED, "claims_map": CLAIMS_MAP},
    "skew": {**PEM_KEY, **EXPECTED, "allowed_skew": 60},
    "custom header": {**PEM_KEY, **EXPECTED, "header": {"type": "CustomHeader", "name": "X-Token"}},
    "cookie": {**PEM_KEY, **EXPECTED, "header": {"type": "Cookie", "name": "session"}},
    "no audience": {**PEM_KEY, "issuer": ISSUER},
    "nothing expected": PEM_KEY,
}


def id_token() -> str:
    return a_token(None, aud="spa-client-id", scope=None, sid="s1", nonce="n")


def tampered() -> str:
    head, _, signature = a_token().split(".")
    return raw_token(
        head, {**standard_claims(), NAMESPACE: with_claim("x-hasura-user-id", "auth0|2")}, signature
    )


def signed_with_public_key() -> str:
    signed = f"{encoded({'alg': 'HS256'})}.{encoded(standard_claims())}"
    made = hmac.new(public_pem(rsa_key()).encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{encoded(made)}"


Case = tuple[str, Callable[[], str], str, str]
"""Configuration, token, the check that speaks, words that it says."""
REFUSED: dict[str, Case] = {
    # name: configuration, token, the check at fault, words of the sentence
    "nothing at all": ("pem", lambda: "", "form", "there is no token"),
    "Bearer pasted along": ("pem", lambda: f"Bearer {a_token()}", "form", '"Bearer" came along'),
    "the whole header": ("pem", lambda: f"Authorization: Bearer {a_token()}", "form", '"Bearer" came along'),
    "Bearer in a custom header": (
        "custom header",
        lambda: f"Bearer {a_token()}",
        "form",
        '"Bearer" came along',
    ),
    "quotes": ("pem", lambda: f'"{a_token()}"', "form", "quotes"),
    "quotes in a custom header": ("custom header", lambda: f"'{a_token()}'", "form", "quotes"),
    "a line break inside": ("pem", lambda: a_token()[:40] + "\n" + a_token()[40:], "form", "line break"),
    "the whole answer": ("pem", lambda: json.dumps({"access_token": a_token()}), "form", "token endpoint"),
    "an opaque token": ("pem", lambda: "Uz4oUqzhTAvVLjc0gDHMGwE1PYbdZeWQ", "form", "opaque"),
    "half a token": ("pem", lambda: a_token().rpartition(".")[0], "form", "2 parts"),
    "an encrypted token": ("pem", lambda: encoded({"alg": "dir"}) + "..aXY.dGV4dA.dGFn", "form", "encrypted"),
    "garbage": ("pem", lambda: "not.a.token", "form", "first part"),
    "a header that is no base64": ("pem", lambda: raw_token("+/+/", {}), "form", "not base64url"),
    "a header that is no object": ("pem", lambda: raw_token([], {}), "form", "expected an object"),
    "an unknown algorithm": ("pem", lambda: raw_token({"alg": "XS1"}, {}), "algorithm", '"XS1"'),
    "critical extensions": ("pem", lambda: raw_token({"alg": "RS256", "crit": ["b64"]}, {}), "form", "crit"),
    "a signature that is no base64": (
        "pem",
        lambda: raw_token({"alg": "RS256"}, {}, "ä!"),
        "form",
        "signature",
    ),
    "claims that are no JSON": (
        "pem",
        lambda: raw_token({"alg": "RS256"}, encoded(b"{")),
        "form",
        "claims are",
    ),
    "claims that are no base64": ("pem", lambda: raw_token({"alg": "RS256"}, "+"), "form", "not base64url"),
    "an expiry as text": ("pem", lambda: raw_token({"alg": "RS256"}, {"exp": "1"}), "form", '"exp"'),
    "an audience as number": ("pem", lambda: raw_token({"alg": "RS256"}, {"aud": 1}), "form", '"aud"'),
    "a subject as number": ("pem", lambda: raw_token({"alg": "RS256"}, {"sub": 1}), "form", '"sub"'),
    "no signature": (
        "pem",
        lambda: raw_token({"alg": "none"}, standard_claims(), ""),
        "signature",
        "not signed",
    ),
    "an empty key set": ("no keys", a_token, "signature", "no key"),
    "a key of another tenant": (
        *("key set", lambda: a_token(key=rsa_key("other"), kid="key-9")),
        *("key id", '"key-9" is not in'),
    ),
    "another key of the same id": (
        "key set",
        lambda: a_token(key=rsa_key("other")),
        "signature",
        "not made with",
    ),
    "changed after signing": ("key set", tampered, "signature", "copy the token again"),
    "another RSA key": ("pem", lambda: a_token(key=rsa_key("other")), "signature", "not made with"),
    "another secret": (
        *("hmac", lambda: a_token(key=SECRET[::-1], algorithm="HS256")),
        *("signature", "not made with"),
    ),
    "HS256 where RSA is": (
        "key set",
        lambda: a_token(key=SECRET, algorithm="HS256"),
        "algorithm",
        "RSA keys only",
    ),
    "RS256 where a secret is": ("hmac", a_token, "algorithm", "HMAC keys only"),
    "the public key as secret": ("pem", signed_with_public_key, "algorithm", "RSA keys only"),
    "the issuer without its slash": (
        "pem",
        lambda: a_token(iss=ISSUER.rstrip("/")),
        "issuer",
        "with the slash",
    ),
    "the issuer of another tenant": (
        "pem",
        lambda: a_token(iss="https://evil/"),
        "issuer",
        '"https://evil/"',
    ),
    "expired": ("pem", lambda: a_token(exp=from_now(-7200)), "exp", "expired 2 hours ago"),
    "expired beyond the skew": ("skew", lambda: a_token(exp=from_now(-90)), "exp", "skew of 60 s"),
    "issued in the future": ("pem", lambda: a_token(iat=from_now(600)), "iat", "issued in"),
    "issued in milliseconds": ("pem", lambda: a_token(iat=from_now(0) * 1000), "iat", "seconds since 1970"),
    "not valid yet": ("pem", lambda: a_token(nbf=from_now(600)), "nbf", "valid only in"),
    "another audience": ("pem", lambda: a_token(aud="https://other"), "audience", '"https://other"'),
    "an ID token": ("pem", id_token, "audience", "this is an ID token"),
    "no Hasura claims": ("pem", lambda: a_token(None), "namespace", "deploy and bind"),
    "a machine token": (
        *("pem", lambda: a_token(None, sub="m2m@clients", gty="client-credentials")),
        *("namespace", "credentials-exchange"),
    ),
    "another namespace": ("pem", lambda: a_token(at=NAMESPACE + "/"), "namespace", "they are under"),
    "claims at the top level": (
        *("pem", lambda: a_token(None, **HASURA_CLAIMS)),
        *("namespace", "at the top level"),
    ),
    "claims one level deeper": (
        *("pem", lambda: a_token({NAMESPACE: HASURA_CLAIMS}, at="wrapped")),
        *("namespace", "inside"),
    ),
    "text where an object is": (
        "pem",
        lambda: a_token(json.dumps(HASURA_CLAIMS)),
        "namespace",
        "stringified_json",
    ),
    "a list where an object is": ("pem", lambda: a_token([HASURA_CLAIMS]), "namespace", "are an array"),
    "a number where an object is": ("pem", lambda: a_token(1), "namespace", "are a number"),
    "an object where text is": ("stringified", a_token, "namespace", "claims_format in HASURA"),
    "text that is no JSON": ("stringified", lambda: a_token("{user"), "namespace", "no JSON object"),
    "a path to nowhere": ("path", lambda: a_token(None), "namespace", "leads nowhere"),
    "a path beside the claims": ("path", a_token, "namespace", "they are under"),
    "no allowed roles": (
        *("pem", lambda: a_token(without_claim("x-hasura-allowed-roles"))),
        *("allowed roles", "lack x-hasura-allowed-roles"),
    ),
    "allowed roles as text": (
        *("pem", lambda: a_token(with_claim("x-hasura-allowed-roles", "user"))),
        *("allowed roles", 'change it to ["user"]'),
    ),
    "a number among the roles": (
        *("pem", lambda: a_token(with_claim("x-hasura-allowed-roles", ["user", 1]))),
        *("allowed roles", "holds 1"),
    ),
    "an empty role": (
        *("pem", lambda: a_token(with_claim("x-hasura-allowed-roles", ["user", ""]))),
        *("allowed roles", 'holds ""'),
    ),
    "no default role": (
        *("pem", lambda: a_token(without_claim("x-hasura-default-role"))),
        *("default role", "lack x-hasura-default-role"),
    ),
    "a list as default role": (
        *("pem", lambda: a_token(with_claim("x-hasura-default-role", ["user"]))),
        *("default role", '["user"]'),
    ),
    "a default role that is not allowed": (
        *("pem", lambda: a_token(with_claim("x-hasura-default-role", "boss"))),
        *("role", 'default role "boss"'),
    ),
    "a number as variable": (
        *("pem", lambda: a_token(with_claim("x-hasura-user-id", 5))),
        *("x-hasura-user-id", 'change it to text: "5"'),
    ),
    "a boolean as variable": (
        *("pem", lambda: a_token(with_claim("x-hasura-paid", True))),
        *("x-hasura-paid", "(boolean)"),
    ),
    "null as variable": (
        *("pem", lambda: a_token(with_claim("x-hasura-org", None))),
        *("x-hasura-org", "leave it out"),
    ),
    "a list as variable": (
        *("pem", lambda: a_token(with_claim("x-hasura-ids", [1, "a b"]))),
        *("x-hasura-ids", "{1,"),
    ),
    "an object as variable": (
        *("pem", lambda: a_token(with_claim("x-hasura-org", {"id": "1"}))),
        *("x-hasura-org", "one claim for each"),
    ),
    "mapped roles that are missing": (
        *("map", lambda: a_token(None, app={"user id": "1"})),
        *("allowed roles", "lack x-hasura-allowed-roles"),
    ),
    "a mapped claim that is missing": (
        *("map", lambda: a_token(None, app={"roles": ["user"]})),
        *("x-hasura-user-id", "claims_map gives"),
    ),
    "a mapped default role of another kind": (
        *("map", lambda: a_token(None, app={"roles": [[]], "user id": "1"})),
        *("allowed roles", "holds []"),
    ),
}


GOOD: dict[str, tuple[str, Callable[[], str]]] = {
    "signed by a key of the set": ("key set", a_token),
    "with white space around it": ("key set", lambda: f"\n  {a_token()} \r\n"),
    "signed with a secret": ("hmac", lambda: a_token(key=SECRET, algorithm="HS256")),
    "with claims as text": ("stringified", lambda: a_token(json.dumps(HASURA_CLAIMS))),
    "with claims at a path": ("path", lambda: a_token({"the claims": HASURA_CLAIMS}, at="hasura")),
    "with mapped claims": ("map", lambda: a_token(None, app={"roles": ["user"], "user id": "1"})),
    "expired within the skew": ("skew", lambda: a_token(exp=from_now(-30))),
    "in a header of its own": ("custom header", a_token),
    "in a cookie": ("cookie", a_token),
    "in a cookie, in quotes": ("cookie", lambda: f'"{a_token()}"'),
    "with upper-case names": ("pem", lambda: a_token({k.upper(): v for k, v in HASURA_CLAIMS.items()})),
    "for machines": ("pem", lambda: a_token(sub="m2m@clients", gty="client-credentials")),
    "of the RFC 9068 profile": ("pem", lambda: a_token(client_id="c", jti="1", sid="s")),
}


LENIENT: dict[str, Case] = {
    "without expiry": ("pem", lambda: a_token(exp=None), "exp", "never expires"),
    "without audience": ("pem", lambda: a_token(aud=None), "audience", "names no audience"),
    "without issuer": ("pem", lambda: a_token(iss=None), "issuer", "names no issuer"),
    "an ID token": ("pem", lambda: a_token(nonce="n", sid="s"), "kind", "ID token"),
    "an ID token without nonce": (
        *("no audience", lambda: a_token(aud="spa", scope=None, sid="s")),
        *("kind", "ID token"),
    ),
    "no audience configured": ("no audience", a_token, "audience", "every application and API"),
    "an expiry in milliseconds": ("pem", lambda: a_token(exp=from_now(0) * 1000), "exp", "milliseconds"),
    "an expiry beyond all calendars": ("pem", lambda: a_token(exp=10**400), "exp", "milliseconds"),
    "the admin role": (
        *("pem", lambda: a_token(with_claim("x-hasura-allowed-roles", ["user", "admin"]))),
        *("role", '"admin"'),
    ),
    "our own service's role": (
        *("pem", lambda: a_token(with_claim("x-hasura-allowed-roles", ["user", "frontdesk"]))),
        *("role", '"frontdesk"'),
    ),
}


WARNED: dict[str, Case] = {
    "a JSON list as text": (
        *("pem", lambda: a_token(with_claim("x-hasura-ids", '["a","b c",1]'))),
        *("x-hasura-ids", "PostgreSQL's form"),
    ),
    "a role claim that chooses nothing": (
        *("pem", lambda: a_token(with_claim("x-hasura-role", "editor"))),
        *("x-hasura-role", "chooses nothing"),
    ),
    "a claim without the prefix": ("pem", lambda: a_token(with_claim("org", "1")), "namespace", '"org"'),
    "a large token": (
        "pem",
        lambda: a_token(with_claim("x-hasura-text", "a" * 5000)),
        "size",
        "more than a cookie",
    ),
    "a key id that is not in the set": ("key set", lambda: a_token(kid="key-9"), "key id", '"key-9"'),
    "no issuer configured": ("nothing expected", a_token, "issuer", "told no issuer"),
    "a long life": ("pem", lambda: a_token(exp=from_now(90 * 86400)), "exp", "long for an access token"),
}
