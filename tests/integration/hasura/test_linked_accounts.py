"""Linked accounts: a linked id points to the user that it is part of, in whatever order that was told."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row
from tests.integration.hasura.histories import at, delete, full_profile, login, refresh, upsert
from tests.integration.hasura.test_order_independence import two_arrivals

from frontdesk.identity.user import Identity, Profile, Stamped, User

Database = psycopg.Connection[dict[str, Any]]
ANN, BEA, LINKED, OTHER = "auth0|ann", "auth0|bea", "google-oauth2|1", "samlp|corp|1"
on_rows = settings(
    max_examples=100,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def profile(
    minutes: float, *linked: str, user_id: str = ANN, born: float | None = 0, tenant: str = "default"
) -> User:
    """Return a profile as a bulk read has it: no proof of life, with identities beside the first."""
    identities = tuple(
        Identity(provider=provider, user_id=own, connection=provider)
        for provider, _, own in (each.partition("|") for each in (user_id, *linked))
    )
    told = replace(full_profile(minutes, born=born), user_id=user_id, tenant=tenant, alive=None)
    return replace(told, profile=Stamped(Profile(identities=identities, updated_at=at(minutes)), at(minutes)))


def pointers(database: Database) -> list[tuple[Any, ...]]:
    rows = database.execute(
        "select user_id, merged_into, merged_at from user_merges order by 1, 2"
    ).fetchall()
    return [tuple(row.values()) for row in rows]


def deleted_at(database: Database, user_id: str = LINKED) -> Any:
    row = database.execute("select deleted_at from users where user_id = %s", [user_id]).fetchone()
    assert row is not None
    return row["deleted_at"]


def grants(database: Database, user_id: str = ANN) -> list[tuple[Any, ...]]:
    rows = database.execute(
        "select role, source from user_roles where user_id = %s order by 1, 2", [user_id]
    ).fetchall()
    return [tuple(row.values()) for row in rows]


def grant(database: Database, role: str, user_id: str = LINKED) -> None:
    database.execute("insert into roles (name) values (%s) on conflict do nothing", [role])
    database.execute("insert into user_roles (user_id, role) values (%s, %s)", [user_id, role])


class TestPointers:
    def test_every_identity_but_the_first_points_to_the_user(self, database: Database) -> None:
        upsert(database, profile(3, LINKED, OTHER))

        assert pointers(database) == [(LINKED, ANN, at(3)), (OTHER, ANN, at(3))]

    def test_an_unlinked_id_points_nowhere(self, database: Database) -> None:
        upsert(database, profile(3, LINKED, OTHER), profile(4, OTHER))

        assert pointers(database) == [(OTHER, ANN, at(4))]

    def test_a_stale_profile_links_nothing(self, database: Database) -> None:
        upsert(database, profile(4), profile(3, LINKED))

        assert pointers(database) == []

    def test_two_tenants_do_not_share_an_id(self, database: Database) -> None:
        upsert(database, login(1, user_id=LINKED, tenant="other"), profile(3, LINKED))

        assert deleted_at(database) is None

    @pytest.mark.parametrize(
        "identities",
        [
            "[1, 2, null]",
            '[{}, {"provider": "x"}, {"user_id": "y"}]',
            '[{}, {"provider": "auth0", "user_id": "ann"}]',
        ],
    )
    def test_what_is_no_identity_points_nowhere(self, database: Database, identities: str) -> None:
        upsert(database, profile(1))

        database.execute(
            "update users set write_id = gen_random_uuid(), identities = %s,"
            " clocks = jsonb_set(clocks, '{profile,at}', '\"2027-01-01T00:00:00Z\"')",
            [identities],
        )

        assert pointers(database) == []

    def test_an_id_that_no_key_holds_fails_no_login(self, database: Database) -> None:
        upsert(database, profile(1, "x|" + "y" * 3000))

        assert pointers(database) == []

    def test_identities_by_hand_have_no_time_and_link_nothing(self, database: Database) -> None:
        database.execute(
            "insert into users (user_id, identities) values ('a', %s)",
            ['[{}, {"provider": "google-oauth2", "user_id": "1"}]'],
        )

        assert pointers(database) == []


class TestTheLinkedRow:
    def test_is_gone_as_from_the_profile_that_says_so(self, database: Database) -> None:
        upsert(database, login(1, user_id=LINKED), profile(3, LINKED))

        assert deleted_at(database) == at(3)

    def test_is_gone_when_it_comes_later_than_the_pointer(self, database: Database) -> None:
        upsert(database, profile(3, LINKED), refresh(2, user_id=LINKED))

        assert deleted_at(database) == at(3)

    def test_is_back_once_it_is_unlinked(self, database: Database) -> None:
        upsert(database, login(1, user_id=LINKED), profile(3, LINKED), profile(4))

        assert deleted_at(database) is None

    def test_is_back_with_a_proof_of_life_while_the_pointer_is_out_of_date(self, database: Database) -> None:
        upsert(database, profile(3, LINKED), login(5, user_id=LINKED))

        assert deleted_at(database) is None

    def test_is_back_with_a_newer_incarnation(self, database: Database) -> None:
        upsert(database, profile(3, LINKED), replace(refresh(6, born=5), user_id=LINKED))

        assert deleted_at(database) is None

    def test_stays_deleted_when_it_was_before(self, database: Database) -> None:
        upsert(database, profile(3, LINKED), replace(delete(2), user_id=LINKED), profile(4))

        assert deleted_at(database) == at(2)

    def test_keeps_its_columns(self, database: Database) -> None:
        upsert(database, login(1, user_id=LINKED, name="kept"), profile(3, LINKED))

        row = database.execute("select name from users where user_id = %s", [LINKED]).fetchone()
        assert row == {"name": "kept"}


class TestGrants:
    def test_what_people_granted_to_the_linked_id_counts_for_the_user(self, database: Database) -> None:
        upsert(database, login(1, user_id=LINKED, roles=["auth0s"]))
        grant(database, "support")

        upsert(database, profile(3, LINKED))

        assert grants(database) == [("support", "linked")]
        assert grants(database, LINKED) == [("auth0s", "auth0"), ("support", "hasura")]

    def test_a_grant_after_the_link_counts_too_and_goes_when_it_is_taken_back(
        self, database: Database
    ) -> None:
        upsert(database, login(1, user_id=LINKED), profile(3, LINKED))

        grant(database, "support")
        assert grants(database) == [("support", "linked")]

        database.execute("delete from user_roles where source = 'hasura'")
        assert grants(database) == []

    def test_goes_with_the_pointer_and_leaves_the_users_own(self, database: Database) -> None:
        upsert(database, login(1, user_id=LINKED), profile(3, LINKED))
        grant(database, "support")
        grant(database, "support", ANN)

        upsert(database, profile(4))

        assert grants(database) == [("support", "hasura")]

    def test_a_role_from_two_linked_ids_stays_while_one_of_them_does(self, database: Database) -> None:
        upsert(database, login(1, user_id=LINKED), login(1, user_id=OTHER), profile(3, LINKED, OTHER))
        grant(database, "support")
        grant(database, "support", OTHER)

        upsert(database, profile(4, OTHER))

        assert grants(database) == [("support", "linked")]


@pytest.mark.parametrize("gone", [ANN, LINKED])
def test_a_removed_row_takes_its_grants_and_pointers_along(database: Database, gone: str) -> None:
    upsert(database, login(1, user_id=LINKED, roles=()), profile(3, LINKED))
    grant(database, "support")

    database.execute("delete from user_merges where user_id = %s", [gone])
    database.execute("delete from users where user_id = %s", [gone])

    assert pointers(database) == []
    assert grants(database) == []
    assert grants(database, LINKED) == ([] if gone == LINKED else [("support", "hasura")])


def told(born: int, until: int) -> st.SearchStrategy[User]:
    """Return what is told while the user's incarnation of that time lives."""
    minutes, borns = st.integers(born, until), st.sampled_from([born, born, None])
    links = st.lists(st.sampled_from([LINKED, OTHER]), unique=True, max_size=2)
    return st.one_of(
        st.builds(lambda at, born, linked: profile(at, *linked, born=born), minutes, borns, links),
        st.builds(login, minutes, user_id=st.sampled_from([ANN, LINKED]), born=borns),
        st.builds(refresh, minutes, user_id=st.sampled_from([LINKED, OTHER]), born=borns),
    )


