"""What happens when a user has signed up or changed the password: an activity, and what is told of the profile."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

import structlog

from frontdesk.auth0.account_events import (
    AccountEventKind,
    activity_from_account_event,
    parse_account_event,
    user_from_account_event,
)
from frontdesk.auth0.signatures import SignedCall
from frontdesk.identity import Activity
from frontdesk.sync.checkin import CheckInRules, Writer, compare_tenant

_log = structlog.stdlib.get_logger(__name__)
MIN_BUDGET_S = 0.05


class Recorder(Writer, Protocol):
    """What writes activities, too. Raises as a Writer does."""

    def record(self, activity: Activity, *, budget_s: float) -> None:
        """Add `activity` unless it is there, within `budget_s`."""


@dataclass(frozen=True)
class Recorded:
    """What became of an event; `of_a_user` tells whether it said whose it is.

    Both stand in the database, unless it is `filtered`: then nothing of the event does.
    """

    of_a_user: bool
    filtered: bool = False


def record_account_event(
    call: SignedCall, kind: AccountEventKind, rules: CheckInRules, recorder: Recorder
) -> Recorded:
    """Write what a verified call tells of its user, then the activity.

    Raises PayloadInvalid for a body with wrong fields; HasuraUnavailable or HasuraRejected when not all was written.
    Done twice it changes nothing: the profile has its own time, and the activity the id of the call.
    """
    event = parse_account_event(call.body, kind)
    compare_tenant(event.tenant, rules)
    activity = activity_from_account_event(event, kind, call, tenant=rules.tenant)
    user = user_from_account_event(event, tenant=rules.tenant)
    started = time.monotonic()
    if user is not None:
        structlog.contextvars.bind_contextvars(user_id=user.user_id)
        if left_out := rules.filter.why_left_out(user):
            _log.info("account_event.filtered", reason=left_out)
            return Recorded(of_a_user=True, filtered=True)
        recorder.write(user, budget_s=rules.budget_s)
    left_s = rules.budget_s - (time.monotonic() - started)
    recorder.record(activity, budget_s=max(left_s, MIN_BUDGET_S))
    return Recorded(of_a_user=user is not None)
