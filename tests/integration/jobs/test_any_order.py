"""Whatever order a user's history arrives in, by every way in, and however often: the rows end the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.builders import a_hook_body
from tests.integration.jobs.queue_house import QueueHouse
from tests.integration.jobs.working import Work, a_log_record, working

ANN, BEA = "auth0|ann", "google-oauth2|bea"
BIRTHS = (0, 20)  # in minutes: the same id comes back after its deletion
# Five in the suite; `pytest tests/integration/jobs --hypothesis-profile many` tries more.
FEW = settings(
    max_examples=settings().max_examples // 20,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@dataclass(frozen=True)
class Arrival:
    """What is delivered: by which way, what, and for a signed call when it was made."""

    way: str
    body: str
    minute: int
    call_id: str | None = None


def at(minute: int) -> datetime:
    return datetime(2026, 3, 2, 10, tzinfo=UTC) + timedelta(minutes=minute)


def text(minute: int) -> str:
    return at(minute).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def login(user_id: str, minute: int, born: int, name: str) -> Arrival:
    changes = {
        "user.user_id": user_id,
        "user.name": name,
        "user.created_at": text(born),
        "user.updated_at": text(minute),
        "authentication": {"methods": [{"name": "pwd", "timestamp": text(minute)}]},
    }
    body = json.dumps(a_hook_body(changes=changes))
    return Arrival("post-login", body, minute, f"msg_{user_id}_{minute}_{name}")


def event(
    user_id: str, minute: int, born: int, name: str, *, blocked: bool, linked: bool, kind: str
) -> Arrival:
    provider, _, own = user_id.partition("|")
    identities = [{"connection": "Users", "provider": provider, "user_id": own, "isSocial": False}]
    if linked and user_id == ANN:
        identities.append(
            {"connection": "google", "provider": "google-oauth2", "user_id": "bea", "isSocial": True}
        )
    told = {
        "user_id": user_id,
        "name": name,
        "created_at": text(born),
        "updated_at": text(minute),
        "blocked": blocked,
        "identities": identities,
    }
    told_id = f"evt_{user_id}_{minute}_{name}_{blocked}_{linked}_{kind}"
    body = {"specversion": "1.0", "type": kind, "id": told_id, "time": text(minute), "data": {"object": told}}
    return Arrival("event-stream", json.dumps(body), minute)


def deletion(user_id: str, minute: int) -> Arrival:
    number = minute * 10 + (user_id == BEA)
    return Arrival(
        "log-stream", json.dumps([a_log_record(number, "sdu", date=text(minute), user_id=user_id)]), minute
    )


def life(user_id: str, born: int) -> st.SearchStrategy[Arrival]:
    """Return what may be told of one incarnation, which ends by its deletion at most."""
    minutes, names = st.integers(born + 1, born + 8), st.sampled_from(["ann", "bea"])
    return st.one_of(
        st.builds(login, st.just(user_id), minutes, st.just(born), names),
        st.builds(
            event,
            st.just(user_id),
            minutes,
            st.just(born),
            names,
            blocked=st.booleans(),
            linked=st.booleans(),
            kind=st.sampled_from(["user.created", "user.updated"]),
        ),
        st.builds(deletion, st.just(user_id), st.just(born + 9)),
    )


@st.composite
def two_arrivals(draw: st.DrawFn) -> tuple[list[Arrival], list[Arrival]]:
    """Return a history, and the same in another order with some of it delivered again."""
    lives = st.one_of(*(life(user_id, born) for user_id in (ANN, BEA) for born in BIRTHS))
    history = draw(st.lists(lives, min_size=2, max_size=8))
    again = draw(st.lists(st.sampled_from(history), max_size=3))
    return history, draw(st.permutations(history + again))


@pytest.fixture
def work(house: QueueHouse) -> Iterator[Work]:
    with working(house) as work:
        yield work


def what_is_there(work: Work, arrivals: Sequence[Arrival]) -> dict[str, Any]:
    """Bring deliveries to empty tables, in this order and in several steps, and return what stands there then."""
    rows, tenant = work.house.inner.rows, work.house.tenant
    for table in ("users", "auth_activities", "user_merges", "roles"):
        rows.execute(f"DELETE FROM public.{table} WHERE tenant = %s".encode(), (tenant,))
    for number, arrival in enumerate(arrivals):
        work.deliver(
            arrival.body.encode(),
            way=arrival.way,
            called_at=at(arrival.minute) if arrival.call_id else None,
            call_id=arrival.call_id,
        )
        if number % 3 == 2:
            work.off()
    work.off()
    found: dict[str, Any] = {}
    for table, without in (
        ("users", {"write_id", "synced_at"}),
        ("auth_activities", {"received_at"}),
        ("user_roles", set()),
        ("user_merges", set()),
    ):
        there = rows.execute(f"SELECT * FROM public.{table} WHERE tenant = %s".encode(), (tenant,)).fetchall()
        kept = [{name: value for name, value in row.items() if name not in without} for row in there]
        found[table] = sorted(kept, key=repr)
    assert work.rejects() == []
    return found


@FEW
@given(two_arrivals())
def test_any_order_and_any_repetition_ends_in_the_same_rows(
    work: Work, arrivals: tuple[list[Arrival], list[Arrival]]
) -> None:
    first, second = arrivals

    assert what_is_there(work, first) == what_is_there(work, second)
