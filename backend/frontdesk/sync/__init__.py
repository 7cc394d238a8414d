"""The use cases: check-in at login. It uses auth0, hasura and identity."""

from frontdesk.sync.checkin import CheckedIn, CheckInRules, IdTokenRules, WriteOutcome, Writer, check_in

__all__ = ["CheckInRules", "CheckedIn", "IdTokenRules", "WriteOutcome", "Writer", "check_in"]
