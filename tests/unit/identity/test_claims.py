"""Which claims a login gets."""

import json
from dataclasses import replace

import pytest
from tests.builders import a_login, a_policy, a_stored_user, a_user

from frontdesk.identity import (
    BlockedUsers,
    Claims,
    Denied,
    ExtraClaim,
    Organization,
    Profile,
    RoleSource,
    decide,
)
from frontdesk.identity.claims import MAX_EXTRA_CLAIM_BYTES, MAX_ROLES_BYTES, claim_text

ORGANIZATION = Organization(id="org_1", name="initech", metadata={"region": "eu", "tiers": ["a", "b"]})


def claims(*args: object, **kwargs: object) -> Claims:
    decided = decide(*args, **kwargs)  # type: ignore[arg-type]
    assert isinstance(decided, Claims)
    return decided


def test_a_login_without_any_role_gets_the_default_role() -> None:
    given = claims(a_user(), a_login(), a_stored_user(), a_policy())

    assert given.as_session_variables() == {
        "x-hasura-default-role": "user",
        "x-hasura-allowed-roles": ["user"],
        "x-hasura-user-id": "auth0|64b0f1e2d3c4b5a697887766",
        "x-hasura-tenant": "default",
    }


def test_roles_of_all_sources_come_together_once_each_and_the_default_role_first() -> None:
    user = a_user(app_metadata={"roles": ["beta", "editor"]})

    given = claims(user, a_login("editor", "zeta"), a_stored_user("auditor"), a_policy())

    assert given.allowed_roles == ("user", "auditor", "beta", "editor", "zeta")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (RoleSource.AUTH0, ("user", "from-auth0")),
        (RoleSource.APP_METADATA, ("user", "from-metadata")),
        (RoleSource.DATABASE, ("user", "from-database")),
    ],
)
def test_a_source_that_is_not_configured_gives_nothing(source: RoleSource, expected: tuple[str, ...]) -> None:
    user = a_user(app_metadata={"roles": "from-metadata"})
    policy = a_policy(role_sources=frozenset({source}))

    given = claims(user, a_login("from-auth0"), a_stored_user("from-database"), policy)

    assert given.allowed_roles == expected


def test_a_name_that_is_not_in_the_map_is_dropped() -> None:
    policy = a_policy(pass_unmapped=False, role_map={"Editor": "editor"})

    given = claims(a_user(), a_login("Editor", "Auditor"), a_stored_user("Grantor"), policy)

    assert given.allowed_roles == ("user", "editor")


def test_the_map_goes_before_passing_a_name_through() -> None:
    given = claims(
        a_user(), a_login("Editor", "auditor"), a_stored_user(), a_policy(role_map={"Editor": "editor"})
    )

    assert given.allowed_roles == ("user", "auditor", "editor")


@pytest.mark.parametrize(
    "metadata",
    [
        {"roles": 7},
        {"roles": {"editor": True}},
        {"roles": [1, None, {"a": 1}]},
        {"roles": None},
        {},
        {"other": ["x"]},
    ],
    ids=str,
)
def test_app_metadata_that_holds_no_role_names_gives_none(metadata: dict[str, object]) -> None:
    user = a_user(app_metadata=metadata)  # type: ignore[arg-type]

    assert claims(user, a_login(), a_stored_user(), a_policy()).allowed_roles == ("user",)


def test_roles_are_read_at_the_configured_path_of_app_metadata() -> None:
    user = a_user(app_metadata={"hasura": {"roles": ["editor"]}, "roles": ["other"]})
    policy = a_policy(app_metadata_path=("hasura", "roles"))

    assert claims(user, a_login(), a_stored_user(), policy).allowed_roles == ("user", "editor")


@pytest.mark.parametrize(
    "name",
    [
        "admin",
        "Admin",
        " ADMIN ",
        "ad\u200bmin",
        "ａｄｍｉｎ",
        "admin\t",
        "frontdesk",
        "FrontDesk",
        "front desk",
    ],
)
def test_admin_and_frontdesk_are_never_in_a_token(name: str) -> None:
    policy = a_policy(role_map={name: name, "boss": name})

    given = claims(a_user(app_metadata={"roles": name}), a_login(name, "boss"), a_stored_user(name), policy)

    assert given.allowed_roles == ("user",)


@pytest.mark.parametrize("role", ["admin", "frontdesk", "", " user", "a\nb"])
def test_no_policy_has_a_default_role_that_no_token_may_carry(role: str) -> None:
    with pytest.raises(ValueError, match="no token may carry"):
        a_policy(default_role=role)


def test_roles_above_their_limit_are_left_out_and_named() -> None:
    many = [f"role-{number:05}" for number in range(5000)]

    given = claims(a_user(), a_login(*many), a_stored_user(), a_policy())

    assert sum(map(len, given.allowed_roles)) <= MAX_ROLES_BYTES
    assert given.allowed_roles[:2] == ("user", "role-00000")
    assert given.left_out == ("x-hasura-allowed-roles",)


def test_a_role_that_is_too_long_takes_no_other_along() -> None:
    given = claims(a_user(), a_login("a" * (MAX_ROLES_BYTES + 1), "editor"), a_stored_user(), a_policy())

    assert given.allowed_roles == ("user", "editor")
    assert given.left_out == ("x-hasura-allowed-roles",)


