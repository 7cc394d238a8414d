"""What a wheel takes along: everything that the commands need beside the package."""

from __future__ import annotations

import tomllib
from pathlib import Path

from frontdesk.settings_reference import PROJECT

TARGET = "share/frontdesk"


def test_every_action_and_the_hasura_project_are_in_the_wheel() -> None:
    listed = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["setuptools"]["data-files"]
    taken = {
        Path(target) / file.name
        for target, patterns in listed.items()
        for pattern in patterns
        for file in PROJECT.glob(pattern)
    }

    kept = {
        TARGET / file.relative_to(PROJECT)
        for folder in ("actions", "hasura")
        for file in (PROJECT / folder).rglob("*")
        if file.is_file()
    }
    assert taken == kept
