"""Requests that are no HTTP, and what they are answered: gunicorn finds them, before the application or in a body."""

from __future__ import annotations

import json
from http import HTTPStatus

from gunicorn.http.errors import (  # type: ignore[import-untyped]
    ConfigurationProblem,
    ExpectationFailed,
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)

CONTENT_TYPE = "application/problem+json"
_STATUS = {
    LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
}
# The texts of gunicorn repeat what they were given: a path, a header.
_DETAIL = "The request is not HTTP as this server reads it."


def is_malformed(error: BaseException) -> bool:
    """Say whether `error` is the caller's: what was sent is no HTTP, or more of it than is read."""
    # gunicorn derives faults of the application and of its settings from the same class.
    ours = (ConfigurationProblem, InvalidResponseHeader, InvalidResponseHeaderName)
    return isinstance(error, ParseException) and not isinstance(error, ours)


def malformed_status(error: BaseException) -> HTTPStatus:
    """Return the status that such a request is answered with."""
    return next(
        (status for kind, status in _STATUS.items() if isinstance(error, kind)), HTTPStatus.BAD_REQUEST
    )


def answer_without_application(status: HTTPStatus, request_id: str) -> bytes:
    """Return a whole answer, a problem document, for a request that never reaches the application."""
    ours = status == HTTPStatus.INTERNAL_SERVER_ERROR
    document = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": "Something went wrong inside frontdesk." if ours else _DETAIL,
        "request_id": request_id,
    }
    body = json.dumps(document).encode()
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Connection: close",
        f"Content-Type: {CONTENT_TYPE}",
        f"Content-Length: {len(body)}",
        f"X-Request-ID: {request_id}",
        "Cache-Control: no-store",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body
