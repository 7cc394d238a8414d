"""The Management API's rate limits, by group of calls, by token and by subscription."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.integration.localauth0.acme import Clock
from tests.integration.localauth0.conftest import StartTenant
from tests.integration.localauth0.managed import Operator, an_operated_tenant, operator_token

from localauth0 import LocalAuth0
from localauth0.management.rate_limit import group_of


def limited(start_tenant: StartTenant, clock: Clock | None = None, **rate_limit: Any) -> LocalAuth0:
    return start_tenant(an_operated_tenant(rate_limit=rate_limit), clock=clock or Clock())


def statuses(operator: Operator, path: str, calls: int) -> list[int]:
    return [operator.call("GET", path).status_code for _ in range(calls)]


@pytest.mark.parametrize(
    ("method", "path", "group"),
    [
        ("GET", "/api/v2/users", "read_users"),
        ("GET", "/api/v2/users/auth0%7C1/roles", "read_users"),
        ("GET", "/api/v2/users-by-email", "read_users"),
        ("PATCH", "/api/v2/users/auth0%7C1", "write_users"),
        ("GET", "/api/v2/logs", "read_logs"),
        ("GET", "/api/v2/organizations/org_1/members", "read_organization_members"),
        ("POST", "/api/v2/organizations/org_1/members", "write_organization_members"),
        ("GET", "/api/v2/organizations/org_1/members/auth0|1/roles", "read_organization_member_roles"),
        ("GET", "/api/v2/organizations/org_1", None),
        ("GET", "/api/v2/roles", None),
        ("GET", "/api/v2", None),
    ],
)
def test_every_call_is_counted_in_its_group(method: str, path: str, group: str | None) -> None:
    assert group_of(method, path) == group


def test_a_group_has_a_bucket_of_its_own(start_tenant: StartTenant) -> None:
    groups = {"read_users": {"burst": 1, "per_minute": 60}}
    operator = Operator(limited(start_tenant, burst=2, per_second=1, groups=groups))

    assert statuses(operator, "/users", 2) == [200, 429]
    assert statuses(operator, "/roles", 3) == [200, 200, 429]


def test_a_minutes_worth_comes_in_by_seconds(start_tenant: StartTenant) -> None:
    clock = Clock()
    tenant = limited(start_tenant, clock, groups={"read_users": {"burst": 2, "per_minute": 30}})
    operator = Operator(tenant)
    assert statuses(operator, "/users", 3) == [200, 200, 429]
    refused = operator.call("GET", "/users")

    clock.advance(timedelta(seconds=1))
    too_early = statuses(operator, "/users", 1)
    clock.advance(timedelta(seconds=1))

    assert int(refused.headers["x-ratelimit-reset"]) == int(clock.now.timestamp())
    assert too_early == [429]
    assert statuses(operator, "/users", 2) == [200, 429]


def test_each_token_can_have_buckets_of_its_own(start_tenant: StartTenant) -> None:
    clock = Clock()
    tenant = limited(start_tenant, clock, burst=1, per_second=1, per="token")
    first = Operator(tenant)
    clock.advance(timedelta(seconds=1))  # so that the second token is another one
    second = Operator(tenant, token=operator_token(tenant))

    assert [statuses(one, "/roles", 2) for one in (first, second)] == [[200, 429], [200, 429]]


@pytest.mark.parametrize(
    ("plan", "burst", "users"),
    [("free", 2, 2), ("self_service", 10, 40), ("enterprise", 50, 50), ("enterprise_non_production", 10, 10)],
)
def test_a_subscription_has_its_limits(start_tenant: StartTenant, plan: str, burst: int, users: int) -> None:
    operator = Operator(limited(start_tenant, plan=plan))

    told = [operator.call("GET", path).headers["x-ratelimit-limit"] for path in ("/roles", "/users")]

    assert told == [str(burst), str(users)]


@pytest.mark.parametrize("tells", [True, False])
def test_a_refusal_says_when_to_come_again_if_the_tenant_does(start_tenant: StartTenant, tells: bool) -> None:
    operator = Operator(limited(start_tenant, burst=1, per_second=0.25, retry_after=tells))

    granted, refused = operator.call("GET", "/roles"), operator.call("GET", "/roles")

    assert "retry-after" not in granted.headers
    assert refused.headers.get("retry-after") == ("4" if tells else None)


def test_the_log_tells_of_a_limit_once(start_tenant: StartTenant) -> None:
    tenant = limited(start_tenant, burst=10, per_second=1)
    operator = Operator(tenant)

    statuses(operator, "/roles", 13)

    notes = [record for record in tenant.store.log.records() if record["type"].startswith("api_limit")]
    assert [note["type"] for note in notes] == ["api_limit_warning", "api_limit"]
    assert notes[1]["details"] == {
        "limit": {"bucket": "others", "global": False, "size": 10},
        "request": {"method": "get", "path": "/api/v2/roles"},
    }
