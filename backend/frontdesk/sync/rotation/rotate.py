"""The rotation of one secret, in steps between which every call is accepted.

The new value is written before the old one, and both are valid; Auth0 gets the new one when every replica accepts it;
the old one goes when nobody shows it any more. The state is what the file holds: of several values the first is the
new one. So a rotation that was ended at any point goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from frontdesk.errors import FrontdeskError
from frontdesk.settings_secrets import SecretPlace
from frontdesk.sync.rotation.holding import alone_with, write_values
from frontdesk.sync.rotation.replicas import SETTLED_S, Ask, Verdict, wait_for

FIRST_LOOK_S = 5.0  # a replica that is well accepts the secret that it has at once


class RotationUnderWay(FrontdeskError):
    """There are several values already: a rotation was begun, or somebody keeps an old one."""

    type = "urn:frontdesk:problem:rotation-under-way"
    status = 409


class RotationBlocked(FrontdeskError):
    """Nothing was changed: the rotation could not be brought to its end."""

    type = "urn:frontdesk:problem:rotation-blocked"
    status = 409


class RotationStopped(FrontdeskError):
    """The rotation stopped half-way; every call is accepted as before."""

    type = "urn:frontdesk:problem:rotation-stopped"
    retryable = True


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long replicas may take to follow (a mounted secret takes Kubernetes a minute or two), in seconds.

    `settle_s` is what calls that are under way with the old value get before it goes.
    """

    wait_s: float = 180.0
    settle_s: float = 10.0


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A secret that can be rotated.

    `values` reads them anew, the newest first. `prepare` says what handing the new value over will do, and raises what
    stands in its way; `hand_over` does it, and returns what was done. Without it a person hands it over.
    """

    title: str
    command: str
    place: SecretPlace
    replicas: tuple[str, ...]
    values: Callable[[], tuple[str, ...]]
    new: Callable[[], str]
    ask: Ask = field(repr=False)
    prepare: Callable[[], tuple[str, ...]] = field(default=lambda: (), repr=False)
    hand_over: Callable[[str], tuple[str, ...]] | None = field(default=None, repr=False)


Report = Callable[[str], None]


def begin(subject: Subject, limits: Limits, report: Report, *, keep_old: bool = False) -> bool:
    """Rotate; tell whether it came to its end, which it does not with `keep_old` or when a person hands over.

    Raises RotationUnderWay, RotationBlocked and errors of Auth0 before anything is changed, RotationStopped after.
    """
    with alone_with(subject.place):
        old = subject.values()
        if len(old) > 1:
            raise RotationUnderWay(
                f"{subject.place.path} holds {len(old)} values of {subject.place.variable}: a rotation was begun, or "
                f"somebody keeps an old one. `{subject.command} --continue` takes the first as the new one, and drops "
                f"the others when nothing shows them any more"
            )
        _check(subject, old[0])
        values = (subject.new(), *old)
        write_values(subject.place, values)
        report(f"Wrote the new value before the old one, into {subject.place.path}.")
        return _stopped_with_words(
            subject,
            lambda: _go_on(subject, values, limits, report, keep_old=keep_old or subject.hand_over is None),
        )


def go_on(subject: Subject, limits: Limits, report: Report, *, keep_old: bool = False) -> bool:
    """Finish what was begun; tell whether it came to its end. Raises as `begin` does."""
    with alone_with(subject.place):
        values = subject.values()
        if len(values) == 1:
            _wait(subject, Verdict.ACCEPTED, values[0], limits)
            report(f"No rotation is under way: there is one value, and {_all(subject)} it.")
            return True
        subject.prepare()
        return _stopped_with_words(
            subject, lambda: _go_on(subject, values, limits, report, keep_old=keep_old)
        )


def plan(subject: Subject, *, continues: bool, keep_old: bool) -> tuple[str, ...]:
    """Return what would be done, in sentences. Changes nothing. Raises what stands in its way."""
    count = len(subject.values())
    if continues and count == 1:
        return (f"No rotation of {subject.title} is under way.",)
    if not continues and count > 1:
        return (f"There are {count} values: a rotation was begun, and --continue would finish it.",)
    asked = f"Ask {', '.join(subject.replicas)} until every one accepts the new value."
    steps = [] if continues else [f"Write a new value before the old one, into {subject.place.path}."]
    steps += [asked, *subject.prepare()]
    if keep_old or (subject.hand_over is None and not continues):
        return (*steps, "Keep the old value.")
    return (*steps, "Drop the old value, and ask until every replica refuses it.")


def _check(subject: Subject, known: str) -> None:
    try:
        wait_for(Verdict.ACCEPTED, subject.replicas, known, subject.ask, limit_s=FIRST_LOOK_S, settled_s=0)
    except FrontdeskError as error:
        raise RotationBlocked(
            f"nothing was changed, because the value that is in force is not accepted everywhere: {error.detail}. "
            f"Check [server] replicas and [action] url, and that every replica reads {subject.place.path}"
        ) from error
    subject.prepare()


def _go_on(
    subject: Subject, values: Sequence[str], limits: Limits, report: Report, *, keep_old: bool
) -> bool:
    new, *old = values
    _wait(subject, Verdict.ACCEPTED, new, limits)
    report(f"{_all(subject).capitalize()} the new value.")
    for sentence in subject.hand_over(new) if subject.hand_over else ():
        report(sentence)
    if keep_old:
        report(f"Kept the old value. `{subject.command} --continue` drops it.")
        return False
    time.sleep(limits.settle_s)
    _wait(subject, Verdict.ACCEPTED, new, limits, settled_s=0)
    if subject.values() != tuple(values):
        raise RotationStopped(f"somebody changed {subject.place.path} meanwhile")
    write_values(subject.place, (new,))
    report(f"Dropped the old value from {subject.place.path}.")
    for value in old:
        _wait(subject, Verdict.REFUSED, value, limits)
    _wait(subject, Verdict.ACCEPTED, new, limits, settled_s=0)  # who refuses the old one has read the new one
    report(f"{_all(subject).capitalize()} the new value alone.")
    return True


def _wait(
    subject: Subject, verdict: Verdict, value: str, limits: Limits, *, settled_s: float = SETTLED_S
) -> None:
    wait_for(
        verdict, subject.replicas, value, subject.ask, limit_s=limits.wait_s + settled_s, settled_s=settled_s
    )


def _stopped_with_words(subject: Subject, act: Callable[[], bool]) -> bool:
    try:
        return act()
    except FrontdeskError as error:
        raise RotationStopped(
            f"{subject.title}: {error.detail.rstrip('.')}. What the file holds stays valid; mend that, and "
            f"`{subject.command} --continue` goes on"
        ) from error


def _all(subject: Subject) -> str:
    count = len(subject.replicas)
    return "the replica accepts" if count == 1 else f"all {count} replicas accept"
