"""A call without a right token takes the same work, whatever is missing: no clock tells which tenants exist."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

import pytest
from flask import Flask

from frontdesk.errors import HookRefused
from frontdesk.web import streams
from frontdesk.web.streams import HOOKS

TOKENS = {"one": ("a" * 40,), "two": ("b" * 40, "c" * 40), "none": ()}
CALLS: Mapping[str, tuple[str, dict[str, str]]] = {
    "right tenant, wrong token": ("one", {"Authorization": "Bearer " + "x" * 40}),
    "right tenant, short token": ("one", {"Authorization": "x"}),
    "right tenant, no token": ("one", {}),
    "tenant with two tokens": ("two", {"Authorization": "Bearer " + "x" * 40}),
    "tenant without tokens": ("none", {"Authorization": "Bearer " + "x" * 40}),
    "unknown tenant": ("nobody", {"Authorization": "Bearer " + "x" * 40}),
    "unknown tenant, no token": ("nobody", {}),
    "token of another tenant": ("one", {"Authorization": "Bearer " + "b" * 40}),
}


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.way)
def test_as_much_is_compared_for_every_stranger(
    hook: streams.StreamHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths: list[tuple[int, int]] = []
    compare = hmac.compare_digest

    def counted(given: bytes, wanted: bytes) -> bool:
        lengths.append((len(given), len(wanted)))
        return compare(given, wanted)

    monkeypatch.setattr("frontdesk.web.streams.hmac.compare_digest", counted)
    work = {}
    for name, (tenant, headers) in CALLS.items():
        lengths.clear()
        with (
            Flask("test").test_request_context(f"/hooks/{tenant}/{hook.way}", headers=headers),
            pytest.raises(HookRefused),
        ):
            streams._refuse_strangers(TOKENS, tenant, hook)
        work[name] = tuple(lengths)

    assert len(set(work.values())) == 1, work
    assert len(work["unknown tenant"]) == 2 * (2 if hook.key_in_url else 1)
