"""What the numbers of an import prove, and the sentence that says so."""

from __future__ import annotations

import pytest

from frontdesk.sync.importing.proof import Counts, Totals, Verdict, judge_counts

WELL = Counts(records=1000, written=990, unchanged=10)


def verdict(
    counts: Counts,
    before: int | None = 1000,
    after: int | None = 1000,
    *,
    living: int = 1000,
    shortfall: str | None = None,
    of_file: bool = False,
) -> Verdict:
    totals = Totals(before=before, after=after, rows=living, living_rows=living)
    return judge_counts(counts, totals, shortfall=shortfall, of_file=of_file)


def test_when_all_numbers_are_one_everybody_is_there() -> None:
    assert verdict(WELL) == Verdict(True, "1,000 of 1,000 users are in Hasura")


def test_rejects_and_filtered_are_accounted_for_and_named() -> None:
    counts = Counts(records=1000, written=980, rejected=4, unidentified=1, filtered=15)

    assert verdict(counts, living=980) == Verdict(
        True,
        "980 of 1,000 users are in Hasura; 5 set aside as rejects; 15 left out by the filter",
    )


@pytest.mark.parametrize(("before", "after"), [(995, 1003), (1003, 995)])
def test_a_tenant_that_moved_meanwhile_is_told_and_is_no_fault(before: int, after: int) -> None:
    found = verdict(WELL, before, after)

    assert found.proven
    assert found.sentence.startswith("1,000 of 1,000 users are in Hasura; the tenant moved during the import")


def test_fewer_than_the_tenant_counts_is_no_proof() -> None:
    found = verdict(WELL, 1002, 1005)

    assert not found.proven
    assert "1,000 of 1,002 users were read: 2 that the tenant counts did not come" in found.sentence


def test_a_search_that_is_behind_counts_fewer_and_is_told() -> None:
    found = verdict(WELL, 998, 998)

    assert found.proven
    assert found.sentence.endswith("the tenant's search, which may be some seconds behind, counts 998")


def test_a_reading_that_ended_early_is_no_proof_whatever_the_numbers_are() -> None:
    found = verdict(WELL, shortfall="the job gave no end")

    assert not found.proven
    assert found.sentence.startswith("not everybody was read: the job gave no end")


def test_rows_that_went_again_are_no_proof() -> None:
    found = verdict(WELL, living=999)

    assert not found.proven
    assert "999 rows of the tenant, fewer than the 1,000" in found.sentence


def test_rows_that_stay_deleted_are_no_missing_rows() -> None:
    counts = Counts(records=1000, written=1000, gone=2)

    assert verdict(counts, living=998).proven


def test_of_a_file_nobody_knows_more_than_the_file() -> None:
    found = verdict(WELL, None, None, of_file=True)

    assert found == Verdict(True, "1,000 of 1,000 users of the file are in Hasura")
