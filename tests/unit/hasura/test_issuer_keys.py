"""The signing keys of an issuer: when they are fetched, by whom, and what stays good while they cannot be."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.integration.hasura.tokens import public_jwk, rsa_key
from tests.integration.localauth0.acme import wait_until

from frontdesk.errors import KeysUnavailable, SessionKeysUnavailable
from frontdesk.hasura.issuer_keys import (
    LOOK_AGAIN_AFTER_S,
    MAX_FRESH_S,
    MAX_STALE_S,
    MIN_FRESH_S,
    RETRY_AFTER_S,
    IssuerKeys,
)
from frontdesk.hasura.jwt_secret.fetch import Fetched

URL = "https://acme.eu.auth0.com/.well-known/jwks.json"
LIMIT_S = 10.0
OLD, NEW = public_jwk(rsa_key("old"), "old"), public_jwk(rsa_key("new"), "new")


class Issuer:
    """What an issuer publishes, with a clock that stands still, and how often it was asked."""

    def __init__(self, *jwks: Any) -> None:
        self.jwks: tuple[Any, ...] = jwks
        self.headers: dict[str, str] = {}
        self.now = 1000.0
        self.asked = 0
        self.away = False
        self.answers = threading.Event()
        self.answers.set()
        self.keys = IssuerKeys(URL, fetch=self._fetch, clock=lambda: self.now)

    def _fetch(self, url: str) -> Fetched:
        self.asked += 1
        assert self.answers.wait(LIMIT_S)
        if self.away:
            raise KeysUnavailable("gives no answer")
        return Fetched(url, json.dumps({"keys": self.jwks}).encode(), self.headers)

    def has(self, key_id: str) -> bool:
        return self.keys.key(key_id) is not None


def test_keys_are_fetched_once_for_many_questions() -> None:
    issuer = Issuer(OLD, NEW)

    assert all([issuer.has("old"), issuer.has("new"), issuer.has("old")])
    assert issuer.asked == 1


def test_nothing_is_fetched_before_somebody_asks() -> None:
    assert Issuer(OLD).asked == 0


def test_many_threads_that_know_no_keys_fetch_them_once() -> None:
    issuer = Issuer(OLD)
    issuer.answers.clear()

    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(issuer.has, "old") for _ in range(8)]
        wait_until(lambda: issuer.asked > 0)
        issuer.answers.set()

        assert all(each.result(LIMIT_S) for each in answers)
    assert issuer.asked == 1


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("", MIN_FRESH_S),
        ("public, max-age=15, stale-while-revalidate=15", MIN_FRESH_S),
        ("max-age=1200", 1200),
        ("public, MAX-AGE=999999999", MAX_FRESH_S),
    ],
)
def test_keys_are_fresh_for_as_long_as_the_issuer_says_within_bounds(said: str, seconds: float) -> None:
    issuer = Issuer(OLD)
    issuer.headers = {"Cache-Control": said}
    issuer.has("old")

    issuer.now += seconds - 1
    issuer.has("old")
    assert issuer.asked == 1

    issuer.now += 1
    issuer.has("old")
    wait_until(lambda: issuer.asked == 2)


def test_nobody_waits_for_newer_keys_of_an_issuer_that_is_slow() -> None:
    issuer = Issuer(OLD)
    issuer.has("old")
    issuer.answers.clear()
    issuer.now += MIN_FRESH_S

    assert [issuer.has("old") for _ in range(5)] == [True] * 5

    wait_until(lambda: issuer.asked == 2)
    issuer.jwks = (NEW,)
    issuer.answers.set()
    wait_until(lambda: not issuer.has("old"))
    assert issuer.has("new")


def test_old_keys_stay_good_for_a_day_while_the_issuer_is_away_and_no_longer() -> None:
    issuer = Issuer(OLD)
    issuer.has("old")
    issuer.away = True

    issuer.now += MAX_STALE_S - 1
    assert issuer.has("old")
    wait_until(lambda: issuer.asked == 2)

    issuer.now += RETRY_AFTER_S
    with pytest.raises(SessionKeysUnavailable):
        issuer.has("old")


def test_an_issuer_that_is_away_is_asked_again_after_a_pause() -> None:
    issuer = Issuer(OLD)
    issuer.away = True

    for _ in range(3):
        with pytest.raises(SessionKeysUnavailable):
            issuer.has("old")
    assert issuer.asked == 1

    issuer.away = False
    issuer.now += RETRY_AFTER_S
    assert issuer.has("old")
    assert issuer.asked == 2


def test_a_new_key_is_found_at_once_and_strangers_key_ids_cost_one_look_in_a_while() -> None:
    issuer = Issuer(OLD)
    issuer.has("old")
    issuer.now += LOOK_AGAIN_AFTER_S
    issuer.jwks = (OLD, NEW)

    assert issuer.has("new")
    assert issuer.asked == 2
    assert not any(issuer.has(f"stranger-{number}") for number in range(50))
    assert issuer.asked == 2

    issuer.now += LOOK_AGAIN_AFTER_S
    assert not any(issuer.has(f"stranger-{number}") for number in range(50))
    assert issuer.asked == 3


def test_who_comes_with_a_new_key_while_another_one_looks_waits_for_what_it_finds() -> None:
    issuer = Issuer(OLD)
    issuer.has("old")
    issuer.now += LOOK_AGAIN_AFTER_S
    issuer.jwks = (OLD, NEW)
    issuer.answers.clear()

    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(issuer.has, "new") for _ in range(4)]
        wait_until(lambda: issuer.asked == 2)
        issuer.answers.set()

        assert all(each.result(LIMIT_S) for each in answers)
    assert issuer.asked == 2


@pytest.mark.parametrize(
    "change",
    [
        {"use": "enc"},
        {"alg": "RS512"},
        {"alg": "HS256"},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"n": 7},
        {"n": "!"},
        {"n": "xQ"},
        {"kid": 7},
    ],
    ids=str,
)
def test_a_key_that_verifies_no_rs256_is_left_out_and_takes_none_along(change: dict[str, Any]) -> None:
    issuer = Issuer({**NEW, **change}, OLD)

    assert issuer.has("old")
    assert not issuer.has("new")


@pytest.mark.parametrize(
    "jwks", [(), ({},), ("text",), ({**OLD, "use": "enc"},)], ids=["none", "empty", "text", "enc"]
)
def test_a_document_without_keys_is_as_none_at_all(jwks: tuple[Any, ...]) -> None:
    with pytest.raises(SessionKeysUnavailable):
        Issuer(*jwks).has("old")


def test_warming_up_waits_for_nobody() -> None:
    issuer = Issuer(OLD)
    issuer.answers.clear()

    issuer.keys.renew_behind()
    issuer.keys.renew_behind()

    wait_until(lambda: issuer.asked == 1)
    issuer.answers.set()
    assert issuer.has("old")
    assert issuer.asked == 1
