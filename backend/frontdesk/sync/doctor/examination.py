"""Which questions there are: about frontdesk itself and its database, about Hasura, and about each tenant at Auth0."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from frontdesk.errors import SettingsInvalid
from frontdesk.hasura.project import LOCAL_PROJECT, project_dir
from frontdesk.settings import Settings
from frontdesk.sync.doctor.auth0_questions import auth0_questions
from frontdesk.sync.doctor.checks import Check, Question, Verdict, run
from frontdesk.sync.doctor.hasura_questions import hasura_questions
from frontdesk.sync.doctor.own_questions import own_questions
from frontdesk.sync.doctor.queue_questions import queue_questions, silence_question
from frontdesk.sync.doctor.store_questions import store_questions

TOTAL_BUDGET_S = 9.5
_SETTINGS_FIX = "correct frontdesk.toml, .env or the environment; docs/reference/settings.md has every key"


@dataclass(frozen=True, kw_only=True)
class Examination:
    """What came of all questions, in the order of the chain."""

    checks: tuple[Check, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of them; what was skipped counts for nothing, because its ground counts."""
        found = {check.verdict for check in self.checks}
        return next((each for each in (Verdict.FAILED, Verdict.WARNING) if each in found), Verdict.OK)


def examine(
    settings: Settings,
    *,
    tenants: Sequence[str] | None = None,
    project: Path = LOCAL_PROJECT,
    clock: Callable[[], float] = time.time,
) -> Examination:
    """Look at every link for these tenants (all by default) and return within TOTAL_BUDGET_S.

    `project` is the directory of the Hasura project, by default the one that ships; `clock` gives the UNIX time.
    """
    with ExitStack() as opened:
        questions: list[Question] = [
            *own_questions(settings, clock),
            *store_questions(settings),
            *queue_questions(settings),
            *hasura_questions(settings, project_dir(project), clock),
        ]
        for key in settings.tenants if tenants is None else tenants:
            questions += auth0_questions(settings, key, clock, opened)
            questions += silence_question(settings, key, clock)
        return Examination(checks=run(questions, budget_s=TOTAL_BUDGET_S))


def unreadable(error: SettingsInvalid) -> Examination:
    """Return what is told when the settings cannot be used: every fault of theirs, and that nothing else was asked."""
    faults = [
        Check(name="settings", verdict=Verdict.FAILED, sentence=f"{fault}.", fix=f"{_SETTINGS_FIX}.")
        for fault in error.faults
    ]
    rest = Check(
        name="everything else",
        verdict=Verdict.SKIPPED,
        sentence="Not looked at, because settings is not well.",
    )
    return Examination(checks=(*faults, rest))
