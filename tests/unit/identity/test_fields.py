"""Rules of columns: what settings may say, and what a payload gives for a column."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from tests.builders import AT

from frontdesk.identity import (
    FieldRule,
    FieldRules,
    FieldType,
    Identity,
    Owner,
    Profile,
    Source,
    Stamped,
    User,
    graphql_name,
)
from frontdesk.identity.fields import BOOKKEEPING, OWN_COLUMNS
from frontdesk.shipped import PLACES

USERS = PLACES[0] / "hasura" / "metadata" / "databases" / "default" / "tables" / "public_users.yaml"


def a_user(**groups: Any) -> User:
    return User(tenant="acme", user_id="auth0|ann", source=Source.PROFILE, **groups)


def metadata(**values: Any) -> User:
    return a_user(user_metadata=Stamped(values, AT))


def rules(**said: Any) -> FieldRules:
    return FieldRules(FieldRule.parse(column, each) for column, each in said.items())


def values(of: FieldRules, user: User) -> dict[str, Any]:
    return {rule.column: value for rule, value in of.values(user)}


def fed(user: User, **said: Any) -> Any:
    return values(rules(company=said), user).get("company", "not carried")


def test_a_rule_says_owner_path_type_and_default() -> None:
    rule = FieldRule.parse("company", {"path": "user_metadata.company.name", "default": "none"})

    assert rule == FieldRule(
        column="company",
        owner=Owner.AUTH0,
        path=("user_metadata", "company", "name"),
        type=FieldType.TEXT,
        default="none",
    )
    assert (rule.group, rule.graphql_name) == ("user_metadata", "company")


@pytest.mark.parametrize(
    ("column", "said", "expected"),
    [
        ("Company", {"path": "user_metadata.c"}, "a column in lower case"),
        ("a" * 64, {"path": "user_metadata.c"}, "a column in lower case"),
        ("a__b", {"path": "user_metadata.c"}, "a column in lower case"),
        ("tenant", {"owner": "app"}, "bookkeeping"),
        ("write_id", {"owner": "app"}, "bookkeeping"),
        ("blocked", {"owner": "app"}, "who may do what"),
        ("auth0_roles", {"owner": "first_write"}, "who may do what"),
        ("company", "user_metadata.company", "a table such as"),
        ("company", {}, "a path below user"),
        ("company", {"path": "user_metadata"}, "a path below user"),
        ("company", {"path": "user_metadata..c"}, "a path below user"),
        ("company", {"path": 5}, "a path below user"),
        ("company", {"path": ".".join(["user_metadata", *"abcdefghijklmnop"])}, "a path below user"),
        ("company", {"path": "organization.name"}, "a path below user"),
        ("company", {"path": "user.password"}, "user.<field>"),
        ("company", {"path": "user.email.domain"}, "user.<field>"),
        ("company", {"path": "user.email_verified"}, "the type boolean"),
        ("company", {"path": "user_metadata.c", "type": "uuid"}, "the type text, integer"),
        ("company", {"path": "user_metadata.c", "type": []}, "the type text, integer"),
        ("company", {"path": "user_metadata.c", "owner": "hasura"}, "the owner auth0, first_write or app"),
        ("company", {"path": "user_metadata.c", "type": "integer", "default": "5"}, "default of the type"),
        ("company", {"path": "user_metadata.c", "column": "c"}, "the keys owner, path"),
        ("company", {"owner": "first_write"}, "a path below user"),
        ("email", {"path": "user_metadata.email"}, "owner alone"),
        ("email", {"owner": "app", "type": "text"}, "owner alone"),
    ],
)
def test_a_wrong_rule_names_its_column_and_what_was_expected(column: str, said: Any, expected: str) -> None:
    with pytest.raises(ValueError, match=f"^'{column}': .*{expected}"):
        FieldRule.parse(column, said)


def test_two_columns_of_one_name_in_graphql_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'ab_1': .*; ab1 is that of 'ab1' too"):
        rules(ab1={"path": "user_metadata.a"}, ab_1={"path": "user_metadata.b"})


def test_a_column_is_called_in_graphql_as_the_shipped_metadata_calls_ours() -> None:
    named = yaml.safe_load(USERS.read_text())["configuration"]["column_config"]

    for column in {*OWN_COLUMNS, *BOOKKEEPING}:
        assert graphql_name(column) == named.get(column, {"custom_name": column})["custom_name"]


TYPED = [
    ("text", "Acme", "Acme"),
    ("integer", 5, 5),
    ("integer", 5.0, 5),
    ("number", 5, 5.0),
    ("number", 0.5, 0.5),
    ("boolean", False, False),
    ("timestamp", "2026-03-01T10:00:00+02:00", "2026-03-01T08:00:00+00:00"),
    ("json", {"a": [1]}, {"a": [1]}),
    ("json", 0, 0),
    ("text[]", ["a", ""], ["a", ""]),
    ("text[]", [], []),
]
MISTYPED = [
    ("text", 5),
    ("text", ["a"]),
    ("integer", "5"),
    ("integer", True),
    ("integer", 5.5),
    ("integer", 2**63),
    ("number", "0.5"),
    ("number", True),
    ("number", 10**400),
    ("boolean", 1),
    ("boolean", "true"),
    ("timestamp", "2026-03-01T10:00:00"),
    ("timestamp", "yesterday"),
    ("timestamp", 1772359200),
    ("timestamp", "0001-01-01T00:00:00+14:00"),
    ("text[]", "a"),
    ("text[]", ["a", 1]),
]


@pytest.mark.parametrize(("kind", "given", "expected"), TYPED)
def test_a_value_of_the_type_is_taken(kind: str, given: Any, expected: Any) -> None:
    taken = fed(metadata(company=given), path="user_metadata.company", type=kind)

    assert (taken, type(taken)) == (expected, type(expected))


@pytest.mark.parametrize(("kind", "given"), MISTYPED)
def test_a_value_of_another_type_gives_the_default_and_is_counted(kind: str, given: Any) -> None:
    of = rules(company={"path": "user_metadata.company", "type": kind})

    assert values(of, metadata(company=given)) == {"company": None}
    assert of.mistyped == {"company": 1}


def test_a_mistyped_column_is_news_once() -> None:
    of = rules(company={"path": "user_metadata.company"}, size={"path": "user_metadata.size"})

    values(of, metadata(company=1))
    first = of.newly_mistyped()
    values(of, metadata(company=1, size=2))
    second = of.newly_mistyped()

    assert [rule.column for rule in first] == ["company"]
    assert [rule.column for rule in second] == ["size"]
    assert of.newly_mistyped() == []
    assert of.mistyped == {"company": 2, "size": 1}


@pytest.mark.parametrize("given", [{}, {"company": None}, {"company": 5}])
def test_what_is_missing_gives_the_default(given: dict[str, Any]) -> None:
    assert fed(metadata(**given), path="user_metadata.company", default="none") == "none"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("user_metadata.a.b.c", "deep"),
        ("user_metadata.list.1.name", "second"),
        ("user_metadata.list.2.name", None),
        ("user_metadata.list.-1.name", None),
        ("user_metadata.list.99999999999999999999.name", None),
        ("user_metadata.a.b.c.d", None),
        ("user_metadata.keyed.0", "a key and no index"),
    ],
)
def test_a_path_goes_through_objects_and_lists(path: str, expected: Any) -> None:
    user = metadata(
        a={"b": {"c": "deep"}},
        list=[{"name": "first"}, {"name": "second"}],
        keyed={"0": "a key and no index"},
    )

    assert fed(user, path=path) == expected


def test_a_path_of_the_identity_is_in_the_profile_data_of_the_primary_one() -> None:
    identities = (Identity(profile_data={"locale": "es"}), Identity(profile_data={"locale": "en"}))
    user = a_user(profile=Stamped(Profile(identities=identities), AT))

    assert fed(user, path="identity.locale") == "es"
    assert fed(a_user(profile=Stamped(Profile(), AT)), path="identity.locale") is None


def test_a_path_of_the_user_is_auth0s_own_field() -> None:
    created = datetime(2026, 1, 1, tzinfo=UTC)
    user = a_user(profile=Stamped(Profile(user_name="ann", created_at=created), AT))

    assert fed(user, path="user.username") == "ann"
    assert fed(user, path="user.created_at", type="timestamp") == "2026-01-01T00:00:00+00:00"


@pytest.mark.parametrize("path", ["user_metadata.c", "app_metadata.c", "user.email", "identity.c"])
def test_what_a_payload_does_not_carry_gives_no_value_at_all(path: str) -> None:
    partial = Profile(user_name="ann", sent=frozenset({"user_name"}))

    assert fed(a_user(), path=path) == "not carried"
    assert fed(a_user(profile=Stamped(partial, AT)), path=path) == "not carried"


def test_a_column_of_the_application_gets_no_value() -> None:
    of = rules(note={"owner": "app"}, company={"owner": "app", "path": "user_metadata.company"})

    assert values(of, metadata(company="Acme")) == {}


def test_the_database_is_told_what_it_could_not_know() -> None:
    of = rules(
        company={"path": "user_metadata.company"},
        locale={"path": "identity.locale", "owner": "first_write"},
        note={"owner": "app"},
        nickname={"owner": "first_write"},
        email={"owner": "auth0"},
    )

    assert of.for_database() == {
        "company": {"owner": "auth0", "group": "user_metadata"},
        "locale": {"owner": "first_write", "group": "profile"},
        "note": {"owner": "app"},
        "nickname": {"owner": "first_write", "group": "profile"},
    }
