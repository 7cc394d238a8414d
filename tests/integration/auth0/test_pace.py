"""How fast the Management API is called: what the rate limit leaves, and never more than somebody allowed."""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from typing import Any

import pytest
from tests.integration.auth0.reading_server import CREDENTIALS, Asked, ReadingServer, Reply, as_json, refusal
from tests.integration.auth0.scripted_server import TOKEN

from frontdesk.auth0.management import ManagementApi, StaticToken
from frontdesk.auth0.pace import endpoint, group
from frontdesk.errors import Auth0Rejected


class Bucket:
    """A token bucket as Auth0 has them: filled by `rate` at each full second, up to `burst`."""

    def __init__(self, burst: int, rate: int) -> None:
        self.burst, self.rate, self.tokens = burst, rate, burst
        self.second = int(time.time())
        self.lowest, self.refused = burst, 0

    def __call__(self, asked: Asked) -> Reply | None:
        if asked.path == "/oauth/token":
            return None
        now = int(time.time())
        self.tokens = min(self.burst, self.tokens + (now - self.second) * self.rate)
        self.second = now
        if self.tokens == 0:
            self.refused += 1
            return refusal(429, "Global limit has been reached", "too_many_requests")
        self.tokens -= 1
        self.lowest = min(self.lowest, self.tokens)
        return as_json(
            {"total": 1, "users": []},
            x_ratelimit_limit=str(self.burst),
            x_ratelimit_remaining=str(self.tokens),
            x_ratelimit_reset=str(now + 1),
        )


def test_many_threads_together_never_run_into_the_limit_and_leave_some_to_others() -> None:
    bucket = Bucket(burst=10, rate=8)
    with (
        ReadingServer(fault=bucket) as server,
        ManagementApi(server.url, CREDENTIALS) as api,
        ThreadPoolExecutor(6) as pool,
    ):
        api.read("users", "auth0|0")
        assert len(list(pool.map(lambda number: api.read("users", f"auth0|{number}"), range(24)))) == 24

    assert bucket.refused == 0
    assert bucket.lowest >= 1


def test_a_bucket_that_is_empty_holds_up_its_own_group_alone() -> None:
    reset = math.ceil(time.time()) + 60

    def empties_users(asked: Asked) -> Reply | None:
        headers: dict[str, Any] = {"x_ratelimit_limit": "40", "x_ratelimit_remaining": "2"}
        is_user = asked.path.startswith("/api/v2/users/")
        return as_json({}, x_ratelimit_reset=str(reset), **headers) if is_user else None

    with (
        ReadingServer(fault=empties_users, lists={"/roles": []}) as server,
        ManagementApi(server.url, CREDENTIALS) as api,
    ):
        api.read("users", "auth0|1")
        start = time.monotonic()
        api.read("roles", page="0", per_page="100")

        assert time.monotonic() - start < 50


def test_no_more_calls_a_second_than_allowed() -> None:
    with (
        ReadingServer(fault=lambda asked: as_json({}) if "users" in asked.path else None) as server,
        ManagementApi(server.url, StaticToken("x"), max_rps=20) as api,
        ThreadPoolExecutor(4) as pool,
    ):
        start = time.monotonic()
        list(pool.map(lambda number: api.read("users", str(number)), range(21)))

        assert time.monotonic() - start >= 1.0


@pytest.mark.parametrize(
    "headers",
    [
        {"retry_after": "1"},
        {"x_ratelimit_reset": "soon", "x_ratelimit_remaining": "0"},
        {},
        {"retry_after": "Wed, 21 Oct 2015 07:28:00 GMT"},
    ],
    ids=["Retry-After", "reset alone", "neither", "Retry-After of another form"],
)
def test_a_limit_that_was_reached_is_waited_for_with_and_without_its_headers(headers: dict[str, str]) -> None:
    if "x_ratelimit_reset" in headers:
        headers = {**headers, "x_ratelimit_reset": str(math.ceil(time.time()) + 1)}
    replies = [Reply(429, b"{}", {name.replace("_", "-"): text for name, text in headers.items()})]

    def refuses_once(asked: Asked) -> Reply | None:
        return replies.pop() if replies and "users" in asked.path else as_json({"users": [], "total": 0})

    with ReadingServer(fault=refuses_once) as server, ManagementApi(server.url, StaticToken("x")) as api:
        assert api.read("users", per_page="1") == {"users": [], "total": 0}
        assert api.calls == {"GET /users": 2}


