"""Connections as the console asks for them: one test at a time, and the last result kept."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from tests.builders import an_environment

from frontdesk.settings import load_settings
from frontdesk.sync.doctor import Check, Examination, Verdict
from frontdesk.web.connections import Connections, ConnectionTestRefused


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        (Verdict.OK, "connected"),
        (Verdict.WARNING, "warning"),
        (Verdict.FAILED, "failed"),
        (Verdict.SKIPPED, "connected"),
    ],
)
def test_a_connection_is_as_bad_as_its_worst_check(tmp_path: Path, verdict: Verdict, state: str) -> None:
    known = Connections(
        load_settings(an_environment(), tmp_path), lambda _: an_examination(Verdict.OK, verdict)
    )

    assert known.shown("default")["state"] == "untested"
    assert known.test("default") == known.shown("default")
    assert known.shown("default")["state"] == state


def test_while_one_test_runs_no_other_one_begins(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(_: str) -> Examination:
        begun.set()
        go_on.wait(10)
        return an_examination(Verdict.OK)

    known = Connections(load_settings(an_environment(), tmp_path), slow)
    first = threading.Thread(target=known.test, args=("default",))
    first.start()
    begun.wait(10)

    with pytest.raises(ConnectionTestRefused):
        known.test("default")
    go_on.set()
    first.join(10)
    assert known.shown("default")["state"] == "connected"


def test_a_test_that_breaks_leaves_the_way_free(tmp_path: Path) -> None:
    results: list[Examination | KeyError] = [KeyError("broken"), an_examination(Verdict.OK)]

    def once_broken(_: str) -> Examination:
        result = results.pop(0)
        if isinstance(result, KeyError):
            raise result
        return result

    known = Connections(load_settings(an_environment(), tmp_path), once_broken)
    with pytest.raises(KeyError):
        known.test("default")

    assert known.test("default")["state"] == "connected"


def an_examination(*verdicts: Verdict) -> Examination:
    return Examination(checks=tuple(Check(name="Hasura", verdict=each, sentence="So.") for each in verdicts))
