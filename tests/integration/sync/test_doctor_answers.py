"""What the doctor makes of answers that no stand-in gives: a server says them from a script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.builders import OTHER_HOOK_SECRET, an_environment
from tests.foreign_clients.tls_front import https_front
from tests.integration.auth0.action_tenant import CREDENTIALS, our_actions
from tests.integration.auth0.scripted_server import Answer, ScriptedServer

from frontdesk.auth0.action_plan import plan_actions
from frontdesk.auth0.management import ManagementApi
from frontdesk.settings import load_settings
from frontdesk.sync.doctor.action_probe import action_probe
from frontdesk.sync.doctor.checks import Finding, Verdict
from frontdesk.sync.doctor.jwt_questions import FORGED, JWT, jwt_questions
from frontdesk.sync.doctor.wire import NoAnswer, exchange

NAMESPACE = "https://hasura.io/jwt/claims"


def refused(message: str, code: str = "invalid-jwt") -> Answer:
    extensions = {"path": "$", "code": code}
    return Answer(body={"errors": [{"message": message, "extensions": extensions}]})


def config(**shown: Any) -> Answer:
    jwt = {"claims_namespace": NAMESPACE, "claims_format": "json", "claims_map": None, **shown}
    return Answer(body={"is_jwt_set": True, "jwt": [jwt]})


HOOK_INSTEAD = Answer(body={"is_jwt_set": False, "is_auth_hook_set": True, "jwt": []})
ONE_OBJECT = Answer(
    body={"is_jwt_set": True, "jwt": {"claims_namespace": NAMESPACE, "claims_format": "json"}}
)
TAKEN = Answer(body={"data": {"__typename": "query_root"}})
UNSIGNED = refused("Could not verify JWT: JWSError JWSNoSignatures")
ENGINES = {
    "as expected": (JWT, [config()], Verdict.OK, f"reads the claims under {NAMESPACE}"),
    "an early v2": (JWT, [ONE_OBJECT], Verdict.OK, f"reads the claims under {NAMESPACE}"),
    "claims by a map": (
        JWT,
        [config(claims_map={"x-hasura-role": "user"})],
        Verdict.OK,
        "where its claims_map says",
    ),
    "claims as text": (
        JWT,
        [config(claims_format="stringified_json")],
        Verdict.FAILED,
        "expects the claims as text",
    ),
    "elsewhere": (
        JWT,
        [config(claims_namespace="claims")],
        Verdict.FAILED,
        "looks for claims under claims, and",
    ),
    "an auth hook": (JWT, [HOOK_INSTEAD], Verdict.WARNING, "one tenant needs none"),
    "neither": (JWT, [Answer(body={"is_jwt_set": False})], Verdict.FAILED, "so it reads no token"),
    "refused by an auth hook": (
        FORGED,
        [refused("Authentication hook unauthorized this request", "access-denied")] * 2,
        Verdict.OK,
        "refuses an unsigned token and a forged one",
    ),
    "an auth hook that is not there": (
        FORGED,
        [refused("webhook authentication request failed", "unexpected")],
        Verdict.FAILED,
        "because its auth hook does not answer",
    ),
    "not shown": (
        JWT,
        [Answer(status=404, body="not found")],
        Verdict.WARNING,
        "does not show its JWT configuration",
    ),
    "unsigned taken": (FORGED, [TAKEN], Verdict.FAILED, "Hasura took an unsigned token"),
    "forged taken": (FORGED, [UNSIGNED, TAKEN], Verdict.FAILED, "Hasura took a forged token"),
    "no keys": (
        FORGED,
        [UNSIGNED, refused("Could not verify JWT: JWSError NoUsableKeys")],
        Verdict.FAILED,
        "Hasura has no key that verifies a token",
    ),
    "another header": (
        FORGED,
        [refused("Missing 'Authorization' or 'Cookie' header in JWT authentication mode", "invalid-headers")],
        Verdict.WARNING,
        "does not read tokens from the Authorization header",
    ),
    "another refusal": (
        FORGED,
        [refused("no", "invalid-params")],
        Verdict.FAILED,
        "unsigned token with invalid-params: no",
    ),
}


@pytest.mark.parametrize("name", ENGINES)
def test_a_jwt_configuration_is_told_as_the_engine_shows_it(name: str, tmp_path: Path) -> None:
    question, answers, verdict, says = ENGINES[name]
    path = "/v1alpha1/config" if question == JWT else "/v1/graphql"

    with ScriptedServer({path: answers}) as server:
        settings = load_settings(an_environment(HASURA_URL=server.url), tmp_path)
        (asked,) = [each for each in jwt_questions(settings, ()) if each.name == question]
        found = asked.ask()

    assert (found.verdict, says in found.sentence) == (verdict, True), found


def test_an_auth_hook_is_what_several_tenants_need(tmp_path: Path) -> None:
    second = {
        f"TENANTS_BETA_{name}": value
        for name, value in {
            "DOMAIN": "beta.eu.auth0.com",
            "AUDIENCE": "https://api.example.com",
            "HOOK_SECRETS": OTHER_HOOK_SECRET,
        }.items()
    }
    with ScriptedServer({"/v1alpha1/config": [HOOK_INSTEAD]}) as server:
        settings = load_settings(an_environment(HASURA_URL=server.url, **second), tmp_path)
        (asked,) = [each for each in jwt_questions(settings, ()) if each.name == JWT]
        found = asked.ask()

    assert (found.verdict, "as several tenants need it" in found.sentence) == (Verdict.OK, True), found


PROBES = {
    "reached": (
        {"logs": "frontdesk: probe: HTTP 200\n"},
        Verdict.OK,
        "reached frontdesk with the right secret",
    ),
    "in a list": ({"logs": [{"msg": "frontdesk: probe: HTTP 200"}]}, Verdict.OK, "reached frontdesk"),
    "a wrong secret": (
        {"logs": "frontdesk: probe: HTTP 401\n"},
        Verdict.FAILED,
        "a secret that frontdesk does not take",
    ),
    "no secret": (
        {"logs": "frontdesk: probe: the secret FRONTDESK_HOOK_SECRET is missing or not whsec_<base64>\n"},
        Verdict.FAILED,
        "cannot sign: the secret FRONTDESK_HOOK_SECRET is missing",
    ),
    "no way": (
        {"logs": "frontdesk: probe: no answer within 1500 ms\n"},
        Verdict.FAILED,
        "does not reach frontdesk from Auth0: no answer within 1500 ms",
    ),
    "nothing shown": ({"stats": {}}, Verdict.WARNING, "did not show what came of the call"),
}


@pytest.mark.parametrize("name", PROBES)
def test_what_auth0_shows_of_a_test_run_is_found_wherever_it_stands(name: str) -> None:
    payload, verdict, says = PROBES[name]

    found = probed(Answer(body={"payload": payload}))

    assert (found.verdict, says in found.sentence) == (verdict, True), found


def probed(answer: Answer) -> Finding:
    wanted = our_actions()
    held = {
        "id": "act_1",
        "name": wanted[0].title,
        "supported_triggers": [{"id": "post-login", "version": "v3"}],
        "code": wanted[0].code,
        "status": "built",
    }
    script = {
        "/api/v2/actions/actions": [Answer(body={"actions": [held], "total": 1, "page": 0, "per_page": 50})],
        "/api/v2/actions/triggers/post-login/bindings": [Answer(body={"bindings": [], "total": 0})],
        "/api/v2/actions/actions/act_1/test": [answer],
    }
    with ScriptedServer(script) as server, ManagementApi(server.url, CREDENTIALS) as api:
        return action_probe(api, plan_actions(api, wanted).actions, tenant="acme")


def test_a_certificate_that_nobody_trusts_is_the_reason(tmp_path: Path) -> None:
    with (
        ScriptedServer({}) as server,
        https_front(int(server.url.rpartition(":")[2]), tmp_path) as (address, _),
        pytest.raises(NoAnswer) as told,
    ):
        exchange("GET", f"https://{address}/healthz")

    assert "its certificate is not one for 127.0.0.1 that is trusted here" in told.value.detail
