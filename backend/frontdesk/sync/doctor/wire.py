"""One bounded HTTP exchange, and what its Date header says of the other side's clock."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from frontdesk.errors import FrontdeskError
from frontdesk.hasura.transport import Deadline, new_session

EXCHANGE_BUDGET_S = 3.5  # less than a question may take, so that the reason is told and not only the time


class NoAnswer(FrontdeskError):
    """The other side gave no answer."""

    type = "urn:frontdesk:problem:no-answer"
    status = 502
    retryable = True


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An HTTP answer, and the moments (UNIX time, our clock) between which it was made."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    sent_at: float
    received_at: float

    def json(self) -> Mapping[str, Any]:
        """Return the body if it is a JSON object, else an empty one."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    def ahead_s(self) -> float | None:
        """Return how many seconds the other clock is ahead of ours at least; 0 while it may be right."""
        try:
            date = parsedate_to_datetime(self.headers.get("Date", "")).timestamp()
        except (ValueError, TypeError):
            return None
        # The header has whole seconds, rounded down.
        if date > self.received_at:
            return date - self.received_at
        return min(0.0, date + 1 - self.sent_at)


def exchange(
    method: str,
    url: str,
    *,
    budget_s: float = EXCHANGE_BUDGET_S,
    clock: Callable[[], float] = time.time,
    **more: Any,
) -> Answer:
    """Return the answer, whatever its status; no redirect is followed. Raises NoAnswer with the reason."""
    sent_at = clock()
    try:
        with new_session() as session:
            response = session.request(
                method,
                url,
                timeout=Deadline.after(budget_s),  # type: ignore[arg-type]  # our adapter takes a deadline
                allow_redirects=False,
                **more,
            )
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise NoAnswer(f"{url} gives no answer: {_reason(error, url)}") from None
    return Answer(
        status=response.status_code,
        headers=response.headers,
        body=response.content,
        sent_at=sent_at,
        received_at=clock(),
    )


def _reason(error: BaseException, url: str) -> str:
    causes = list(_causes(error))
    host = urlsplit(url).hostname or url
    if any(isinstance(each, socket.gaierror | urllib3.exceptions.NameResolutionError) for each in causes):
        return f"the host {host} is not known"
    if any(isinstance(each, ssl.SSLError | requests.exceptions.SSLError) for each in causes):
        return f"its certificate is not one for {host} that is trusted here, or it does not speak https"
    if any(isinstance(each, ConnectionRefusedError) for each in causes):
        return "the connection is refused"
    if any(
        isinstance(each, TimeoutError | requests.Timeout | urllib3.exceptions.TimeoutError) for each in causes
    ):
        return "not in time"
    return "the connection broke"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Give an error, and every one inside it: by chain, by argument and by reason."""
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting:
        each = waiting.pop()
        if not isinstance(each, BaseException) or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
