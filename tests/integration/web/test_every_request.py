"""What holds for every request: problem documents, ids, access lines, health, metrics, no secret in a log."""

import base64
import json
import re
from pathlib import Path

import pytest
import requests
from tests.builders import (
    ADMIN_SECRET,
    HOOK_SECRET,
    OPERATOR_TOKEN,
    a_hook_body,
    a_signed_call,
    an_environment,
)
from tests.integration.web.conftest import TIMEOUT_S, Desk, StartDesk
from tests.integration.web.fake_hasura import HANGS, FakeHasura

from frontdesk.settings import load_settings
from frontdesk.web.app import create_app

PROBLEM_KEYS = {"type", "title", "status", "detail", "request_id"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/hooks/default/unknown", 404),
        ("GET", "/hooks//post-login", 404),
        ("GET", "/healthz/", 404),
        ("GET", "/static/x", 404),
        ("GET", "/metrics", 404),
        ("GET", "/hooks/default/post-login", 405),
        ("DELETE", "/healthz", 405),
        ("OPTIONS", "/hooks/default/post-login", 405),
        ("POST", "/hooks/default/post-login", 401),
    ],
)
def test_every_error_is_a_problem_document(desk: Desk, method: str, path: str, status: int) -> None:
    response = requests.request(method, desk.url + path, timeout=TIMEOUT_S, allow_redirects=False)

    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json().keys() == PROBLEM_KEYS
    assert response.json()["status"] == status
    assert response.json()["request_id"] == response.headers["X-Request-ID"]


def test_no_page_of_the_application_answers_an_error_in_another_shape(
    hasura: FakeHasura, tmp_path: Path
) -> None:
    """Walks the map of all pages, so that a new one cannot forget."""
    environment = an_environment(HASURA_URL=hasura.url, OPERATOR_TOKEN=OPERATOR_TOKEN)
    app = create_app(load_settings(environment, tmp_path))
    rules, operator = list(app.url_map.iter_rules()), {"Authorization": f"Bearer {OPERATOR_TOKEN}"}

    for rule in rules:
        path = rule.build(dict.fromkeys(rule.arguments, "1"))[1]  # type: ignore[index]
        answer = app.test_client().open(path, method="TRACE", headers=operator)
        assert (answer.status_code, answer.content_type) == (405, "application/problem+json"), rule
    assert len(rules) >= 4


def test_a_wrong_method_says_which_are_allowed(desk: Desk) -> None:
    assert desk.get("/hooks/default/post-login").headers["Allow"] == "POST"


def test_an_error_inside_frontdesk_says_nothing_of_its_cause(
    desk: Desk, hasura: FakeHasura, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("ana@example.com")

    monkeypatch.setattr("frontdesk.web.hooks.check_in", fail)

    response = desk.post_login()

    assert response.status_code == 500
    assert response.json().keys() == PROBLEM_KEYS
    assert "ana@example.com" not in response.text + desk.log.getvalue()
    (entry,) = desk.logged("request.failed")
    assert "builtins.RuntimeError" in entry["exception"]
    assert "in fail" in entry["exception"]


@pytest.mark.parametrize("given", ["abc-123", "4bf92f3577b34da6a3ce929d0e0e4736", "a" * 64])
def test_the_callers_request_id_is_kept(desk: Desk, given: str) -> None:
    response = desk.get("/healthz", **{"X-Request-ID": given})

    assert response.headers["X-Request-ID"] == given
    assert desk.logged("http.request")[0]["request_id"] == given


@pytest.mark.parametrize("given", ["", "a" * 65, "with space", "a;b", '{"a":1}', "é"])
def test_a_request_id_that_could_forge_a_line_is_replaced(desk: Desk, given: str) -> None:
    response = desk.get("/healthz", **{"X-Request-ID": given.encode().decode("latin-1")})

    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["X-Request-ID"])


def test_each_request_has_one_access_line_that_leads_to_its_other_lines(desk: Desk) -> None:
    first = desk.post_login(b"[]")
    second = desk.get("/healthz?secret=hunter2")

    lines = desk.logged("http.request")
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [
        ("POST", "/hooks/default/post-login", 400),
        ("GET", "/healthz", 200),
    ]
    assert all(line["duration_ms"] > 0 for line in lines)
    assert desk.logged("request.invalid")[0]["request_id"] == first.headers["X-Request-ID"]
    assert lines[1]["request_id"] == second.headers["X-Request-ID"]
    assert "user_id" not in lines[1]
    assert "tenant" not in lines[1]


def test_the_lines_of_a_login_carry_its_tenant_and_user(desk: Desk) -> None:
    desk.post_login()

    (line,) = desk.logged("http.request")
    assert (line["tenant"], line["user_id"]) == ("default", "auth0|64b0f1e2d3c4b5a697887766")


def test_a_line_break_in_a_path_starts_no_line(desk: Desk) -> None:
    desk.get("/x%0a%7b%22event%22:%22forged%22%7d")

    assert desk.logged("forged") == []


