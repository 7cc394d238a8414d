"""`[fields]` and `[filter]`: where they come from, and how a wrong one is reported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.builders import an_environment

from frontdesk.errors import SettingsInvalid
from frontdesk.identity import FieldType, Owner
from frontdesk.settings import Settings, load_settings


def loaded(tmp_path: Path, toml: str = "", **changes: str) -> Settings:
    (tmp_path / "frontdesk.toml").write_text(toml)
    return load_settings(an_environment(**changes), tmp_path)


def only_fault(tmp_path: Path, toml: str = "", **changes: str) -> str:
    with pytest.raises(SettingsInvalid) as raised:
        loaded(tmp_path, toml, **changes)
    (fault,) = raised.value.faults
    return fault


def test_fields_are_a_table_of_the_file(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        "[fields]\n"
        'company = {path = "user_metadata.company.name", owner = "first_write"}\n'
        'seats = {path = "app_metadata.seats", type = "integer", default = 1}\n'
        'nickname = {owner = "app"}\n',
    )

    company, nickname, seats = settings.field_rules().rules
    assert (company.column, company.owner, company.path) == (
        "company",
        Owner.FIRST_WRITE,
        ("user_metadata", "company", "name"),
    )
    assert (nickname.column, nickname.owner, nickname.path) == ("nickname", Owner.APP, None)
    assert (seats.type, seats.default, seats.group) == (FieldType.INTEGER, 1, "app_metadata")


def test_fields_may_be_a_variable_of_json(tmp_path: Path) -> None:
    settings = loaded(tmp_path, FIELDS=json.dumps({"company": {"path": "user_metadata.company"}}))

    assert [rule.column for rule in settings.field_rules().rules] == ["company"]


def test_without_settings_nothing_is_ruled_and_nobody_left_out(tmp_path: Path) -> None:
    settings = loaded(tmp_path)

    assert settings.field_rules().rules == ()
    assert settings.user_filter().leaves_out_nobody


def test_all_wrong_fields_are_named_in_one_message(tmp_path: Path) -> None:
    fault = only_fault(tmp_path, '[fields]\ncompany = "Acme"\ntenant = {owner = "app"}\n')

    assert fault.startswith("FRONTDESK_FIELDS ([fields]): 'company': expected a table such as")
    assert "; 'tenant': expected another column" in fault


@pytest.mark.parametrize("value", ["company", "[]", "5"])
def test_fields_that_are_no_table_say_what_was_expected(tmp_path: Path, value: str) -> None:
    assert only_fault(tmp_path, FIELDS=value).startswith(
        "FRONTDESK_FIELDS ([fields]): expected a table from columns to"
    )


def test_a_filter_has_three_parts(tmp_path: Path) -> None:
    chosen = loaded(
        tmp_path,
        '[filter]\nverified_only = true\nmetadata = {"app_metadata.plan" = "pro"}\n',
        FILTER_CONNECTIONS="github, acme-saml",
    ).user_filter()

    assert (chosen.verified_only, chosen.connections) == (True, ("acme-saml", "github"))
    assert [(each.path, each.value) for each in chosen.metadata] == [(("app_metadata", "plan"), "pro")]


def test_a_wrong_condition_is_named(tmp_path: Path) -> None:
    fault = only_fault(tmp_path, '[filter]\nmetadata = {"user.plan" = "pro"}\n')

    assert fault == (
        "FRONTDESK_FILTER_METADATA ([filter] metadata): 'user.plan': expected a path below app_metadata or "
        "user_metadata"
    )
