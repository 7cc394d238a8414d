"""The rotation of a secret while logins go on. See docs/how-to/rotate-secrets.md."""

from frontdesk.sync.rotation.holding import why_not_written
from frontdesk.sync.rotation.rotate import Limits, Subject, begin, go_on, plan
from frontdesk.sync.rotation.subjects import Desk, Kind, place_of_kind, steps_by_hand, subject_of

__all__ = [
    "Desk",
    "Kind",
    "Limits",
    "Subject",
    "begin",
    "go_on",
    "place_of_kind",
    "plan",
    "steps_by_hand",
    "subject_of",
    "why_not_written",
]
