"""The tenant's log by itself: ids that go up, what is forgotten, what is masked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from localauth0.logbook import Logbook, masked, strategy_type

_NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Hands:
    """A clock that somebody sets."""

    def __init__(self) -> None:
        self.now = _NOON

    def __call__(self) -> datetime:
        return self.now


def test_ids_go_up_even_when_the_clock_is_set_back() -> None:
    clock = Hands()
    log = Logbook(clock, timedelta(days=1))
    ids = []
    for shift in (0, 0, -3600, 5):
        clock.now = _NOON + timedelta(seconds=shift)
        ids.append(log.write("s")["log_id"])

    assert ids == sorted(set(ids))
    assert {len(log_id) for log_id in ids} == {56}
    assert ids[0].startswith("90020260301120000000")


def test_a_record_has_all_members_and_nulls_for_what_is_not_known() -> None:
    record = Logbook(Hands(), timedelta(days=1)).write("slo", client_id="spa")

    assert (record["client_id"], record["user_id"], record["location_info"]) == ("spa", None, None)
    assert record["user_agent"] == "Other 0.0.0 / Other 0.0.0"
    assert "scope" not in record


def test_of_very_many_records_the_oldest_go() -> None:
    log = Logbook(Hands(), timedelta(days=1), most=50)
    written = [log.write("s", user_id=f"auth0|{n % 2}")["log_id"] for n in range(60)]

    kept = [record["log_id"] for record in log.records()]

    assert 40 <= len(kept) <= 50
    assert kept == written[-len(kept) :]
    assert sorted(one["log_id"] for n in (0, 1) for one in log.of_user(f"auth0|{n}")) == kept


def test_records_beyond_the_retention_go_for_users_too() -> None:
    clock = Hands()
    log = Logbook(clock, timedelta(days=1))
    log.write("s", user_id="auth0|1")
    clock.now += timedelta(hours=25)
    newer = log.write("s", user_id="auth0|1")

    assert log.of_user("auth0|1") == [newer]
    assert log.after(None, 10) == [newer]


def test_secrets_are_masked_wherever_they_stand() -> None:
    body = {"name": "x", "sink": {"httpAuthorization": "Bearer x"}, "list": [{"password": "x"}]}

    assert masked(body) == {
        "name": "x",
        "sink": {"httpAuthorization": "*****"},
        "list": [{"password": "*****"}],
    }


def test_every_strategy_has_a_type() -> None:
    types = {name: strategy_type(name) for name in ("auth0", "sms", "samlp", "google-oauth2")}

    assert types == {
        "auth0": "database",
        "sms": "passwordless",
        "samlp": "enterprise",
        "google-oauth2": "social",
    }
