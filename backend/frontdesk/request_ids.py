"""The one id of a piece of work: it stands in every log line of it, and goes to Hasura with every call.

A request gets it at the edge, a job from the delivery that it works on. It lives in structlog's context, as all that is
said of the work at hand.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import structlog

HEADER = "x-request-id"
_KEY = "request_id"
_log = structlog.stdlib.get_logger(__name__)


def current_request_id() -> str | None:
    """Return the id of the work at hand in this thread; None where nobody said."""
    found = structlog.contextvars.get_contextvars().get(_KEY)
    return found if isinstance(found, str) and found else None


@contextmanager
def working_for(
    request_ids: Sequence[str | None], *, level: Literal["debug", "info"] = "debug"
) -> Iterator[None]:
    """Let the block's log lines and calls carry the id of the requests that it is done for.

    Several share a new id, and one line names them all; it is logged at `level`.
    """
    known = list(dict.fromkeys(each for each in request_ids if each))
    own = known[0] if len(known) == 1 else uuid.uuid4().hex
    with structlog.contextvars.bound_contextvars(**{_KEY: own}):
        if len(known) > 1:
            getattr(_log, level)("requests.gathered", requests=known)
        yield
