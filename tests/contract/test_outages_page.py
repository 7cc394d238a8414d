"""docs/how-to/outages.md names what there is: settings, numbers, log events and commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from frontdesk.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/how-to/outages.md").read_text()
SOURCES = "\n".join(path.read_text() for path in (ROOT / "backend/frontdesk").rglob("*.py"))
SETTINGS = (ROOT / "docs/reference/settings.md").read_text()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`((?:login|action)\.[a-z_]+)`", PAGE))))
def test_each_setting_of_the_page_is_one(name: str) -> None:
    section, key = name.split(".")

    assert re.search(rf"\[{section}\].*?`{key}`", SETTINGS, re.DOTALL)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"frontdesk_[a-z_]+", PAGE))))
def test_each_number_of_the_page_is_counted(name: str) -> None:
    assert f'"{name}"' in SOURCES


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`((?:breaker|call|requests)\.[a-z_]+)`", PAGE))))
def test_each_event_of_the_page_is_logged(name: str) -> None:
    assert f'"{name}"' in SOURCES


@pytest.mark.parametrize(
    "command", sorted(set(re.findall(r"^frontdesk (.+)$|`frontdesk (jobs list)`", PAGE, re.MULTILINE)))
)
def test_each_command_of_the_page_is_one(command: tuple[str, str]) -> None:
    shown = CliRunner().invoke(app, [*"".join(command).split(), "--help"])

    assert shown.exit_code == 0
