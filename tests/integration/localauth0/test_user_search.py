"""`GET /users` over HTTP: pages, totals, order, fields, limits, lag; and a large tenant read as clients read it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.integration.localauth0.acme import ANA, DATABASE, GOOGLE_USER, TIMEOUT_S, Browser, Clock, tokens_of
from tests.integration.localauth0.conftest import StartTenant
from tests.integration.localauth0.managed import Operator, an_operated_tenant, sdk

from localauth0 import LocalAuth0
from localauth0.__main__ import main
from localauth0.generator import CLIENT_ID, CLIENT_SECRET

LARGE = 100_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAuth0]:
    """A tenant of a hundred thousand users beside those of acme."""
    keys: Path = tmp_path_factory.mktemp("large")
    tenant = an_operated_tenant(generate={"users": LARGE, "roles": 5, "organizations": 2, "seed": 7})
    with LocalAuth0(tenant=tenant, data_dir=keys) as running:
        yield running


def search(operator: Operator, **query: Any) -> Any:
    return operator.answer("GET", "/users", params=query)


def test_a_search_is_a_bare_list_or_one_with_totals(operator: Operator) -> None:
    query = {"q": f'identities.connection:"{DATABASE}"', "search_engine": "v3", "per_page": 1}

    bare = search(operator, **query)
    with_totals = search(operator, **query, include_totals="true")

    assert [one["user_id"] for one in bare] == [ANA]
    assert with_totals == {"start": 0, "limit": 1, "length": 1, "total": 2, "users": bare}


def test_fields_are_chosen_or_left_out(operator: Operator) -> None:
    chosen = search(operator, q="username:ana", fields="user_id,email")
    rest = search(operator, q="username:ana", fields="app_metadata,identities", include_fields="false")

    assert chosen == [{"user_id": ANA, "email": "ana@example.com"}]
    assert {"email", "name"} <= rest[0].keys()
    assert not rest[0].keys() & {"app_metadata", "identities"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"q": "email:("}, "invalid_query_string"),
        ({"q": "created_at:[x TO *]"}, "invalid_query_string"),
        ({"sort": "created_at"}, "invalid_query_string"),
        ({"per_page": 101}, "invalid_query_string"),
        ({"page": -1}, "invalid_query_string"),
        ({"search_engine": "v9"}, "invalid_query_string"),
        ({"page": 10, "per_page": 100}, "invalid_paging"),
        ({"page": 20}, "invalid_paging"),
    ],
    ids=str,
)
def test_a_search_that_cannot_be_is_refused(operator: Operator, query: dict[str, Any], code: str) -> None:
    status, _, found = operator.refusal("GET", "/users", params=query)

    assert (status, found) == (400, code)


@pytest.mark.parametrize(
    "query", [{"q": "ana"}, {"search_engine": "v2"}, {"connection": "sms", "search_engine": "v1"}], ids=str
)
def test_what_is_missing_of_the_search_says_so(operator: Operator, query: dict[str, str]) -> None:
    assert operator.refusal("GET", "/users", params=query)[::2] == (501, "not_implemented")


def test_users_by_email_are_found_in_all_connections_as_written(operator: Operator) -> None:
    body = {"connection": DATABASE, "email": "gil@example.com", "password": "gil"}
    second = operator.answer("POST", "/users", body)["user_id"]

    found = operator.answer(
        "GET", "/users-by-email", params={"email": "gil@example.com", "fields": "user_id"}
    )

    assert {one["user_id"] for one in found} == {GOOGLE_USER, second}
    assert operator.answer("GET", "/users-by-email", params={"email": "GIL@example.com"}) == []
    assert operator.refusal("GET", "/users-by-email")[2] == "invalid_query_string"


def test_a_search_lags_behind_while_a_single_user_does_not(start_tenant: StartTenant) -> None:
    clock = Clock()
    operator = Operator(start_tenant(an_operated_tenant(search_lag=5), clock=clock))
    body = {"connection": DATABASE, "email": "late@example.com", "password": "late"}
    user_id = operator.answer("POST", "/users", body)["user_id"]
    operator.call("DELETE", "/users/auth0%7Cbad")

    assert search(operator, q="email:late@example.com") == []
    assert len(search(operator, q="email:bad@example.com")) == 1
    assert search(operator, include_totals="true")["total"] == 5
    assert operator.answer("GET", f"/users/{user_id.replace('|', '%7C')}")["email"] == "late@example.com"
    assert len(operator.answer("GET", "/users-by-email", params={"email": "late@example.com"})) == 1
    clock.advance(timedelta(seconds=5))
    assert len(search(operator, q="email:late@example.com")) == 1
    assert search(operator, q="email:bad@example.com") == []


def test_the_requests_of_airbytes_source_read_everybody(start_tenant: StartTenant) -> None:
    """As its manifest (0.5.16) says: slices of a year by `updated_at`, open below, two blanks, pages of fifty."""
    tenant = start_tenant(an_operated_tenant(users=[], organizations=[], generate={"users": 900, "seed": 7}))
    operator, found = Operator(tenant), []
    for year in range(2014, 2027):
        ends = f"{{{year - 1}-12-31T23:59:59.999000Z  TO {year}-12-31T23:59:59.999000Z]"
        query = {"sort": "updated_at:1", "include_totals": "false", "q": f"updated_at:{ends}", "per_page": 50}
        page, number = search(operator, **query), 0
        while page:
            found += page
            number += 1
            page = search(operator, **query, page=number) if len(page) == 50 else []

    assert [one["updated_at"] for one in found] == sorted(one["updated_at"] for one in found)
    assert len({one["user_id"] for one in found}) == len(found) == 900


def test_windows_of_a_large_tenant_hold_everybody_once(large: LocalAuth0) -> None:
    operator = Operator(large)
    months = [f"{year}-{month:02d}" for year in (2017, 2018) for month in range(1, 13)]
    ends = zip(months, [*months[1:], "2019-01"], strict=True)

    totals = [_total(operator, f"created_at:[{low} TO {high}}}") for low, high in ends]

    assert sum(totals) == _total(operator, "created_at:[2017 TO 2018]")
    assert sum(totals) > 10_000
    assert _total(operator, "created_at:[* TO *]") == LARGE + 5


def _total(operator: Operator, query: str) -> int:
    return int(search(operator, q=query, include_totals="true", per_page=1)["total"])


def test_a_page_of_a_large_tenant_costs_no_walk_through_all_users(large: LocalAuth0) -> None:
    operator = Operator(large)
    query = {"q": "created_at:[2020-01-01 TO 2020-03-01]", "sort": "created_at:1", "per_page": 100, "page": 5}
    search(operator, **query)

    begin = time.process_time()
    page = search(operator, **query)

    # A walk through all users takes some seconds.
    assert time.process_time() - begin < 1.0
    assert len(page) == 100
    assert [one["created_at"] for one in page] == sorted(one["created_at"] for one in page)


def test_the_official_sdk_reads_the_first_thousand_of_a_large_tenant(large: LocalAuth0) -> None:
    with sdk(large) as client:
        pager = client.users.list(per_page=100, sort="created_at:1", q="created_at:[2015 TO *]")
        users = [user for _, user in zip(range(1_000), pager, strict=False)]

    assert len({user.user_id for user in users}) == 1_000


def test_the_official_sdk_finds_a_generated_user_of_any_id(large: LocalAuth0) -> None:
    with sdk(large) as client:
        found = list(client.users.list(q="user_id:*/to/* AND created_at:[2016 TO 2017]", per_page=3))
        again = [client.users.get(str(user.user_id)) for user in found[:3]]

    assert "path/to/" in str(found[0].user_id)
    assert [one.model_dump() for one in again] == [one.model_dump() for one in found[:3]]


def test_a_generated_user_is_changed_and_stays_so(large: LocalAuth0) -> None:
    operator = Operator(large)
    first = search(operator, sort="created_at:1", per_page=1)[0]["user_id"]
    path = f"/users/{first.replace('|', '%7C')}"

    operator.answer("PATCH", path, {"user_metadata": {"touched": True}})

    assert operator.answer("GET", path)["user_metadata"]["touched"] is True
    assert search(operator, sort="created_at:1", per_page=1)[0]["user_id"] == first


def test_a_generated_tenant_is_served_without_a_file() -> None:
    arguments = ["--port", "0", "--generate", "users=30,roles=2,organizations=1,seed=7"]
    with subprocess.Popen(
        [sys.executable, "-m", "localauth0", *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            ready, machine = process.stdout.readline(), process.stdout.readline()
            total = _total_as_the_machine(ready.split()[-1])
        finally:
            process.terminate()
        assert process.wait(TIMEOUT_S) == 0

    assert CLIENT_ID in machine
    assert total == 30


def _total_as_the_machine(url: str) -> int:
    with Browser(url, client_id=CLIENT_ID, client_secret=CLIENT_SECRET) as client:
        tokens = tokens_of(client.token(grant_type="client_credentials", audience=f"{url}/api/v2/"))
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    query = {"include_totals": "true", "per_page": "1"}
    answer = requests.get(f"{url}/api/v2/users", params=query, headers=bearer, timeout=TIMEOUT_S)
    return int(answer.json()["total"])


@pytest.mark.parametrize("sizes", ["users", "users=x", "people=3", "users=-1", ""])
def test_a_size_that_cannot_be_is_wrong_usage(sizes: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--port", "0", "--generate", sizes])

    assert ended.value.code == 2
