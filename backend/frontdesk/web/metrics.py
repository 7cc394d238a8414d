"""What frontdesk counts, and `/metrics` for operators.

Under gunicorn the processes share their numbers through files in PROMETHEUS_MULTIPROC_DIR, which `frontdesk serve`
sets before this module is loaded: the library decides at import how it stores a value.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
    values,
)

from frontdesk.sync import CheckedIn

# Around the budget of a login (1.2 s) and the goals for it (25 and 150 ms).
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 1.5, 2.5, 5.0)

_RECORDS = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 10_000)


class Metrics:
    """The numbers of one application; several applications in one process do not mix."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "frontdesk_http_requests_total",
            "Requests by rule and status.",
            ["rule", "status"],
            registry=self._registry,
        )
        self._request_seconds = Histogram(
            "frontdesk_http_request_seconds",
            "Time to answer, by rule.",
            ["rule"],
            registry=self._registry,
            buckets=_SECONDS,
        )
        self._check_ins = Counter(
            "frontdesk_checkins_total",
            "Logins by what became of the write and by the decision.",
            ["outcome", "decision"],
            registry=self._registry,
        )
        self._claims_left_out = Counter(
            "frontdesk_claims_left_out_total",
            "Claims that were too large for their token.",
            ["claim"],
            registry=self._registry,
        )
        self._account_events = Counter(
            "frontdesk_account_events_total",
            "Registrations and changes of passwords by what became of them.",
            ["trigger", "outcome"],
            registry=self._registry,
        )
        self._breaker_open = Gauge(
            "frontdesk_breaker_open",
            "1 while a process asks this only now and then, because it gave no answer.",
            ["of"],
            registry=self._registry,
            multiprocess_mode="livemax",
        )
        self._hooks = Histogram(
            "frontdesk_hook_seconds",
            "Time to answer a hook, by way in and outcome.",
            ["way", "outcome"],
            registry=self._registry,
            buckets=_SECONDS,
        )
        self._batches = Histogram(
            "frontdesk_stream_batch_records",
            "Records of a delivery that was taken, by way in.",
            ["way"],
            registry=self._registry,
            buckets=_RECORDS,
        )
        self._delivered_bytes = Counter(
            "frontdesk_stream_bytes_total",
            "Bytes of the deliveries that were taken, by way in.",
            ["way"],
            registry=self._registry,
        )
        self._sessions = Counter(
            "frontdesk_auth_hook_total",
            "Questions of Hasura's auth hook by what was answered.",
            ["outcome"],
            registry=self._registry,
        )

    def session_answered(self, outcome: str) -> None:
        """Count one answer of the auth hook."""
        self._sessions.labels(outcome).inc()

    def request_answered(self, rule: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self._requests.labels(rule, str(status)).inc()
        self._request_seconds.labels(rule).observe(seconds)

    def checked_in(self, answer: CheckedIn) -> None:
        """Count one answered login."""
        self._check_ins.labels(answer.outcome.value, "deny" if answer.denied else "allow").inc()
        for claim in answer.left_out:
            self._claims_left_out.labels(claim).inc()

    def check_in_failed(self, outcome: str) -> None:
        """Count one login that got no answer but an error."""
        self._check_ins.labels(outcome, "none").inc()

    def account_event(self, trigger: str, outcome: str) -> None:
        """Count one registration or change of a password."""
        self._account_events.labels(trigger, outcome).inc()

    def breaker(self, of: str, *, is_open: bool) -> None:
        """Note the state of a breaker."""
        self._breaker_open.labels(of).set(is_open)

    def hook_answered(self, way: str, outcome: str, seconds: float) -> None:
        """Count one answered call of a hook."""
        self._hooks.labels(way, outcome).observe(seconds)

    def delivered(self, way: str, records: int, size_bytes: int) -> None:
        """Note the size of a delivery that was taken; the sum of the histogram is the number of records."""
        self._batches.labels(way).observe(records)
        self._delivered_bytes.labels(way).inc(size_bytes)

    def exposition(self) -> bytes:
        """Return all numbers in the text format, those of every process when they are shared."""
        if not getattr(values.ValueClass, "_multiprocess", False):
            return generate_latest(self._registry)
        shared = CollectorRegistry()
        multiprocess.MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        return generate_latest(shared)


def metrics_blueprint(metrics: Metrics, drift: Callable[[], bytes] = bytes) -> Blueprint:
    """Return `/metrics`, which the guard of operators keeps. `drift` are further numbers in the same format."""
    blueprint = Blueprint("metrics", __name__)

    @blueprint.get("/metrics")
    def exposition() -> Response:
        return Response(metrics.exposition() + drift(), content_type=CONTENT_TYPE_LATEST)

    return blueprint