def test_nothing_secret_is_logged_or_answered(start_desk: StartDesk, hasura: FakeHasura) -> None:
    """Secrets of every kind, in bodies, headers, paths and queries, in good calls and in bad ones."""
    desk = start_desk(OPERATOR_TOKEN=OPERATOR_TOKEN, LOGIN_BUDGET_S="0.2")
    secrets = {
        name: f"{name}-hunter2"
        for name in (
            "password",
            "upstream-access-token",
            "upstream-refresh-token",
            "query",
            "authorization",
            "cookie",
        )
    }
    identity = {
        "connection": "google-oauth2",
        "provider": "google-oauth2",
        "user_id": 1,
        "access_token": secrets["upstream-access-token"],
        "refresh_token": secrets["upstream-refresh-token"],
    }
    body = a_hook_body(changes={"user.identities": [identity]}) | {
        "request": {"ip": "203.0.113.7", "body": {"password": secrets["password"]}},
        "secrets": {"FRONTDESK_HOOK_SECRET": HOOK_SECRET},
    }
    headers = {"Authorization": f"Bearer {secrets['authorization']}", "Cookie": f"a={secrets['cookie']}"}
    answers = []
    for behaviour in (hasura.behaviour, HANGS):
        hasura.behaviour = behaviour
        raw, signed = a_signed_call(body)
        answers.append(desk.post(raw, signed | headers).text)
    for wrong in (
        {**body, "user": {"user_id": 7, "password": secrets["password"]}},
        body | {"stats": HOOK_SECRET},
    ):
        raw, signed = a_signed_call(wrong)
        answers.append(desk.post(raw, signed | headers).text)
        answers.append(desk.post(raw, signed | {"webhook-signature": f"v1,{secrets['password']}"}).text)
    answers.append(desk.get(f"/metrics?token={secrets['query']}", **headers).text)
    answers.append(desk.get("/metrics", Authorization=f"Bearer {OPERATOR_TOKEN}").text)
    answers.append(desk.get(f"/nowhere?password={secrets['query']}", **headers).text)

    seen = desk.log.getvalue() + "".join(answers)
    assert len(desk.logged("http.request")) == 9
    hook_key = HOOK_SECRET.removeprefix("whsec_")
    hidden = [*secrets.values(), HOOK_SECRET, hook_key, base64.b64decode(hook_key).decode(), ADMIN_SECRET]
    for text in (*hidden, OPERATOR_TOKEN, "hunter2"):
        assert text not in seen
    written = b"".join(hasura.requests).decode().replace(ADMIN_SECRET, "")
    for text in (*hidden, "hunter2"):
        assert text not in written


def test_no_profile_is_logged(desk: Desk) -> None:
    desk.post_login()
    desk.post_login(a_hook_body(changes={"user.email_verified": "ana@example.com"}))

    for text in ("ana@example.com", "Ruiz", "pro", "lang"):
        assert text not in json.dumps([json.loads(line) for line in desk.log.getvalue().splitlines()])


def test_healthz_answers_while_hasura_is_down(start_desk: StartDesk, unreachable_url: str) -> None:
    response = start_desk(HASURA_URL=unreachable_url).get("/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "alive"})


def test_readyz_says_that_hasura_can_be_used(desk: Desk, hasura: FakeHasura) -> None:
    hasura.body = b"OK"

    response = desk.get("/readyz")

    assert (response.status_code, response.json()) == (200, {"status": "ready"})


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("500 Internal Server Error", b"ERROR"),
        ("200 OK", b"WARN: inconsistent objects in schema"),
        ("200 OK", b"<html>"),
    ],
    ids=["down", "inconsistent", "html"],
)
def test_readyz_answers_503_while_hasura_is_not_well(
    desk: Desk, hasura: FakeHasura, status: str, body: bytes
) -> None:
    hasura.status, hasura.body = status, body

    response = desk.get("/readyz")

    assert response.status_code == 503
    assert response.headers["Content-Type"] == "application/problem+json"


def test_metrics_are_for_bearers_of_the_operator_token(start_desk: StartDesk) -> None:
    desk = start_desk(OPERATOR_TOKEN=OPERATOR_TOKEN)
    desk.post_login()

    good = desk.get("/metrics", Authorization=f"Bearer {OPERATOR_TOKEN}")

    assert good.headers["Content-Type"].startswith("text/plain")
    assert 'frontdesk_checkins_total{decision="allow",outcome="written"} 1.0' in good.text
    for wrong in (
        "",
        "Bearer",
        f"Bearer {OPERATOR_TOKEN}x",
        OPERATOR_TOKEN,
        f"bearer {OPERATOR_TOKEN}",
        "Bearer é",
    ):
        refused = desk.get("/metrics", Authorization=wrong.encode().decode("latin-1"))
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"] == "Bearer"


def test_strangers_make_no_new_series(start_desk: StartDesk) -> None:
    desk = start_desk(OPERATOR_TOKEN=OPERATOR_TOKEN)
    for number in range(3):
        desk.get(f"/nowhere/{number}")
        desk.post_login(tenant=f"nobody{number}")

    metrics = desk.get("/metrics", Authorization=f"Bearer {OPERATOR_TOKEN}").text
    assert "nowhere" not in metrics
    assert "nobody" not in metrics
    assert 'frontdesk_http_requests_total{rule="unknown",status="404"} 3.0' in metrics
    assert 'frontdesk_http_requests_total{rule="/hooks/<tenant>/post-login",status="401"} 3.0' in metrics
