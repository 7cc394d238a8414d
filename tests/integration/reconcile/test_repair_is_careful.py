"""What keeps a repair from doing harm: each test shows a repair that would be wrong, and that it is not made."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from tests.integration.auth0.reading_server import Asked, Reply, as_json
from tests.integration.reconcile.conftest import NewHouse
from tests.integration.reconcile.house import House, kinds
from tests.integration.reconcile.scripted_tenant import ScriptedTenant, a_user

from frontdesk.auth0.export_lines import FileUnreadable
from frontdesk.errors import Auth0Error, TenantBusy, UsageError
from frontdesk.store.passes import lock_name
from frontdesk.sync.reconcile import Order
from frontdesk.sync.reconcile.brake import Brake

PEOPLE = 8


@pytest.fixture
def house(new_house: NewHouse) -> House:
    """A tenant whose rows are as they should be, and a brake that is easy to reach."""
    made = new_house([a_user(number) for number in range(PEOPLE)])
    made.repair()
    made.brake = Brake(percent=10, rows=2)
    return made


def tombstones(house: House) -> int:
    row = house.rows.execute(
        "SELECT count(*) AS n FROM users WHERE tenant = %s AND deleted_at IS NOT NULL", (house.tenant,)
    ).fetchone()
    return 0 if row is None else int(row["n"])


def test_the_brake_stops_before_the_first_repair_until_so_many_are_accepted(house: House) -> None:
    house.auth0.users = [user for user in house.auth0.users if user["app_metadata"]["seats"] >= 3]
    house.by_hand("auth0|0007", name="by hand")

    stopped = house.repair()
    assert stopped.refused is not None
    assert "3 of 8 rows (37.5 %)" in stopped.refused
    assert "--accept 3" in stopped.refused
    assert (tombstones(house), house.there("auth0|0007")["name"]) == (0, "by hand")

    too_few = house.repair(accept=2)
    assert too_few.refused is not None
    assert tombstones(house) == 0

    accepted = house.repair(accept=3)
    assert (accepted.refused, accepted.left.total, tombstones(house)) == (None, 0, 3)


def test_as_many_as_the_brake_lets_go_go_without_a_word(house: House) -> None:
    house.auth0.users = house.auth0.users[2:]

    assert (house.repair().refused, tombstones(house)) == (None, 2)


def test_an_extra_row_is_looked_at_again_before_it_goes(house: House) -> None:
    left_out = house.auth0.users.pop(3)

    def search_is_behind(asked: Asked) -> Reply | None:
        return as_json(left_out) if asked.path.endswith("/users/auth0%7C0003") else None

    house.auth0.before = search_is_behind
    house.by_hand("auth0|0003", name="by hand")

    report = house.repair()

    assert kinds(report) == {"extra": 1}
    assert (tombstones(house), report.left.total) == (0, 0)
    assert house.there("auth0|0003")["name"] == "User 3"


@pytest.mark.parametrize("status", [403, 404])
def test_only_auth0s_own_word_makes_a_tombstone(house: House, status: int) -> None:
    house.auth0.users = house.auth0.users[1:]

    def something_else_answers(asked: Asked) -> Reply | None:
        return as_json({"message": "no"}, status) if "/users/auth0" in asked.path else None

    house.auth0.before = something_else_answers
    with pytest.raises(Auth0Error):
        house.repair()

    assert tombstones(house) == 0


def test_a_reading_of_fewer_than_the_tenant_counts_repairs_nothing(house: House) -> None:
    everybody = len(house.auth0.users)

    def only_the_count_is_right(asked: Asked) -> Reply | None:
        if asked.path != "/api/v2/users" or asked.query.get("per_page") != "1":
            return None
        return as_json({"start": 0, "limit": 1, "total": everybody, "users": []})

    house.auth0.before = only_the_count_is_right
    house.auth0.users = house.auth0.users[1:]

    report = house.repair()

    assert report.refused is not None
    assert "not complete" in report.refused
    assert tombstones(house) == 0


def test_the_rows_of_another_tenant_are_left_alone(house: House) -> None:
    house.brake = Brake(percent=100, rows=1000)
    house.auth0.users = [a_user(number + 5000) for number in range(3)]

    report = house.repair()

    assert report.refused is not None
    assert "another tenant" in report.refused
    assert (tombstones(house), house.row("auth0|5000")) == (0, None)


def test_a_pass_of_one_tenant_is_not_gone_on_with_at_another(house: House) -> None:
    def is_killed(asked: Asked) -> Reply | None:
        return as_json({"message": "no"}, 403) if "/users/auth0" in asked.path else None

    house.by_hand("auth0|0001", name="by hand")
    house.auth0.before = is_killed
    with pytest.raises(Auth0Error):
        house.repair()

    with ScriptedTenant([a_user(number + 5000) for number in range(3)]) as other:
        house.auth0_url = other.url
        report = house.repair()

    assert report.refused is not None
    assert report.read == 3
    assert tombstones(house) == 0


def test_a_file_repairs_nothing(house: House, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a part of the tenant"):
        Order(repair=True, file=tmp_path / "users.ndjson")


def test_a_file_of_a_part_of_the_tenant_is_compared_and_changes_nothing(house: House, tmp_path: Path) -> None:
    file = tmp_path / "users.ndjson"
    file.write_text('{"user_id": "auth0|0001", "name": "Other", "updated_at": "2026-02-06T00:00:00Z"}\n')

    report = house.look(file=file)

    assert kinds(report) == {"different": 1, "extra": PEOPLE - 1}
    assert report.fields == {"name": 1, "updatedAt": 1}
    assert (tombstones(house), house.there("auth0|0001")["name"]) == (0, "User 1")


def test_a_file_that_was_cut_off_says_so_and_is_read_anew_the_next_time(house: House, tmp_path: Path) -> None:
    file = tmp_path / "users.ndjson.gz"
    whole = gzip.compress(b'{"user_id": "auth0|0001"}\n')
    file.write_bytes(whole[:-9])
    with pytest.raises(FileUnreadable):
        house.look(file=file)

    file.write_bytes(whole)

    report = house.look(file=file)
    assert (report.read, report.rows, report.complete) == (1, PEOPLE, True)


def test_nothing_is_done_while_an_import_or_another_reconcile_has_the_tenant(house: House) -> None:
    with house.store.lock(lock_name(house.tenant)), pytest.raises(TenantBusy, match="running already"):
        house.repair()


def test_a_user_who_is_deleted_between_two_readings_is_not_brought_back(house: House) -> None:
    house.by_hand("auth0|0002", name="by hand")
    gone = house.auth0.users[2]

    def deleted_after_the_reading(asked: Asked) -> Reply | None:
        if "/users/auth0" in asked.path and gone in house.auth0.users:
            house.auth0.users.remove(gone)
        return None

    house.auth0.before = deleted_after_the_reading

    report = house.repair()

    assert (kinds(report), report.left.total) == ({"different": 1}, 0)
    assert house.there("auth0|0002")["deleted_at"] is not None


def test_somebody_who_came_after_the_reading_is_no_extra_row(house: House) -> None:
    clocks = {"seen": {"at": "2999-01-01T00:00:00.000000Z", "source": "login", "born": None}}
    house.a_row_without_user("auth0|new")
    house.by_hand("auth0|new", clocks=clocks)

    report = house.repair()

    assert (kinds(report), report.ahead, tombstones(house)) == ({}, 1, 0)


def test_a_record_that_cannot_be_taken_makes_no_row_extra(house: House) -> None:
    house.auth0.users[1] = {**house.auth0.users[1], "email_verified": "yes"}
    del house.auth0.users[2]["user_id"]

    looked = house.look()

    assert (kinds(looked), looked.rejected) == ({"extra": 1}, 2)
    assert tombstones(house) == 0
