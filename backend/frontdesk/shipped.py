"""Where the files lie that ship beside the package: the Actions and the Hasura project."""

from __future__ import annotations

import sysconfig
from pathlib import Path

PLACES = (
    Path(__file__).resolve().parents[2],  # a checkout
    Path(sysconfig.get_path("data")) / "share" / "frontdesk",  # where a wheel puts them
)


def shipped(name: str, having: str) -> Path | None:
    """Return the shipped directory `name` that has the file `having`; None when there is none."""
    return next((place / name for place in PLACES if (place / name / having).is_file()), None)
