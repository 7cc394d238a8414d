"""When a job is tried again, by what it failed for."""

from __future__ import annotations

import psycopg
import pytest

from frontdesk.errors import (
    Auth0Rejected,
    Auth0ScopeMissing,
    Auth0Unavailable,
    FieldFault,
    HasuraRejected,
    HasuraUnavailable,
    PayloadInvalid,
    StoreUnavailable,
    TenantBusy,
)
from frontdesk.jobs.retrying import LONGEST_WAIT_S, Trouble, trouble_of, wait_s

CASES = {
    "Hasura is away": (HasuraUnavailable(), Trouble.PASSES),
    "Auth0 is away, or its rate limit is reached": (Auth0Unavailable(), Trouble.PASSES),
    "the store is away": (StoreUnavailable(), Trouble.PASSES),
    "PostgreSQL ended the connection": (psycopg.OperationalError(), Trouble.PASSES),
    "an import runs": (TenantBusy("acme"), Trouble.PASSES),
    "an operator has to give a scope": (Auth0ScopeMissing("no", scopes=["read:users"]), Trouble.PASSES),
    "a metadata may not be applied yet": (HasuraRejected("no"), Trouble.UNEXPLAINED),
    "nobody knows": (KeyError("name"), Trouble.UNEXPLAINED),
    "it can never be right": (PayloadInvalid([FieldFault("type", "a string")]), Trouble.FINAL),
    "Auth0 says that the call is wrong": (Auth0Rejected("no", status_code=400), Trouble.FINAL),
}


@pytest.mark.parametrize(("error", "trouble"), CASES.values(), ids=CASES.keys())
def test_an_error_says_of_what_use_another_try_is(error: Exception, trouble: Trouble) -> None:
    assert trouble_of(error) is trouble


def test_each_wait_is_longer_up_to_a_minute_and_spread() -> None:
    waits = [[wait_s(attempts) for _ in range(50)] for attempts in range(8)]

    assert all(0.7 * 2**n <= wait <= 2**n for n, several in enumerate(waits[:6]) for wait in several)
    assert max(wait_s(1000) for _ in range(50)) <= LONGEST_WAIT_S
    assert 7 <= max(wait_s(1000, 10) for _ in range(50)) <= 10
    assert len(set(waits[0])) > 1
