"""`/hasura/auth-hook` over a socket: what Hasura sends by GET and by POST, and what it is answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.builders import OPERATOR_TOKEN, OTHER_HOOK_SECRET, an_environment
from tests.integration.hasura.tokens import HASURA_CLAIMS, a_token, public_jwk, rsa_key
from tests.integration.localauth0.acme import wait_until
from tests.integration.web.conftest import TIMEOUT_S, Desk, StartDesk
from tests.loopback import LoopbackServer, QuietHandler

from frontdesk.settings import load_settings
from frontdesk.web.auth_hook import MAX_QUESTION_BYTES
from frontdesk.web.server import Server

TENANTS = ("acme", "beta")
HOOK_SECRETS = {"acme": OTHER_HOOK_SECRET, "beta": "whsec_" + "c2VjcmV0" * 5}
ANN = {"x-hasura-user-id": "auth0|1", "x-hasura-tenant": "acme", "x-hasura-role": "user"}


class Issuer(LoopbackServer):
    """An issuer that counts who asks for its keys."""

    def __init__(self, tenant: str) -> None:
        self.asked: list[str] = []
        self.status = 200
        owner = self

        class Handler(QuietHandler):
            def do_GET(self) -> None:
                owner.asked.append(self.path)
                content = json.dumps({"keys": [public_jwk(rsa_key(tenant))]}).encode()
                self.answer(owner.status, {"Cache-Control": "max-age=15"}, content)

        super().__init__(Handler)
        self.issuer = f"{self.url}/"


Issuers = dict[str, Issuer]


@pytest.fixture
def issuers() -> Iterator[Issuers]:
    with ExitStack() as stack:
        yield {tenant: stack.enter_context(Issuer(tenant)) for tenant in TENANTS}


def variables_of(issuers: Issuers) -> dict[str, str]:
    """Return what makes settings of both tenants, without FRONTDESK_."""
    return {
        f"TENANTS_{tenant.upper()}_{name}": value
        for tenant, issuer in issuers.items()
        for name, value in {
            "DOMAIN": f"{tenant}.eu.auth0.com",
            "ISSUER": issuer.issuer,
            "AUDIENCE": "https://api.example.com",
            "HOOK_SECRETS": HOOK_SECRETS[tenant],
        }.items()
    }


@pytest.fixture
def start(start_desk: StartDesk, issuers: Issuers) -> StartDesk:
    """Start frontdesk with both tenants."""

    def with_tenants(**changes: str) -> Desk:
        return start_desk(OPERATOR_TOKEN=OPERATOR_TOKEN, **variables_of(issuers), **changes)

    return with_tenants


@pytest.fixture
def desk(start: StartDesk) -> Desk:
    return start()


def token(issuers: Issuers, tenant: str = "acme", *, signer: str | None = None, **changes: Any) -> str:
    claims = {**HASURA_CLAIMS, "x-hasura-tenant": changes.pop("claimed", tenant)}
    return a_token(claims, key=rsa_key(signer or tenant), iss=issuers[tenant].issuer, **changes)


def by_get(desk: Desk, headers: dict[str, str]) -> requests.Response:
    return requests.get(f"{desk.url}/hasura/auth-hook", headers=headers, timeout=TIMEOUT_S)


def by_post(desk: Desk, headers: Any) -> requests.Response:
    question = {"headers": headers, "request": {"query": "{users {userId}}", "variables": None}}
    return posted(desk, json.dumps(question).encode())


def posted(desk: Desk, body: bytes) -> requests.Response:
    content = {"Content-Type": "application/json"}
    return requests.post(f"{desk.url}/hasura/auth-hook", data=body, headers=content, timeout=TIMEOUT_S)


WAYS = pytest.mark.parametrize("ask", [by_get, by_post])


@WAYS
def test_a_good_token_is_answered_with_strings_and_with_its_end(
    desk: Desk, issuers: Issuers, ask: Any
) -> None:
    answer = ask(desk, {"Authorization": f"Bearer {token(issuers)}", "Cookie": "a=b", "X-Name": "x"})

    said = answer.json()
    name, _, seconds = said.pop("Cache-Control").partition("=")
    assert (answer.status_code, said) == (200, ANN)
    assert (name, 3500 < int(seconds) <= 3600) == ("max-age", True)
    assert answer.headers["Cache-Control"] == "no-store"


@WAYS
def test_names_of_headers_may_be_written_in_any_case(desk: Desk, issuers: Issuers, ask: Any) -> None:
    answer = ask(desk, {"aUTHORIZATION": f"bEARER {token(issuers)}", "x-HASURA-Role": "editor"})

    assert answer.json()["x-hasura-role"] == "editor"


@WAYS
@pytest.mark.parametrize(
    "name", ["a role that is not allowed", "another tenant's key", "no token", "nonsense"]
)
def test_whoever_gets_no_session_hears_nothing_of_why(
    desk: Desk, issuers: Issuers, ask: Any, name: str
) -> None:
    headers = {
        "a role that is not allowed": {
            "Authorization": f"Bearer {token(issuers)}",
            "X-Hasura-Role": "admin",
        },
        "another tenant's key": {"Authorization": f"Bearer {token(issuers, signer='beta')}"},
        "no token": {},
        "nonsense": {"Authorization": "Bearer nonsense"},
    }[name]

    answer = ask(desk, headers)

    told = [{**each.json(), "request_id": ""} for each in (answer, by_get(desk, {}))]
    assert (answer.status_code, answer.headers["Content-Type"]) == (401, "application/problem+json")
    assert told[0]["type"] == "urn:frontdesk:problem:session-refused"
    assert told[0] == told[1]
    assert desk.logged("auth_hook.refused")[0]["reason"]


@WAYS
def test_without_a_token_the_configured_role_is_given(start: StartDesk, issuers: Issuers, ask: Any) -> None:
    desk = start(AUTH_HOOK_UNAUTHORIZED_ROLE="anonymous")

    assert ask(desk, {"X-Hasura-Role": "editor", "X-Hasura-User-Id": "auth0|1"}).json() == {
        "x-hasura-role": "anonymous"
    }
    assert ask(desk, {"Authorization": "Bearer nonsense"}).status_code == 401


def test_the_same_header_twice_by_post_is_refused(desk: Desk, issuers: Issuers) -> None:
    good, other = f"Bearer {token(issuers)}", f"Bearer {token(issuers, 'beta')}"

    assert by_post(desk, {"Authorization": good, "authorization": good}).status_code == 200
    assert by_post(desk, {"Authorization": good, "authorization": other}).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"{}",
        b'{"headers": []}',
        b'{"headers": {"Authorization": ["Bearer x"]}}',
        b'{"headers": {"Authorization": null}}',
        b"\xff",
        b"[" * 50_000,
    ],
    ids=repr,
)
def test_a_question_of_another_shape_is_an_error_and_no_session(desk: Desk, body: bytes) -> None:
    assert posted(desk, body[:MAX_QUESTION_BYTES]).status_code == 400


def test_the_request_that_comes_along_is_not_judged(desk: Desk, issuers: Issuers) -> None:
    deep: Any = "a\x00\ud800"
    for _ in range(200):
        deep = [deep]
    question = {"headers": {"Authorization": f"Bearer {token(issuers)}"}, "request": {"variables": deep}}

    assert posted(desk, json.dumps(question).encode()).status_code == 200


def test_a_question_has_a_limit_that_is_above_that_of_hooks(desk: Desk, issuers: Issuers) -> None:
    question = {"headers": {"Authorization": f"Bearer {token(issuers)}"}, "request": "x" * 1024 * 1024}

    assert posted(desk, json.dumps(question).encode()).status_code == 200
    assert (
        posted(desk, json.dumps({**question, "request": "x" * MAX_QUESTION_BYTES}).encode()).status_code
        == 413
    )


def test_keys_are_fetched_for_the_tenants_alone_and_once(desk: Desk, issuers: Issuers) -> None:
    strange = a_token(
        HASURA_CLAIMS, key=rsa_key("acme"), iss=issuers["acme"].issuer.replace("127.0.0.1", "localhost")
    )

    assert by_get(desk, {"Authorization": f"Bearer {strange}"}).status_code == 401
    assert not any(issuer.asked for issuer in issuers.values())

    for _ in range(3):
        assert by_get(desk, {"Authorization": f"Bearer {token(issuers)}"}).status_code == 200
    assert {key: issuer.asked for key, issuer in issuers.items()} == {
        "acme": ["/.well-known/jwks.json"],
        "beta": [],
    }


def test_an_issuer_that_is_gone_leaves_who_it_let_in_and_the_other_tenant(
    desk: Desk, issuers: Issuers
) -> None:
    asked = {tenant: {"Authorization": f"Bearer {token(issuers, tenant)}"} for tenant in TENANTS}
    assert by_get(desk, asked["acme"]).status_code == 200

    issuers["acme"].stop()
    issuers["beta"].status = 500

    assert by_get(desk, asked["acme"]).status_code == 200
    refused = by_get(desk, asked["beta"])
    assert (refused.status_code, refused.json()["type"]) == (
        503,
        "urn:frontdesk:problem:session-keys-unavailable",
    )
    assert desk.logged("auth_hook.keys_not_fetched")[0]["url"].startswith(issuers["beta"].issuer)


def test_many_questions_at_once_are_answered_each_for_its_own_tenant(desk: Desk, issuers: Issuers) -> None:
    asked = {tenant: {"Authorization": f"Bearer {token(issuers, tenant)}"} for tenant in TENANTS}

    with ThreadPoolExecutor(8) as pool:
        said = list(
            pool.map(lambda n: by_get(desk, asked[TENANTS[n % 2]]).json()["x-hasura-tenant"], range(40))
        )

    assert said == [TENANTS[n % 2] for n in range(40)]
    assert [len(issuer.asked) for issuer in issuers.values()] == [1, 1]


def test_questions_are_counted_by_what_was_answered(start: StartDesk, issuers: Issuers) -> None:
    desk = start(AUTH_HOOK_UNAUTHORIZED_ROLE="anonymous")
    issuers["beta"].status = 500
    for headers in (
        {"Authorization": f"Bearer {token(issuers)}"},
        {"Authorization": f"Bearer {token(issuers, 'beta')}"},
        {"Authorization": "Bearer nonsense"},
        {},
    ):
        by_get(desk, headers)
    posted(desk, b"{")

    shown = desk.get("/metrics", Authorization=f"Bearer {OPERATOR_TOKEN}").text

    counted = {line for line in shown.splitlines() if line.startswith("frontdesk_auth_hook_total{")}
    assert counted == {
        f'frontdesk_auth_hook_total{{outcome="{outcome}"}} 1.0'
        for outcome in ("granted", "no_keys", "refused", "unauthorized_role", "malformed")
    }
    assert 'frontdesk_http_request_seconds_count{rule="/hasura/auth-hook"} 5.0' in shown


def test_no_token_is_logged(desk: Desk, issuers: Issuers) -> None:
    good = token(issuers)

    for given in (good, good[:-8] + "AAAAAAAA", "secret-nonsense"):
        by_get(desk, {"Authorization": f"Bearer {given}"})
        by_post(desk, {"Authorization": f"Bearer {given}"})

    logged = desk.log.getvalue()
    assert good.rpartition(".")[0] not in logged
    assert "secret-nonsense" not in logged


@pytest.mark.parametrize("several", [True, False])
def test_a_service_of_several_tenants_has_their_keys_before_anybody_asks(
    issuers: Issuers, tmp_path: Path, several: bool
) -> None:
    served = issuers if several else {"acme": issuers["acme"]}
    variables = an_environment(**variables_of(served))
    alone = {name: value for name, value in variables.items() if "_DEFAULT_" not in name}

    app = Server(load_settings(alone, tmp_path), str(tmp_path)).load()

    if several:
        wait_until(lambda: all(issuer.asked for issuer in issuers.values()))
    else:  # its keys are Hasura's to fetch, until somebody asks
        good = {"Authorization": f"Bearer {token(issuers)}"}
        assert issuers["acme"].asked == []
        assert app.test_client().get("/hasura/auth-hook", headers=good).status_code == 200
    assert [len(issuer.asked) for issuer in served.values()] == [1] * len(served)
