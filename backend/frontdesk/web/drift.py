"""What the newest reconcile of each tenant has left, for `/metrics`: from the store, so all replicas say the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from frontdesk.errors import StoreError
from frontdesk.store.database import Database
from frontdesk.store.drift import Look, newest_looks

_log = structlog.stdlib.get_logger(__name__)


def drift_exposition(url: str, tenants: Collection[str]) -> bytes:
    """Return the gauges in the text format; none while the database is out of reach, or has no schema yet."""
    try:
        with Database(url, max_connections=1) as database:
            database.refuse_other_revision()
            looks = newest_looks(database)
    except StoreError as error:
        _log.warning("metrics.drift_unknown", reason=error.detail)
        return b""
    registry = CollectorRegistry()
    registry.register(_Looks(look for look in looks if look.tenant in tenants))
    return generate_latest(registry)


class _Looks(Collector):
    def __init__(self, looks: Iterable[Look]) -> None:
        self._looks = tuple(looks)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        rows = GaugeMetricFamily(
            "frontdesk_drift_rows",
            "What the newest reconcile of a tenant has left, by kind.",
            labels=["tenant", "kind"],
        )
        times = GaugeMetricFamily(
            "frontdesk_drift_last_look_timestamp_seconds",
            "When the newest reconcile of a tenant ended.",
            labels=["tenant"],
        )
        for look in self._looks:
            times.add_metric([look.tenant], look.ended_at.timestamp())
            for kind, number in look.left.items():
                rows.add_metric([look.tenant, kind], number)
        yield rows
        yield times
