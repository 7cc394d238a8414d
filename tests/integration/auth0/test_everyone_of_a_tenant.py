"""Every way of reading everybody gives the same people of a generated tenant, as localauth0 serves it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from frontdesk.auth0.everyone import Way, choose_way, count, read_everybody
from frontdesk.auth0.export_file import EXPORT_FIELDS
from frontdesk.auth0.export_job import JobFailed
from frontdesk.auth0.management import Credentials, ManagementApi
from frontdesk.auth0.organizations import organization_members, read_organizations
from frontdesk.auth0.roles import read_roles, role_members
from frontdesk.auth0.single_user import read_user
from localauth0 import LocalAuth0
from localauth0.generator import CLIENT_ID, CLIENT_SECRET, generate_tenant

USERS, ROLES, ORGANIZATIONS = 2300, 12, 4
CREDENTIALS = Credentials(client_id=CLIENT_ID, client_secret=CLIENT_SECRET)


def a_tenant(users: int, **more: Any) -> LocalAuth0:
    document = generate_tenant(users=users, roles=ROLES, organizations=ORGANIZATIONS, seed=5)
    return LocalAuth0(tenant={**document, **more})


@pytest.fixture(scope="module")
def tenant() -> Iterator[LocalAuth0]:
    with a_tenant(USERS) as running:
        yield running


@pytest.fixture
def api(tenant: LocalAuth0) -> Iterator[ManagementApi]:
    with ManagementApi(tenant.url, CREDENTIALS) as api:
        yield api


def everybody(api: ManagementApi, way: Way) -> dict[str, dict[str, Any]]:
    total = count(api)
    choice = choose_way(total, job_from_users=1001, named=way)
    with read_everybody(api, choice, total=total) as reading:
        found = [raw.record for raw in reading.records() if raw.record is not None]

    assert reading.complete
    assert reading.way is way or way is Way.PAGES
    assert len(found) == total
    return {record["user_id"]: record for record in found}


def test_every_way_reads_the_same_people(api: ManagementApi) -> None:
    by_windows, by_job = everybody(api, Way.WINDOWS), everybody(api, Way.JOB)

    assert len(by_windows) == USERS
    assert by_windows.keys() == by_job.keys()
    for user_id, record in by_windows.items():
        exported = {name: value for name, value in record.items() if name in EXPORT_FIELDS}
        assert by_job[user_id] == exported
    assert by_windows == everybody(api, Way.PAGES)


def test_a_single_user_is_as_the_search_shows_them(api: ManagementApi) -> None:
    shown = everybody(api, Way.WINDOWS)
    odd = [user_id for user_id in shown if not user_id.isascii() or set("/%+ #") & set(user_id)]

    for user_id in [*odd[:30], next(iter(shown))]:
        assert read_user(api, user_id) == shown[user_id]
    assert odd
    assert read_user(api, "auth0|nobody") is None


def test_members_of_roles_and_organizations_are_people_of_the_tenant(api: ManagementApi) -> None:
    people = everybody(api, Way.WINDOWS).keys()

    roles, organizations = read_roles(api), list(read_organizations(api))
    with_roles = {role.name: {each for page in role_members(api, role) for each in page} for role in roles}
    members = [
        member for each in organizations for page in organization_members(api, each) for member in page
    ]

    assert len(with_roles) == ROLES
    assert len(organizations) == ORGANIZATIONS
    assert set().union(*with_roles.values()) <= people
    assert {member.user_id for member in members} <= people
    assert {name for member in members for name in member.roles} <= with_roles.keys()
    assert any(member.roles for member in members)


@pytest.mark.parametrize("number", [0, 1000, 1001])
def test_the_count_is_that_of_the_reading(number: int) -> None:
    with a_tenant(number) as running, ManagementApi(running.url, CREDENTIALS) as api:
        assert len(everybody(api, choose_way(number, job_from_users=5000).way)) == number


@pytest.mark.parametrize("plan", ["free", "enterprise_non_production"])
def test_a_plans_rate_limit_is_never_run_into(plan: str) -> None:
    with a_tenant(550, rate_limit={"plan": plan}) as running, ManagementApi(running.url, CREDENTIALS) as api:
        everybody(api, Way.PAGES)

        assert api.calls == {"POST /oauth/token": 1, "GET /users": 1 + 6 + 1}, "no call was repeated"


def test_a_download_that_breaks_off_is_tried_again() -> None:
    with (
        a_tenant(300, export_jobs={"seconds": 0}) as running,
        ManagementApi(running.url, CREDENTIALS) as api,
    ):
        running.store.jobs.cut_next_download(700)
        running.store.jobs.cut_next_download(700, silently=True)
        assert len(everybody(api, Way.JOB)) == 300

        assert api.calls["GET /jobs/{id}"] == 1 + 3, "one look at the job, and three for links"


def test_a_job_that_fails_is_told_with_auth0s_words() -> None:
    with (
        a_tenant(50, export_jobs={"seconds": 0, "fails": "Disk full"}) as running,
        ManagementApi(running.url, CREDENTIALS) as api,
        pytest.raises(JobFailed, match="Disk full"),
    ):
        everybody(api, Way.JOB)
