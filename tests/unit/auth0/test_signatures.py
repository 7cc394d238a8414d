"""Who may call a hook: every fault of a signature is the same refusal."""

import time
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook
from tests.builders import HOOK_SECRET, OTHER_HOOK_SECRET, a_signature, a_signed_call

from frontdesk.auth0.signatures import verify_call
from frontdesk.errors import HookRefused

BODY = b'{"user":{"user_id":"auth0|1"}}'


def refusal(body: bytes, headers: dict[str, str], *secrets: str) -> HookRefused:
    with pytest.raises(HookRefused) as raised:
        verify_call(body, headers, secrets or (HOOK_SECRET,))
    return raised.value


def test_a_call_signed_with_the_secret_is_accepted_with_its_time() -> None:
    now = int(time.time())
    body, headers = a_signed_call(BODY, at=now, id_="msg_7")

    call = verify_call(body, headers, [HOOK_SECRET])

    assert (call.id, call.at, call.body) == ("msg_7", datetime.fromtimestamp(now, UTC), BODY)


def test_the_library_of_the_scheme_signs_what_is_accepted() -> None:
    now = datetime.now(UTC)
    signature = Webhook(HOOK_SECRET).sign("msg_1", now, BODY.decode())
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }

    assert verify_call(BODY, headers, [HOOK_SECRET]).id == "msg_1"


@pytest.mark.parametrize("secret", [HOOK_SECRET, OTHER_HOOK_SECRET])
def test_while_secrets_rotate_both_are_valid(secret: str) -> None:
    body, headers = a_signed_call(BODY, secret=secret)

    assert verify_call(body, headers, [HOOK_SECRET, OTHER_HOOK_SECRET]).body == BODY


def test_one_of_several_signatures_is_enough() -> None:
    body, headers = a_signed_call(BODY)
    other = a_signature(BODY, secret=OTHER_HOOK_SECRET, timestamp=headers["webhook-timestamp"])
    headers["webhook-signature"] = f"{other} {headers['webhook-signature']}"

    assert verify_call(body, headers, [HOOK_SECRET]).body == BODY


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("value", [None, ""], ids=["absent", "empty"])
def test_a_call_without_one_of_the_headers_is_refused(name: str, value: str | None) -> None:
    body, headers = a_signed_call(BODY)
    del headers[name]
    if value is not None:
        headers[name] = value

    refusal(body, headers)


@pytest.mark.parametrize(
    "signature",
    [
        "v1",
        "v1,",
        "v1,a,b",
        "v1,not base64 at all",
        "v1,*",
        "v1,é",
        "v1,AAAA",
        "v2," + "A" * 44,
        ",",
        " ",
        "v1a,xyz",
        "v1,\udcff",
    ],
    ids=repr,
)
def test_a_malformed_signature_is_refused(signature: str) -> None:
    body, headers = a_signed_call(BODY)

    refusal(body, headers | {"webhook-signature": signature})


@pytest.mark.parametrize(
    "timestamp",
    ["now", "-1", "1e9", "nan", "inf", "1700000000.5", "0x10", " 1", "١٢٣٤", "9" * 11, "9" * 400],
)
def test_a_malformed_timestamp_is_refused(timestamp: str) -> None:
    body, headers = a_signed_call(BODY)
    signature = a_signature(BODY, secret=HOOK_SECRET, timestamp=timestamp)

    refusal(body, headers | {"webhook-timestamp": timestamp, "webhook-signature": signature})


@pytest.mark.parametrize("spelling", ["{}.0", "{}.9", " {}", "{} ", "+{}", "{}e0", "0{}0e-1"])
def test_another_spelling_of_the_signed_second_is_refused(spelling: str) -> None:
    """The library reads numbers of any spelling and checks the signature against the whole second."""
    body, headers = a_signed_call(BODY)

    refusal(body, headers | {"webhook-timestamp": spelling.format(headers["webhook-timestamp"])})


@pytest.mark.parametrize("seconds", [-301, -86400, 301, 86400])
def test_a_timestamp_more_than_five_minutes_away_is_refused(seconds: int) -> None:
    body, headers = a_signed_call(BODY, at=time.time() + seconds)

    refusal(body, headers)


@pytest.mark.parametrize("seconds", [-290, 290])
def test_a_timestamp_within_five_minutes_is_accepted(seconds: int) -> None:
    body, headers = a_signed_call(BODY, at=time.time() + seconds)

    assert verify_call(body, headers, [HOOK_SECRET]).body == BODY


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp"])
def test_a_changed_header_is_refused(header: str) -> None:
    body, headers = a_signed_call(BODY)
    changed = str(int(headers["webhook-timestamp"]) - 1) if header == "webhook-timestamp" else "msg_2"

    refusal(body, headers | {header: changed})


@pytest.mark.parametrize("body", [BODY + b" ", b"", b"\xff\xfe", BODY.replace(b"1", b"2")], ids=repr)
def test_a_changed_body_is_refused(body: bytes) -> None:
    _, headers = a_signed_call(BODY)

    refusal(body, headers)


def test_a_body_that_is_not_utf_8_is_refused_even_when_its_bytes_are_signed() -> None:
    body, headers = a_signed_call(b"\xff\xfe")

    refusal(body, headers)


def test_the_secret_of_another_tenant_is_refused() -> None:
    body, headers = a_signed_call(BODY, secret=OTHER_HOOK_SECRET)

    refusal(body, headers)


def test_every_refusal_reads_alike_outside_and_no_reason_repeats_a_header() -> None:
    body, headers = a_signed_call(BODY)
    faults = [
        refusal(body, headers | {"webhook-signature": "v1,hunter2-in-a-header"}),
        refusal(body, headers | {"webhook-timestamp": "hunter2"}),
        refusal(body, headers | {"webhook-signature": "hunter2"}),
        refusal(b"\xff", headers),
    ]

    assert len({fault.detail for fault in faults}) == 1
    assert all("hunter2" not in fault.reason for fault in faults)
