"""Bodies of streams, split into records: what came whole stays whole, and one bad record costs the others nothing."""

from __future__ import annotations

import json
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frontdesk.auth0 import stream_body
from frontdesk.auth0.stream_body import MAX_RECORDS, NO_JSON, NO_OBJECT, TOO_DEEP, split, split_event
from frontdesk.errors import PayloadInvalid

DEEP = b"[" * 5000 + b"]" * 5000
DEEP_RECORD = b'{"a":' + DEEP + b"}"
GOOD, OTHER = b'{"log_id":"1"}', b'{"log_id": "2, [{"}'

WHOLE = {
    "array": (b"[" + GOOD + b" ,\n" + OTHER + b"]", [GOOD, OTHER]),
    "array of one": (b"[" + GOOD + b"]\n", [GOOD]),
    "lines": (GOOD + b"\n" + OTHER + b"\n", [GOOD, OTHER]),
    "lines with carriage returns and blank ones": (
        b"\r\n" + GOOD + b"\r\n\r\n  " + OTHER + b"\r\n",
        [GOOD, OTHER],
    ),
    "one object": (GOOD, [GOOD]),
    "one object over several lines": (b'{\n "log_id":\n "1"\n}', [b'{\n "log_id":\n "1"\n}']),
    "logs": (b'{"logs": [' + GOOD + b"," + OTHER + b'], "more": 1}', [GOOD, OTHER]),
    "logs that are no list": (b'{"logs": 1}', [b'{"logs": 1}']),
    "byte order mark": (b"\xef\xbb\xbf[" + GOOD + b"]", [GOOD]),
    "byte order mark before lines": (b"\xef\xbb\xbf" + GOOD + b"\n" + OTHER, [GOOD, OTHER]),
    "nothing": (b"", []),
    "white space": (b" \r\n", []),
    "empty array": (b" [ ] ", []),
    "no logs": (b'{"logs": []}', []),
}


@pytest.mark.parametrize("name", WHOLE)
def test_every_shape_is_split_into_the_records_as_they_came(name: str) -> None:
    body, records = WHOLE[name]

    found = split(body)

    assert [bytes(each.content).strip() for each in found] == records
    assert [each.number for each in found] == list(range(1, len(records) + 1))
    assert not any(each.fault for each in found)


FAULTY = {
    "a line": (GOOD + b"\n{nonsense}\n" + OTHER, [None, NO_JSON, None]),
    "the first line": (b"nonsense\n" + GOOD, [NO_JSON, None]),
    "an element": (b"[" + GOOD + b", {nonsense: [1, 2]}, " + OTHER + b"]", [None, NO_JSON, None]),
    "a hole": (b"[" + GOOD + b",," + OTHER + b"]", [None, NO_JSON, None]),
    "a number": (b"[" + GOOD + b", 7, " + OTHER + b"]", [None, NO_OBJECT, None]),
    "null in logs": (b'{"logs": [null, ' + GOOD + b"]}", [NO_OBJECT, None]),
    "a deep element": (b"[" + GOOD + b"," + DEEP_RECORD + b"," + OTHER + b"]", [None, TOO_DEEP, None]),
    "a deep line": (DEEP_RECORD + b"\n" + GOOD, [TOO_DEEP, None]),
    "deep alone": (DEEP_RECORD, [TOO_DEEP]),
    "a comma at the end": (b"[" + GOOD + b",]", [None]),
}


@pytest.mark.parametrize("name", FAULTY)
def test_a_bad_record_costs_the_others_nothing(name: str) -> None:
    body, faults = FAULTY[name]

    assert [each.fault for each in split(body)] == faults


@pytest.mark.parametrize(
    "body",
    [
        b"nonsense",
        b"<html>\n<body>\n",
        b"logs=1&more=2",
        b"{nonsense}",
        b"[nonsense, more]",
        b"[" + GOOD,
        b"[" + GOOD + b"] " + GOOD,
        b'["unterminated, {}]',
        b"\x00\xff",
        b"[" * 100_000,
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_body_without_json_is_refused_with_what_was_expected(body: bytes) -> None:
    with pytest.raises(PayloadInvalid) as refused:
        split(body)

    (fault,) = refused.value.faults
    assert fault.field == "body"
    assert "array" in fault.expected


@pytest.mark.parametrize(
    "body", [b"[" + b"1," * MAX_RECORDS + b"1]", b"1\n" * (MAX_RECORDS + 1)], ids=["array", "lines"]
)
def test_more_records_than_any_stream_sends_are_refused(body: bytes) -> None:
    with pytest.raises(PayloadInvalid) as refused:
        split(body)

    assert str(MAX_RECORDS) in refused.value.faults[0].expected


@pytest.mark.parametrize("commas", [stream_body.DENSE_COMMAS, stream_body.DENSE_COMMAS // 2])
@pytest.mark.parametrize("element", [b"1", b"{}"])
def test_a_body_of_little_but_commas_takes_no_more_memory_than_its_records_may(
    monkeypatch: pytest.MonkeyPatch, element: bytes, commas: int
) -> None:
    monkeypatch.setattr(stream_body, "MAX_RECORDS", 1000)
    body = b"[" + (element + b",") * commas + element + b"]"
    tracemalloc.start()
    with pytest.raises(PayloadInvalid):
        split(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < len(body)


def test_records_of_a_large_body_are_no_copies_of_it() -> None:
    body = b"[" + b",".join([b'{"log_id":"' + b"1" * 1_000_000 + b'"}'] * 8) + b"]"
    tracemalloc.start()
    records = split(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(records) == 8
    assert peak < len(body) / 2


RECORDS = st.lists(
    st.dictionaries(st.sampled_from(["log_id", "data", "a"]), st.text() | st.lists(st.text(max_size=5))),
    min_size=1,
    max_size=4,
)


@settings(max_examples=50)
@given(RECORDS)
def test_whatever_the_records_are_array_and_lines_give_them_back(records: list[dict[str, object]]) -> None:
    array = json.dumps(records, ensure_ascii=False).encode("utf-8", "surrogatepass")
    lines = b"\n".join(json.dumps(record).encode() for record in records)
    broken = array.removesuffix(b"]") + b",nonsense]"

    for body in (array, lines, broken):
        assert [json.loads(bytes(each.content)) for each in split(body) if each.fault is None] == records


def test_a_cloud_event_is_one_record() -> None:
    (record,) = split_event(b'{"id":"evt_1","type":"user.created","data":{}}')

    assert (record.number, record.fault) == (1, None)


def test_an_empty_batch_is_no_event_and_no_fault() -> None:
    assert split_event(b"[]") == []


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"", ["body"]),
        (b"nonsense", ["body"]),
        (b"[{}]", ["body"]),
        (b"7", ["body"]),
        (b'{"id":"evt_1","type":"user.created"}\n{}', ["body"]),
        (DEEP, ["body"]),
        (b"{}", ["id", "type"]),
        (b'{"id":"","type":"user.created"}', ["id"]),
        (b'{"id":"evt_1","type":7}', ["type"]),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_can_never_be_an_event_is_refused_naming_what_it_lacks(body: bytes, fields: list[str]) -> None:
    with pytest.raises(PayloadInvalid) as refused:
        split_event(body)

    assert [fault.field for fault in refused.value.faults] == fields


def test_a_body_of_brackets_alone_is_left_at_its_first_ones() -> None:
    began = time.process_time()
    with pytest.raises(PayloadInvalid):
        split(b"[" * (16 * 1024 * 1024))

    assert time.process_time() - began < 2.0
