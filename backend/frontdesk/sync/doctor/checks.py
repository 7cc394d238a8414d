"""Questions and what came of them: asked side by side, each with a limit, none whose ground failed."""

from __future__ import annotations

import logging
import queue
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from frontdesk.errors import FrontdeskError

# Not structlog's: without a configuration, in the command, that writes to standard output, among the facts.
_log = logging.getLogger(__name__)
LIMIT_S = 4.0  # of one question, unless it says otherwise


class Verdict(StrEnum):
    """What came of a question. A warning is worth a look and breaks no login."""

    OK = "ok"
    FAILED = "failed"
    WARNING = "warning"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One link of the chain: a sentence about it, and one about what to do. `tenant` is None for what all share."""

    name: str
    verdict: Verdict
    sentence: str
    fix: str = ""
    tenant: str | None = None

    def as_json(self) -> dict[str, str | None]:
        """Return the check with stable keys, for scripts and the console."""
        return {
            "name": self.name,
            "tenant": self.tenant,
            "verdict": self.verdict.value,
            "sentence": self.sentence,
            "fix": self.fix,
        }


@dataclass(frozen=True)
class Finding:
    """The answer to a question. Without a `fix` of its own a fault has the question's."""

    verdict: Verdict
    sentence: str
    fix: str | None = None


def ok(sentence: str) -> Finding:
    """Return the answer that all is well."""
    return Finding(Verdict.OK, sentence)


def failed(sentence: str, fix: str | None = None) -> Finding:
    """Return the answer that something is wrong."""
    return Finding(Verdict.FAILED, sentence, fix)


def warning(sentence: str, fix: str | None = None) -> Finding:
    """Return the answer that something is worth a look."""
    return Finding(Verdict.WARNING, sentence, fix)


def skipped(sentence: str) -> Finding:
    """Return the answer that there is nothing to look at."""
    return Finding(Verdict.SKIPPED, sentence, "")


@dataclass(frozen=True, kw_only=True)
class Question:
    """One thing to ask. `ask` may raise a FrontdeskError, which then is the fault; `fix` says what to do about it.

    `grounds` are names of questions of the same tenant, or of all: unless they are well, this one is not asked.
    """

    name: str
    ask: Callable[[], Finding]
    fix: str
    grounds: tuple[str, ...] = ()
    tenant: str | None = None
    limit_s: float = LIMIT_S

    def check(self, finding: Finding) -> Check:
        """Return what is told of it."""
        fix = finding.fix if finding.fix is not None else self.fix
        told = fix if finding.verdict in (Verdict.FAILED, Verdict.WARNING) else ""
        return Check(
            name=self.name,
            verdict=finding.verdict,
            sentence=_sentence(finding.sentence),
            fix=_sentence(told),
            tenant=self.tenant,
        )


_T = TypeVar("_T")


class Once(Generic[_T]):
    """A value that several questions need, asked for once; they all get it, or the same error."""

    def __init__(self, ask: Callable[[], _T]) -> None:
        self._ask, self._lock = ask, threading.Lock()
        self._value: _T | None = None
        self._error: FrontdeskError | None = None
        self._known = False

    def __call__(self) -> _T:
        with self._lock:
            if not self._known:
                try:
                    self._value = self._ask()
                except FrontdeskError as error:
                    self._error = error
                self._known = True
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # it is known


def run(questions: Sequence[Question], *, budget_s: float) -> tuple[Check, ...]:
    """Ask all questions and return what came of each, in their order, within `budget_s`.

    A question whose limit has passed is failed, and the thread that still waits for it is left to its own end.
    """
    return _Run(questions, time.monotonic() + budget_s).checks()


@dataclass(frozen=True)
class _Outcome:
    """What a question's thread came back with; `error` is one that nobody foresaw."""

    finding: Finding
    error: Exception | None = None


@dataclass
class _Run:
    questions: Sequence[Question]
    give_up_at: float
    done: dict[int, Check] = field(default_factory=dict)
    until: dict[int, float] = field(default_factory=dict)
    answers: queue.SimpleQueue[tuple[int, _Outcome]] = field(default_factory=queue.SimpleQueue)

    def checks(self) -> tuple[Check, ...]:
        while len(self.done) < len(self.questions):
            self._start_what_can_be()
            if len(self.done) < len(self.questions):
                self._wait()
        return tuple(self.done[number] for number in range(len(self.questions)))

    def _start_what_can_be(self) -> None:
        """Start every question whose grounds are known, and settle those whose grounds are not well."""
        settled = True
        while settled:
            settled = False
            for number, question in enumerate(self.questions):
                if number in self.done or number in self.until:
                    continue
                grounds = self._grounds(question)
                bad = next((each for each in grounds if each is not None and not _carries(each)), None)
                if bad is not None:
                    self._settle(number, skipped(f"not looked at, because {bad.name} is not well"))
                    settled = True
                elif None not in grounds:
                    self._start(number, question)

    def _grounds(self, question: Question) -> list[Check | None]:
        return [
            self.done.get(number)
            for number, each in enumerate(self.questions)
            if each.name in question.grounds and each.tenant in (None, question.tenant)
        ]

    def _start(self, number: int, question: Question) -> None:
        self.until[number] = min(time.monotonic() + question.limit_s, self.give_up_at)
        threading.Thread(
            target=lambda: self.answers.put((number, _answer(question))),
            name=f"doctor-{question.name}",
            daemon=True,
        ).start()

    def _wait(self) -> None:
        running = {number: until for number, until in self.until.items() if number not in self.done}
        left_s = min(running.values()) - time.monotonic()
        try:
            number, outcome = self.answers.get(timeout=max(left_s, 0.001))
        except queue.Empty:
            now = time.monotonic()
            for late in [number for number, until in running.items() if until <= now]:
                self._settle(late, failed("there was no answer in time"))
            return
        if number not in self.done:
            self._settle(number, outcome.finding)
            if outcome.error is not None:
                # The frames alone: the text of somebody else's error may repeat what it could not read.
                frames = "".join(traceback.format_tb(outcome.error.__traceback__))
                _log.error("doctor.question_broke %s\n%s", type(outcome.error).__name__, frames)

    def _settle(self, number: int, finding: Finding) -> None:
        self.done[number] = self.questions[number].check(finding)


def _carries(ground: Check) -> bool:
    return ground.verdict in (Verdict.OK, Verdict.WARNING)


def _answer(question: Question) -> _Outcome:
    try:
        return _Outcome(question.ask())
    except FrontdeskError as error:
        return _Outcome(failed(error.detail))
    # Whatever one question runs into, the others have to be told.
    except Exception as error:  # noqa: BLE001
        return _Outcome(failed(f"the doctor could not read the answer ({type(error).__name__})"), error)


def _sentence(text: str) -> str:
    """Return text as a sentence: a full stop, and a capital at its head unless it begins with a name."""
    text = text.strip()
    if not text:
        return ""
    first = text.split(maxsplit=1)[0].rstrip(",;:")
    head = text[0].upper() + text[1:] if first.isalpha() and first != "frontdesk" else text
    return head if head.endswith((".", "!", "?", "…")) else f"{head}."
