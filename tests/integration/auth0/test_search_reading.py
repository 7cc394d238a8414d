"""Everybody of a tenant by search: the first thousand, and windows beyond."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.integration.auth0.reading_server import (
    CREDENTIALS,
    Asked,
    ReadingServer,
    Reply,
    as_json,
    some_users,
)

from frontdesk.auth0.everyone import Choice, Reading, Way, choose_way, count, read_everybody
from frontdesk.auth0.export_job import JobReading
from frontdesk.auth0.management import ManagementApi
from frontdesk.auth0.search_pages import ROUNDS, SearchReading
from frontdesk.errors import UsageError

USERS = "/api/v2/users"


def a_reading(api: ManagementApi, way: Way, total: int) -> SearchReading:
    def by_job(why: str) -> Reading:
        return JobReading(api, why, total=total, wait_s=10, retry_pause_s=0.01)

    return SearchReading(api, way, "a test", total=total, job=by_job, round_pause_s=0.01)


def ids(reading: Reading, resume: Any = None) -> list[str]:
    return [raw.record["user_id"] for raw in reading.records(resume) if raw.record is not None]


@pytest.mark.parametrize("number", [0, 1, 100, 101, 999, 1000, 1001, 1250])
def test_everybody_is_read_once_whatever_their_number(number: int) -> None:
    with ReadingServer(some_users(number)) as server, ManagementApi(server.url, CREDENTIALS) as api:
        total = count(api)
        choice = choose_way(total, job_from_users=5000)
        with read_everybody(api, choice, total=total) as reading:
            found = ids(reading)

        assert total == number
        assert choice.way is (Way.PAGES if number <= 1000 else Way.WINDOWS)
        assert found == [user["user_id"] for user in server.users]
        assert reading.complete
        assert reading.shortfall is None
        assert server.count(USERS) <= number / 99 + 4
        assert api.calls["GET /users"] == server.count(USERS)


def test_a_record_comes_as_auth0_wrote_it() -> None:
    odd = {
        **some_users(1)[0],
        "email": None,
        "logins_count": "many",
        "identities": [{"user_id": 7}],
        "idp": {},
    }
    with ReadingServer([odd]) as server, ManagementApi(server.url, CREDENTIALS) as api:
        (raw,) = a_reading(api, Way.PAGES, 1).records()

    assert raw.record == odd
    assert (raw.number, raw.fault) == (1, None)
    assert raw.size > 100


def test_users_of_one_moment_are_paged_through() -> None:
    crowd = some_users(350, step=timedelta(0))
    later = some_users(300, start=350)
    with ReadingServer([*crowd, *later]) as server, ManagementApi(server.url, CREDENTIALS) as api:
        reading = a_reading(api, Way.WINDOWS, 650)

        assert sorted(ids(reading)) == [user["user_id"] for user in server.users]
        assert reading.complete
        assert reading.way is Way.WINDOWS


def test_more_users_of_one_moment_than_a_search_shows_are_left_to_a_job() -> None:
    users = [
        *some_users(120),
        *({**user, "created_at": "2021-01-01T00:00:00.000Z"} for user in some_users(1100)),
    ]
    for index, user in enumerate(users):
        user["user_id"] = f"auth0|{index:06d}"
    with ReadingServer(users) as server, ManagementApi(server.url, CREDENTIALS) as api:
        with a_reading(api, Way.WINDOWS, len(users)) as reading:
            found = [raw for raw in reading.records() if raw.record is not None]

        assert {raw.record["user_id"] for raw in found if raw.record} == {user["user_id"] for user in users}
        assert [raw.number for raw in found] == list(range(1, len(found) + 1))
        assert reading.way is Way.JOB
        assert "more than 1,000 users were created at 2021-01-01T00:00:00.000Z" in reading.why
        assert reading.complete

        with a_reading(api, Way.WINDOWS, len(users)) as again:
            assert [raw.number for raw in again.records(found[-3].resume)] == [len(found) - 1, len(found)]
        assert len(server.jobs) == 1


@pytest.mark.parametrize("way", [Way.PAGES, Way.WINDOWS])
def test_a_deletion_meanwhile_pushes_nobody_out_of_sight(way: Way) -> None:
    searches = 0

    def deletes_early_users(asked: Asked) -> None:
        nonlocal searches
        searches += asked.path == USERS
        if searches in (2, 3, 4):
            del server.users[:7]

    with ReadingServer(some_users(600), fault=deletes_early_users) as server:
        with ManagementApi(server.url, CREDENTIALS) as api:
            found = ids(a_reading(api, way, 600))

        assert {user["user_id"] for user in server.users} <= set(found)
        assert len(found) == len(set(found))


def test_whom_the_search_shows_later_is_found_in_another_round() -> None:
    users = some_users(450)
    with ReadingServer(users[:-3]) as server, ManagementApi(server.url, CREDENTIALS) as api:
        reading = a_reading(api, Way.WINDOWS, 450)
        found = []
        for raw in reading.records():
            found.append(raw)
            if raw.number == 447:
                server.users = users

        assert len(found) == 450
        assert reading.complete


def test_whom_auth0_counts_and_never_shows_makes_the_reading_incomplete() -> None:
    def counts_two_more(asked: Asked) -> Reply | None:
        if asked.query.get("per_page") == "1":
            return as_json({"total": len(server.users) + 2, "users": []})
        return None

    with (
        ReadingServer(some_users(5), fault=counts_two_more) as server,
        ManagementApi(server.url, CREDENTIALS) as api,
    ):
        reading = a_reading(api, Way.PAGES, 7)

        assert len(ids(reading)) == 5
        assert not reading.complete
        assert reading.shortfall is not None
        assert reading.shortfall.startswith("Auth0 counts 2 more users than its search shows")
        assert server.count(USERS) == 2 * ROUNDS


@pytest.mark.parametrize("stop_at", [1, 100, 101, 350, 600])
@pytest.mark.parametrize("way", [Way.PAGES, Way.WINDOWS])
def test_a_reading_goes_on_after_any_record(way: Way, stop_at: int) -> None:
    users = [*some_users(200), *some_users(250, step=timedelta(0), start=200), *some_users(150, start=450)]
    users.sort(key=lambda user: user["created_at"])
    with ReadingServer(users) as server, ManagementApi(server.url, CREDENTIALS) as api:
        first = []
        for raw in a_reading(api, way, 600).records():
            first.append(raw)
            if raw.number == stop_at:
                break
        rest = a_reading(api, way, 600)
        after = list(rest.records(first[-1].resume))

    found = {raw.record["user_id"] for raw in [*first, *after] if raw.record is not None}
    assert found == {user["user_id"] for user in users}
    assert rest.complete
    assert [raw.number for raw in after] == list(range(stop_at + 1, stop_at + 1 + len(after)))


def test_more_users_than_pages_reach_go_on_by_windows() -> None:
    """Somebody named pages, or the tenant grew after it was counted."""
    with ReadingServer(some_users(1250)) as server, ManagementApi(server.url, CREDENTIALS) as api:
        choice = choose_way(1250, job_from_users=5000, named=Way.PAGES)
        with read_everybody(api, choice, total=1250) as reading:
            assert ids(reading) == [user["user_id"] for user in server.users]
        assert reading.complete


def test_a_page_too_large_to_take_is_asked_for_in_smaller_ones() -> None:
    users = some_users(40)
    for user in users:
        user["user_metadata"] = {"essay": "x" * 1_000_000}
    with ReadingServer(users) as server, ManagementApi(server.url, CREDENTIALS) as api:
        reading = a_reading(api, Way.WINDOWS, 40)

        assert ids(reading) == [user["user_id"] for user in users]
        assert reading.complete


@pytest.mark.parametrize(
    ("total", "named", "way", "why"),
    [
        (0, None, Way.PAGES, "0 users are within the 1,000 that one search shows"),
        (1000, None, Way.PAGES, "1,000 users are within"),
        (1001, None, Way.WINDOWS, "1,001 users are more than the 1,000 that one search shows"),
        (4999, None, Way.WINDOWS, "fewer than the 5,000 from which an export job is quicker"),
        (5000, None, Way.JOB, "5,000 users are 5,000 or more"),
        (7, Way.JOB, Way.JOB, "`job` was asked for"),
    ],
)
def test_the_way_is_chosen_by_size_and_says_why(total: int, named: Way | None, way: Way, why: str) -> None:
    choice = choose_way(total, job_from_users=5000, named=named)

    assert choice.way is way
    assert why in choice.why


def test_a_file_is_no_way_of_a_tenant() -> None:
    with (
        ReadingServer() as server,
        ManagementApi(server.url, CREDENTIALS) as api,
        pytest.raises(UsageError, match="named by its path"),
    ):
        read_everybody(api, Choice(Way.FILE, "a test"), total=0)
