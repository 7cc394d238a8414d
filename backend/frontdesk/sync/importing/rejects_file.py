"""The rejects file: what was set aside, one JSON object a line, for somebody to mend and import again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from frontdesk.errors import FrontdeskError
from frontdesk.store.passes import Reject


class RejectsFileRefused(FrontdeskError):
    """The rejects file cannot be written."""

    type = "urn:frontdesk:problem:rejects-file"


def default_place(tenant: str, began_at: datetime) -> Path:
    """Return the name of an import's rejects file: always the same one for one import."""
    return Path(f"frontdesk-rejects-{tenant}-{began_at:%Y%m%dT%H%M%SZ}.ndjson")


def write_rejects(place: Path, rejects: Iterable[Reject]) -> int:
    """Write the rejects and return how many there are; without any there is no file.

    The file is for its owner alone, because it holds profiles, and is there whole or not at all.
    Raises RejectsFileRefused.
    """
    half = place.with_name(f"{place.name}.part")
    written = 0
    try:
        half.unlink(missing_ok=True)
        with os.fdopen(
            os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as file:
            for reject in rejects:
                file.write(json.dumps(_line(reject), ensure_ascii=False) + "\n")
                written += 1
        if written:
            half.replace(place)
        else:
            half.unlink()
    except OSError as error:
        raise RejectsFileRefused(
            f"{place} cannot be written ({error.strerror}); the rejects are kept: name another file with --rejects, "
            "and the same command ends the import"
        ) from error
    return written


def _line(reject: Reject) -> dict[str, Any]:
    return {
        "number": reject.number,
        "user_id": reject.user_id,
        "reason": reject.reason,
        "record": _record(reject.record),
    }


def _record(text: str) -> Any:
    """Return the record as JSON where it is some, as the text that came otherwise."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