TOLD = st.one_of(
    told(0, 3),
    told(3, 6),
    st.builds(profile, st.integers(1, 6), st.sampled_from([LINKED, ANN]), user_id=st.just(BEA)),
    st.builds(profile, st.integers(1, 6), user_id=st.just(BEA)),
    st.builds(lambda minutes: replace(delete(minutes), user_id=LINKED), st.integers(1, 6)),
)


def outcome(database: Database, arrivals: Sequence[User]) -> list[Any]:
    database.execute("delete from users")
    upsert(database, *arrivals)
    rows = database.execute("select * from users order by user_id").fetchall()
    people = [{k: v for k, v in row.items() if k not in ("write_id", "synced_at")} for row in rows]
    return [people, pointers(database)]


@on_rows
@given(two_arrivals(TOLD))
@example(
    (
        [login(1, user_id=LINKED), profile(3, LINKED), profile(5)],
        [profile(5), profile(3, LINKED), login(1, user_id=LINKED)],
    )
)
@example(([profile(2, LINKED), profile(5, LINKED)], [profile(5, LINKED), profile(2, LINKED)]))
def test_links_and_unlinks_in_any_order(database: Database, arrivals: tuple[list[User], list[User]]) -> None:
    first, second = arrivals

    assert outcome(database, first) == outcome(database, second)


def test_writers_that_link_and_write_the_same_people_do_not_block_each_other(
    database: Database, migrated_url: str
) -> None:
    linked = [f"google-oauth2|{n}" for n in range(10)]

    def write(users: Sequence[User]) -> None:
        with psycopg.connect(migrated_url, autocommit=True, row_factory=dict_row) as own:
            upsert(own, *users)

    with ThreadPoolExecutor(4) as writers:
        for minutes in range(1, 6):
            told = [profile(minutes, *linked), profile(minutes, *linked[::-1], user_id=BEA)]
            theirs = [login(minutes, user_id=each) for each in linked]
            for future in [
                writers.submit(write, users) for users in (told, told[::-1], theirs, theirs[::-1])
            ]:
                future.result()

    assert len(pointers(database)) == 20
