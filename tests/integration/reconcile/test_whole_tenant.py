"""Reconcile against localauth0: a generated tenant with roles and organizations, changed through the Management API."""

from __future__ import annotations

from tests.integration.reconcile.conftest import NewHouse
from tests.integration.reconcile.house import kinds

from frontdesk.auth0.everyone import Way
from frontdesk.auth0.management import Credentials
from localauth0 import LocalAuth0
from localauth0.generator import CLIENT_ID, CLIENT_SECRET, generate_tenant

USERS = 40


def test_rows_follow_whatever_happens_to_a_tenant(new_house: NewHouse) -> None:
    house = new_house([])
    house.access = Credentials(client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
    with LocalAuth0(tenant=generate_tenant(users=USERS, roles=4, organizations=2, seed=5)) as tenant:
        house.auth0_url = tenant.url
        brought = house.repair()
        assert (brought.found.missing, brought.left.total, brought.rejected) == (USERS, 0, 0)
        assert kinds(house.look()) == {}

        with house.place() as place:
            assert place.api is not None
            users = place.api.sdk.users
            first, second, third = (str(user.user_id) for user in users.list(per_page=3).items or ())
            users.delete(first)
            users.update(second, blocked=True)
            users.update(third, user_metadata={"colour": "green"})
        house.rows.execute("DELETE FROM users WHERE tenant = %s AND user_id = %s", (house.tenant, third))

        found = kinds(house.look(way=Way.JOB))
        assert {name: found[name] for name in ("extra", "different", "missing")} == {
            "extra": 1,
            "different": 1,
            "missing": 1,
        }
        assert house.repair().left.total == 0
        assert kinds(house.look()) == {}
        assert house.there(first)["deleted_at"] is not None
        assert house.there(second)["blocked"] is True
        assert house.there(third)["user_metadata"]["colour"] == "green"
