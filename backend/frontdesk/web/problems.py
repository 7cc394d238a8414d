"""The one place where an error becomes an answer: RFC 9457 problem documents."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, g, json, request
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge

from frontdesk.errors import (
    BodyTooLarge,
    FrontdeskError,
    HookRefused,
    OperatorRefused,
    PayloadInvalid,
    QueueFull,
    SessionRefused,
)
from frontdesk.web.malformed import CONTENT_TYPE, is_malformed
from frontdesk.web.operators import is_guarded

RETRY_AFTER_S = 5  # of what is out of reach or full, neither of which passes in a moment
_log = structlog.stdlib.get_logger(__name__)


def register_problems(app: Flask) -> None:
    """Let every error of `app`, its own and the framework's, answer with a problem document."""
    app.register_error_handler(Exception, _answer)


def _answer(error: Exception) -> Response:
    if isinstance(error, RequestEntityTooLarge):
        error = BodyTooLarge()
    if is_malformed(error):
        error = BadRequest()  # a chunked body that is none
    if isinstance(error, FrontdeskError):
        _log_error(error)
        response = _problem(error.status, error.type, _outward(error), errors=_errors(error))
        if isinstance(error, OperatorRefused):
            response.headers["WWW-Authenticate"] = "Bearer"
        if error.status == HTTPStatus.SERVICE_UNAVAILABLE:
            response.headers["Retry-After"] = str(RETRY_AFTER_S)
        return response
    if isinstance(error, HTTPException):
        return _framework_problem(error)
    _log.error("request.failed", exc_info=error)
    return _problem(500, "about:blank", "Something went wrong inside frontdesk.")


def _log_error(error: FrontdeskError) -> None:
    kind = error.type.rpartition(":")[2]
    if isinstance(error, HookRefused):
        _log.warning("hook.refused", reason=error.reason)
    elif isinstance(error, SessionRefused):
        _log.info("auth_hook.refused", reason=error.reason)
    elif isinstance(error, PayloadInvalid):
        _log.warning("request.invalid", fields=[fault.place for fault in error.faults])
    elif isinstance(error, QueueFull):
        _log.warning("request.put_off", reason=error.detail)  # as it should be: it is sent again
    elif error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("request.failed", problem=kind, reason=error.detail)
    else:
        _log.warning("request.refused", problem=kind)


def _outward(error: FrontdeskError) -> str:
    """Return what a stranger may learn; the rest of a failure of ours is for the log, and for operators."""
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not is_guarded(request.path):
        return type(error).sentence()
    return error.detail


def _errors(error: FrontdeskError) -> list[dict[str, str]] | None:
    if not isinstance(error, PayloadInvalid):
        return None
    return [{"field": fault.field, "expected": fault.expected} for fault in error.faults]


def _framework_problem(error: HTTPException) -> Response:
    response = _problem(error.code or 500, "about:blank", error.description)
    allow = error.get_response().headers.get("Allow")
    if allow is not None:
        response.headers["Allow"] = allow
    return response


def _problem(
    status: int, type_: str, detail: str | None, *, errors: list[dict[str, str]] | None = None
) -> Response:
    document: dict[str, Any] = {
        "type": type_,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": g.get("request_id"),
    }
    if errors is not None:
        document["errors"] = errors
    return Response(json.dumps(document), status=status, content_type=CONTENT_TYPE)
