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
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import new_database
from tests.integration.hasura.token_cases import CONFIGS, EXPECTED, GOOD, LENIENT, PEM_KEY, REFUSED, WARNED
from tests.integration.hasura.tokens import (
    AUDIENCE,
    ISSUER,
    KID,
    NAMESPACE,
    SECRET,
    a_token,
    encoded,
    from_now,
    public_jwk,
    publishing,
    raw_token,
    rsa_key,
    with_claim,
)

from frontdesk.hasura.jwt_config import JwtConfig
from frontdesk.hasura.token_doctor import Diagnosis, Level, Verdict, diagnose, engine_with
from localhasura import LocalHasura

ADMIN_SECRET = "doctor-admin-secret"


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
    assert found.sentence.startswith("Hasura will accept this")
    assert "but should not" in found.sentence


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


def drawn_tokens() -> st.SearchStrategy[str]:
    """Tokens put together from sensible and senseless parts, signed rightly, wrongly or not at all."""
    scalars = st.one_of(
        st.none(), st.booleans(), st.integers(-5, 5), st.floats(), st.text(max_size=6), st.just(from_now(60))
    )
    values = st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner)
    )
    hasura = st.dictionaries(
        st.sampled_from(
            ["x-hasura-allowed-roles", "X-Hasura-Default-Role", "x-hasura-user-id", "x-hasura-role", "org"]
        ),
        st.sampled_from(["user", ["user"], ["user", "admin"], [], [1], "", 5, None]) | values,
        max_size=4,
    )
    claims = st.dictionaries(
        st.sampled_from(["iss", "aud", "exp", "iat", "nbf", "sub", "jti"]),
        st.sampled_from([ISSUER, AUDIENCE, [AUDIENCE, "other"], from_now(60), from_now(-60)]) | values,
        max_size=4,
    )
    headers = st.fixed_dictionaries({"alg": st.sampled_from(["HS256", "HS384", "none", "RS256", "hs256", 1])})
    return st.builds(drawn_token, headers, claims, hasura | values, st.booleans())


def drawn_token(header: Mapping[str, Any], claims: Mapping[str, Any], hasura: Any, is_signed: bool) -> str:
    body = encoded(json.dumps({**claims, NAMESPACE: hasura}).encode("utf-8", "replace"))
    if is_signed:
        text = json.dumps({**claims, NAMESPACE: hasura}).encode("utf-8", "replace")
        return jwt.api_jws.encode(text, SECRET, algorithm="HS256")
    return raw_token(header, body)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=drawn_tokens(), role=st.sampled_from([None, "user", "admin"]))
def test_whatever_is_in_a_token_doctor_and_engine_agree(
    engines: Engines, text: str, role: str | None
) -> None:
    found = engines.diagnosis("hmac", text, role)

    said = refusal_of(engines.answer("hmac", text, role))
    assert (None if found.refusal is None else (found.refusal.code, found.refusal.message)) == said


def test_a_key_set_that_cannot_be_had_leaves_the_signature_unseen() -> None:
    with publishing(status=500) as url:
        broken = engine_with(JwtConfig.from_json({"jwk_url": url, **EXPECTED}), "a test")
    with publishing({"kty": "RSA", "n": "!", "e": "AQAB"}) as url:
        unreadable = engine_with(JwtConfig.from_json({"jwk_url": url, **EXPECTED}), "a test")

    for engine in (broken, unreadable):
        found = diagnose(a_token(), engine, now=time.time())
        assert found.verdict is Verdict.ACCEPTED
        assert "as far as could be seen (not checked: signature)" in found.sentence


def test_a_published_secret_is_told() -> None:
    shared = {"kty": "oct", "k": encoded(SECRET.encode()), "kid": KID}
    with publishing(shared) as url:
        engine = engine_with(JwtConfig.from_json({"jwk_url": url, **EXPECTED}), "a test")

    found = diagnose(a_token(key=SECRET, algorithm="HS256"), engine, now=time.time())

    assert found.verdict is Verdict.TOO_LENIENT
    assert "anybody can sign tokens" in found.sentence


def test_what_hasura_passes_over_in_its_configuration_is_told() -> None:
    engine = engine_with(JwtConfig.from_json({**PEM_KEY, **EXPECTED, "audiance": "x"}), "a test")

    found = diagnose(a_token(), engine, now=time.time())

    assert [each.says for each in found.findings if each.check == "configuration"] == [
        'Hasura passes over "audiance" in HASURA_GRAPHQL_JWT_SECRET'
    ]


def test_a_diagnosis_is_silent_about_personal_claims_in_its_repr() -> None:
    engine = engine_with(JwtConfig.from_json({**PEM_KEY, **EXPECTED}), "a test")

    found = diagnose(a_token(email="ana@example.com"), engine, now=time.time())

    assert found.claims["email"] == "ana@example.com"
    assert "ana@example.com" not in repr(found)
    assert a_token(email="ana@example.com")[:40] not in repr(found)


@pytest.mark.parametrize("text", ["\x1b[31mred\x1b[0m", "two\nlines", "\u202egnirts"])
def test_no_control_character_of_a_token_gets_into_a_sentence(text: str) -> None:
    engine = engine_with(JwtConfig.from_json({**PEM_KEY, **EXPECTED}), "a test")

    found = diagnose(
        a_token(with_claim("x-hasura-default-role", text), iss=text, aud=[text], kid=text), engine, now=0
    )

    assert found.sentence.isprintable()
    assert found.sentence.isascii()
    assert all((each.says + each.fix).isascii() or "…" in each.says for each in found.findings)
    assert all((each.says + each.fix).isprintable() for each in found.findings)
