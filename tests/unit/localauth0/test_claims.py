"""Which custom claims reach a token."""

from __future__ import annotations

import pytest

from localauth0.claims import MAX_CUSTOM_CLAIMS_BYTES, ClaimsTooLarge, check_size, is_allowed, kept_claims


@pytest.mark.parametrize(
    "name",
    [
        "plan",
        "email",
        "https://app.example.com/roles",
        "http://auth0.com.example.com/x",
        "https://[broken",
        "ROLES",
    ],
)
def test_these_names_are_allowed(name: str) -> None:
    assert is_allowed(name)


@pytest.mark.parametrize(
    "name",
    [
        "roles",
        "x5t#S256",
        "scope",
        "urn:auth0:x",
        "https://auth0.com/x",
        "https://ACME.Auth0.com/x",
        "http://webtask.run:8080/x",
    ],
)
def test_these_names_vanish(name: str) -> None:
    assert not is_allowed(name)


def test_a_claim_that_the_token_already_carries_vanishes() -> None:
    assert kept_claims({"name": "other", "plan": "pro"}, taken=["name"]) == {"plan": "pro"}


def test_the_size_limit_counts_the_claims_of_all_tokens_in_bytes() -> None:
    half = {"é": "é" * (MAX_CUSTOM_CLAIMS_BYTES // 4 - 10)}
    check_size(half, half)

    with pytest.raises(ClaimsTooLarge):
        check_size(half, half, half)


def test_half_a_surrogate_pair_is_counted_and_no_crash() -> None:
    check_size({"x": "\ud800"})
