"""The use cases: check-in at login; sign-ups and changes of passwords. It uses auth0, hasura, store and identity."""

from frontdesk.sync.account_events import record_account_event
from frontdesk.sync.checkin import CheckedIn, CheckInRules, IdTokenRules, WriteOutcome, check_in
from frontdesk.sync.writing import Recorder, Writer

__all__ = [
    "CheckInRules",
    "CheckedIn",
    "IdTokenRules",
    "Recorder",
    "WriteOutcome",
    "Writer",
    "check_in",
    "record_account_event",
]
