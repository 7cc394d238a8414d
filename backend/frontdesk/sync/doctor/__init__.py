"""The doctor: every link between Auth0, frontdesk and Hasura, each looked at on its own, all side by side.

`examine` asks every question about settings that could be read; `unreadable` says what is wrong with those that could
not. Nothing that it does changes anything, anywhere.
"""

from frontdesk.sync.doctor.checks import Check, Verdict
from frontdesk.sync.doctor.examination import TOTAL_BUDGET_S, Examination, examine, unreadable

__all__ = ["TOTAL_BUDGET_S", "Check", "Examination", "Verdict", "examine", "unreadable"]
