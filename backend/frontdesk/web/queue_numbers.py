"""What `/metrics` says from frontdesk's own database, so that all replicas say the same: drift, queue, workers.

The database is asked once for all of it and within a second, so that its being away costs a scrape no more than that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack

import psycopg
import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from frontdesk.errors import StoreError
from frontdesk.store.database import Database, store_budget
from frontdesk.store.drift import newest_looks
from frontdesk.store.queue_look import DeliveryLook, JobLook, QueueLook, StreamLook, queue_look
from frontdesk.store.worker_numbers import Number, numbers_told
from frontdesk.store.workers import living_workers
from frontdesk.web.drift import Drift

BUDGET_S = 0.9

_log = structlog.stdlib.get_logger(__name__)

# What workers tell, by the name in their table: what it is in /metrics, what it says, and its labels.
TOLD: dict[str, tuple[type[Metric], str, tuple[str, ...]]] = {
    "ingested_records": (
        CounterMetricFamily,
        "Records that workers brought to Hasura, by what became of them.",
        ("tenant", "outcome"),
    ),
    "ingested_users": (CounterMetricFamily, "Rows of users that records changed.", ("tenant",)),
    "refreshes": (
        CounterMetricFamily,
        "Readings at Auth0 that records hinted at, by what became of them.",
        ("tenant", "kind", "outcome"),
    ),
    "caught_up_records": (
        CounterMetricFamily,
        "Records that were read from the tenant's log because the stream did not bring them.",
        ("tenant",),
    ),
    "redelivered_events": (
        CounterMetricFamily,
        "Events that Auth0 could not deliver and was asked to send again.",
        ("tenant",),
    ),
    "stream_gap": (
        GaugeMetricFamily,
        "1 while the log stream lacks records that the tenant's log has, as of the newest look.",
        ("tenant",),
    ),
    "auth0_rate_limit_remaining": (
        GaugeMetricFamily,
        "Calls that the Management API's rate limit had left at the newest answer, by group of endpoints.",
        ("tenant", "group"),
    ),
    "auth0_rate_limit_limit": (
        GaugeMetricFamily,
        "Calls that a bucket of the Management API's rate limit holds, by group of endpoints.",
        ("tenant", "group"),
    ),
}


class StoreNumbers:
    """Gives all numbers of the database in the text format; none while it is out of reach, or has no schema yet."""

    def __init__(self, url: str, tenants: Collection[str], resources: ExitStack) -> None:
        self._tenants = tenants
        self._database = resources.enter_context(Database(url, max_connections=1))

    def __call__(self) -> bytes:
        """Return what there is to say now."""
        try:
            with store_budget(BUDGET_S):
                collectors = self._collectors()
        except (StoreError, psycopg.Error) as error:
            reason = error.detail if isinstance(error, StoreError) else type(error).__name__
            _log.warning("metrics.store_unknown", reason=reason)
            return b""
        registry = CollectorRegistry()
        for each in collectors:
            registry.register(each)
        return generate_latest(registry)

    def _collectors(self) -> tuple[Collector, ...]:
        self._database.refuse_other_revision()
        with self._database.transaction() as connection:
            queue = queue_look(connection)
        looks = (look for look in newest_looks(self._database) if look.tenant in self._tenants)
        told = numbers_told(self._database)
        return Drift(looks), _Queue(queue), _Workers(living_workers(self._database), told)


class _Queue(Collector):
    def __init__(self, look: QueueLook) -> None:
        self._look = look

    def collect(self) -> Iterator[Metric]:
        yield from _deliveries(self._look.deliveries)
        yield from _jobs(self._look.jobs)
        yield from _streams(self._look.streams)


def _deliveries(looks: Iterable[DeliveryLook]) -> Iterator[Metric]:
    labels = ("tenant", "way", "state")
    number = GaugeMetricFamily(
        "frontdesk_queue_deliveries",
        "Deliveries in the inbox, by way in and state; those in the state failed are dead letters.",
        labels=labels,
    )
    records = GaugeMetricFamily("frontdesk_queue_records", "Records in these deliveries.", labels=labels)
    size = GaugeMetricFamily("frontdesk_queue_bytes", "Size of these deliveries.", labels=labels)
    oldest = GaugeMetricFamily(
        "frontdesk_queue_oldest_seconds", "Age of the oldest of these deliveries.", labels=labels
    )
    for look in looks:
        values = [look.tenant, look.way, look.state]
        number.add_metric(values, look.number)
        records.add_metric(values, look.records)
        size.add_metric(values, look.size_bytes)
        oldest.add_metric(values, look.oldest_s)
    yield from (number, records, size, oldest)


def _jobs(looks: Iterable[JobLook]) -> Iterator[Metric]:
    number = GaugeMetricFamily(
        "frontdesk_jobs",
        "Jobs by task and state: todo, doing, or failed, which are dead letters.",
        labels=("task", "state"),
    )
    late = GaugeMetricFamily(
        "frontdesk_jobs_late_seconds",
        "Since when the first waiting job of a task could have been done.",
        labels=("task",),
    )
    for look in looks:
        number.add_metric([look.task, look.state], look.number)
        if look.state == "todo":
            late.add_metric([look.task], look.late_s)
    yield from (number, late)


def _streams(looks: Iterable[StreamLook]) -> Iterator[Metric]:
    received = GaugeMetricFamily(
        "frontdesk_stream_received_timestamp_seconds",
        "When a way in brought something last.",
        labels=("tenant", "way"),
    )
    newest = GaugeMetricFamily(
        "frontdesk_stream_record_timestamp_seconds",
        "Of when the newest record is that a way in brought.",
        labels=("tenant", "way"),
    )
    for look in looks:
        for family, at in ((received, look.received_at), (newest, look.record_at)):
            if at is not None:
                family.add_metric([look.tenant, look.way], at.timestamp())
    yield from (received, newest)


class _Workers(Collector):
    def __init__(self, alive: int, told: Iterable[Number]) -> None:
        self._alive, self._told = alive, tuple(told)

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "frontdesk_workers", "Workers that have given a sign of life lately.", value=self._alive
        )
        for name, (kind, text, labels) in TOLD.items():
            family = kind(f"frontdesk_{name}", text, labels=labels)  # type: ignore[call-arg]
            for number in self._told:
                if number.name == name and number.labels.keys() == set(labels):
                    values = [number.labels[label] for label in labels]
                    family.add_metric(values, number.value)  # type: ignore[attr-defined]
            yield family
