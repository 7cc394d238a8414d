"""The token doctor and the engine judge the same tokens: same verdict, and the same words for a refusal."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import jwt
import pytest
import requests
from tests.conftest import new_database
from tests.integration.hasura.tokens import (
    AUDIENCE,
    HASURA_CLAIMS,
    ISSUER,
    KID,
    NAMESPACE,
    SECRET,
    a_token,
    encoded,
    from_now,
    public_jwk,
    public_pem,
    publishing,
    raw_token,
    rsa_key,
    standard_claims,
    with_claim,
    without_claim,
)

from frontdesk.hasura.jwt_config import JwtConfig
from frontdesk.hasura.token_doctor import Diagnosis, Level, Verdict, diagnose, engine_with
from localhasura import LocalHasura

ADMIN_SECRET = "doctor-admin-secret"
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


class Engines:
    """One engine for each configuration, started when a test first asks for it."""

    def __init__(self, database_url: str, places: Mapping[str, str]) -> None:
        self._database_url, self._places = database_url, places
        self._open = ExitStack()
        self._urls: dict[str, str] = {}

    def close(self) -> None:
        self._open.close()

    def secret(self, name: str) -> str:
        text = json.dumps(CONFIGS[name])
        for place, url in self._places.items():
            text = text.replace(f"{{{place}}}", url)
        return text

    def answer(self, name: str, text: str, role: str | None) -> dict[str, Any]:
        """Return the engine's answer to a request that carries `text` where this configuration reads its token."""
        if name not in self._urls:
            engine = LocalHasura(
                database_url=self._database_url, admin_secret=ADMIN_SECRET, jwt_secret=self.secret(name)
            )
            self._urls[name] = self._open.enter_context(engine).url
        place = CONFIGS[name].get("header", {"type": "Authorization"})
        # What a client cannot send inside one header it would send with spaces.
        carried = " ".join(text.split())
        headers = {
            "Authorization": {"Authorization": f"Bearer {carried}"},
            "CustomHeader": {"X-Token": carried},
            "Cookie": {"Cookie": f"session={carried}"},
        }[place["type"]]
        if role is not None:
            headers["x-hasura-role"] = role
        answer = requests.post(
            f"{self._urls[name]}/v1/graphql", json={"query": "{__typename}"}, headers=headers, timeout=10
        )
        found: dict[str, Any] = answer.json()
        return found

    def diagnosis(self, name: str, text: str, role: str | None) -> Diagnosis:
        engine = engine_with(JwtConfig.parse(self.secret(name)), "the test's configuration")
        return diagnose(text, engine, now=time.time(), role=role)


@pytest.fixture(scope="module")
def engines(postgres_url: str, worker_id: str) -> Iterator[Engines]:
    with (
        new_database(postgres_url, f"doctor_{worker_id}_{os.getpid()}") as url,
        publishing(public_jwk(rsa_key())) as jwks,
        publishing() as empty,
    ):
        made = Engines(url, {"jwks": jwks, "empty": empty})
        yield made
        made.close()


def id_token() -> str:
    return a_token(None, aud="spa-client-id", scope=None, sid="s1", nonce="n")


def tampered() -> str:
    head, _, signature = a_token().split(".")
    return raw_token(
        head, {**standard_claims(), NAMESPACE: with_claim("x-hasura-user-id", "auth0|2")}, signature
    )


