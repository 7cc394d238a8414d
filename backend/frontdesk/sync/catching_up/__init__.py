"""Catching up with what a stream did not bring: gaps of the log are noticed and filled, failed events sent again.

Whatever is read goes into the inbox and from there the way of everything else, so that twice is once.
"""

from frontdesk.sync.catching_up.event_pull import pull_events
from frontdesk.sync.catching_up.fill import Turn, fill
from frontdesk.sync.catching_up.place import CatchUpPlace
from frontdesk.sync.catching_up.watch import Look, look_for_gap

__all__ = ["CatchUpPlace", "Look", "Turn", "fill", "look_for_gap", "pull_events"]
