"""Reconcile: what it finds between a tenant and its rows, and that nothing is left after its repair."""

from __future__ import annotations

from tests.integration.reconcile.conftest import NewHouse
from tests.integration.reconcile.house import a_tenant, a_user, kinds


def test_a_tenant_without_rows_is_missing_and_is_there_after_the_repair(new_house: NewHouse) -> None:
    house = new_house(a_tenant([a_user(number) for number in range(7)]))

    looked = house.look()
    assert (looked.read, looked.rows, kinds(looked)) == (7, 0, {"missing": 7})
    assert looked.ids["missing"][0] == "auth0|0000"
    assert house.row("auth0|0000") is None

    repaired = house.repair()
    assert (repaired.repaired, repaired.left.total, repaired.refused) == (7, 0, None)
    assert house.there("auth0|0003")["app_metadata"] == {"seats": 3}

    again = house.look()
    assert (kinds(again), again.same, again.fields) == ({}, 7, {})
