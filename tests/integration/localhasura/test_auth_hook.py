"""HASURA_GRAPHQL_AUTH_HOOK against a real web hook over HTTP: what it is asked, and what becomes of its answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from tests.integration.localhasura.client import ADMIN_SECRET, Client
from tests.integration.localhasura.test_authentication import ask, serving
from tests.loopback import LoopbackServer, QuietHandler

from localhasura import LocalHasura, StartError
from localhasura.auth import AuthHookError
from localhasura.config import Options
from localhasura.jsontext import compact

QUERY = {"query": 'mutation {insert_log_one(object: {line: "x"}) {who}}'}


class Hook(LoopbackServer):
    """A web hook that answers what a test says, and keeps what it was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.answer: Any = {"X-Hasura-Role": "user", "X-Hasura-User-Id": "u7"}
        self.extra: dict[str, str] = {}
        self.asked: list[tuple[str, dict[str, str], Any]] = []
        owner = self

        class Handler(QuietHandler):
            def do_GET(self) -> None:
                body = json.loads(self.body() or "null")
                owner.asked.append((self.command, {k.lower(): v for k, v in self.headers.items()}, body))
                answer = owner.answer if isinstance(owner.answer, bytes) else compact(owner.answer).encode()
                self.answer(owner.status, owner.extra, answer)

            do_POST = do_GET

        super().__init__(Handler)
        self.url += "/who"


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as made:
        yield made


@pytest.fixture
def hooked(library: Client, database_url: str, hook: Hook) -> Iterator[str]:
    """The URL of an engine over the library that asks the hook by GET."""
    with serving(library, database_url, auth_hook=hook.url) as url:
        yield url


@pytest.fixture
def posting(library: Client, database_url: str, hook: Hook) -> Iterator[str]:
    """The URL of an engine over the library that asks the hook by POST."""
    with serving(library, database_url, auth_hook=hook.url, auth_hook_mode="POST") as url:
        yield url


def test_a_hook_says_who_asks(hooked: str, hook: Hook) -> None:
    answer = ask(hooked, QUERY, Authorization="Bearer abc", X_Hasura_Role="admin", Cookie="a=b", X_Name="é")

    assert answer == {"data": {"insert_log_one": {"who": "u7"}}}
    ((method, headers, body),) = hook.asked
    assert (method, body) == ("GET", None)
    assert headers["authorization"] == "Bearer abc"
    assert headers["cookie"] == "a=b"
    assert headers["x-hasura-role"] == "admin"
    assert not {"content-type", "content-length", "accept", "origin"} & headers.keys()


def test_a_hook_is_shown_the_request_when_it_is_asked_by_post(posting: str, hook: Hook) -> None:
    mutation = "mutation ($line: String!) {insert_log_one(object: {line: $line}) {who}}"
    request = {"query": mutation, "variables": {"line": "é"}, "operationName": None}

    answer = ask(posting, request, Authorization="Bearer abc")

    assert answer == {"data": {"insert_log_one": {"who": "u7"}}}
    ((method, headers, body),) = hook.asked
    assert (method, headers["content-type"]) == ("POST", "application/json")
    assert "authorization" not in headers
    assert body["request"] == request
    assert body["headers"]["Authorization"] == "Bearer abc"
    assert body["headers"]["Content-Type"] == "application/json"


def test_a_hook_is_shown_a_batch_and_nothing_of_other_bodies(posting: str, hook: Hook) -> None:
    ask(posting, [QUERY, QUERY])
    broken = requests.post(f"{posting}/v1/graphql", data=b"{", timeout=5).json()
    requests.post(f"{posting}/v1/metadata", json={"type": "export_metadata", "args": {}}, timeout=5)

    assert [body["request"] for _, _, body in hook.asked] == [[QUERY, QUERY], None, None]
    assert broken["errors"][0]["extensions"]["code"] == "invalid-json"


def test_the_request_is_kept_from_the_hook_when_it_shall_not_see_it(database_url: str, hook: Hook) -> None:
    options = Options(
        database_url=database_url,
        port=0,
        admin_secret=ADMIN_SECRET,
        auth_hook=hook.url,
        auth_hook_mode="POST",
        auth_hook_send_request_body=False,
    )
    with LocalHasura.from_options(options) as engine:
        ask(engine.url, {"query": "{__typename}"})

    assert list(hook.asked[0][2]) == ["headers"]


def test_the_admin_secret_goes_before_the_hook(hooked: str, hook: Hook) -> None:
    right = ask(hooked, {"query": "{__typename}"}, X_Hasura_Admin_Secret=ADMIN_SECRET)
    wrong = ask(hooked, {"query": "{__typename}"}, X_Hasura_Admin_Secret="wrong")

    assert right == {"data": {"__typename": "query_root"}}
    assert wrong["errors"][0]["extensions"] == {"path": "$", "code": "access-denied"}
    assert hook.asked == []