def signed_with_public_key() -> str:
    import hashlib
    import hmac

    signed = f"{encoded({'alg': 'HS256'})}.{encoded(standard_claims())}"
    made = hmac.new(public_pem(rsa_key()).encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{encoded(made)}"


Case = tuple[str, Callable[[], str], str, str]
REFUSED: dict[str, Case] = {
    # name: configuration, token, the check at fault, words of the sentence
    "nothing at all": ("pem", lambda: "", "form", "there is no token"),
    "Bearer pasted along": ("pem", lambda: f"Bearer {a_token()}", "form", '"Bearer" was copied'),
    "the whole header": ("pem", lambda: f"Authorization: Bearer {a_token()}", "form", '"Bearer" was copied'),
    "Bearer in a custom header": (
        "custom header",
        lambda: f"Bearer {a_token()}",
        "form",
        '"Bearer" was copied',
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


def refusal_of(answer: Mapping[str, Any]) -> tuple[str, str] | None:
    if "errors" not in answer:
        assert answer == {"data": {"__typename": "query_root"}}
        return None
    error = answer["errors"][0]
    return error["extensions"]["code"], error["message"]


@pytest.mark.parametrize(("config", "make", "check", "words"), REFUSED.values(), ids=REFUSED)
def test_a_fault_is_found_in_the_words_of_the_engine(
    engines: Engines, config: str, make: Callable[[], str], check: str, words: str
) -> None:
    text = make()

    found = engines.diagnosis(config, text, None)

    said = refusal_of(engines.answer(config, text, None))
    assert found.refusal is not None
    assert (found.refusal.code, found.refusal.message) == said
    first = next(each for each in found.findings if each.refusal is not None)
    assert (found.verdict, first.check) == (Verdict.REFUSED, check)
    assert found.sentence.startswith("Hasura will refuse this: ")
    assert words in found.sentence
    assert first.fix


Taken = tuple[str, Callable[[], str], str, str]
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


@pytest.mark.parametrize(("config", "make"), GOOD.values(), ids=GOOD)
def test_a_good_token_is_accepted_by_both(engines: Engines, config: str, make: Callable[[], str]) -> None:
    text = make()

    found = engines.diagnosis(config, text, None)

    if "quotes" not in text and '"' not in text:
        assert found.verdict is Verdict.ACCEPTED
        assert found.sentence == 'Hasura will accept this as role "user".'
        assert not [
            each for each in found.findings if each.level in (Level.FAULT, Level.LENIENT, Level.UNSEEN)
        ]
    assert found.refusal is None
    assert refusal_of(engines.answer(config, text, None)) is None


LENIENT: dict[str, Taken] = {
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


@pytest.mark.parametrize(("config", "make", "check", "words"), LENIENT.values(), ids=LENIENT)
def test_what_the_engine_takes_and_should_not_is_told(
    engines: Engines, config: str, make: Callable[[], str], check: str, words: str
) -> None:
    text = make()

    found = engines.diagnosis(config, text, None)

    assert refusal_of(engines.answer(config, text, None)) is None
    assert found.verdict is Verdict.TOO_LENIENT
    told = [each for each in found.findings if each.level is Level.LENIENT and each.check == check]
    assert any(words in each.says and each.fix for each in told)
    assert found.sentence.startswith("Hasura will accept this") and "but should not" in found.sentence


WARNED: dict[str, Taken] = {
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


@pytest.mark.parametrize(("config", "make", "check", "words"), WARNED.values(), ids=WARNED)
def test_what_was_hardly_meant_is_a_warning(
    engines: Engines, config: str, make: Callable[[], str], check: str, words: str
) -> None:
    text = make()

    found = engines.diagnosis(config, text, None)

    assert refusal_of(engines.answer(config, text, None)) is None
    assert found.refusal is None
    told = [each for each in found.findings if each.level is Level.WARNING and each.check == check]
    assert any(words in each.says for each in told)


@pytest.mark.parametrize(
    ("role", "is_allowed"), [(None, True), ("editor", True), ("boss", False), ("admin", False)]
)
def test_the_role_asked_for_is_judged_as_the_engine_does(
    engines: Engines, role: str | None, is_allowed: bool
) -> None:
    text = a_token()

    found = engines.diagnosis("pem", text, role)

    said = refusal_of(engines.answer("pem", text, role))
    told = None if found.refusal is None else (found.refusal.code, found.refusal.message)
    assert told == said
    assert (said is None) is is_allowed
    assert found.role == (role or "user")
    assert is_allowed or "ask for one of these" in found.sentence


def test_all_faults_are_told_the_engines_first_one_first(engines: Engines) -> None:
    text = a_token(with_claim("x-hasura-user-id", 1), exp=from_now(-60), aud="other", key=rsa_key("other"))

    found = engines.diagnosis("pem", text, "boss")

    assert [each.check for each in found.findings if each.level is Level.FAULT] == [
        *("signature", "exp", "audience", "role", "x-hasura-user-id")
    ]
    assert found.refusal is not None
    assert (found.refusal.code, found.refusal.message) == refusal_of(engines.answer("pem", text, "boss"))


def test_what_is_inside_a_badly_pasted_token_is_told_too(engines: Engines) -> None:
    good = engines.diagnosis("pem", f"Bearer {a_token()}", None)
    expired = engines.diagnosis("pem", f"Bearer {a_token(exp=from_now(-60))}", None)

    assert good.sentence.endswith("send the token alone, which is accepted.")
    assert expired.sentence.endswith("which is refused too, for what follows.")
    assert [each.check for each in expired.findings if each.level is Level.FAULT] == ["form", "exp"]
