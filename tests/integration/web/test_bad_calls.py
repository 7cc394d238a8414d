"""Calls that are not what the Action sends: each is answered by a problem document, and nothing is written."""

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.builders import OTHER_HOOK_SECRET, a_hook_body, a_signature, a_signed_call
from tests.integration.web.conftest import Desk
from tests.integration.web.fake_hasura import FakeHasura


def without_id(problem: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in problem.items() if name != "request_id"}


def refused_alike(desk: Desk) -> dict[str, Any]:
    return without_id(desk.post_login(secret=OTHER_HOOK_SECRET).json())


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": ""},
        {"webhook-signature": "nonsense"},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,a,b"},
        {"webhook-signature": "v1,*not base64*"},
        {"webhook-signature": "v1,\xff"},
        {"webhook-id": ""},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "yesterday"},
        {"webhook-timestamp": "nan"},
        {"webhook-timestamp": "1e400"},
    ],
    ids=str,
)
def test_every_fault_of_a_header_gets_the_same_answer(
    desk: Desk, hasura: FakeHasura, headers: dict[str, str]
) -> None:
    raw, good = a_signed_call(a_hook_body())

    response = desk.post(raw, good | headers)

    assert response.status_code == 401
    assert without_id(response.json()) == refused_alike(desk)
    assert hasura.writes == []


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_gets_the_same_answer(desk: Desk, missing: str) -> None:
    raw, headers = a_signed_call(a_hook_body())
    del headers[missing]

    response = desk.post(raw, headers)

    assert (response.status_code, without_id(response.json())) == (401, refused_alike(desk))


@pytest.mark.parametrize("seconds", [-400, 400], ids=["stale", "future"])
def test_a_stale_timestamp_gets_the_same_answer(desk: Desk, seconds: int) -> None:
    response = desk.post_login(at=time.time() + seconds)

    assert (response.status_code, without_id(response.json())) == (401, refused_alike(desk))


def test_a_changed_body_gets_the_same_answer(desk: Desk) -> None:
    raw, headers = a_signed_call(a_hook_body())

    response = desk.post(raw.replace(b"ana@example.com", b"eve@example.com"), headers)

    assert (response.status_code, without_id(response.json())) == (401, refused_alike(desk))


@pytest.mark.parametrize("tenant", ["unknown", "DEFAULT", "default%00", "a" * 500, "%20"])
def test_an_unknown_tenant_is_answered_exactly_like_a_wrong_signature(desk: Desk, tenant: str) -> None:
    unknown = desk.post_login(tenant=tenant)
    wrong = desk.post_login(secret=OTHER_HOOK_SECRET)

    assert unknown.status_code == wrong.status_code == 401
    assert without_id(unknown.json()) == without_id(wrong.json())
    assert unknown.headers.keys() == wrong.headers.keys()
    assert len(desk.logged("hook.refused")) == 2


def test_a_refusal_says_why_in_the_log_alone(desk: Desk) -> None:
    desk.post_login(at=time.time() - 400)

    assert "too old" in desk.logged("hook.refused")[0]["reason"]
    assert "too old" not in desk.post_login(at=time.time() - 400).text


@pytest.mark.parametrize("size", [256 * 1024 + 1, 1024 * 1024])
def test_a_body_above_the_limit_is_refused(desk: Desk, size: int) -> None:
    response = desk.post_login(b"x" * size)

    assert response.status_code == 413
    assert response.json()["type"] == "urn:frontdesk:problem:body-too-large"


def test_a_body_above_the_limit_is_refused_before_it_is_read(desk: Desk) -> None:
    """Nothing of the body is sent: an answer shows that none of it was waited for."""
    connection = http.client.HTTPConnection(desk.url.removeprefix("http://"), timeout=10)
    connection.putrequest("POST", "/hooks/default/post-login")
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders()

    assert connection.getresponse().status == 413
    connection.close()


def test_a_chunked_body_above_the_limit_is_refused(desk: Desk) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(300):
            yield b"x" * 1024

    _, headers = a_signed_call(b"x" * 300 * 1024)

    assert desk.post(chunks(), headers).status_code == 413


def test_a_chunked_body_within_the_limit_is_served(desk: Desk) -> None:
    raw, headers = a_signed_call(a_hook_body())

    assert desk.post(iter([raw[:100], raw[100:]]), headers).json()["synced"] is True


@pytest.mark.parametrize(
    ("body", "field", "expected"),
    [
        (b"", "body", "JSON without NaN and Infinity"),
        (b"<html>", "body", "JSON without NaN and Infinity"),
        (b'{"user":{"user_id":"a"},"x":NaN}', "body", "JSON without NaN and Infinity"),
        (b"[" * 200_000, "body", "JSON without NaN and Infinity"),
        (b"[]", "body", "a JSON object"),
        (b"null", "body", "a JSON object"),
        (b"{}", "user", "a value"),
        (b'{"user":{}}', "user.user_id", "a value"),
        (b'{"user":{"user_id":7}}', "user.user_id", "a string"),
        (
            b'{"user":{"user_id":"a\\u0000b"}}',
            "user.user_id",
            "text without NUL characters and lone surrogates",
        ),
        (
            b'{"user":{"user_id":"a","user_metadata":{"k":["\\ud800"]}}}',
            "user.user_metadata.k.0",
            "text without NUL characters and lone surrogates",
        ),
        (
            b'{"user":{"user_id":"a","created_at":"2026-03-01 09:00"}}',
            "user.created_at",
            "an ISO 8601 date-time with a time zone",
        ),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "a.a.a.a", "at most 64 levels of nesting"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_signed_body_with_a_wrong_field_names_it(
    desk: Desk, hasura: FakeHasura, body: bytes, field: str, expected: str
) -> None:
    response = desk.post_login(body)

    assert response.status_code == 400
    assert response.json()["errors"] == [{"field": field, "expected": expected}]
    assert hasura.writes == []


def test_a_key_of_metadata_is_named_to_the_caller_and_not_in_the_log(desk: Desk) -> None:
    response = desk.post_login(a_hook_body(changes={"user.user_metadata": {"eve@example.org": "\0"}}))

    assert response.json()["errors"][0]["field"] == "user.user_metadata.eve@example.org"
    assert desk.logged("request.invalid")[0]["fields"] == ["user.user_metadata.…"]
    assert "eve@example.org" not in desk.log.getvalue()


def test_all_wrong_fields_are_named_at_once(desk: Desk) -> None:
    response = desk.post_login(a_hook_body(changes={"user.email": 7, "user.identities.0.isSocial": "no"}))

    assert {error["field"] for error in response.json()["errors"]} == {
        "user.email",
        "user.identities.0.isSocial",
    }


def test_a_wrong_field_is_not_read_before_the_signature_holds(desk: Desk) -> None:
    assert desk.post_login(b"not json", secret=OTHER_HOOK_SECRET).status_code == 401


def test_a_body_in_another_encoding_is_no_signed_call(desk: Desk) -> None:
    raw = json.dumps(a_hook_body()).encode("utf-16")

    assert desk.post_login(raw).status_code == 401


def test_a_signature_by_the_second_of_two_secrets_is_accepted(desk: Desk) -> None:
    raw, headers = a_signed_call(a_hook_body())
    other = a_signature(raw, secret=OTHER_HOOK_SECRET, timestamp=headers["webhook-timestamp"])

    response = desk.post(raw, headers | {"webhook-signature": f"{other} {headers['webhook-signature']}"})

    assert response.status_code == 200