@pytest.mark.parametrize("hours", [-1, 1], ids=["behind ours", "ahead of ours"])
def test_a_clock_far_from_ours_neither_stops_nor_hurries_calls(hours: int) -> None:
    def by_another_clock(asked: Asked) -> Reply:
        theirs = time.time() + hours * 3600
        replies.append(time.monotonic())
        return as_json(
            {},
            date=formatdate(theirs, usegmt=True),
            x_ratelimit_remaining="0",
            x_ratelimit_limit="1",
            x_ratelimit_reset=str(math.ceil(theirs) + 1),
        )

    replies: list[float] = []
    with ReadingServer(fault=by_another_clock) as server, ManagementApi(server.url, StaticToken("x")) as api:
        api.read("users", "1")
        api.read("users", "2")

    assert 0.9 < replies[1] - replies[0] < 10


class Tokens:
    """A tenant whose tokens die when the test says so."""

    def __init__(self) -> None:
        self.number, self.alive = 0, set[str]()

    def __call__(self, asked: Asked) -> Reply | None:
        if asked.path == "/oauth/token":
            self.number += 1
            self.alive = {f"Bearer token-{self.number}"}
            return as_json({**TOKEN, "access_token": f"token-{self.number}"})
        given = asked.headers.get("Authorization") or asked.headers.get("authorization")
        if given not in self.alive:
            return refusal(401, "Expired token received for JSON Web Token validation")
        return as_json({"user_id": "auth0|1"})


def test_a_token_that_dies_midway_is_replaced_once_for_all_threads() -> None:
    tokens = Tokens()
    with (
        ReadingServer(fault=tokens) as server,
        ManagementApi(server.url, CREDENTIALS) as api,
        ThreadPoolExecutor(4) as pool,
    ):
        api.read("users", "auth0|1")
        tokens.alive.clear()
        found = list(pool.map(lambda _: api.read("users", "auth0|1"), range(8)))

    assert found == [{"user_id": "auth0|1"}] * 8
    assert tokens.number == 2


def test_a_token_that_is_never_taken_is_replaced_once_and_then_told() -> None:
    def never(asked: Asked) -> Reply | None:
        return None if asked.path == "/oauth/token" else refusal(401, "Invalid token")

    with ReadingServer(fault=never) as server, ManagementApi(server.url, CREDENTIALS) as api:
        with pytest.raises(Auth0Rejected, match="Invalid token"):
            api.read("users", "auth0|1")
        assert server.count("/oauth/token") == 2
        assert server.count("/api/v2/users/auth0%7C1") <= 2


def test_a_token_that_somebody_made_is_not_replaced() -> None:
    tokens = Tokens()
    with ReadingServer(fault=tokens) as server, ManagementApi(server.url, StaticToken("old")) as api:
        with pytest.raises(Auth0Rejected, match="Expired token"):
            api.read("users", "auth0|1")
        assert server.count("/api/v2/users/auth0%7C1") == 1


def test_a_token_is_used_until_shortly_before_its_end() -> None:
    """It lives for a second here, and is renewed when half of that is over."""
    counted = threading.Lock()
    fetched = []

    def short_lived(asked: Asked) -> Reply | None:
        if asked.path != "/oauth/token":
            return as_json({})
        with counted:
            fetched.append(time.monotonic())
        return as_json({**TOKEN, "expires_in": 1})

    with ReadingServer(fault=short_lived) as server, ManagementApi(server.url, CREDENTIALS) as api:
        start = time.monotonic()
        while len(fetched) < 2 and time.monotonic() - start < 10:
            api.read("users", "auth0|1")

    assert 0.4 <= fetched[1] - fetched[0] < 10


@pytest.mark.parametrize(
    ("method", "path", "shape", "bucket"),
    [
        ("GET", "/api/v2/users", "GET /users", "read users"),
        ("GET", "/api/v2/users/auth0%7C1%2F2", "GET /users/{id}", "read users"),
        ("PATCH", "/api/v2/users/auth0%7C1", "PATCH /users/{id}", "write users"),
        (
            "DELETE",
            "/api/v2/users/a/identities/google/7",
            "DELETE /users/{id}/identities/{id}/{id}",
            "write users",
        ),
        ("GET", "/api/v2/roles/rol_1/users", "GET /roles/{id}/users", "others"),
        ("GET", "/api/v2/organizations/org_1/members", "GET /organizations/{id}/members", "read members"),
        ("POST", "/api/v2/jobs/users-exports", "POST /jobs/users-exports", "others"),
        ("GET", "/api/v2/jobs/job_1", "GET /jobs/{id}", "others"),
        ("GET", "/api/v2/logs", "GET /logs", "read logs"),
        ("PUT", "/api/v2/actions/actions/7/deploy", "PUT /actions/actions/{id}/deploy", "others"),
        ("POST", "/oauth/token", "POST /oauth/token", "oauth"),
    ],
)
def test_calls_are_told_apart_by_their_shape(method: str, path: str, shape: str, bucket: str) -> None:
    assert endpoint(method, path) == shape
    assert group(shape) == bucket
