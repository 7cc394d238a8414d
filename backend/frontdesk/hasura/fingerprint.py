"""What a user is to be and what their row says, compared without keeping either: 8 bytes for each column.

A fingerprint is what a pass keeps of everybody: the times of the groups, and a digest of each column in one notation
(times as microseconds, numbers and keys of JSON in one way), so that Auth0's record and Hasura's answer agree when they
mean the same. docs/architecture.md, "Reconcile", tells what is drift and what is not.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from hashlib import blake2b
from typing import Any

from frontdesk.hasura.user_write import UserWrite

DIGEST_BYTES = 8
# Two hand edits at one clock need two steps; a millisecond holds no more of them, and the next is Auth0's.
MAX_STEP_US = 999
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NOT_CARRIED = -(2**63)
_NO_TIME = _NOT_CARRIED + 1
_UNSENT = bytes(DIGEST_BYTES)
# Deeper JSON than the parser takes in one go is not compared.
_TOO_DEEP = b"\xff" * DIGEST_BYTES
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))  # made once: it runs millions of times


class Form(StrEnum):
    """How a column's value is brought to one notation."""

    VALUE = "value"
    TIME = "time"
    OWN_CLOCK = "own_clock"  # a time that is its group's clock too, which a repair moves on by microseconds
    NUMBER = "number"  # Hasura may be set to answer numbers as text
    COUNT = "count"  # kept as it is, because the greater one wins


@dataclass(frozen=True)
class Column:
    """A column by its GraphQL name, and the group whose clock it goes by."""

    name: str
    group: str
    form: Form = Form.VALUE


_FORMS = {
    "createdAt": Form.TIME,
    "updatedAt": Form.TIME,
    "lastLogin": Form.OWN_CLOCK,
    "loginsCount": Form.COUNT,
}
_GROUPS: Mapping[str, tuple[str, ...]] = {
    "profile": (
        "userName",
        "email",
        "emailVerified",
        "name",
        "givenName",
        "familyName",
        "nickname",
        "picture",
        "phoneNumber",
        "phoneVerified",
        "connection",
        "identities",
        "createdAt",
        "updatedAt",
    ),
    "app_metadata": ("appMetadata",),
    "user_metadata": ("userMetadata",),
    "roles": ("auth0Roles",),
    "account": ("blocked",),
    "login": ("lastLogin", "lastIp"),
    "count": ("loginsCount",),
}
OUR_COLUMNS = tuple(
    Column(name, group, _FORMS.get(name, Form.VALUE)) for group, names in _GROUPS.items() for name in names
)


@dataclass(frozen=True)
class Comparison:
    """How a row differs from the record: columns by name, groups in which the row is newer than the record.

    `step_us` is how far the clock has to go on for a repair to win over what stands there at an equal clock.
    """

    different: tuple[str, ...] = ()
    ahead: tuple[str, ...] = ()
    step_us: int = 0


