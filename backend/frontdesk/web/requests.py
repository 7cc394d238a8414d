"""What belongs to every request: its id, its context in the logs, its access line."""

from __future__ import annotations

import re
import time
import uuid

import structlog
from flask import Flask, Response, g, request

from frontdesk.web.metrics import Metrics

_log = structlog.stdlib.get_logger(__name__)
REQUEST_ID_HEADER = "X-Request-ID"
# What callers may choose: enough for every common scheme, nothing that could forge a log line.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
MAX_LOGGED_PATH_CHARS = 200


def register_requests(app: Flask, metrics: Metrics) -> None:
    """Give every request of `app` an id, and log and count it when it is answered."""

    @app.before_request
    def _start() -> None:
        g.started = time.perf_counter()
        g.request_id = _request_id(request.headers.get(REQUEST_ID_HEADER, ""))
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def _finish(response: Response) -> Response:
        elapsed_s = time.perf_counter() - g.started
        response.headers[REQUEST_ID_HEADER] = g.request_id
        response.headers["Cache-Control"] = "no-store"
        _log.info(
            "http.request",
            method=request.method[:16],
            path=request.path[:MAX_LOGGED_PATH_CHARS],
            status=response.status_code,
            duration_ms=round(elapsed_s * 1000, 2),
        )
        # The rule, not the path: a stranger must not be able to make new time series.
        rule = request.url_rule.rule if request.url_rule else "unknown"
        metrics.request_answered(rule, response.status_code, elapsed_s)
        return response

    @app.teardown_request
    def _clear(_error: BaseException | None) -> None:
        structlog.contextvars.clear_contextvars()


def _request_id(given: str) -> str:
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