@pytest.mark.parametrize(
    ("status", "answer", "code", "message", "real_status"),
    [
        (401, {}, "access-denied", "Authentication hook unauthorized this request", 401),
        (403, {}, "unexpected", "Invalid response from authorization hook", 500),
        (500, {}, "unexpected", "Invalid response from authorization hook", 500),
        (204, b"", "unexpected", "Invalid response from authorization hook", 500),
        (302, {}, "unexpected", "Invalid response from authorization hook", 500),
        (200, {}, "invalid-params", '"x-hasura-role" not found in session variables', 400),
        (200, {"x-hasura-role": ""}, "invalid-params", '"x-hasura-role" not found in session variables', 400),
    ],
)
def test_other_answers_end_the_request(
    hooked: str, hook: Hook, status: int, answer: Any, code: str, message: str, real_status: int
) -> None:
    hook.status, hook.answer, hook.extra = status, answer, {"Location": hook.url} if status == 302 else {}

    told = requests.post(f"{hooked}/v1/graphql", json=QUERY, timeout=5)
    plain = requests.post(f"{hooked}/v1/metadata", json={"type": "export_metadata", "args": {}}, timeout=5)

    assert (told.status_code, told.json()) == (
        200,
        {"errors": [{"message": message, "extensions": {"path": "$", "code": code}}]},
    )
    assert (plain.status_code, plain.json()) == (real_status, {"path": "$", "error": message, "code": code})
    assert len(hook.asked) == 2


_NO_MAP = "$: parsing HashMap failed, expected Object, but encountered "
_NO_TEXT = "parsing Text failed, expected String, but encountered "


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"", "$: not enough input"),
        (b"{", "$: not enough input"),
        ([], f"{_NO_MAP}Array"),
        ("x", f"{_NO_MAP}String"),
        (None, f"{_NO_MAP}Null"),
        ({"X-Hasura-Role": 5}, f"$['X-Hasura-Role']: {_NO_TEXT}Number"),
        ({"X-Hasura-Role": "user", "X-Hasura-Id": None}, f"$['X-Hasura-Id']: {_NO_TEXT}Null"),
        ({"X-Hasura-Role": "user", "X-Hasura-Ids": ["1"]}, f"$['X-Hasura-Ids']: {_NO_TEXT}Array"),
    ],
)
def test_what_is_no_map_of_texts_is_an_invalid_answer(
    hooked: str, hook: Hook, answer: Any, told: str
) -> None:
    hook.answer = answer

    (error,) = ask(hooked, QUERY)["errors"]

    assert error["extensions"]["code"] == "unexpected"
    assert error["message"] == f"Invalid response from authorization hook: Error in {told}"


def test_an_answer_has_a_limit(hooked: str, hook: Hook) -> None:
    hook.answer = {"X-Hasura-Role": "user", "X-Hasura-Much": "x" * 2_000_000}

    assert ask(hooked, QUERY)["errors"][0]["message"] == "webhook authentication request failed"


def test_a_hook_that_is_away_is_told(hooked: str, hook: Hook, capfd: pytest.CaptureFixture[str]) -> None:
    hook.stop()

    (error,) = ask(hooked, QUERY)["errors"]

    assert error == {
        "message": "webhook authentication request failed",
        "extensions": {"path": "$", "code": "unexpected"},
    }
    assert "the auth hook did not answer" in capfd.readouterr().err


def test_a_role_of_the_hook_may_be_admin(hooked: str, hook: Hook) -> None:
    hook.answer = {"x-hasura-role": "admin", "Cache-Control": "max-age=60"}

    exported = requests.post(f"{hooked}/v1/metadata", json={"type": "export_metadata", "args": {}}, timeout=5)

    assert exported.status_code == 200


NEEDS = " requires --admin-secret (HASURA_GRAPHQL_ADMIN_SECRET) or  --access-key (HASURA_GRAPHQL_ACCESS_KEY) to be set"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"auth_hook": "http://hook/"}, f"Fatal Error : --auth-hook (HASURA_GRAPHQL_AUTH_HOOK){NEEDS}"),
        ({"jwt_secret": "{}"}, f"Fatal Error : --jwt-secret (HASURA_GRAPHQL_JWT_SECRET){NEEDS}"),
        *(
            (
                {"auth_hook": "http://hook/", "jwt_secret": "{}", **more},
                "Fatal Error: Both webhook and JWT mode cannot be enabled at the same time",
            )
            for more in ({}, {"admin_secret": "s"})
        ),
        *(
            (
                {"unauthorized_role": "anonymous", **more},
                (
                    f"Fatal Error: --unauthorized-role (HASURA_GRAPHQL_UNAUTHORIZED_ROLE){NEEDS} "
                    "and is not allowed when --auth-hook (HASURA_GRAPHQL_AUTH_HOOK) is set"
                ),
            )
            for more in ({}, {"auth_hook": "http://hook/", "admin_secret": "s"})
        ),
    ],
)
def test_modes_that_do_not_go_together_stop_the_start(
    database_url: str, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(StartError) as caught:
        LocalHasura(database_url=database_url, **options).start()
    assert str(caught.value) == told


@pytest.mark.parametrize("url", ["file:///etc/passwd", "hook:8000", "ftp://hook/"])
def test_a_hook_is_an_http_address(database_url: str, url: str) -> None:
    with pytest.raises(AuthHookError, match="not an http or https URL"):
        LocalHasura(database_url=database_url, admin_secret="s", auth_hook=url).start()
