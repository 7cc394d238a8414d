"""One step of working the inbox off: what is taken at once, and what becomes of a delivery that cannot be brought.

A bad delivery stops nobody: it is set apart, and a job of its own tries it again. Hasura being away is no delivery's
fault, and neither is Hasura refusing everything: then all of them stay where they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from frontdesk.errors import FrontdeskError, HasuraUnavailable, StoreError
from frontdesk.request_ids import working_for
from frontdesk.store.inbox import Delivery
from frontdesk.sync.ingest.ingest import Ingested, ingest
from frontdesk.sync.ingest.place import IngestPlace

# Of what is taken at once: so many records are a mutation or two, and the bodies are in memory several times.
RECORDS_AT_ONCE = 1000
BYTES_AT_ONCE = 8 * 1024 * 1024
# Of those that are brought one by one so many may get no answer, until it is Hasura that gives none.
SILENT_AT_ONCE = 3

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Settled:
    """One step: what came to Hasura, which deliveries were set apart, and why the others have to wait, if they do."""

    taken: int
    done: tuple[Ingested, ...] = ()
    apart: tuple[int, ...] = ()
    refused: FrontdeskError | None = None

    @property
    def is_full(self) -> bool:
        """Whether as much was taken as may be, so that more may wait."""
        return sum(each.records for each in self.done) >= RECORDS_AT_ONCE // 2


def settle(place: IngestPlace, *, careful: bool = False) -> Settled:
    """Take the oldest deliveries that wait and bring them to Hasura.

    `careful`, where there was no answer time and again: then one by one, since it may be one of them that gets none.
    Raises HasuraUnavailable and StoreUnavailable: then nothing is changed.
    """
    with place.inbox.take(place.tenant, records=RECORDS_AT_ONCE, size_bytes=BYTES_AT_ONCE) as deliveries:
        if not deliveries:
            return Settled(taken=0)
        with working_for([delivery.request_id for delivery in deliveries], level="info"):
            _log.info("ingest.started", tenant=place.tenant, deliveries=len(deliveries))
            try:
                return Settled(taken=len(deliveries), done=(ingest(place, deliveries),))
            except StoreError:
                raise
            except HasuraUnavailable as error:
                if not careful:
                    raise
                _log.warning("ingest.one_by_one", deliveries=len(deliveries), reason=error.detail)
                return _one_by_one(place, _newest_early(deliveries), careful=True)
            except Exception as error:  # noqa: BLE001 - found out one by one
                _log.warning("ingest.one_by_one", deliveries=len(deliveries), reason=type(error).__name__)
                return _one_by_one(place, deliveries)


def settle_one(place: IngestPlace, delivery_id: int, *, careful: bool = False) -> Ingested | None:
    """Bring one delivery to Hasura; None when it is there already, in other hands, or another tenant's.

    Raises whatever it fails for; then nothing is changed.
    """
    with place.inbox.take_one(delivery_id) as delivery:
        if delivery is None or delivery.tenant != place.tenant:
            return None
        with working_for([delivery.request_id]):
            _log.info("ingest.started", tenant=place.tenant, deliveries=1)
            return ingest(place, [delivery], careful=careful)


def _newest_early(deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
    """Return them in an order in which a few bad ones in front do not pass for an outage."""
    first = SILENT_AT_ONCE - 1
    return [*deliveries[:first], *deliveries[first:][-1:], *deliveries[first:-1]]


def _one_by_one(place: IngestPlace, deliveries: Sequence[Delivery], *, careful: bool = False) -> Settled:
    done: list[Ingested] = []
    bad: list[tuple[Delivery, Exception]] = []
    silent: list[tuple[Delivery, Exception]] = []
    for delivery in deliveries:
        with working_for([delivery.request_id]):
            try:
                done.append(ingest(place, [delivery], careful=careful))
            except StoreError:
                raise
            except HasuraUnavailable as error:
                silent.append((delivery, error))
                if not careful or (len(silent) >= SILENT_AT_ONCE and not done):
                    raise
                if len(silent) >= SILENT_AT_ONCE:
                    break
            except Exception as error:  # noqa: BLE001 - whatever it is, the others are to go on
                bad.append((delivery, error))
    if silent and not done:
        raise silent[0][1]
    return _with_bad_apart(place, deliveries, done, bad, silent)


def _with_bad_apart(
    place: IngestPlace,
    deliveries: Sequence[Delivery],
    done: Sequence[Ingested],
    bad: Sequence[tuple[Delivery, Exception]],
    silent: Sequence[tuple[Delivery, Exception]],
) -> Settled:
    refused = None
    if not done and all(isinstance(cause, FrontdeskError) for _, cause in bad):
        # Hasura takes nothing at all. It may be these deliveries nevertheless: so one goes out of the way each time.
        _, first = bad[0]
        refused = first if isinstance(first, FrontdeskError) else None
        bad = bad[:1]
    bad = [*bad, *silent]  # while others got an answer
    for delivery, cause in bad:
        fault: Exception | None = cause
        reason = f"an unexpected {type(cause).__name__}"
        if isinstance(cause, FrontdeskError):
            reason, fault = cause.detail, None  # it says all there is
        _log.error(
            "ingest.set_apart",
            delivery_id=delivery.id,
            way=delivery.way,
            reason=reason,
            exc_info=fault,
        )
        place.inbox.set_apart(delivery.id, reason)
    return Settled(
        taken=len(deliveries),
        done=tuple(done),
        apart=tuple(delivery.id for delivery, _ in bad),
        refused=refused,
    )