def test_a_login_in_an_organization_carries_its_id() -> None:
    given = claims(a_user(), a_login("owner", organization=ORGANIZATION), a_stored_user(), a_policy())

    assert given.as_session_variables()["x-hasura-org-id"] == "org_1"
    assert given.allowed_roles == ("user", "owner")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("user.email", "ana@example.com"),
        ("user.username", "ana"),
        ("user.email_verified", "true"),
        ("app_metadata.plan", "pro"),
        ("app_metadata.deep.er", "7"),
        ("organization.name", "initech"),
        ("organization.metadata.tiers", '{"a","b"}'),
        ("app_metadata.missing", None),
        ("app_metadata.plan.below", None),
        ("app_metadata.nothing", None),
        ("user.nickname", None),
        ("organization.display_name", None),
    ],
)
def test_an_extra_claim_is_fed_from_its_path_and_left_out_when_absent(
    path: str, expected: str | None
) -> None:
    profile = Profile(email="ana@example.com", user_name="ana", email_verified=True)
    user = a_user(profile=profile, app_metadata={"plan": "pro", "deep": {"er": 7}, "nothing": None})
    policy = a_policy(extra=[ExtraClaim.parse("X-Hasura-Extra", path)])

    given = claims(user, a_login(organization=ORGANIZATION), a_stored_user(), policy)

    assert given.as_session_variables().get("x-hasura-extra") == expected


@pytest.mark.parametrize(
    "name",
    [
        "x-hasura-default-role",
        "X-Hasura-Allowed-Roles",
        "x-hasura-role",
        "x-hasura-user-id",
        "x-hasura-tenant",
        "x-hasura-admin-secret",
        "plan",
        "x-hasura-",
        "x-hasura-a b",
    ],
)
def test_an_extra_claim_may_not_take_the_name_of_one_that_decides(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        ExtraClaim.parse(name, "app_metadata.plan")


@pytest.mark.parametrize(
    "path",
    [
        "user_metadata.plan",
        "user.user_metadata.plan",
        "user.app_metadata.plan",
        "user.identities",
        "app_metadata",
        "organization",
        "organization.metadata",
        "app_metadata..plan",
        "secrets.x",
        "",
    ],
)
def test_an_extra_claim_is_never_fed_from_what_the_user_writes(path: str) -> None:
    with pytest.raises(ValueError, match="never user_metadata"):
        ExtraClaim.parse("x-hasura-plan", path)


@pytest.mark.parametrize(
    "big", ["x" * MAX_EXTRA_CLAIM_BYTES, "\x01" * (MAX_EXTRA_CLAIM_BYTES // 5)], ids=["long", "long in JSON"]
)
def test_a_value_that_is_too_large_for_a_claim_is_left_out_and_named(big: str) -> None:
    user = a_user(app_metadata={"big": big, "plan": "pro"})
    extra = [
        ExtraClaim.parse("x-hasura-big", "app_metadata.big"),
        ExtraClaim.parse("x-hasura-plan", "app_metadata.plan"),
    ]

    given = claims(user, a_login(), a_stored_user(), a_policy(extra=extra))

    assert given.extra == {"x-hasura-plan": "pro"}
    assert given.left_out == ("x-hasura-big",)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", ""),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (1.5, "1.5"),
        ({"b": 1, "a": "é"}, '{"a":"é","b":1}'),
        ([], "{}"),
        (["a", "b"], '{"a","b"}'),
        (["NULL", None], '{"NULL",NULL}'),
        (['say "hi"', "back\\slash", "a,b", "{c}", " "], '{"say \\"hi\\"","back\\\\slash","a,b","{c}"," "}'),
        ([1, 2.5, True], "{1,2.5,true}"),
        ([{"a": 1}, [1, "x"]], '{"{\\"a\\":1}","[1,\\"x\\"]"}'),
    ],
    ids=str,
)
def test_every_value_becomes_text(value: object, text: str) -> None:
    assert claim_text(value) == text  # type: ignore[arg-type]


@pytest.mark.parametrize("stored", [a_stored_user(blocked=True), a_stored_user(deleted=True)])
def test_a_blocked_or_deleted_user_is_denied_by_default(stored: object) -> None:
    denied = decide(a_user(), a_login("editor"), stored, a_policy())  # type: ignore[arg-type]

    assert isinstance(denied, Denied)


def test_a_blocked_user_gets_the_default_role_only_when_the_policy_says_so() -> None:
    policy = a_policy(blocked_users=BlockedUsers.LEAST_PRIVILEGE)

    given = claims(a_user(), a_login("editor"), a_stored_user("auditor", blocked=True), policy)

    assert given.allowed_roles == ("user",)


def test_without_a_stored_row_only_the_default_role_is_given() -> None:
    user = a_user(app_metadata={"roles": ["beta"], "plan": "pro"})
    policy = a_policy(extra=[ExtraClaim.parse("x-hasura-plan", "app_metadata.plan")])

    given = claims(user, a_login("editor", organization=ORGANIZATION), None, policy)

    assert given.allowed_roles == ("user",)
    assert given.extra == {"x-hasura-plan": "pro", "x-hasura-org-id": "org_1"}


def test_metadata_that_was_not_sent_feeds_neither_roles_nor_claims() -> None:
    user = replace(a_user(), app_metadata=None)
    policy = a_policy(extra=[ExtraClaim.parse("x-hasura-plan", "app_metadata.plan")])

    given = claims(user, a_login(), a_stored_user(), policy)

    assert json.loads(json.dumps(given.as_session_variables()))["x-hasura-allowed-roles"] == ["user"]
    assert given.extra == {}
