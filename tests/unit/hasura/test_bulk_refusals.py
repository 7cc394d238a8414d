"""How rows that Hasura refuses together are told apart, and which rows may go together at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from frontdesk.errors import HasuraRejected, HasuraUnavailable
from frontdesk.hasura.bulk import MAX_BATCH_BYTES, MAX_ROWS, Halving, batches, results_of
from frontdesk.hasura.user_write import UserWrite


class Hasura:
    """Refuses every mutation that holds a bad row, and counts what it was asked."""

    def __init__(self, bad: dict[int, str], *, heals: bool = False) -> None:
        self._bad, self._heals = bad, heals
        self.asked: list[int] = []

    def send(self, rows: Sequence[int]) -> list[str]:
        self.asked.append(len(rows))
        for row in rows:
            if row in self._bad:
                code = self._bad[row]
                if self._heals and len(rows) == 1:
                    del self._bad[row]
                raise HasuraRejected("refused", code=code)
        return ["written"] * len(rows)

    def outcomes(self, count: int) -> list[str]:
        return Halving(self.send, lambda row, err: f"refused {row}").outcomes(list(range(count)))


def test_good_rows_go_as_one() -> None:
    hasura = Hasura({})

    assert hasura.outcomes(100) == ["written"] * 100
    assert hasura.asked == [100]


@pytest.mark.parametrize("bad", [[0], [99], [41], [0, 99], [40, 41], list(range(100))])
def test_bad_rows_fail_alone_and_outcomes_stay_in_order(bad: list[int]) -> None:
    hasura = Hasura(dict.fromkeys(bad, "constraint-violation"))

    assert hasura.outcomes(100) == [f"refused {n}" if n in bad else "written" for n in range(100)]


def test_one_bad_row_of_many_is_found_in_few_requests() -> None:
    hasura = Hasura({300: "data-exception"})

    hasura.outcomes(MAX_ROWS)

    assert len(hasura.asked) < 25


@pytest.mark.parametrize("code", ["access-denied", "invalid-headers", "invalid-jwt", "not-found"])
def test_a_refusal_of_the_request_is_raised_at_once(code: str) -> None:
    hasura = Hasura({7: code})

    with pytest.raises(HasuraRejected):
        hasura.outcomes(100)
    assert hasura.asked == [100]


def test_rows_that_are_all_ill_formed_are_no_fault_of_the_rows() -> None:
    hasura = Hasura(dict.fromkeys(range(100), "validation-failed"))

    with pytest.raises(HasuraRejected):
        hasura.outcomes(100)
    assert len(hasura.asked) < 20


def test_an_ill_formed_row_among_good_ones_fails_alone() -> None:
    hasura = Hasura({60: "validation-failed"})

    assert hasura.outcomes(100).count("written") == 99


def test_a_row_that_met_a_deadlock_is_sent_once_more() -> None:
    assert Hasura({3: "unexpected"}, heals=True).outcomes(4) == ["written"] * 4
    assert Hasura({3: "unexpected"}).outcomes(4) == ["written"] * 3 + ["refused 3"]


def a_write(
    user_id: str, *, tenant: str = "default", columns: tuple[str, ...] = ("name",), **values: Any
) -> UserWrite:
    return UserWrite(
        tenant=tenant,
        user_id=user_id,
        object={"userId": user_id, "writeId": user_id, **values},
        columns=columns,
    )


def together(*writes: UserWrite) -> list[list[str]]:
    return [[writes[position].user_id for position in batch] for batch in batches(writes)]


def test_rows_of_one_batch_have_one_tenant_one_set_of_columns_and_each_key_once() -> None:
    found = together(
        a_write("b"),
        a_write("a"),
        a_write("a"),
        a_write("c", columns=("email",)),
        a_write("d", tenant="other"),
    )

    assert sorted(found) == [["a"], ["a", "b"], ["c"], ["d"]]


def test_a_batch_ends_where_it_has_many_rows_or_many_bytes() -> None:
    assert [len(batch) for batch in together(*(a_write(f"{n:04}") for n in range(1100)))] == [500, 500, 100]

    large = {"text": "x" * (MAX_BATCH_BYTES // 3)}
    assert [len(batch) for batch in together(*(a_write(str(n), appMetadata=large) for n in range(5)))] == [
        2,
        2,
        1,
    ]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"insert_users": None},
        {"insert_users": {"returning": []}},
        {"insert_users": {"returning": [{"userId": "a"}]}},
    ],
    ids=str,
)
def test_an_answer_without_the_rows_is_no_answer(answer: Any) -> None:
    with pytest.raises(HasuraUnavailable):
        results_of(answer, [a_write("a")])