class Layout:
    """Which columns are compared, in which order; the same for every fingerprint of a pass."""

    def __init__(self, columns: Sequence[Column] = OUR_COLUMNS) -> None:
        self._columns = tuple(columns)
        self._groups = tuple(dict.fromkeys(column.group for column in self._columns))
        self._times = struct.Struct(f">{len(self._groups) + 1}q")

    @cached_property
    def name(self) -> str:
        """Return what tells this layout from another one, so that no pass goes on with other columns."""
        return blake2b(repr(self._columns).encode(), digest_size=DIGEST_BYTES).hexdigest()

    def fingerprint(self, write: UserWrite) -> bytes:
        """Return the fingerprint of what would be written."""
        sent, clocks, value_of = frozenset(write.columns), write.object["clocks"], write.object
        born = next((clock["born"] for clock in clocks.values()), None)
        times = [_time_sent(clocks.get(group)) for group in self._groups]
        digests = (
            _digest(column.form, value_of[column.name]) if column.name in sent else _UNSENT
            for column in self._columns
        )
        return self._times.pack(_NO_TIME if born is None else _microseconds(born), *times) + b"".join(digests)

    def compare(self, fingerprint: bytes, values: Mapping[str, Any], clocks: Mapping[str, Any]) -> Comparison:
        """Compare a row (values by GraphQL name, its clocks) with the fingerprint of its record."""
        born, *times = self._times.unpack_from(fingerprint)
        sent = dict(zip(self._groups, times, strict=True))
        incarnation = _microseconds(clocks["incarnation"]) if clocks.get("incarnation") else None
        different: list[str] = []
        ahead: list[str] = []
        step = 0
        for group, names in self._differing(fingerprint, values).items():
            stored = clocks.get(group)
            at = sent[group]
            if group == "count":
                is_ahead = bool(stored) and self._counts_more(fingerprint, values, born, incarnation)
            else:
                is_ahead = _is_ahead(at, born, stored, incarnation)
            if is_ahead:
                ahead.append(group)
                continue
            different += names
            if stored and stored.get("at") and (gone_on := _microseconds(stored["at"]) - at) >= 0:
                step = max(step, min(gone_on + 1, MAX_STEP_US))
        return Comparison(tuple(different), tuple(ahead), step)

    def _differing(self, fingerprint: bytes, values: Mapping[str, Any]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        offset = self._times.size
        for column in self._columns:
            expected = fingerprint[offset : offset + DIGEST_BYTES]
            offset += DIGEST_BYTES
            if expected != _UNSENT and expected != _digest(column.form, values.get(column.name)):
                found.setdefault(column.group, []).append(column.name)
        return found

    def _counts_more(
        self, fingerprint: bytes, values: Mapping[str, Any], born: int, incarnation: int | None
    ) -> bool:
        """Tell whether the row counts more logins than the record; of an earlier incarnation that means nothing."""
        if incarnation is not None and born != incarnation:
            return born < incarnation
        offset = self._times.size
        for column in self._columns:
            if column.form is Form.COUNT:
                return (
                    _digest(column.form, values.get(column.name))
                    > fingerprint[offset : offset + DIGEST_BYTES]
                )
            offset += DIGEST_BYTES
        return False


def same_json(one: Any, other: Any) -> bool:
    """Tell whether two JSON values mean the same, whoever wrote them."""
    return _digest(Form.VALUE, one) == _digest(Form.VALUE, other)


def _is_ahead(at: int, born: int, stored: Mapping[str, Any] | None, incarnation: int | None) -> bool:
    if incarnation is not None and (at <= incarnation if born == _NO_TIME else born < incarnation):
        return True
    if stored is None or (incarnation is not None and born != _NO_TIME and born > incarnation):
        return False
    # Auth0's times are whole milliseconds; what stands behind them is a repair of ours, and no newer record.
    return _microseconds(stored["at"]) // 1000 > at // 1000


def _time_sent(clock: Mapping[str, Any] | None) -> int:
    if clock is None:
        return _NOT_CARRIED
    return _NO_TIME if clock["at"] is None else _microseconds(clock["at"])


def _microseconds(text: str) -> int:
    return (datetime.fromisoformat(text) - _EPOCH) // _MICROSECOND


def _digest(form: Form, value: Any) -> bytes:
    if form is Form.COUNT:
        # One more than the count, so that none of them reads as "not sent".
        return struct.pack(">Q", 0 if value is None else max(int(value), 0) + 1)
    if value is None or value is True or value is False:
        return _CONSTANTS[value]
    try:
        text = _one_notation(form, value)
    except RecursionError:
        return _TOO_DEEP
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()
    return digest if digest != _UNSENT else _TOO_DEEP


def _one_notation(form: Form, value: Any) -> str:
    if form in (Form.TIME, Form.OWN_CLOCK) and isinstance(value, str):
        try:
            time = _microseconds(value)
            return f"time {time if form is Form.TIME else time // 1000}"
        except (ValueError, TypeError):  # such as `infinity`, which somebody may have set by hand
            return f"text {value}"
    if form is Form.NUMBER:
        return f"number {_number(value)}"
    return f"text {value}" if isinstance(value, str) else _ENCODER.encode(_plain(value))


def _plain(value: Any) -> Any:
    """Return JSON in which a number has one notation, whoever wrote it."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return _number(value) if isinstance(value, float) else value


def _number(value: Any) -> int | float | str:
    """Return an integer where the value is one: PostgreSQL writes 1e+23 out, and knows no negative zero."""
    try:
        exact = Decimal(str(value))
        return int(exact) if exact == exact.to_integral_value() else float(exact)
    except (ArithmeticError, ValueError):  # not a number, or an infinite one
        return str(value)


_CONSTANTS = {
    each: blake2b(repr(each).encode(), digest_size=DIGEST_BYTES).digest() for each in (None, True, False)
}
