"""Bodies that are no JSON, or JSON that PostgreSQL cannot hold."""

import json

import pytest

from frontdesk.auth0.json_body import MAX_DEPTH, MAX_FAULTS, parse_object
from frontdesk.errors import FieldFault, PayloadInvalid


def faults(body: bytes) -> tuple[FieldFault, ...]:
    with pytest.raises(PayloadInvalid) as raised:
        parse_object(body)
    return raised.value.faults


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"{",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":1e400}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":"\xff"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
    ids=[
        "empty",
        "words",
        "cut",
        "nan",
        "infinity",
        "minus",
        "huge",
        "digits",
        "bytes",
        "lists",
        "objects",
    ],
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    assert faults(body) == (FieldFault("body", "JSON without NaN and Infinity"),)


@pytest.mark.parametrize("body", [b"null", b"[]", b'"text"', b"1", b"true"])
def test_json_that_is_no_object_is_refused(body: bytes) -> None:
    assert faults(body) == (FieldFault("body", "a JSON object"),)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"user": {"name": "a\x00b"}}, "user.name"),
        ({"user": {"identities": [{"profileData": {"x": "\x00"}}]}}, "user.identities.0.profileData.x"),
        ({"user": {"user_metadata": {"k\x00": 1}}}, "user.user_metadata.k�"),
        ({"unknown": ["ok", "\ud800"]}, "unknown.1"),
        ({"user": {"\udfff": 1}}, "user.�"),
    ],
    ids=["value", "deep", "key", "surrogate", "surrogate key"],
)
def test_text_that_postgresql_cannot_hold_is_named(body: object, field: str) -> None:
    assert faults(json.dumps(body).encode()) == (
        FieldFault(field, "text without NUL characters and lone surrogates"),
    )


def test_a_pair_of_surrogates_is_a_character() -> None:
    assert parse_object(b'{"a":"\\ud83d\\ude00"}') == {"a": "😀"}


def test_nesting_is_bounded() -> None:
    deep = b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH
    too_deep = b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1)

    assert parse_object(deep)
    assert faults(too_deep) == (FieldFault("a.a.a.a", f"at most {MAX_DEPTH} levels of nesting"),)


def test_the_list_of_faults_is_bounded() -> None:
    body = json.dumps({f"field{number}": "\x00" for number in range(1000)}).encode()

    assert len(faults(body)) == MAX_FAULTS
