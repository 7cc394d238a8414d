"""Who has which role and is in which organization, against a naive truth."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from localauth0.memberships import Members, Memberships
from localauth0.tenant import Member, Organization, Role

_SINCE = "2026-03-01T09:00:00.000Z"
_USERS = st.sampled_from([f"auth0|{n}" for n in range(8)])
_TIMES = st.sampled_from(["2026-01-01", "2026-01-02", "2026-01-03"])


@given(st.lists(st.tuples(st.booleans(), _USERS, _TIMES)), st.integers(1, 4))
def test_members_are_in_the_order_of_joining_whatever_came_and_went(
    changes: list[tuple[bool, str, str]], size: int
) -> None:
    members, truth = Members(), dict[str, str]()
    for joins, user_id, since in changes:
        if joins:
            members.add(user_id, since)
            truth.setdefault(user_id, since)
        else:
            members.discard(user_id)
            truth.pop(user_id, None)
    expected = sorted(truth, key=lambda user_id: (truth[user_id], user_id))

    walked: list[str] = []
    position, there_is_more = None, True
    while there_is_more:
        part, there_is_more = members.after(position, size)
        walked += [user_id for _, user_id in part]
        position = part[-1] if part else None

    assert walked == expected
    assert list(members) == expected
    assert members[1:3] == expected[1:3]
    assert len(members) == len(expected)


@given(st.lists(_USERS, unique=True, min_size=2), st.data())
def test_a_list_that_loses_members_meanwhile_repeats_nobody_and_loses_nobody_else(
    user_ids: list[str], data: st.DataObject
) -> None:
    members = Members()
    members.fill(user_ids, _SINCE)
    size = data.draw(st.integers(1, len(user_ids) - 1))
    first, _ = members.after(None, size)
    gone = set(data.draw(st.lists(st.sampled_from(user_ids))))
    for user_id in gone:
        members.discard(user_id)

    rest, there_is_more = members.after(first[-1], len(user_ids))

    assert [user_id for _, user_id in rest] == [one for one in sorted(user_ids)[size:] if one not in gone]
    assert not there_is_more


def memberships() -> Memberships:
    organization = Organization(id="org_1", name="one", members=[Member(user_id="auth0|1", roles=["Editor"])])
    roles = [Role(id="rol_1", name="Editor"), Role(id="rol_2", name="Owner")]
    granted = [("auth0|1", ["Editor", "Owner"]), ("auth0|2", ["Owner"]), ("auth0|3", [])]
    return Memberships(roles, [organization], lambda: granted, since=_SINCE, lock=threading.RLock())


def test_what_the_tenant_file_grants_is_there_from_the_start() -> None:
    one = memberships()

    assert one.roles_of("auth0|1") == ["rol_1", "rol_2"]
    assert list(one.role_members("rol_2")) == ["auth0|1", "auth0|2"]
    assert one.organizations_of("auth0|1") == ["org_1"]
    assert one.organization_roles_of("org_1", "auth0|1") == ["rol_1"]


def test_a_role_that_is_forgotten_is_nobodys_any_more() -> None:
    one = memberships()

    one.forget_role("rol_1")

    assert one.roles_of("auth0|1") == ["rol_2"]
    assert list(one.role_members("rol_1")) == []
    assert one.organization_roles_of("org_1", "auth0|1") == []


def test_an_organization_that_is_forgotten_has_neither_members_nor_roles() -> None:
    one = memberships()

    one.forget_organization("org_1")

    assert one.organizations_of("auth0|1") == []
    assert list(one.organization_members("org_1")) == []
    assert one.organization_roles_of("org_1", "auth0|1") == []


def test_a_user_who_is_forgotten_leaves_everything() -> None:
    one = memberships()

    one.forget_user("auth0|1")

    assert one.roles_of("auth0|1") == one.organizations_of("auth0|1") == []
    assert list(one.role_members("rol_2")) == ["auth0|2"]
    assert not one.is_member("org_1", "auth0|1")
