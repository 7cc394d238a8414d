"""A plan of `frontdesk auth0 setup`: what it would do, step by step, and what came of each step.

A step knows how to be done; to plan changes nothing. A step that cannot be done names what a person has to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from auth0.management.core.parse_error import ParsingError

from frontdesk.auth0.plan import PlanBlocked, Step, StepKind
from frontdesk.errors import (
    Auth0CredentialsRefused,
    Auth0Error,
    Auth0Rejected,
    Auth0ScopeMissing,
    Auth0Unavailable,
)

_UNREADABLE = "Auth0 answered with something that its own SDK cannot read; update the package auth0-python."


class Part(StrEnum):
    """One part of set-up, as `--only` names it."""

    API = "api"
    APP = "app"
    MACHINE = "machine"
    ACTIONS = "actions"
    STREAMS = "streams"


@dataclass(kw_only=True)
class Made:
    """What set-up found or made and the settings have to know; filled while a plan is made and carried out."""

    management_client_id: str | None = None
    management_client_secret: str | None = field(default=None, repr=False)
    login_client_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class SetupStep(Step):
    """One step, with what only set-up knows of it.

    `needed` says whether frontdesk lacks something without it, `scope` what the token must have for it, `by_hand` how a
    person does the same, and `act` does it.
    """

    part: Part
    needed: bool = True
    scope: str | None = None
    by_hand: str = ""
    act: Callable[[Made], None] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a step: nothing to do, done, or the sentence that says why not."""

    step: SetupStep
    problem: str | None = None

    @property
    def is_lacking(self) -> bool:
        """Whether something that frontdesk needs is not there."""
        return self.problem is not None and self.step.needed


def steps_of(
    part: Part, what: str, by_hand: str, plan: Callable[[], Iterable[SetupStep]]
) -> tuple[SetupStep, ...]:
    """Return what `plan` gives; a refusal of Auth0 becomes the one step that cannot be done.

    Raises Auth0Unavailable, and Auth0CredentialsRefused when Auth0 does not accept the token at all.
    """
    try:
        return tuple(plan())
    except Auth0Rejected as error:
        problem = _problem(error)
        return (cannot(part, what, problem, by_hand, needed=not _is_dispensable(part, error)),)
    except ParsingError:
        return (cannot(part, what, _UNREADABLE, by_hand),)


def without_missing_scopes(steps: Iterable[SetupStep], granted: frozenset[str] | None) -> Iterator[SetupStep]:
    """Give the steps, of which those that the token has no scope for cannot be done; None stands for unknown."""
    for step in steps:
        if granted is None or step.scope is None or not step.changes or step.scope in granted:
            yield step
        else:
            problem = f"{step.detail} The token lacks the scope {step.scope}."
            yield replace(step, kind=StepKind.CANNOT, detail=_with_fix(problem, step.by_hand), act=None)


def carry_out(steps: Sequence[SetupStep], made: Made) -> tuple[Outcome, ...]:
    """Do every step that changes something, in order; a refused one keeps no other from being done.

    Nothing is raised: what was made before has to reach the settings. Without an answer the rest is not tried.
    """
    outcomes: list[Outcome] = []
    stopped = ""
    for step in steps:
        if stopped and step.act is not None:
            outcomes.append(Outcome(step=step, problem=f"Not tried after that: {stopped}."))
            continue
        try:
            outcomes.append(_done(step, made))
        except (Auth0Unavailable, Auth0CredentialsRefused) as error:
            stopped = error.detail
            outcomes.append(Outcome(step=step, problem=f"{error.detail}."))
    return tuple(outcomes)


def _done(step: SetupStep, made: Made) -> Outcome:
    if step.kind is StepKind.CANNOT:
        return Outcome(step=step, problem=step.detail)
    try:
        if step.act is not None:
            step.act(made)
    except Auth0Rejected as error:
        needed = step.needed and not _is_dispensable(step.part, error)
        return Outcome(step=replace(step, needed=needed), problem=_with_fix(_problem(error), step.by_hand))
    except (Auth0Unavailable, Auth0CredentialsRefused):
        raise
    except (Auth0Error, PlanBlocked) as error:
        return Outcome(step=step, problem=f"{error.detail}.")
    except ParsingError:
        return Outcome(step=step, problem=_UNREADABLE)
    return Outcome(step=step)


def _problem(error: Auth0Rejected) -> str:
    """Return what a refusal means. Raises Auth0CredentialsRefused when it is the token that is refused."""
    if isinstance(error, Auth0ScopeMissing):
        return f"The token lacks the scope {' or '.join(error.scopes) or 'for it'}."
    if error.status_code == 401:
        raise Auth0CredentialsRefused(
            f"{error.detail}. Make a new token: Dashboard > Applications > APIs > Auth0 Management API > API Explorer"
        ) from error
    if error.status_code == 403:
        return f"The tenant's plan does not include it ({error.detail})."
    if error.status_code == 409:
        return f"The tenant has as many as its plan allows, or another one of that name ({error.detail})."
    return f"{error.detail}."


def _is_dispensable(part: Part, error: Auth0Rejected) -> bool:
    """Say whether the tenant's plan is what lacks, and logins work without: a stream is no part of a login."""
    by_plan = error.status_code in {403, 409} and not isinstance(error, Auth0ScopeMissing)
    return part is Part.STREAMS and by_plan


def cannot(part: Part, what: str, problem: str, by_hand: str = "", *, needed: bool = True) -> SetupStep:
    """Return a step that cannot be done: what is wrong, and what to do by hand."""
    detail = _with_fix(problem, by_hand)
    return SetupStep(part=part, what=what, kind=StepKind.CANNOT, detail=detail, needed=needed)


def keep(part: Part, what: str, detail: str = "As it should be.") -> SetupStep:
    """Return a step that leaves something as it is."""
    return SetupStep(part=part, what=what, kind=StepKind.KEEP, detail=detail)


def _with_fix(problem: str, by_hand: str) -> str:
    return f"{problem} By hand: {by_hand}" if by_hand else problem
