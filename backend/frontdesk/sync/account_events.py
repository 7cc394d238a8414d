"""What happens when a user has signed up or changed the password: an activity, and what is told of the profile."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum

import structlog

from frontdesk.auth0.account_events import (
    AccountEventKind,
    activity_from_account_event,
    parse_account_event,
    user_from_account_event,
)
from frontdesk.auth0.signatures import SignedCall
from frontdesk.identity import Activity, JsonObject, User
from frontdesk.sync.checkin import CheckInRules, compare_tenant
from frontdesk.sync.keeping import Keeper, written_or_kept
from frontdesk.sync.writing import Recorder

_log = structlog.stdlib.get_logger(__name__)
MIN_BUDGET_S = 0.05


class RecordOutcome(StrEnum):
    """What became of an event: both it and its user, or nothing of either."""

    WRITTEN = "written"
    QUEUED = "queued"
    FILTERED = "filtered"


@dataclass(frozen=True)
class Recorded:
    """What became of an event; `of_a_user` tells whether it said whose it is."""

    of_a_user: bool
    outcome: RecordOutcome = RecordOutcome.WRITTEN

    def as_json(self) -> JsonObject:
        """Return the body of the answer."""
        return {
            "synced": self.outcome is RecordOutcome.WRITTEN,
            "queued": self.outcome is RecordOutcome.QUEUED,
        }


def record_account_event(
    call: SignedCall,
    kind: AccountEventKind,
    rules: CheckInRules,
    recorder: Recorder,
    keeper: Keeper | None = None,
) -> Recorded:
    """Write what a verified call tells of its user, then the activity, or have the call kept.

    Raises PayloadInvalid for a body with wrong fields; HasuraUnavailable or HasuraRejected when it was neither written
    nor kept. Done twice it changes nothing: the profile has its own time, and the activity the id of the call.
    """
    event = parse_account_event(call.body, kind)
    compare_tenant(event.tenant, rules)
    activity = activity_from_account_event(event, kind, call, tenant=rules.tenant)
    user = user_from_account_event(event, tenant=rules.tenant)
    if user is not None:
        structlog.contextvars.bind_contextvars(user_id=user.user_id)
        if left_out := rules.filter.why_left_out(user):
            _log.info("account_event.filtered", reason=left_out)
            return Recorded(of_a_user=True, outcome=RecordOutcome.FILTERED)
    outcome = written_or_kept(
        lambda budget_s: _record(user, activity, recorder, budget_s),
        call,
        way=kind.trigger,
        tenant=rules.tenant,
        budget_s=rules.budget_s,
        keeper=keeper,
    )
    return Recorded(of_a_user=user is not None, outcome=outcome or RecordOutcome.QUEUED)


def _record(user: User | None, activity: Activity, recorder: Recorder, budget_s: float) -> RecordOutcome:
    started = time.monotonic()
    if user is not None:
        recorder.write(user, budget_s=budget_s)
    left_s = budget_s - (time.monotonic() - started)
    recorder.record(activity, budget_s=max(left_s, MIN_BUDGET_S))
    return RecordOutcome.WRITTEN
