"""Every type code of a record that Auth0 has published has a word here."""

from __future__ import annotations

import re

import pytest
from tests.schema_instances import DATA, event_schemas, log_types

from frontdesk.identity.log_codes import (
    _CODES,
    ACTIVITIES,
    EVENTS,
    REASONS,
    activity_of,
    tells_a_reason,
    words,
)

PUBLISHED = (DATA / "log-codes.txt").read_text().split()
# Types that the API takes, and that the catalog has no schema of.
_WITHOUT_A_SCHEMA = {
    "organization.group.role.assigned",
    "organization.group.role.deleted",
    "group.role.assigned",
    "group.role.deleted",
}


def test_every_published_code_has_a_word_and_no_other_has() -> None:
    assert set(ACTIVITIES) == set(PUBLISHED) >= set(log_types())


def test_no_code_has_two_words() -> None:
    codes = " ".join(_CODES.values()).split()

    assert len(codes) == len(set(codes))


def test_every_type_of_event_has_a_word() -> None:
    assert set(EVENTS) == set(event_schemas()) | _WITHOUT_A_SCHEMA


def test_words_are_lower_case_with_underscores() -> None:
    assert not [word for word in words() if not re.fullmatch(r"[a-z]+(_[a-z]+)*", word)]


def test_what_events_and_the_log_both_tell_counts_in_the_log_alone() -> None:
    counted_twice = {word for word, counts in EVENTS.values() if counts} & set(ACTIVITIES.values())

    assert not counted_twice


@pytest.mark.parametrize(
    ("code", "activity"),
    [
        ("s", "login"),
        ("ssa", "silent_login"),
        ("sertft", "token_refreshed"),
        ("seacft", "token_issued"),
        ("ss", "signup"),
        ("slo", "logout"),
        ("scp", "password_changed"),
        ("sce", "email_changed"),
        ("scu", "username_changed"),
        ("scpn", "phone_changed"),
        ("sv", "verified"),
        ("limit_wc", "blocked"),
        ("ublkdu", "unblocked"),
        ("sdu", "deleted"),
        ("du", "deleted"),
        ("gd_enrollment_complete", "mfa_enrolled"),
        ("f", "failed_login"),
        ("fp", "failed_login"),
        ("fu", "failed_login"),
        ("sapi", "api_operation"),
        ("ss_sso_success", "self_service_sso"),  # no sign-up
        ("feta", "failed_token_exchange"),  # although Auth0 lists it among the successes
        ("organization_member_added", "organization_member_added"),
        ("sp", None),  # there is none
        ("a_code_of_next_year", None),
        ("", None),
    ],
)
def test_a_code_means(code: str, activity: str | None) -> None:
    assert activity_of(code) == activity


def test_a_code_with_a_reason_of_its_own_is_one_that_has_a_word() -> None:
    assert set(REASONS) <= set(ACTIVITIES)


@pytest.mark.parametrize("activity", ["failed_login", "blocked", "mfa_failed", "breached_password"])
def test_records_of_trouble_tell_a_reason(activity: str) -> None:
    assert tells_a_reason(activity)


@pytest.mark.parametrize("activity", ["login", "signup", "unverified", None])
def test_records_of_success_tell_none(activity: str | None) -> None:
    assert not tells_a_reason(activity)
