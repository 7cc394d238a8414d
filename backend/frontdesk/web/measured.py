"""How long a hook takes, by way in and by what became of the call: one histogram for all of them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from werkzeug.exceptions import RequestEntityTooLarge

from frontdesk.errors import (
    BodyTooLarge,
    FrontdeskError,
    HasuraRejected,
    HookRefused,
    PayloadInvalid,
    QueueFull,
)
from frontdesk.web.body_room import BusyReading
from frontdesk.web.metrics import Metrics

_OF_ERRORS: Mapping[type[FrontdeskError], str] = {
    HookRefused: "refused",
    PayloadInvalid: "invalid",
    BodyTooLarge: "too_large",
    QueueFull: "full",
    BusyReading: "busy",
    HasuraRejected: "rejected",
}


@dataclass
class Outcome:
    """What became of a call; whoever answers it says so."""

    name: str = "failed"


@contextmanager
def measured(way: str, metrics: Metrics) -> Iterator[Outcome]:
    """Count the call and its time. An error that leaves the block is the outcome of its kind, whatever was said."""
    outcome, started = Outcome(), time.perf_counter()
    try:
        yield outcome
    except FrontdeskError as error:
        outcome.name = _OF_ERRORS.get(type(error), "unavailable" if error.retryable else "failed")
        raise
    except RequestEntityTooLarge:  # the framework's own, before anything is read
        outcome.name = _OF_ERRORS[BodyTooLarge]
        raise
    finally:
        metrics.hook_answered(way, outcome.name, time.perf_counter() - started)
