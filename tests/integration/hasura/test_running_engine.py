"""The doctor beside a running Hasura: what it shows, what it hides, and whose verdict counts."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.conftest import new_database
from tests.integration.hasura.token_cases import CLAIMS_MAP, EXPECTED, PEM_KEY
from tests.integration.hasura.tokens import a_token, from_now, public_pem, publishing, rsa_key, with_claim

from frontdesk.demo.postgres import free_port
from frontdesk.errors import HasuraRejected, HasuraUnavailable, UsageError
from frontdesk.hasura.bearer import query_as_bearer
from frontdesk.hasura.jwt_config import JwtConfig, TokenHeader
from frontdesk.hasura.token_doctor import (
    Diagnosis,
    Level,
    Verdict,
    compared,
    diagnose,
    engine_with,
    explained,
    running_engine,
)
from localhasura import LocalHasura

ADMIN_SECRET = "running-engine-secret"
PROBE = "{__typename}"


@pytest.fixture(scope="module")
def database(postgres_url: str, worker_id: str) -> Iterator[str]:
    with new_database(postgres_url, f"running_{worker_id}_{os.getpid()}") as url:
        yield url


@contextmanager
def running(database: str, secret: Any) -> Iterator[str]:
    text = None if secret is None else json.dumps(secret)
    with LocalHasura(database_url=database, admin_secret=ADMIN_SECRET, jwt_secret=text) as engine:
        yield engine.url


@pytest.fixture(scope="module")
def usual(database: str) -> Iterator[str]:
    """A Hasura that runs with what is expected of it."""
    with running(database, {**PEM_KEY, **EXPECTED}) as url:
        yield url


def expected(**members: Any) -> Any:
    return engine_with(JwtConfig.from_json({**PEM_KEY, **EXPECTED, **members}), "a test")


def unseen_in(found: Diagnosis) -> set[str]:
    return {each.check for each in found.findings if each.level is Level.UNSEEN}


def test_what_an_engine_does_not_show_is_said(usual: str) -> None:
    engine = running_engine(usual, ADMIN_SECRET)

    found = diagnose(a_token(iss="https://any/", aud="any", key=rsa_key("other")), engine, now=time.time())

    assert found.verdict is Verdict.ACCEPTED
    assert unseen_in(found) == {"signature", "issuer", "audience", "skew", "header"}
    assert "not checked: issuer, signature, skew, audience, header" in found.sentence


@pytest.mark.parametrize(
    ("members", "token"),
    [
        ({"claims_namespace": "https://app/claims"}, lambda: a_token(at="https://app/claims")),
        ({"claims_namespace_path": "$.hasura"}, lambda: a_token(at="hasura")),
        ({"claims_format": "stringified_json"}, lambda: a_token(json.dumps(with_claim("x-hasura-a", "b")))),
        ({"claims_map": CLAIMS_MAP}, lambda: a_token(None, app={"roles": ["user"], "user id": "1"})),
    ],
    ids=["namespace", "path", "format", "map"],
)
def test_where_an_engine_looks_for_claims_is_read_from_it(database: str, members: Any, token: Any) -> None:
    with running(database, {**PEM_KEY, **members}) as url:
        engine = running_engine(url, ADMIN_SECRET)

    assert diagnose(token(), engine, now=time.time()).verdict is Verdict.ACCEPTED
    assert diagnose(a_token("text"), engine, now=time.time()).verdict is Verdict.REFUSED


def test_an_engine_that_runs_with_another_namespace_than_expected_is_told(database: str) -> None:
    with running(database, {**PEM_KEY, "claims_namespace": "https://app/claims"}) as url:
        engine = running_engine(url, ADMIN_SECRET, otherwise=expected())

    found = diagnose(a_token(), engine, now=time.time())

    assert found.verdict is Verdict.REFUSED
    assert not unseen_in(found)
    assert any("another claims_namespace than expected" in each.says for each in found.findings)


def test_an_engine_without_jwt_secret_and_a_wrong_admin_secret_are_told(database: str, usual: str) -> None:
    with (
        running(database, None) as url,
        pytest.raises(HasuraRejected, match="without HASURA_GRAPHQL_JWT_SECRET"),
    ):
        running_engine(url, ADMIN_SECRET)
    with pytest.raises(HasuraRejected, match="does not take the admin secret"):
        running_engine(usual, "wrong")


def test_what_is_no_hasura_is_told() -> None:
    with pytest.raises(HasuraUnavailable, match="no answer of Hasura"):
        running_engine(f"http://127.0.0.1:{free_port()}", ADMIN_SECRET)
    with publishing() as url, pytest.raises(HasuraUnavailable, match="HTTP status 200"):
        running_engine(url, ADMIN_SECRET)
    with publishing(status=404) as url, pytest.raises(HasuraUnavailable, match="HTTP status 404"):
        running_engine(url, ADMIN_SECRET)


def compared_at(url: str, token: str, engine: Any, role: str | None = None) -> Diagnosis:
    found = diagnose(token, engine, now=time.time(), role=role)
    return compared(found, query_as_bearer(url, token, PROBE, role=role), url)


def test_a_probe_confirms_what_the_doctor_says(usual: str) -> None:
    taken = compared_at(usual, a_token(), expected())
    refused = compared_at(usual, a_token(exp=from_now(-60)), expected())

    assert (taken.verdict, taken.findings[-1].check) == (Verdict.ACCEPTED, "engine")
    assert refused.findings[-1].says.endswith("answers the same")
    assert "expired" in refused.sentence


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"key": public_pem(rsa_key("other"))}, "none of its keys has signed the token"),
        ({"audience": "https://other"}, "it expects another audience"),
        ({"issuer": "https://other/"}, "it expects another issuer"),
        ({"claims_namespace": "https://other"}, "it looks for its claims elsewhere"),
        ({"header": {"type": "Cookie", "name": "session"}}, "it reads tokens from another header"),
    ],
    ids=["key", "audience", "issuer", "namespace", "header"],
)
def test_a_probe_tells_what_a_running_engine_hides(database: str, members: Any, words: str) -> None:
    with running(database, {**PEM_KEY, **EXPECTED, **members}) as url:
        found = compared_at(url, a_token(), expected())

    assert found.verdict is Verdict.REFUSED
    assert words in found.sentence
    assert found.findings[0].fix


def test_the_running_engine_is_right_where_it_takes_what_the_doctor_would_not(usual: str) -> None:
    found = compared_at(usual, a_token(), expected(audience="https://other"))

    assert found.verdict is Verdict.ACCEPTED
    assert "runs with another configuration" in found.findings[-1].says


@pytest.mark.parametrize("header", [TokenHeader("Cookie", "session"), TokenHeader("CustomHeader", "X-Token")])
def test_a_token_goes_where_the_engine_reads_it(database: str, header: TokenHeader) -> None:
    where = {"type": header.kind, "name": header.name}
    with running(database, {**PEM_KEY, **EXPECTED, "header": where}) as url:
        answer = query_as_bearer(url, a_token(), PROBE, header=header)

    assert answer.data == {"__typename": "query_root"}


def test_an_error_of_a_query_is_explained_by_role_and_cause(usual: str) -> None:
    token = a_token()
    found = diagnose(token, expected(), now=time.time())

    unknown = query_as_bearer(usual, token, "{nothing}")
    mistaken = query_as_bearer(usual, token, "{__typename")
    expired = query_as_bearer(usual, a_token(exp=from_now(-60)), PROBE)

    assert 'the role "user" does not see what the query asks for' in explained(unknown, found)
    assert explained(mistaken, found).endswith('as the role "user"; the error is the query\'s.')
    assert "expired by its clock" in explained(expired, None)


def test_what_no_header_can_carry_is_refused_before_anything_is_sent(usual: str) -> None:
    with pytest.raises(UsageError, match="no header can carry"):
        query_as_bearer(usual, "a\r\nx-hasura-admin-secret: b", PROBE)


def test_an_answer_that_is_no_graphql_is_told() -> None:
    with publishing() as url, pytest.raises(HasuraUnavailable, match="no GraphQL result"):
        query_as_bearer(url, a_token(), PROBE)
