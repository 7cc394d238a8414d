"""Everybody from a file: what an export can look like, and what people take for one."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.integration.auth0.reading_server import ndjson, some_users

from frontdesk.auth0.everyone import RawRecord, Reading, Way, read_file
from frontdesk.auth0.export_lines import MAX_KEPT_CHARS, MAX_LINE_BYTES, FileEndsEarly, FileUnreadable

GOOD = b'{"user_id": "auth0|1", "email": "a@example.com"}'
MORE = b'{"user_id": "auth0|2", "email": "b@example.com"}'


def a_file(folder: Path, content: bytes, *, packed: bool = False) -> Path:
    path = folder / ("users.ndjson.gz" if packed else "users.ndjson")
    path.write_bytes(gzip.compress(content) if packed else content)
    return path


def read(path: Path, resume: Any = None) -> tuple[list[RawRecord], Reading]:
    with read_file(path) as reading:
        return list(reading.records(resume)), reading


def ids(found: list[RawRecord]) -> list[str]:
    return [raw.record["user_id"] for raw in found if raw.record is not None]


def faults(found: list[RawRecord]) -> list[str | None]:
    return [raw.fault for raw in found]


@pytest.mark.parametrize("packed", [True, False], ids=["packed", "plain"])
@pytest.mark.parametrize("number", [0, 1, 1500])
def test_everybody_in_a_file_is_read_in_its_order(tmp_path: Path, number: int, packed: bool) -> None:
    users = some_users(number)

    found, reading = read(a_file(tmp_path, ndjson(users), packed=packed))

    assert [raw.record for raw in found] == users
    assert [raw.number for raw in found] == list(range(1, number + 1))
    assert reading.complete
    assert (reading.way, reading.total) == (Way.FILE, None)


@pytest.mark.parametrize(
    "content",
    [
        GOOD + b"\n" + MORE,
        GOOD + b"\r\n" + MORE + b"\r\n",
        b"\xef\xbb\xbf" + GOOD + b"\n" + MORE + b"\n",
        b"\n\n" + GOOD + b"\n  \n\r\n" + MORE + b"\n\n",
    ],
    ids=["no newline at the end", "of Windows", "with a byte order mark", "with blank lines"],
)
@pytest.mark.parametrize("packed", [True, False], ids=["packed", "plain"])
def test_harmless_oddities_change_nothing(tmp_path: Path, content: bytes, packed: bool) -> None:
    found, reading = read(a_file(tmp_path, content, packed=packed))

    assert ids(found) == ["auth0|1", "auth0|2"]
    assert faults(found) == [None, None]
    assert reading.complete


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b'{"user_id": "auth0|9", "na', "the line is no JSON: Unterminated string"),
        (b'{"user_id": "auth0|9\x00"}', "the line is no JSON: Invalid control character"),
        (b"\x00\x00\x00", "the line is no JSON"),
        (b'{"user_id": "auth0|\xff"}', "the line is no UTF-8 (byte 20)"),
        (b'["auth0|9"]', "the line is no JSON object"),
        (b'"auth0|9"', "the line is no JSON object"),
        (b"null", "the line is no JSON object"),
        (b'{"user_id": NaN}', "the line is no JSON: NaN is no number of JSON"),
        (b'{"logins_count": 1e999}', "the line is no JSON: a number is too large"),
        (b'{"logins_count": ' + b"9" * 5000 + b"}", "the line is no JSON: "),
        (b'{"a": ' * 100_000, "the line is no JSON: too deeply nested"),
        (b'{"a": "' + b"x" * MAX_LINE_BYTES + b'"}', "the line is longer than 16 MB"),
    ],
    ids=[
        *("half a line", "null byte", "null bytes alone", "no UTF-8", "list", "text", "null"),
        *("NaN", "too large", "many digits", "too deep", "too long"),
    ],
)
def test_a_bad_line_is_told_and_the_file_goes_on(tmp_path: Path, line: bytes, fault: str) -> None:
    found, reading = read(a_file(tmp_path, GOOD + b"\n" + line + b"\n" + MORE + b"\n"))

    assert ids(found) == ["auth0|1", "auth0|2"]
    (told,) = (raw for raw in found if raw.fault is not None)
    assert told.number == 2
    assert told.fault is not None
    assert told.fault.startswith(fault)
    assert told.text == line.decode(errors="replace")[:MAX_KEPT_CHARS].replace("\0", "␀")
    assert reading.complete


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b'[{"user_id": "auth0|1"}]', r"is one JSON list.*jq -c '\.\[\]'"),
        (b'{\n  "user_id": "auth0|1"\n}', r"is JSON over several lines.*jq -c \."),
        (b"user_id,email\nauth0|1,a@example.com\n", r"looks like CSV; ask for the export as JSON"),
        (b'"user_id","email"\n"\'auth0|1","\'a@example.com"\n', "looks like CSV"),
        (b"PK\x03\x04....", "is a zip archive"),
        ('{"user_id": "auth0|1"}'.encode("utf-16"), "is text in UTF-16"),
    ],
    ids=["list", "indented", "CSV", "CSV of Auth0", "zip", "UTF-16"],
)
@pytest.mark.parametrize("packed", [True, False], ids=["packed", "plain"])
def test_what_is_no_export_is_told_with_what_to_do(
    tmp_path: Path, content: bytes, sentence: str, packed: bool
) -> None:
    path = a_file(tmp_path, content, packed=packed)

    with read_file(path) as reading, pytest.raises(FileUnreadable, match=rf"(?s)users\.ndjson.* {sentence}"):
        list(reading.records())
    assert not reading.complete


@pytest.mark.parametrize("packed", [True, False], ids=["packed", "plain"])
def test_a_file_that_was_cut_off_gives_what_is_whole_and_then_an_error(tmp_path: Path, packed: bool) -> None:
    users = some_users(5000)
    for user in users:
        user["salt"] = os.urandom(40).hex()  # so that packed data is cut in the midst of many records
    path = a_file(tmp_path, ndjson(users), packed=packed)
    path.write_bytes(path.read_bytes()[: -path.stat().st_size // 3])
    found: list[RawRecord] = []

    with read_file(path) as reading, pytest.raises(FileEndsEarly) as broken:
        found.extend(reading.records())

    assert 1000 < len(found) < 4000
    assert [raw.record for raw in found] == users[: len(found)]
    assert f"after {len(found):,} whole ones; it was cut off" in broken.value.detail
    assert "get the file again and repeat the command" in broken.value.detail
    assert not reading.complete


def test_packed_data_with_a_wrong_checksum_is_no_complete_reading(tmp_path: Path) -> None:
    path = a_file(tmp_path, ndjson(some_users(10)), packed=True)
    content = bytearray(path.read_bytes())
    content[-6] ^= 0xFF
    path.write_bytes(content)

    with read_file(path) as reading, pytest.raises(FileUnreadable, match="is damaged"):
        list(reading.records())
    assert not reading.complete


@pytest.mark.parametrize("stop_at", [1, 700, 1499])
@pytest.mark.parametrize("packed", [True, False], ids=["packed", "plain"])
def test_a_reading_goes_on_after_any_record(tmp_path: Path, stop_at: int, packed: bool) -> None:
    users = some_users(1500)
    users[10]["user_metadata"] = {"name": "Zoë 🚀"}
    path = a_file(tmp_path, b"\xef\xbb\xbf" + ndjson(users), packed=packed)
    first, _ = read(path)

    position = json.loads(json.dumps(first[stop_at - 1].resume))
    rest, reading = read(path, position)

    assert [raw.record for raw in rest] == users[stop_at:]
    assert [raw.number for raw in rest] == list(range(stop_at + 1, 1501))
    assert reading.complete


def test_a_file_that_has_changed_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = a_file(tmp_path, ndjson(some_users(10)))
    first, _ = read(path)
    path.write_bytes(ndjson(some_users(12)))

    rest, _ = read(path, first[4].resume)

    assert ids(rest) == [user["user_id"] for user in some_users(12)]
    assert [raw.number for raw in rest] == list(range(6, 18)), "no number twice"


def test_carried_are_the_fields_that_the_file_has(tmp_path: Path) -> None:
    users = some_users(1200)
    users[900]["user_metadata"] = {"lang": "es"}
    users[1100]["blocked"] = True
    path = a_file(tmp_path, ndjson(users))
    carried = []

    with read_file(path) as reading:
        for raw in reading.records():
            carried.append(reading.carried)
            position = raw.resume

    known = frozenset({"user_id", "email", "created_at", "user_metadata"})
    assert carried[0] == known, "the first thousand are looked at before the first is given"
    assert carried[-1] == known | {"blocked"}
    with read_file(path) as again:
        assert list(again.records(position)) == []
        assert again.carried == known | {"blocked"}


def test_a_mended_rejects_file_is_read_as_the_records_in_it(tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = [
        {"number": 3, "user_id": "auth0|1", "reason": "…", "record": GOOD.decode()},
        {"number": 7, "user_id": "auth0|2", "reason": "…", "record": json.loads(MORE)},
        {"number": 9, "user_id": None, "reason": "…", "record": '{"user_id'},
    ]

    found, reading = read(a_file(tmp_path, ndjson(lines)))

    assert ids(found) == ["auth0|1", "auth0|2"]
    assert faults(found)[2] == "the line is of a rejects file, and its `record` is still no JSON object"
    assert reading.carried == frozenset({"user_id", "email"})


def test_a_profile_cannot_pass_as_a_line_of_a_rejects_file(tmp_path: Path) -> None:
    """Fields at the root of a profile may come from an identity provider that somebody else runs."""
    forged = {
        "user_id": "oauth2|mallory",
        "created_at": "2026-01-05T08:00:00.000Z",
        "number": 1,
        "reason": "…",
    }
    forged["record"] = {"user_id": "auth0|victim", "app_metadata": {"roles": ["boss"]}}

    found, _ = read(a_file(tmp_path, ndjson([forged])))

    assert ids(found) == ["oauth2|mallory"]


def test_the_text_of_a_record_can_be_kept_anywhere(tmp_path: Path) -> None:
    """Half a surrogate pair and a null byte are JSON, and text that neither a file nor PostgreSQL takes."""
    line = rb'{"user_id": "auth0|1", "name": "Zo\u00eb", "nickname": "\ud83d", "picture": "\u0000"}'

    (raw,), _ = read(a_file(tmp_path, line))

    assert json.loads(raw.text) == json.loads(line) == raw.record
    assert raw.text.encode()
    assert "\0" not in raw.text


def test_the_time_of_a_file_is_that_of_its_packing(tmp_path: Path) -> None:
    path = tmp_path / "users.ndjson.gz"
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=1_700_000_000) as file:
        file.write(GOOD)
    path.write_bytes(packed.getvalue())
    plain = a_file(tmp_path, GOOD)
    os.utime(plain, (1_600_000_000, 1_600_000_000))

    assert read(path)[1].read_at == datetime.fromtimestamp(1_700_000_000, tz=UTC)
    assert read(plain)[1].read_at == datetime.fromtimestamp(1_600_000_000, tz=UTC)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda folder: folder / "nowhere.json", r"nowhere\.json cannot be read: No such file"),
        (lambda folder: folder, "cannot be read: Is a directory"),
    ],
    ids=["missing", "a folder"],
)
def test_a_file_that_cannot_be_opened_is_named(
    tmp_path: Path, make: Callable[[Path], Path], sentence: str
) -> None:
    with read_file(make(tmp_path)) as reading, pytest.raises(FileUnreadable, match=sentence):
        list(reading.records())


def test_standard_input_is_read_and_cannot_be_resumed() -> None:
    script = (
        "from pathlib import Path; from frontdesk.auth0.everyone import read_file\n"
        "with read_file(Path('-')) as reading:\n"
        "    print(reading.can_resume, sum(1 for _ in reading.records()), reading.complete)"
    )

    told = subprocess.run(
        [sys.executable, "-c", script],
        input=gzip.compress(ndjson(some_users(50))),
        capture_output=True,
        timeout=60,
        check=True,
    )

    assert told.stdout.split() == [b"False", b"50", b"True"]


def test_memory_is_flat_however_long_the_file(tmp_path: Path) -> None:
    def peak(number: int) -> int:
        path = a_file(tmp_path, ndjson(some_users(number)), packed=True)
        tracemalloc.start()
        with read_file(path) as reading:
            assert sum(1 for _ in reading.records()) == number
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(10)
    assert peak(10_000) < peak(1000) * 1.2 + 100_000


def test_a_file_is_read_faster_than_anybody_writes_it(tmp_path: Path) -> None:
    """20,000 a second on a quiet core; far less is asked of a busy machine."""
    path = a_file(tmp_path, ndjson(some_users(20_000)), packed=True)

    start = time.process_time()
    found, _ = read(path)

    assert len(found) / (time.process_time() - start) > 10_000
