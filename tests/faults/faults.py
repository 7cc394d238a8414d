"""The faults: what is done to a house under load, and undone again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.conftest import wait_for
from tests.faults.house import House
from tests.faults.ledger import Ledger
from tests.faults.wires import Flow, Wire

HELD_CALLS = 50  # answered or given up while a wire is cut or stalled; more than a second of load
FEWEST_HELD_CALLS = 5
LIMIT_S = 90.0  # on a machine that has much else to do
CHUNK_BYTES = 64 * 1024

Strike = Callable[[House, Ledger, random.Random], None]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`strike` makes the fault, waits while the load meets it, and takes it back."""

    name: str
    strike: Strike


def faults_of(house: House) -> list[Fault]:
    """Return what can be done to this house; without a disk of its own the queue's one cannot be filled."""
    return [
        Fault(name="kill -9 a web process", strike=_kill_web),
        Fault(name="kill -9 a job worker", strike=_kill_worker),
        Fault(name="kill -9 Hasura", strike=_kill_hasura),
        Fault(name="stop PostgreSQL at once", strike=_crash_postgres),
        Fault(name="cut frontdesk and PostgreSQL", strike=_cut(lambda house: house.store_wire)),
        Fault(name="cut frontdesk and Hasura", strike=_cut(lambda house: house.hasura_wire)),
        Fault(name="cut Hasura and PostgreSQL", strike=_cut(lambda house: house.rows_wire)),
        Fault(name="stall frontdesk and PostgreSQL", strike=_stall(lambda house: house.store_wire)),
        Fault(name="stall frontdesk and Hasura", strike=_stall(lambda house: house.hasura_wire)),
        Fault(name="stall Hasura and PostgreSQL", strike=_stall(lambda house: house.rows_wire)),
        Fault(name="lose the answers to Auth0", strike=_deafen),
        Fault(name="refuse the queue its space", strike=_use_up_quota),
        *([Fault(name="fill the queue's disk", strike=_fill_disk)] if house.disk is not None else []),
    ]


def _kill_web(house: House, _ledger: Ledger, rng: random.Random) -> None:
    house.kill_web_process(rng.randrange(2))


def _kill_worker(house: House, ledger: Ledger, rng: random.Random) -> None:
    worker = rng.choice(house.workers)
    worker.kill()
    ledger.wait_for_calls(rng.randrange(FEWEST_HELD_CALLS, HELD_CALLS), LIMIT_S)
    worker.start()


def _kill_hasura(house: House, ledger: Ledger, rng: random.Random) -> None:
    house.hasura.kill()
    ledger.wait_for_calls(rng.randrange(FEWEST_HELD_CALLS, HELD_CALLS), LIMIT_S)
    house.hasura.start()


def _crash_postgres(house: House, ledger: Ledger, rng: random.Random) -> None:
    house.crash_postgres()
    ledger.wait_for_calls(rng.randrange(FEWEST_HELD_CALLS, HELD_CALLS), LIMIT_S)
    house.postgres.start()


def _cut(wire_of: Callable[[House], Wire]) -> Strike:
    def strike(house: House, ledger: Ledger, rng: random.Random) -> None:
        with _flow(wire_of(house), Flow.CUT):
            ledger.wait_for_calls(rng.randrange(FEWEST_HELD_CALLS, HELD_CALLS), LIMIT_S)

    return strike


def _stall(wire_of: Callable[[House], Wire]) -> Strike:
    def strike(house: House, ledger: Ledger, rng: random.Random) -> None:
        with _flow(wire_of(house), Flow.STALLED):
            ledger.wait_for_calls(rng.randrange(HELD_CALLS // 2, HELD_CALLS), LIMIT_S)

    return strike


def _deafen(house: House, ledger: Ledger, rng: random.Random) -> None:
    with _flow(house.to_frontdesk, Flow.DEAF):
        ledger.wait_for_calls(rng.randrange(FEWEST_HELD_CALLS, HELD_CALLS), LIMIT_S)


def _use_up_quota(house: House, ledger: Ledger, rng: random.Random) -> None:
    refused = house.quota.refused
    house.quota.used_up = True
    try:
        wait_for(lambda: house.quota.refused > refused, LIMIT_S)
        ledger.wait_for_calls(rng.randrange(FEWEST_HELD_CALLS, HELD_CALLS), LIMIT_S)
    finally:
        house.quota.used_up = False


def _fill_disk(house: House, ledger: Ledger, rng: random.Random) -> None:
    assert house.disk is not None
    refused = house.postgres.log_file.read_bytes().count(b"No space left on device")
    with _ballast(house.disk):
        wait_for(
            lambda: house.postgres.log_file.read_bytes().count(b"No space left on device") > refused, LIMIT_S
        )
        ledger.wait_for_calls(rng.randrange(FEWEST_HELD_CALLS, HELD_CALLS), LIMIT_S)


@contextmanager
def _flow(wire: Wire, flow: Flow) -> Iterator[None]:
    wire.set(flow)
    try:
        yield
    finally:
        wire.set(Flow.OPEN)


@contextmanager
def _ballast(disk: Path) -> Iterator[None]:
    """Take all the room that is left on the disk."""
    ballast = disk / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file:
            # Written and not reserved at once, since PostgreSQL takes some of the room at the same time.
            with suppress(OSError):
                while file.write(bytes(CHUNK_BYTES)):
                    pass
            yield
    finally:
        ballast.unlink()
