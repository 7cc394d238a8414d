"""The inbox: what was acknowledged and is on its way to Hasura, and where streams stand."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from frontdesk.store.scripts import run_script

revision = "0003"
down_revision: str | None = "0002"


def upgrade() -> None:
    """Make the tables."""
    run_script(op.get_bind(), Path(__file__).with_name("r0003_streams.sql").read_text())
