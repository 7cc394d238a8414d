"""A hint reads the present state at Auth0 once, however many records gave it, and brings it to the rows."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import pytest
from tests.integration.jobs.queue_house import QueueHouse
from tests.integration.jobs.working import Work, a_log_record, working
from tests.integration.users.house import ANN, ORGANIZATIONS

from frontdesk.store.worker_numbers import numbers_told

ORGANIZATION = str(ORGANIZATIONS[0]["id"])


@pytest.fixture
def work(house: QueueHouse) -> Iterator[Work]:
    with working(house) as work:
        yield work


def refreshed(work: Work) -> dict[tuple[str, str], float]:
    """Return how often a reading of a kind came to an outcome."""
    work.places.tell_numbers()
    return {
        (number.labels["kind"], number.labels["outcome"]): number.value
        for number in numbers_told(work.house.database)
        if number.name == "refreshes"
    }


def test_a_burst_of_hints_is_one_reading_with_roles(work: Work, house: QueueHouse) -> None:
    house.inner.profile(ANN)["email"] = "new@example.com"
    work.deliver([a_log_record(number, "sce", user_id=ANN) for number in range(20)])
    work.deliver([a_log_record(30, "scp", user_id=ANN)])
    work.off()
    assert [job["status"] for job in work.jobs("refresh_user")] == ["todo"]

    work.later()

    assert house.inner.there(ANN)["email"] == "new@example.com"
    assert house.inner.there(ANN)["auth0_roles"] == []
    assert refreshed(work) == {("user", "written"): 1}
    assert work.places.api(house.tenant).calls["GET /users/{id}"] == 1


def test_hints_of_many_users_are_read_no_faster_than_the_settings_allow(house: QueueHouse) -> None:
    with working(house, **{f"TENANTS_{house.tenant.upper()}_MAX_RPS": "10"}) as work:
        work.deliver([a_log_record(number, "scp", user_id=f"auth0|{number}") for number in range(16)])
        work.off()
        began = time.monotonic()
        work.later()
        took_s = time.monotonic() - began

        assert work.places.api(house.tenant).calls["GET /users/{id}"] == 16
        assert refreshed(work) == {("user", "unknown"): 16}
    assert took_s >= 1.4


def test_who_is_gone_gets_a_tombstone_that_another_life_lifts(work: Work, house: QueueHouse) -> None:
    work.deliver([a_log_record(1, "scp", user_id=ANN)])
    work.off()
    work.later()
    assert house.inner.there(ANN)["deleted_at"] is None

    removed = house.inner.auth0.store.users.pop(ANN)
    work.deliver([a_log_record(2, "scp", user_id=ANN), a_log_record(3, "scp", user_id="auth0|nobody")])
    work.off()
    work.later()

    assert house.inner.there(ANN)["deleted_at"] is not None
    assert house.inner.row("auth0|nobody") is None
    assert refreshed(work) == {("user", "written"): 1, ("user", "gone"): 1, ("user", "unknown"): 1}

    removed.profile["created_at"] = removed.profile["updated_at"] = "2099-01-01T00:00:00.000Z"
    house.inner.auth0.store.users[ANN] = removed
    work.deliver([a_log_record(4, "scp", user_id=ANN)])
    work.off()
    work.later()
    assert house.inner.there(ANN)["deleted_at"] is None


def members(house: QueueHouse) -> list[tuple[str, str]]:
    found = house.inner.rows.execute(
        "SELECT organization_id, user_id FROM public.organization_members WHERE tenant = %s", (house.tenant,)
    ).fetchall()
    return [(row["organization_id"], row["user_id"]) for row in found]


def an_event(number: int, kind: str, told: Mapping[str, object]) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "type": kind,
        "source": "urn:auth0:acme.eu.auth0.com",
        "id": f"evt_{number}",
        "time": "2026-03-02T10:00:00.456Z",
        "data": {"object": told},
    }


def test_a_membership_comes_with_its_user_and_its_organization_and_goes(
    work: Work, house: QueueHouse
) -> None:
    told = {"organization": {"id": ORGANIZATION, "name": "globex"}, "user": {"user_id": ANN}}
    work.deliver(an_event(1, "organization.member.added", told), way="event-stream")
    work.off()
    work.later()
    assert members(house) == [(ORGANIZATION, ANN)]
    assert house.inner.there(ANN)["email"] == "ann@example.com"

    work.places.api(house.tenant).sdk.organizations.members.delete(ORGANIZATION, members=[ANN])
    work.deliver(an_event(2, "organization.member.deleted", told), way="event-stream")
    work.off()
    work.later()
    assert members(house) == []


def test_an_organization_that_is_gone_takes_its_members_along(work: Work, house: QueueHouse) -> None:
    told = {"organization": {"id": ORGANIZATION, "name": "globex"}, "user": {"user_id": ANN}}
    work.deliver(an_event(1, "organization.member.added", told), way="event-stream")
    work.off()
    work.later()

    work.places.api(house.tenant).sdk.organizations.delete(ORGANIZATION)
    work.deliver(
        an_event(2, "organization.deleted", {"id": ORGANIZATION, "name": "globex"}), way="event-stream"
    )
    work.off()
    work.later()

    assert members(house) == []
    rows = house.inner.rows.execute("SELECT 1 FROM public.organizations WHERE tenant = %s", (house.tenant,))
    assert rows.fetchall() == []


def test_without_an_application_a_hint_is_counted_and_changes_nothing(house: QueueHouse) -> None:
    key = f"TENANTS_{house.tenant.upper()}_MANAGEMENT_CLIENT"
    with working(house, **{f"{key}_ID": "", f"{key}_SECRET": ""}) as work:
        work.deliver([a_log_record(1, "scp", user_id=ANN)])
        work.off()

        assert work.jobs("refresh_user") == []
        assert refreshed(work) == {("any", "unread"): 1}


def test_while_auth0_is_away_the_reading_waits(house: QueueHouse) -> None:
    key = f"TENANTS_{house.tenant.upper()}_MANAGEMENT_URL"
    with working(house, **{key: "http://127.0.0.1:9"}) as work:
        work.deliver([a_log_record(1, "scp", user_id=ANN)])
        work.off()
        work.later()
        (job,) = work.jobs("refresh_user")
        assert (job["status"], job["attempts"]) == ("todo", 1)

    with working(house, **{key: house.inner.auth0.url}) as work:
        work.later()
        assert house.inner.there(ANN)["email"] == "ann@example.com"
        assert work.jobs("refresh_user") == []
