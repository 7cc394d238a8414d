"""What a row of a users export holds: the fields that were asked for, in JSON or CSV.

Source: Auth0 docs, "Bulk User Exports"; the Management OpenAPI, `/jobs/users-exports`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

METADATA = ("app_metadata", "user_metadata")
MAX_CSV_FIELDS = 30

# What can be exported at all; paths begin with one of these.
EXPORTABLE = (
    "user_id", "email", "email_verified", "username", "name", "given_name", "family_name", "nickname", "picture",
    "phone_number", "phone_verified", "identities", "created_at", "updated_at", "last_ip", "last_login",
    "last_password_reset", "logins_count", "multifactor", "multifactor_last_modified", "blocked", *METADATA,
)  # fmt: skip
_NESTED = ("identities", "multifactor")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_DATE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
_MISSING = object()


@dataclass(frozen=True)
class ExportField:
    """One column: where it comes from, as `user_id` or `identities[0].connection`, and how the file calls it."""

    name: str
    export_as: str

    @cached_property
    def _steps(self) -> list[tuple[str, str]]:
        return _STEP.findall(self.name)

    def value(self, profile: Mapping[str, Any]) -> Any:
        """What the profile has there, or the marker that `is_there` knows."""
        found: Any = profile
        for key, index in self._steps:
            if index:
                is_inside = isinstance(found, list) and int(index) < len(found)
                found = found[int(index)] if is_inside else _MISSING
            else:
                found = found.get(key, _MISSING) if isinstance(found, Mapping) else _MISSING
            if found is _MISSING:
                break
        return found

    @property
    def is_exportable(self) -> bool:
        first = _STEP.match(self.name)
        return first is not None and first[0] in EXPORTABLE


def is_there(value: Any) -> bool:
    return value is not _MISSING


def predefined_fields(file_format: str) -> list[ExportField]:
    """The fields of an export that names none: the normalised profile, without metadata."""
    left_out = {*METADATA, *(_NESTED if file_format == "csv" else ())}
    return [ExportField(name, name) for name in EXPORTABLE if name not in left_out]


def heading(file_format: str, fields: Sequence[ExportField]) -> bytes:
    """What comes before the first row."""
    if file_format != "csv":
        return b""
    return (",".join(_quoted(field.export_as) for field in fields) + "\n").encode()


def row_writer(file_format: str, fields: Sequence[ExportField]) -> Callable[[Mapping[str, Any]], bytes]:
    """Return what makes one line of a profile."""
    wanted = [field for field in fields if field.is_exportable]
    if file_format == "csv":
        return lambda profile: _csv_row(profile, wanted)
    return lambda profile: _json_row(profile, wanted)


def _json_row(profile: Mapping[str, Any], fields: Iterable[ExportField]) -> bytes:
    # Unset attributes are absent, as everywhere in the Management API.
    row = {field.export_as: value for field in fields if is_there(value := field.value(profile))}
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass") + b"\n"


def _csv_row(profile: Mapping[str, Any], fields: Iterable[ExportField]) -> bytes:
    return (",".join(_cells(profile, fields)) + "\n").encode("utf-8", "surrogatepass")


def _cells(profile: Mapping[str, Any], fields: Iterable[ExportField]) -> Iterator[str]:
    for field in fields:
        value = field.value(profile)
        if not is_there(value) or value is None:
            yield ""
        elif isinstance(value, str):
            # Against formulas in spreadsheets; dates are left as they are.
            yield value if _DATE.fullmatch(value) else _quoted(f"'{value}")
        else:
            text = json.dumps(value, ensure_ascii=False)
            yield text if isinstance(value, int | float) else _quoted(f"'{text}")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
