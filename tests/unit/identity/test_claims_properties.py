"""What holds for every login, whatever Auth0, the metadata and the database say."""

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.builders import AT, a_user

from frontdesk.identity import (
    BlockedUsers,
    Claims,
    ClaimsPolicy,
    ExtraClaim,
    LoginContext,
    Organization,
    StoredUser,
    decide,
)
from frontdesk.identity.claims import claim_text

TRICKY = ["admin", "Admin", " admin", "frontdesk", "FRONTDESK", "user", "editor", "", "ａdmin", "ad\u00admin"]
names = st.one_of(st.sampled_from(TRICKY), st.text(st.characters(exclude_categories=["Cs"]), max_size=12))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | names,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=10,
)
policies = st.builds(
    ClaimsPolicy,
    default_role=st.sampled_from(["user", "member"]),
    role_map=st.dictionaries(names, names, max_size=4),
    pass_unmapped=st.booleans(),
    extra=st.just(
        [
            ExtraClaim.parse("x-hasura-a", "app_metadata.a"),
            ExtraClaim.parse("x-hasura-region", "organization.metadata.region"),
        ]
    ),
    blocked_users=st.sampled_from(BlockedUsers),
)
organizations = st.none() | st.builds(
    Organization, id=st.just("org_1"), metadata=st.fixed_dictionaries({"region": json_values})
)
stored_users = st.none() | st.builds(
    StoredUser,
    blocked=st.booleans(),
    deleted_at=st.none() | st.just(AT),
    granted_roles=st.lists(names, max_size=5).map(tuple),
)
metadata = st.none() | st.fixed_dictionaries({"roles": json_values, "a": json_values})


@given(st.lists(names, max_size=6), organizations, metadata, stored_users, policies)
def test_no_login_ever_gets_admin_or_frontdesk_and_hasura_can_read_every_claim(
    roles: list[str],
    organization: Organization | None,
    app_metadata: Any,
    stored: StoredUser | None,
    policy: ClaimsPolicy,
) -> None:
    decided = decide(
        a_user(app_metadata=app_metadata),
        LoginContext(auth0_roles=tuple(roles), organization=organization),
        stored,
        policy,
    )
    if not isinstance(decided, Claims):
        return
    variables = decided.as_session_variables()

    allowed = variables.pop("x-hasura-allowed-roles")
    assert isinstance(allowed, list)
    assert not {"admin", "frontdesk"} & {role.strip().casefold() for role in allowed}
    assert variables["x-hasura-default-role"] == allowed[0] == policy.default_role
    assert len(allowed) == len(set(allowed))
    assert all(isinstance(value, str) for value in (*allowed, *variables.values()))
    assert all(name.startswith("x-hasura-") for name in variables)


@given(st.lists(names, max_size=6), st.randoms(use_true_random=False), policies)
def test_the_order_in_which_roles_arrive_changes_nothing(
    roles: list[str], random_: random.Random, policy: ClaimsPolicy
) -> None:
    shuffled = random_.sample(roles, len(roles))
    stored = StoredUser(blocked=False, deleted_at=None, granted_roles=tuple(roles))
    mixed = StoredUser(blocked=False, deleted_at=None, granted_roles=tuple(shuffled))

    first = decide(a_user(), LoginContext(auth0_roles=tuple(roles)), stored, policy)
    second = decide(a_user(), LoginContext(auth0_roles=tuple(shuffled)), mixed, policy)

    assert first == second


@given(st.lists(names | st.none(), max_size=6))
def test_a_list_can_be_read_back_from_its_array_literal(values: list[str | None]) -> None:
    text = claim_text(values)

    assert text is not None
    assert _elements(text) == values


def _elements(literal: str) -> list[str | None]:
    """Read a one-dimensional PostgreSQL array literal by its published rules, as the server would."""
    inside, found, position = literal[1:-1], [], 0
    while position < len(inside):
        if inside[position] == '"':
            text, position = "", position + 1
            while inside[position] != '"':
                position += inside[position] == "\\"
                text, position = text + inside[position], position + 1
            found.append(text)
            position += 2
        else:
            end = inside.find(",", position)
            end = len(inside) if end < 0 else end
            assert inside[position:end] == "NULL"
            found.append(None)  # type: ignore[arg-type]
            position = end + 1
    return found  # type: ignore[return-value]
