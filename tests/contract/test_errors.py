"""Every error has a sentence for its reader, a stable type, a status and an exit code."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest

import frontdesk
from frontdesk import errors
from frontdesk.errors import (
    FieldFault,
    FrontdeskError,
    HasuraError,
    HasuraRejected,
    HasuraUnavailable,
    HookRefused,
    PayloadInvalid,
    SettingsInvalid,
)

# Each means the same to a stranger, on purpose.
SHARED_TYPES = {"urn:frontdesk:problem:unauthorized"}


def every_error() -> list[type[FrontdeskError]]:
    for module in pkgutil.walk_packages(frontdesk.__path__, "frontdesk."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return sorted(set(below(FrontdeskError)), key=lambda error: error.__name__)


def below(error: type[FrontdeskError]) -> Iterator[type[FrontdeskError]]:
    for inner in error.__subclasses__():
        yield inner
        yield from below(inner)


@pytest.mark.parametrize("error", every_error(), ids=lambda error: error.__name__)
def test_an_error_has_all_that_its_readers_need(error: type[FrontdeskError]) -> None:
    assert re.fullmatch(r"[A-Z].*\.", error.sentence()), "the docstring's first line is shown to people"
    assert error.type == "about:blank" or re.fullmatch(r"urn:frontdesk:problem:[a-z0-9-]+", error.type)
    assert 400 <= error.status <= 599
    assert error.exit_code in {1, 2}


def test_no_two_errors_share_a_type_by_accident() -> None:
    own = [error for error in every_error() if "type" in vars(error) and error.type not in SHARED_TYPES]

    assert len({error.type for error in own}) == len(own)


def test_the_tree_that_opens_the_module_names_every_class_in_it() -> None:
    drawn = set(re.findall(r"[├└]── (\w+)", errors.__doc__ or ""))
    defined = {error.__name__ for error in below(FrontdeskError) if error.__module__ == "frontdesk.errors"}

    assert drawn == defined


def test_only_what_gave_no_answer_is_worth_another_try() -> None:
    retryable = {error.__name__ for error in every_error() if error.retryable}

    assert {"Auth0Unavailable", "HasuraUnavailable"} <= retryable
    assert retryable.isdisjoint({"Auth0Rejected", "HasuraRejected", "PayloadInvalid", "SettingsInvalid"})


def test_a_login_that_hasura_did_not_take_is_answered_with_503() -> None:
    assert {error.status for error in (HasuraError, HasuraUnavailable, HasuraRejected)} == {503}


def test_an_error_without_a_detail_says_its_sentence() -> None:
    assert (
        PayloadInvalid([FieldFault("user", "an object")]).detail == "The payload has wrong or missing fields."
    )


def test_a_refused_hook_keeps_its_reason_from_its_text() -> None:
    assert "timestamp" not in str(HookRefused("the timestamp is stale"))


def test_wrong_settings_are_listed_one_below_the_other() -> None:
    assert SettingsInvalid(["a", "b"]).detail == "The settings are wrong:\n  a\n  b"
