"""Imports, reconciles, what they set aside, and the audit."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from frontdesk.store.scripts import run_script

revision = "0001"
down_revision: str | None = None


def upgrade() -> None:
    """Make the tables."""
    run_script(op.get_bind(), Path(__file__).with_name("r0001_imports.sql").read_text())
