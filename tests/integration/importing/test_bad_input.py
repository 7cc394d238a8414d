"""Files with bad records: what can be taken is taken, what cannot is set aside with its reason, and can be mended."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from tests.integration.importing.conftest import NewHouse
from tests.integration.reconcile.scripted_tenant import ScriptedTenant, a_user

from frontdesk.auth0.export_lines import FileUnreadable

GOOD = [a_user(number) for number in range(3)]


def a_file(place: Path, *lines: dict[str, Any] | bytes) -> Path:
    """Write a file of records; bytes are lines as they are."""
    path = place / "users.ndjson"
    path.write_bytes(
        b"".join((each if isinstance(each, bytes) else json.dumps(each).encode()) + b"\n" for each in lines)
    )
    return path


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        pytest.param({"email": "nobody@example.com"}, "user_id", id="no user_id"),
        pytest.param({**a_user(9), "email": 7}, "email", id="a number for an e-mail"),
        pytest.param({**a_user(9), "identities": {}}, "identities", id="an object for a list"),
        pytest.param({**a_user(9), "created_at": "yesterday"}, "created_at", id="no time"),
        pytest.param({**a_user(9), "name": "a\x00b"}, "NUL", id="a null byte"),
        pytest.param({**a_user(9), "user_id": "auth0|" + "x" * 3000}, "user_id", id="an endless id"),
        pytest.param(b'{"user_id": "auth0|0009", "ema', "JSON", id="half a line"),
        pytest.param(b"[1, 2]", "JSON object", id="no object"),
        pytest.param(b'{"user_id": "auth0|\xff"}', "", id="no UTF-8"),
    ],
)
def test_a_bad_record_is_set_aside_with_its_reason_and_the_rest_goes_on(
    new_house: NewHouse, tmp_path: Path, bad: dict[str, Any] | bytes, reason: str
) -> None:
    house = new_house(ScriptedTenant(GOOD))
    file = a_file(tmp_path, GOOD[0], bad, *GOOD[1:])

    report = house.run(file=file, rejects=tmp_path / "rejects")

    assert (report.counts.records, report.counts.written, report.rejects) == (4, 3, 1)
    assert report.verdict.proven
    assert "1 set aside" in report.verdict.sentence
    (line,) = (tmp_path / "rejects").read_text().splitlines()
    rejected = json.loads(line)
    assert rejected["number"] == 2
    assert reason.lower() in rejected["reason"].lower()
    assert (tmp_path / "rejects").stat().st_mode & 0o777 == 0o600
    assert len(house.table("users")) == 3


def test_a_fresh_copy_of_an_old_file_lifts_no_block(new_house: NewHouse, tmp_path: Path) -> None:
    old = [{**each, "blocked": False} for each in GOOD]
    house = new_house(ScriptedTenant([{**GOOD[0], "blocked": True}, *GOOD[1:]]))
    house.run()

    house.run(file=a_file(tmp_path, *old))

    assert [house.row(each["user_id"])["blocked"] for each in GOOD] == [True, False, False]


def test_a_mended_rejects_file_is_imported_as_it_is(new_house: NewHouse, tmp_path: Path) -> None:
    house = new_house(ScriptedTenant(GOOD))
    rejects = tmp_path / "rejects"
    house.run(
        file=a_file(tmp_path, GOOD[0], {**GOOD[1], "email": 7}, b'{"user_id": "auth0|00'), rejects=rejects
    )
    wrong_type, half_line = [json.loads(line) for line in rejects.read_text().splitlines()]
    wrong_type["record"]["email"] = "mended@example.com"
    half_line["record"] = json.dumps(GOOD[2])

    report = house.run(file=a_file(tmp_path, wrong_type, half_line), rejects=rejects)

    assert (report.counts.written, report.rejects) == (2, 0)
    assert house.row("auth0|0001")["email"] == "mended@example.com"
    assert house.row("auth0|0002")["app_metadata"] == {"seats": 2}


def test_somebody_who_comes_several_times_counts_once_and_the_newest_wins(
    new_house: NewHouse, tmp_path: Path
) -> None:
    house = new_house(ScriptedTenant(GOOD))
    newer = {**GOOD[1], "name": "Newer", "updated_at": "2026-03-01T00:00:00.000Z"}

    report = house.run(file=a_file(tmp_path, GOOD[0], newer, GOOD[1], GOOD[1], GOOD[2]))

    assert (report.counts.records, report.counts.users, report.counts.repeated) == (5, 3, 2)
    assert house.row("auth0|0001")["name"] == "Newer"


def test_a_megabyte_of_metadata_is_a_user_like_others(new_house: NewHouse, tmp_path: Path) -> None:
    house = new_house(ScriptedTenant(GOOD))
    large = [{**each, "user_metadata": {"text": "x" * 1_000_000}} for each in GOOD]

    report = house.run(file=a_file(tmp_path, *large))

    assert report.counts.written == 3
    assert len(house.row("auth0|0002")["user_metadata"]["text"]) == 1_000_000


def test_what_came_before_the_end_of_a_truncated_file_is_kept_and_the_whole_file_does_the_rest(
    new_house: NewHouse, tmp_path: Path
) -> None:
    users = [a_user(number, user_metadata={"n": f"{number * 7919:x}"}) for number in range(2000)]
    house = new_house(ScriptedTenant(users))
    whole = gzip.compress(b"".join(json.dumps(user).encode() + b"\n" for user in users))
    file = tmp_path / "users.ndjson.gz"
    file.write_bytes(whole[: len(whole) // 2])

    with pytest.raises(FileUnreadable, match="end"):
        house.run(file=file)
    before = len(house.table("users"))
    file.write_bytes(whole)
    report = house.run(file=file)

    assert 0 < before < 2000
    assert report.verdict.proven
    assert (report.resumed, report.counts.users, len(house.table("users"))) == (True, 2000, 2000)


def test_a_file_that_is_no_export_is_refused_with_a_sentence(new_house: NewHouse, tmp_path: Path) -> None:
    house = new_house(ScriptedTenant([]))
    file = tmp_path / "users.csv"
    file.write_text("Id,Email\nauth0|1,a@example.com\n")

    with pytest.raises(FileUnreadable, match="CSV"):
        house.run(file=file)

    assert house.table("users") == []
