"""How questions are asked: side by side, within limits, and none whose ground failed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import pytest
from tests.builders import an_environment

from frontdesk.errors import HasuraUnavailable
from frontdesk.settings import load_settings
from frontdesk.sync.doctor.auth0_questions import auth0_questions
from frontdesk.sync.doctor.checks import Finding, Once, Question, Verdict, failed, ok, run, warning
from frontdesk.sync.doctor.clock import clock_finding
from frontdesk.sync.doctor.hasura_questions import hasura_questions
from frontdesk.sync.doctor.own_questions import own_questions
from frontdesk.sync.doctor.wire import Answer

NOW = 1_772_445_601.25


def a_question(name: str, ask: Callable[[], Finding] = lambda: ok("well"), **more: object) -> Question:
    return Question(**{"name": name, "ask": ask, "fix": "mend it", **more})  # type: ignore[arg-type]


def test_questions_are_asked_side_by_side_and_told_in_their_order() -> None:
    meeting = threading.Barrier(3)

    def meet() -> Finding:
        meeting.wait(5)
        return ok("they met")

    checks = run([a_question(name, meet) for name in "abc"], budget_s=10)

    assert [(check.name, check.verdict) for check in checks] == [(name, Verdict.OK) for name in "abc"]


@pytest.mark.parametrize(
    ("ground", "verdict"),
    [
        (ok("well"), Verdict.OK),
        (warning("look"), Verdict.OK),
        (failed("broken"), Verdict.SKIPPED),
    ],
    ids=["well", "a warning carries", "failed"],
)
def test_a_question_is_asked_only_on_firm_ground(ground: Finding, verdict: Verdict) -> None:
    asked = [a_question("late", grounds=("middle",)), a_question("middle", grounds=("ground",))]

    late, middle, _ = run([*asked, a_question("ground", lambda: ground)], budget_s=10)

    assert (late.verdict, middle.verdict) == (verdict, verdict)
    if verdict is Verdict.SKIPPED:
        assert middle.sentence == "Not looked at, because ground is not well."
        assert late.sentence == "Not looked at, because middle is not well."


def test_a_ground_of_one_tenant_is_none_of_the_other() -> None:
    questions = [
        a_question("domain", lambda: failed("broken"), tenant="one"),
        a_question("domain", tenant="two"),
        a_question("keys", tenant="one", grounds=("domain",)),
        a_question("keys", tenant="two", grounds=("domain",)),
    ]

    checks = run(questions, budget_s=10)

    assert [check.verdict.value for check in checks] == ["failed", "ok", "skipped", "ok"]


def test_every_ground_is_a_question(tmp_path: Path) -> None:
    settings = load_settings(an_environment(), tmp_path)
    with ExitStack() as opened:
        questions = [
            *own_questions(settings, time.time),
            *hasura_questions(settings, tmp_path, time.time),
            *auth0_questions(settings, "default", time.time, opened),
        ]

    names = {question.name for question in questions}
    assert {ground for question in questions for ground in question.grounds} <= names
    assert len(names) == len(questions)


def test_a_question_without_answer_costs_its_limit_and_no_more() -> None:
    forever = threading.Event()
    before = time.monotonic()

    def wait() -> Finding:
        forever.wait(30)
        return ok("too late")

    slow, on_it, other = run(
        [a_question("slow", wait, limit_s=0.2), a_question("on it", grounds=("slow",)), a_question("other")],
        budget_s=10,
    )
    forever.set()

    assert time.monotonic() - before < 5
    assert (slow.verdict, slow.fix) == (Verdict.FAILED, "Mend it.")
    assert slow.sentence == "There was no answer in time."
    assert (on_it.verdict, other.verdict) == (Verdict.SKIPPED, Verdict.OK)


def test_all_questions_together_end_with_the_budget() -> None:
    forever = threading.Event()
    before = time.monotonic()

    def wait() -> Finding:
        forever.wait(30)
        return ok("too late")

    checks = run([a_question("a", wait), a_question("b", wait)], budget_s=0.2)
    forever.set()

    assert time.monotonic() - before < 3
    assert {check.verdict for check in checks} == {Verdict.FAILED}


def test_an_error_of_ours_is_the_fault_and_one_of_others_stops_nobody() -> None:
    def unavailable() -> Finding:
        raise HasuraUnavailable("no answer of Hasura")

    def broken() -> Finding:
        raise KeyError("a secret")

    known, unknown, well = run(
        [a_question("known", unavailable), a_question("unknown", broken), a_question("well")], budget_s=10
    )

    assert (known.sentence, known.fix) == ("No answer of Hasura.", "Mend it.")
    assert unknown.sentence == "The doctor could not read the answer (KeyError)."
    assert well.verdict is Verdict.OK


def test_what_several_need_is_asked_for_once_and_fails_for_all() -> None:
    asked: list[int] = []

    def ask() -> int:
        asked.append(1)
        raise HasuraUnavailable("no answer of Hasura")

    value = Once(ask)
    for _ in range(2):
        with pytest.raises(HasuraUnavailable):
            value()

    assert len(asked) == 1


@pytest.mark.parametrize(
    ("ahead_s", "verdict", "says"),
    [
        (0, Verdict.OK, "Auth0's clock and ours agree"),
        (-0.9, Verdict.OK, "agree"),
        (30, Verdict.WARNING, "is 30 s ahead of ours"),
        (-30, Verdict.WARNING, "is 29 s behind ours"),
        (600, Verdict.FAILED, "is 10 min ahead of ours"),
        (-3600, Verdict.FAILED, "is 60 min behind ours"),
    ],
)
def test_a_clock_is_compared_by_the_date_of_an_answer(ahead_s: float, verdict: Verdict, says: str) -> None:
    date = format_datetime(datetime.fromtimestamp(int(NOW + ahead_s), UTC), usegmt=True)

    found = clock_finding(an_answer(Date=date), "Auth0")

    assert (found.verdict, says in found.sentence) == (verdict, True), found


@pytest.mark.parametrize("headers", [{}, {"Date": "yesterday"}], ids=["none", "no date"])
def test_a_clock_that_cannot_be_seen_is_told_so(headers: dict[str, str]) -> None:
    found = clock_finding(an_answer(**headers), "Auth0")

    assert found.verdict is Verdict.SKIPPED
    assert "cannot be seen" in found.sentence


def an_answer(**headers: str) -> Answer:
    return Answer(status=200, headers=headers, body=b"{}", sent_at=NOW, received_at=NOW + 0.1)
