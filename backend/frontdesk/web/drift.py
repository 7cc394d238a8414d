"""What the newest reconcile of each tenant has left, for `/metrics`: from the store, so all replicas say the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from frontdesk.store.drift import Look


class Drift(Collector):
    """The gauges of the newest looks."""

    def __init__(self, looks: Iterable[Look]) -> None:
        self._looks = tuple(looks)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give them."""
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
